"""The benchmark: its made corpus, its figures and its picture; how long anything takes is never asserted."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from typer.testing import CliRunner

from eval import embedding_rate, scale
from eval.plot import PANELS, cost_plot
from eval.speed import app
from index import Document, Index
from index.embedding import EMBEDDED_MODEL, Embedder, embedded_fingerprint
from index.search import Search
from index.sentences import split_sentences
from index.vectors import Floats

TEXT = " ".join(
    f"Der Satz Nummer {number} steht in diesem Gesetz und gilt für alle, die es lesen." for number in range(60)
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    rows = [{"id": f"g{number}", "title": f"Gesetz {number}", "text": f"{number}. {TEXT}"} for number in range(12)]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def real() -> Floats:
    rows = np.random.default_rng(0).standard_normal((50, 384)).astype(np.float32) + 1.5
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def built(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, float]]:
    monkeypatch.setattr(scale, "embed_some", lambda _: real())
    return tmp_path / "ix", scale.build(corpus, 300, tmp_path / "ix")


# The corpus


def test_documents_come_again_with_other_ids_and_the_same_sentences(corpus: Path) -> None:
    documents = list(scale.many_documents(corpus, 400))
    assert len({document.id for document in documents}) == len(documents) > 24
    first, again = (next(one for one in documents if one.id == name) for name in ("g0", "g0~1"))
    assert first.text != again.text
    assert sentences(first) == sentences(again)


def sentences(document: Document) -> list[str]:
    return sorted(document.text[start:end] for start, end in split_sentences(document.text, "de"))


def test_made_vectors_are_unit_rows_near_the_real_ones_and_all_different() -> None:
    made = np.array(list(islice(scale.made_vectors(real()), 5000)))
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert (made @ real().T).max(axis=1).min() > 0.75
    assert len(np.unique(made.round(4), axis=0)) == 5000


def test_questions_are_the_samples_and_sentences_of_the_corpus(corpus: Path) -> None:
    asked = scale.questions(corpus)
    assert len(asked) == scale.QUESTIONS + len([one for one in asked if one.startswith("Der Satz Nummer")])
    assert len(asked) > scale.QUESTIONS


# Building and measuring


def test_an_index_is_built_of_about_so_many_chunks(built: tuple[Path, dict[str, float]]) -> None:
    folder, figures = built
    index = Index.open(folder)
    assert figures["chunks"] == index.chunk_count
    assert 300 <= index.chunk_count < 320
    assert figures["documents"] == len(index)
    assert figures["disk_mb"] == pytest.approx(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6)
    assert all(value >= 0 for value in figures.values())
    assert scale.in_process(scale.open_index, folder, folder.with_name("cache")) >= 0


def test_recall_is_that_of_brute_force(built: tuple[Path, dict[str, float]], monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(texts: list[str], _: str) -> Floats:
        return real()[[len(text) % 50 for text in texts]]

    index = Index.open(built[0], embedder=Embedder(EMBEDDED_MODEL, embedded_fingerprint(), 384, encode))
    asked = ["a" * number for number in range(20)]
    assert scale.measured_recall(index, asked, k=30) == 1
    assert scale.measured_recall(index, asked, k=10_000) == 1
    hits = Search.hits
    monkeypatch.setattr(Search, "hits", lambda search, terms: hits(search, terms)[::2])
    assert scale.measured_recall(index, asked, k=30) == pytest.approx(0.5)


def test_the_stopwatch_adds_up() -> None:
    stopwatch = scale.Stopwatch()
    slow: Callable[[], int] = stopwatch.timed("a", lambda: 7)
    assert [slow(), slow()] == [7, 7]
    with pytest.raises(ZeroDivisionError):
        stopwatch.timed("b", lambda: 1 // 0)()
    assert set(stopwatch.seconds) == {"a", "b"}


@pytest.mark.slow
def test_every_figure_of_a_size(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "REAL", 12)
    figures = scale.measure_size(corpus, 200, tmp_path / "ix")
    assert set(PANELS) <= set(figures)
    assert figures["recall_at_100"] == 1
    assert all(value >= 0 for value in figures.values())


# The rate of embedding


def test_chunks_are_about_as_long_as_said() -> None:
    documents = [Document("a", "A", TEXT), Document("b", "B", "Kurz.")]
    texts = embedding_rate.passages(documents, lambda text: len(text) // 4)
    assert texts
    assert all(0.8 * 190 <= len(text) // 4 <= 1.2 * 190 for text in texts)


@pytest.mark.slow
def test_sentence_transformers_gets_the_same_weights(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from index.e5 import read_e5
    from index.embedding import load_embedder
    from index.weights import EMBEDDING_WEIGHTS, fetch

    embedding_rate.write_sentence_transformer(read_e5(fetch(EMBEDDING_WEIGHTS).read_bytes()), tmp_path / "st")
    texts = ["Die Frist endet am 6. Juli.", "Kurz."]
    theirs = SentenceTransformer(str(tmp_path / "st"), device="cpu").encode([f"passage: {text}" for text in texts])
    np.testing.assert_allclose((theirs * load_embedder(EMBEDDED_MODEL).embed_documents(texts)).sum(1), 1, atol=1e-3)


# The command


def test_the_picture_has_a_panel_for_each_cost_and_a_point_for_each_size() -> None:
    sizes = [{"chunks": size, **dict.fromkeys(PANELS, size / 7)} for size in (1000, 10_000, 100_000)]
    picture = ET.fromstring(cost_plot(sizes))
    assert len(picture.findall(".//{*}circle")) == 3 * len(PANELS)
    assert {text.text for text in picture.findall(".//{*}text")} >= set(PANELS.values())
    width, height = (float(picture.get(name, "0")) for name in ("width", "height"))
    for circle in picture.findall(".//{*}circle"):
        assert 0 < float(circle.get("cx", "0")) < width
        assert 0 < float(circle.get("cy", "0")) < height


def test_a_cost_of_nothing_is_drawn_too() -> None:
    assert "<circle" in cost_plot([{"chunks": 1, "disk_mb": 0}])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sizes", "viele"], "expected numbers of chunks"),
        (["--sizes", "100,0"], "expected numbers of chunks"),
        (["--plot", "kosten.svg"], "give --corpus"),
        (["--corpus", "fehlt.jsonl"], "fehlt.jsonl"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_measured(arguments: list[str], says: str) -> None:
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 2
    assert says in ended.output
