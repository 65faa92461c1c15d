"""Copying between indexes: nothing embedded again, resumed where it broke off, compared at the end."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index import Document, Index
from index.copying import Copied, copy_index
from index.embedding import Embedder
from index.manifest import StoreError
from index.protocol import StoredDocument
from index.settings import index_settings
from tests.conftest import WordEmbedder
from tests.test_store import QUESTIONS, contents, document, results


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Embedder:
        raise AssertionError("nothing is to be embedded")

    monkeypatch.setattr("index.carried.load_embedder", load)


@pytest.fixture
def source(tmp_path: Path) -> Index:
    index = Index.open(tmp_path / "source", embedder=WordEmbedder())
    index.add(map(document, range(12)))
    index.remove(["d5"])
    return index


def test_a_copy_has_the_same_texts_vectors_and_scores(source: Index, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    copied = copy_index(source, tmp_path / "target", lambda done, total: told.append((done, total)))
    assert copied == Copied(copied=11, there=0, others=0, chunks=source.chunk_count)
    assert (told[0], told[-1]) == ((0, 11), (11, 11))
    target = Index.open(tmp_path / "target", embedder=WordEmbedder())
    assert contents(target) == contents(source)
    for question in QUESTIONS:
        assert results(target, question) == results(source, question)
    ids = [f"d{number}" for number in range(12)]
    for first, second in zip(source.stored(ids), target.stored(ids), strict=True):
        assert np.array_equal(first.vectors, second.vectors)


def test_what_broke_off_goes_on(source: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.store.GROUP_CHUNKS", 1)
    stored = source.stored

    def stored_until_cut(ids: list[str]) -> Iterator[StoredDocument]:
        for number, one in enumerate(stored(ids)):
            if number == 4:
                raise KeyboardInterrupt
            yield one

    monkeypatch.setattr(source, "stored", stored_until_cut)
    with pytest.raises(KeyboardInterrupt):
        copy_index(source, tmp_path / "target")
    monkeypatch.setattr(source, "stored", stored)
    assert copy_index(source, tmp_path / "target") == Copied(7, 4, 0, source.chunk_count)
    assert copy_index(source, tmp_path / "target") == Copied(0, 11, 0, source.chunk_count)


def test_of_both_the_sources_document_is_right(source: Index, tmp_path: Path) -> None:
    target = Index.open(tmp_path / "target", embedder=WordEmbedder())
    target.add([document(3, edition=1), Document("eigen", "", "Nur hier."), document(4)])
    assert copy_index(source, tmp_path / "target") == Copied(10, 1, 1, source.chunk_count + 1)
    assert target.document("d3") == document(3)
    assert target.document("eigen").text == "Nur hier."


def test_an_empty_index_is_copied_too(tmp_path: Path) -> None:
    source = Index.open(tmp_path / "source", embedder=WordEmbedder())
    assert copy_index(source, tmp_path / "target") == Copied(0, 0, 0, 0)
    assert Index.exists(tmp_path / "target")


def test_vectors_of_another_embedder_are_not_mixed(source: Index, tmp_path: Path) -> None:
    Index.open(tmp_path / "target", embedder=WordEmbedder("other", 32)).add([document(1)])
    with pytest.raises(StoreError, match="was built with 'other'"):
        copy_index(source, tmp_path / "target")


@pytest.mark.parametrize("lost", ["document", "vectors"])
def test_a_copy_that_is_not_the_same_is_noticed(
    source: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    stored = source.stored
    calls: list[int] = []

    def damaged(ids: list[str]) -> Iterator[StoredDocument]:
        calls.append(1)
        for one in stored(ids):
            if lost == "document" and one.document.id == "d2":
                continue
            vectors = -one.vectors if lost == "vectors" and len(calls) == 1 else one.vectors
            yield StoredDocument(one.document, one.passages, vectors, one.tokens)

    monkeypatch.setattr(source, "stored", damaged)
    expected = {
        "document": "1 documents are not as in the source, first 'd2'",
        "vectors": "the vectors of 'd0' are not",
    }
    with pytest.raises(StoreError, match=expected[lost]):
        copy_index(source, tmp_path / "target")


def test_the_command(
    source: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ui.cli import main

    monkeypatch.setattr(index_settings(), "embedding_model", "words")
    monkeypatch.setattr(sys, "argv", ["beleg", "index", "copy", str(source.folder), str(tmp_path / "target"), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    assert not ended.value.code
    assert json.loads(printed.out) == {"copied": 11, "there": 0, "others": 0, "chunks": source.chunk_count}
    assert str(tmp_path / "target") in printed.err
