"""Segment: an immutable folder with some documents, their chunks, vectors and terms."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from index.analysis import german_terms
from index.arrays import read_array, write_array
from index.chunking import Chunk
from index.document import Document
from index.lexical import Postings, count_terms, write_postings
from index.vectors import Floats, Ints, Mask, Vectors, write_vectors

Table = np.ndarray[tuple[int], np.dtype[np.void]]
# first_sentence: where the chunk's sentences begin in sentences.bin; they end where the next chunk's begin
_CHUNK = np.dtype([("document", "<i4"), ("start", "<i8"), ("end", "<i8"), ("first_sentence", "<i8")])


class Segment:
    """A written segment, memory-mapped; documents and chunks are numbered from 0 in the order written.

    Files: ``documents.jsonl`` with ``document_offsets.bin`` (bytes), ``ids.json`` (id and content hash of each),
    ``chunks.bin``, ``sentences.bin`` ``(n, 2)``, ``vectors.faiss``, and the files of ``Postings``.
    """

    def __init__(self, folder: Path, removed: Iterable[int] = ()) -> None:
        self.folder = folder
        self.ids: list[str]
        self.hashes: list[str]
        self.ids, self.hashes = json.loads((folder / "ids.json").read_bytes())
        self._offsets = read_array(folder / "document_offsets.bin", "<i8")
        self._lines = read_array(folder / "documents.jsonl", np.uint8)
        self._chunks = read_array(folder / "chunks.bin", _CHUNK)
        self._sentences = read_array(folder / "sentences.bin", "<i8").reshape(-1, 2)
        self.vectors = Vectors(folder / "vectors.faiss")
        self.postings = Postings(folder)
        self.removed = frozenset(removed)
        self.document = lru_cache(maxsize=64)(self._document)

    def __len__(self) -> int:
        return len(self._chunks)

    @cached_property
    def living(self) -> list[int]:
        """Numbers of the documents that are not removed."""
        return [number for number in range(len(self.ids)) if number not in self.removed]

    @cached_property
    def living_chunks(self) -> Ints:
        """Numbers of the chunks of documents that are not removed."""
        return np.flatnonzero(self.living_mask)

    @cached_property
    def living_mask(self) -> Mask:
        """``(chunks,)`` bool: which chunks belong to documents that are not removed."""
        return self.allowed(self.living)

    def line(self, number: int) -> bytes:
        """Return a document as its line in ``documents.jsonl``."""
        return self._lines[self._offsets[number] : self._offsets[number + 1]].tobytes()

    def _document(self, number: int) -> Document:
        return Document(**json.loads(self.line(number).decode("utf-8", "surrogatepass")))

    def chunk(self, number: int) -> Chunk:
        """Return one chunk, its text cut out of its document's."""
        row = self._chunks[number]
        document = self.document(int(row["document"]))
        start, end = int(row["start"]), int(row["end"])
        sentences = tuple((first, last) for first, last in self.sentences(number).tolist())
        return Chunk(document.id, document.title, document.text[start:end], start, end, sentences)

    def sentences(self, chunk: int) -> Ints:
        """Return the spans of a chunk's sentences, ``(n, 2)``."""
        spans: Ints = self._sentences[self._sentence_bounds[chunk] : self._sentence_bounds[chunk + 1]]
        return spans

    @cached_property
    def _sentence_bounds(self) -> Ints:
        return np.append(self._chunks["first_sentence"], len(self._sentences))

    def allowed(self, document_numbers: Iterable[int]) -> Mask:
        """Return ``(chunks,)`` bool: which chunks belong to these documents."""
        wanted = np.zeros(len(self.ids), np.bool_)
        wanted[list(document_numbers)] = True
        mask: Mask = wanted[self._chunks["document"]]
        return mask

    def living_table(self) -> Table:
        """Return the rows of ``chunks.bin`` of the living chunks, their documents numbered without the removed ones."""
        table = np.array(self._chunks[self.living_chunks])
        renumbered = np.zeros(len(self.ids), np.int32)
        renumbered[self.living] = np.arange(len(self.living))
        table["document"] = renumbered[table["document"]]
        return table


def write_segment(
    folder: Path, documents: Sequence[Document], chunks: Sequence[Sequence[Chunk]], vectors: Floats
) -> None:
    """Write a segment; ``chunks`` has the chunks of each document, ``vectors`` ``(all chunks, dim)`` unit rows."""
    folder.mkdir(parents=True)
    flat = list(chain.from_iterable(chunks))
    table = np.empty(len(flat), _CHUNK)
    table["document"] = np.repeat(np.arange(len(documents)), [len(of_document) for of_document in chunks])
    table["start"], table["end"] = [chunk.start for chunk in flat], [chunk.end for chunk in flat]
    lines = [_line(document) for document in documents]
    _write_documents(folder, lines, [document.id for document in documents], [d.content_hash for d in documents])
    _write_chunks(folder, table, [np.array(chunk.sentences, np.int64) for chunk in flat], vectors)
    write_postings(folder, *count_terms(german_terms(chunk.searchable) for chunk in flat))


def merge_segments(folder: Path, segments: Sequence[Segment]) -> None:
    """Write the living documents of some segments as one, without embedding or analysing anything again."""
    folder.mkdir(parents=True)
    living = [(segment, number) for segment in segments for number in segment.living]
    lines = [segment.line(number) for segment, number in living]
    ids, hashes = ([getattr(s, name)[number] for s, number in living] for name in ("ids", "hashes"))
    _write_documents(folder, lines, ids, hashes)
    sentences = [segment.sentences(chunk) for segment in segments for chunk in segment.living_chunks]
    vectors = np.concatenate([segment.vectors.rows(segment.living_chunks) for segment in segments])
    _write_chunks(folder, _merged_table(segments), sentences, vectors)
    write_postings(folder, *_merged_postings(segments))


def _merged_table(segments: Sequence[Segment]) -> Table:
    tables, documents = [], 0
    for segment in segments:
        table = segment.living_table()
        table["document"] += documents
        documents += len(segment.living)
        tables.append(table)
    return np.concatenate(tables)


def _merged_postings(segments: Sequence[Segment]) -> tuple[list[str], Ints, Ints]:
    """Return what ``write_postings`` takes, for the living chunks of all segments."""
    terms: dict[str, int] = {}
    rows, lengths, first_chunk = [], [], 0
    for segment in segments:
        kept = segment.living_chunks
        rows.append(_kept_postings(segment.postings, kept, first_chunk, terms))
        lengths.append(segment.postings.lengths[kept])
        first_chunk += len(kept)
    return list(terms), np.concatenate(rows), np.concatenate(lengths)


def _kept_postings(postings: Postings, kept: Ints, first_chunk: int, terms: dict[str, int]) -> Ints:
    """Return rows (term, chunk, count) of the kept chunks, numbered for the merged segment; ``terms`` grows."""
    own_terms, rows = postings.triples()
    chunks = np.full(len(postings.lengths), -1, np.int64)
    chunks[kept] = np.arange(first_chunk, first_chunk + len(kept))
    rows = rows[chunks[rows[:, 1]] >= 0]
    numbers = np.zeros(len(own_terms), np.int64)
    for number in np.unique(rows[:, 0]).tolist():
        numbers[number] = terms.setdefault(own_terms[number], len(terms))
    return np.column_stack([numbers[rows[:, 0]], chunks[rows[:, 1]], rows[:, 2]])


def _line(document: Document) -> bytes:
    return (json.dumps(asdict(document), ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _write_documents(folder: Path, lines: Sequence[bytes], ids: Sequence[str], hashes: Sequence[str]) -> None:
    with (folder / "documents.jsonl").open("wb") as file:
        file.writelines(lines)
    write_array(folder / "document_offsets.bin", np.cumsum([0, *map(len, lines)]), "<i8")
    (folder / "ids.json").write_text(json.dumps([list(ids), list(hashes)]), "utf-8")


def _write_chunks(folder: Path, table: Table, sentences: Sequence[Ints], vectors: Floats) -> None:
    """Write the table, whose column ``first_sentence`` is filled in here, the sentences of each chunk, the vectors."""
    counts = np.array([len(spans) for spans in sentences], np.int64)
    table["first_sentence"] = np.cumsum(counts) - counts
    write_array(folder / "chunks.bin", table, _CHUNK)
    write_array(folder / "sentences.bin", np.concatenate([np.empty((0, 2), np.int64), *sentences]), "<i8")
    write_vectors(folder / "vectors.faiss", vectors)
