"""The question's language, and the shift: measured once, kept, never trusted when damaged."""

import json

import numpy as np
import pytest

from index.embedding import Embedder
from index.settings import index_settings
from rag import language
from rag.language import language_shift, question_language


@pytest.mark.parametrize(
    ("question", "interface", "expected"),
    [
        ("Wer unterstützt das Unternehmen Pico?", "en", "de"),
        ("Which company backs Pico?", "de", "en"),
        ("Wer ist eigentlich dieser Tan Wenkan?", "en", "de"),
        ("How much is the deposit in Köln-Ehrenfeld?", "de", "en"),
        ("Who is Scholz?", "de", "en"),
        ("Wer war Goethe?", "en", "de"),
        ("Tan Wenkan?", "de", "de"),  # three words or fewer tell too little
        ("Tan Wenkan?", "en", "en"),
        ("Pico Neo 3", "en", "en"),
        ("2024 / 2025 / 2026 ?", "en", "en"),  # no letters
        ("", "en", "en"),
    ],
)
def test_question_language(question, interface, expected):
    assert question_language(question, interface) == expected


PAIRS = [json.loads(line) for line in language.PARALLEL_QUESTIONS.read_text("utf-8").splitlines()]


def test_the_parallel_questions_are_pairs():
    assert len(PAIRS) >= 50
    assert all(set(pair) == {"de", "en"} and pair["de"].strip() != pair["en"].strip() for pair in PAIRS)


class Twofold:
    """German questions lie along (3, 4) / 5, English ones along (1, 0): the shift is known by arithmetic."""

    german = frozenset(pair["de"] for pair in PAIRS)

    def __init__(self, fingerprint="1"):
        self.asked = 0
        self.embedder = Embedder("twofold", fingerprint, 2, self.encode)

    def encode(self, texts, role):
        assert role == "query"
        self.asked += len(texts)
        return np.array([[3, 4] if text in self.german else [1, 0] for text in texts], np.float32)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path))
    index_settings.cache_clear()
    yield tmp_path / "language_shift"
    index_settings.cache_clear()


def test_the_shift_is_the_mean_difference(cache):
    shift = language_shift(Twofold().embedder)
    np.testing.assert_allclose(shift, [3 / 5 - 1, 4 / 5], atol=1e-5)
    assert (shift.shape, shift.dtype) == ((2,), np.float32)


def test_it_is_measured_once_and_then_read(cache):
    first, again = Twofold(), Twofold()
    measured = language_shift(first.embedder)
    assert language_shift(first.embedder) is measured
    assert first.asked == 2 * len(PAIRS)
    np.testing.assert_array_equal(language_shift(again.embedder), measured)
    assert again.asked == 0
    assert len(list(cache.iterdir())) == 1  # no temporary file is left


def test_another_embedder_has_its_own(cache):
    language_shift(Twofold("1").embedder)
    other = Twofold("2")
    language_shift(other.embedder)
    assert other.asked == 2 * len(PAIRS)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:-1], lambda content: b"x" + content[1:]]
)
def test_a_damaged_file_is_measured_again_and_mended(cache, damage):
    measured = language_shift(Twofold().embedder)
    [path] = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    again = Twofold()
    np.testing.assert_array_equal(language_shift(again.embedder), measured)
    assert again.asked == 2 * len(PAIRS)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(cache):
    cache.write_text("eine Datei, kein Ordner")
    np.testing.assert_allclose(language_shift(Twofold().embedder), [-0.4, 0.8], atol=1e-5)
