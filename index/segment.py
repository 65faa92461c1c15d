"""Segment: an immutable folder with some documents, their chunks, vectors and terms."""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from index.analysis import german_terms
from index.chunking import Chunk
from index.document import Document
from index.lexical import Postings, count_terms, write_postings
from index.vectors import Floats, Ints, Mask, Vectors, write_vectors

# first_sentence: where the chunk's sentences begin in sentences.npy; they end where the next chunk's begin
_CHUNK = np.dtype([("document", np.int32), ("start", np.int64), ("end", np.int64), ("first_sentence", np.int64)])


class Segment:
    """A written segment, memory-mapped; documents and chunks are numbered from 0 in the order written.

    Files: ``documents.jsonl`` with ``document_offsets.npy`` (bytes), ``ids.json`` (id and content hash of each),
    ``chunks.npy``, ``sentences.npy`` ``(n, 2)``, ``vectors.faiss``, and the files of ``Postings``.
    """

    def __init__(self, folder: Path, removed: Iterable[int] = ()) -> None:
        self.folder = folder
        self.ids: list[str]
        self.hashes: list[str]
        self.ids, self.hashes = json.loads((folder / "ids.json").read_bytes())
        self._offsets = np.load(folder / "document_offsets.npy")
        self._lines = np.memmap(folder / "documents.jsonl", np.uint8, "r")
        self._chunks = np.load(folder / "chunks.npy", mmap_mode="r")
        self._sentences = np.load(folder / "sentences.npy", mmap_mode="r")
        self.vectors = Vectors(folder / "vectors.faiss")
        self.postings = Postings(folder)
        self.removed = frozenset(removed)
        self.document = lru_cache(maxsize=64)(self._document)

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def living(self) -> list[int]:
        """Numbers of the documents that are not removed."""
        return [number for number in range(len(self.ids)) if number not in self.removed]

    def _document(self, number: int) -> Document:
        line = self._lines[self._offsets[number] : self._offsets[number + 1]].tobytes()
        return Document(**json.loads(line.decode("utf-8", "surrogatepass")))

    def chunk(self, number: int) -> Chunk:
        """Return one chunk, its text cut out of its document's."""
        row = self._chunks[number]
        document = self.document(int(row["document"]))
        start, end = int(row["start"]), int(row["end"])
        last = self._chunks[number + 1]["first_sentence"] if number + 1 < len(self) else len(self._sentences)
        sentences = self._sentences[row["first_sentence"] : last].tolist()
        return Chunk(
            document.id, document.title, document.text[start:end], start, end, tuple((a, b) for a, b in sentences)
        )

    def allowed(self, document_numbers: Iterable[int]) -> Mask:
        """Return ``(chunks,)`` bool: which chunks belong to these documents."""
        wanted = np.zeros(len(self.ids), np.bool_)
        wanted[list(document_numbers)] = True
        mask: Mask = wanted[self._chunks["document"]]
        return mask


def write_segment(
    folder: Path, documents: Sequence[Document], chunks: Sequence[Sequence[Chunk]], vectors: Floats
) -> None:
    """Write a segment; ``chunks`` has the chunks of each document, ``vectors`` ``(all chunks, dim)`` unit rows."""
    folder.mkdir(parents=True)
    flat = list(chain.from_iterable(chunks))
    numbers = np.repeat(np.arange(len(documents)), [len(of_document) for of_document in chunks])
    sentence_counts = np.array([len(chunk.sentences) for chunk in flat], np.int64)
    first_sentences = np.cumsum(sentence_counts) - sentence_counts
    table = np.empty(len(flat), _CHUNK)
    table["document"], table["first_sentence"] = numbers, first_sentences
    table["start"], table["end"] = [chunk.start for chunk in flat], [chunk.end for chunk in flat]
    sentences = np.array(list(chain.from_iterable(chunk.sentences for chunk in flat)), np.int64).reshape(-1, 2)
    _write_documents(folder, documents, [document.content_hash for document in documents])
    _write_chunks(folder, table, sentences, vectors)
    write_postings(folder, *count_terms(german_terms(chunk.searchable) for chunk in flat))


def merge_segments(folder: Path, segments: Sequence[Segment]) -> None:
    """Write the living documents of some segments as one, without embedding or analysing anything again."""
    folder.mkdir(parents=True)
    documents, hashes, tables, sentences, vectors, rows, lengths = [], [], [], [], [], [], []
    terms: dict[str, int] = {}
    chunk_count = sentence_count = 0
    for segment in segments:
        kept = np.flatnonzero(segment.allowed(segment.living))
        table, of_table = _kept_chunks(segment, kept)
        table["document"] += len(documents)
        table["first_sentence"] += sentence_count
        rows.append(_kept_postings(segment.postings, kept, chunk_count, terms))
        documents += [segment.document(number) for number in segment.living]
        hashes += [segment.hashes[number] for number in segment.living]
        tables.append(table)
        sentences.append(of_table)
        vectors.append(segment.vectors.rows(kept))
        lengths.append(segment.postings.lengths[kept])
        chunk_count += len(kept)
        sentence_count += len(of_table)
    _write_documents(folder, documents, hashes)
    _write_chunks(folder, np.concatenate(tables), np.concatenate(sentences), np.concatenate(vectors))
    write_postings(folder, list(terms), np.concatenate(rows), np.concatenate(lengths))


def _kept_chunks(segment: Segment, kept: Ints) -> "tuple[np.ndarray[tuple[int], np.dtype[np.void]], Ints]":
    """Return the rows of these chunks, documents renumbered without the removed ones, and their sentences."""
    bounds = np.append(segment._chunks["first_sentence"], len(segment._sentences))  # noqa: SLF001
    table = np.array(segment._chunks[kept])  # noqa: SLF001
    spans = [segment._sentences[bounds[number] : bounds[number + 1]] for number in kept]  # noqa: SLF001
    counts = np.array([len(span) for span in spans], np.int64)
    renumbered = np.zeros(len(segment.ids), np.int32)
    renumbered[segment.living] = np.arange(len(segment.living))
    table["document"] = renumbered[table["document"]]
    table["first_sentence"] = np.cumsum(counts) - counts
    return table, np.concatenate(spans) if spans else np.empty((0, 2), np.int64)


def _kept_postings(postings: Postings, kept: Ints, first_chunk: int, terms: dict[str, int]) -> Ints:
    """Return rows (term, chunk, count) of the kept chunks, numbered for the merged segment; ``terms`` grows."""
    own_terms, rows = postings.triples
    renumbered = np.full(len(postings.lengths), -1, np.int64)
    renumbered[kept] = np.arange(first_chunk, first_chunk + len(kept))
    rows = rows[renumbered[rows[:, 1]] >= 0]
    term_numbers = np.array([terms.setdefault(term, len(terms)) for term in own_terms], np.int64)
    return np.column_stack([term_numbers[rows[:, 0]], renumbered[rows[:, 1]], rows[:, 2]])


def _write_documents(folder: Path, documents: Sequence[Document], hashes: Sequence[str]) -> None:
    lines = [json.dumps(asdict(document), ensure_ascii=False) + "\n" for document in documents]
    encoded = [line.encode("utf-8", "surrogatepass") for line in lines]
    (folder / "documents.jsonl").write_bytes(b"".join(encoded))
    np.save(folder / "document_offsets.npy", np.cumsum([0, *map(len, encoded)]).astype(np.int64))
    ids = [[document.id for document in documents], list(hashes)]
    (folder / "ids.json").write_text(json.dumps(ids), "utf-8")


def _write_chunks(
    folder: Path, table: "np.ndarray[tuple[int], np.dtype[np.void]]", sentences: Ints, vectors: Floats
) -> None:
    np.save(folder / "chunks.npy", table)
    np.save(folder / "sentences.npy", sentences)
    write_vectors(folder / "vectors.faiss", vectors)


def sync(folder: Path) -> dict[str, str]:
    """Force the folder's files to the disk and return the SHA-256 of each."""
    hashes = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb+") as file:
            hashes[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
    sync_folder(folder)
    return hashes


def sync_folder(folder: Path) -> None:
    """Force the folder's list of names to the disk (not possible, nor needed, on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
