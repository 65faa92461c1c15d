"""Pictures of quotes in their originals: the place that is marked is where the sentence was drawn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eval.places import draw as draw_spots
from eval.places import pictures
from tests.pdf_files import Drawn
from tests.pdf_files import draw as draw_pdf

SENTENCE = "Der Rat der Gemeinde hat die neue Satzung gestern beschlossen."


def pdf(folder: Path) -> Path:
    return draw_pdf(folder / "satzung.pdf", [Drawn("Satzung", 1, 60, 80, 20), Drawn(SENTENCE, 1, 60, 400)])


def page(folder: Path) -> Path:
    path = folder / "satzung.html"
    path.write_text(f"<title>Satzung</title><p>Kurz.</p><p>{SENTENCE}</p>", "utf-8")
    return path


def test_as_many_sentences_are_drawn_from_each_file_and_the_same_by_the_same_seed(tmp_path: Path) -> None:
    files = [pdf(tmp_path), page(tmp_path)]
    spots = draw_spots(files, 2, seed=1)
    assert [spot.quote for spot in spots] == [SENTENCE, SENTENCE]
    assert {spot.path for spot in spots} == set(files)
    assert [spot.path for spot in spots] == [spot.path for spot in draw_spots(files[::-1], 2, seed=1)]


def share_marked(picture: object) -> float:
    """Share of the pixels that the marker has made yellow or violet; the caption is navy."""
    red, green, blue = np.moveaxis(np.asarray(picture).astype(int), 2, 0)
    return float(((red - blue > 100) | ((red - green > 10) & (blue - green > 20))).mean())


@pytest.mark.browser
@pytest.mark.parametrize("made", [pdf, page])
def test_a_sentence_is_marked_where_it_stands(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    (spot,) = draw_spots([made(tmp_path)], 1, seed=0)
    (picture,) = pictures([spot])
    assert 0.005 < share_marked(picture) < 0.1
    assert share_marked(picture.crop((0, 0, picture.width, 20))) == 0
