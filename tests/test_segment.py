"""Segments against the documents and chunks that they were written from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index.chunking import Chunk, split_document
from index.document import Document
from index.late_interaction import Bits, Tokens, packed
from index.place import Place
from index.segment import Segment, merge_segments, write_segment
from index.vectors import Floats

TEXTS = [
    "Der Verein heißt „Rhein“. Er sitzt in Köln. " * 40,
    "der die das",  # stop words only: no term
    "👩‍👩‍👧 e\u0301 \ud800 \u2028 \x00 Ende.\r\nNoch eine Zeile.",
    "!!!",
    "Die Frist endet am 6. Juli. " * 60,
    "Ein Wort",
]


def documents_of(first: int, n: int) -> list[Document]:
    """Documents; every second one has a date, and places in its original."""
    places = (Place(0, 3, page=2, box=(1.5, 2.0, 300.0, 14.25)), Place(4, 6, name="Tabelle 2", target="#tab"))
    documents = [Document(f"d{i}", f"Titel {i}", f"{TEXTS[i % len(TEXTS)]} Nummer{i}") for i in range(first, first + n)]
    return [
        replace(document, date="2024-05-03", places=places) if i % 2 else document
        for i, document in enumerate(documents)
    ]


def unit_rows(seed: int, n: int) -> Floats:
    """Rows that float16 holds exactly."""
    rows = np.random.default_rng(seed).standard_normal((n, 16)).astype(np.float32)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


def written(folder: Path, documents: list[Document], vectors: Floats) -> None:
    """Write a segment whose chunks have as many tokens as their first value says, which no other chunk has."""
    chunks = [list(split_document(document)) for document in documents]
    write_segment(folder, documents, chunks, vectors, [tokens_of(row) for row in vectors])


def tokens_of(vector: Floats) -> Bits:
    rows = np.tile(vector, (int(abs(vector[0]) * 10), 1))
    return packed(Tokens(rows, np.arange(len(rows))))


def chunks_of(documents: list[Document]) -> list[Chunk]:
    return [chunk for document in documents for chunk in split_document(document)]


def test_documents_and_chunks_come_back_as_they_were(tmp_path: Path) -> None:
    documents = documents_of(0, 14)
    chunks = chunks_of(documents)
    vectors = unit_rows(1, len(chunks))
    written(tmp_path / "s", documents, vectors)
    segment = Segment(tmp_path / "s")
    assert [segment.document(number) for number in range(14)] == documents
    assert [segment.chunk(number) for number in range(len(segment))] == chunks
    assert segment.ids == [document.id for document in documents]
    assert segment.hashes == [document.content_hash for document in documents]
    assert np.array_equal(segment.vectors.rows(np.arange(len(chunks))), vectors)
    for chunk in map(segment.chunk, range(len(segment))):
        text = segment.document(segment.ids.index(chunk.document_id)).text
        assert text[chunk.start : chunk.end] == chunk.text


def test_allowed_marks_the_chunks_of_the_documents(tmp_path: Path) -> None:
    documents = documents_of(0, 9)
    chunks = chunks_of(documents)
    written(tmp_path / "s", documents, unit_rows(1, len(chunks)))
    segment = Segment(tmp_path / "s", removed=[4])
    assert segment.allowed([0, 8]).tolist() == [chunk.document_id in {"d0", "d8"} for chunk in chunks]
    assert segment.living == [0, 1, 2, 3, 5, 6, 7, 8]
    assert segment.living_mask.tolist() == [chunk.document_id != "d4" for chunk in chunks]


@pytest.mark.parametrize("removed", [[[], [], []], [[0], [2, 3], [4]], [[0, 1, 2, 3], [], [0, 1, 2, 3]], [[], [1], []]])
def test_merged_is_as_if_the_living_documents_were_written_at_once(tmp_path: Path, removed: list[list[int]]) -> None:
    parts = [documents_of(0, 5), documents_of(5, 4), documents_of(9, 5)]
    vectors = [unit_rows(seed, len(chunks_of(part))) for seed, part in enumerate(parts)]
    segments = []
    for number, part in enumerate(parts):
        written(tmp_path / f"part{number}", part, vectors[number])
        segments.append(Segment(tmp_path / f"part{number}", removed[number]))
    merge_segments(tmp_path / "merged", segments)

    living = [doc for part, gone in zip(parts, removed, strict=True) for i, doc in enumerate(part) if i not in gone]
    kept = {document.id for document in living}
    rows = [
        row
        for part, of_part in zip(parts, vectors, strict=True)
        for chunk, row in zip(chunks_of(part), of_part, strict=True)
        if chunk.document_id in kept
    ]
    written(tmp_path / "fresh", living, np.array(rows))

    names = sorted(path.name for path in (tmp_path / "fresh").iterdir())
    assert sorted(path.name for path in (tmp_path / "merged").iterdir()) == names
    for name in names:
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes(), name


def test_the_words_of_the_other_segments_split_compounds(tmp_path: Path) -> None:
    documents = [Document("a", "A", "Eine Rechtsschutzversicherung.")]
    chunks = [list(split_document(document)) for document in documents]
    known = {"rechtsschutz": 2, "versicher": 3}.get
    vectors = unit_rows(1, 1)
    write_segment(tmp_path / "s", documents, chunks, vectors, [tokens_of(row) for row in vectors], elsewhere=known)
    segment = Segment(tmp_path / "s")
    merge_segments(tmp_path / "alone", [segment])
    merge_segments(tmp_path / "beside", [segment], known)
    found = [Segment(tmp_path / name).postings.compounds("versicher").size for name in ("s", "alone", "beside")]
    assert found == [1, 0, 1]


def test_nothing_of_a_removed_document_is_left_after_a_merge(tmp_path: Path) -> None:
    documents = [Document("a", "A", "Geheimnis Zauberwort."), Document("b", "B", "Alltag.")]
    written(tmp_path / "s", documents, unit_rows(1, 2))
    merge_segments(tmp_path / "merged", [Segment(tmp_path / "s", removed=[0])])
    assert not any(b"auberwort" in path.read_bytes() for path in (tmp_path / "merged").iterdir())


def test_a_merged_segment_is_merged_again(tmp_path: Path) -> None:
    for number in range(3):
        part = documents_of(number * 2, 2)
        written(tmp_path / str(number), part, unit_rows(number, len(chunks_of(part))))
    merge_segments(tmp_path / "m", [Segment(tmp_path / "0", removed=[1]), Segment(tmp_path / "1")])
    merge_segments(tmp_path / "n", [Segment(tmp_path / "2"), Segment(tmp_path / "m", removed=[0])])
    segment = Segment(tmp_path / "n")
    expected = [*documents_of(4, 2), *documents_of(2, 2)]
    assert [segment.document(number) for number in range(len(segment.ids))] == expected
    assert [segment.chunk(number) for number in range(len(segment))] == chunks_of(expected)
