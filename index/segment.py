"""Segment: an immutable folder with some documents, their chunks, vectors and terms."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import astuple
from functools import cached_property, lru_cache, partial
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from index.analysis import german_terms
from index.arrays import read_array, write_array
from index.chunking import Chunk
from index.compounds import Count
from index.document import Document
from index.late_interaction import Bits, TokenTable, write_tokens
from index.place import Place
from index.postings import Postings, count_terms, write_postings
from index.postings_merge import merge_postings
from index.vectors import Floats, Halves, Ints, Mask, Vectors, write_vectors

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Table = np.ndarray[tuple[int], np.dtype[np.void]]
Parts = tuple[bytes, bytes, bytes]
"""A document as it stands in ``documents.jsonl``, ``texts.bin`` and ``places.jsonl``."""
_BLOCK_ROWS = 16_384
# start, end: characters of the document; first_byte, last_byte: the same in UTF-8
# first_sentence: where the chunk's sentences begin in sentences.bin; they end where the next chunk's begin
_CHUNK = np.dtype(
    [("document", "<i4"), *((name, "<i8") for name in ("start", "end", "first_byte", "last_byte", "first_sentence"))]
)


class Segment:
    """A written segment, memory-mapped; documents and chunks are numbered from 0 in the order written.

    Files: ``documents.jsonl`` (short fields, and the headings by the start of their chunk), ``texts.bin`` (UTF-8, so
    that a chunk is read without the rest of a long document) and ``places.jsonl`` with ``document_offsets.bin``
    ``(documents + 1, 3)``, where each document begins in the three; ``ids.json`` (id and content hash of each),
    ``chunks.bin``, ``sentences.bin`` ``(n, 2)``, and the files of ``Vectors``, ``TokenTable`` and ``Postings``.
    """

    def __init__(self, folder: Path, removed: Iterable[int] = ()) -> None:
        self.folder = folder
        self._ids_and_hashes = read_array(folder / "ids.json", np.uint8)
        self.documents = SegmentDocuments(folder)
        self._chunks = read_array(folder / "chunks.bin", _CHUNK)
        self._sentences = read_array(folder / "sentences.bin", "<i8").reshape(-1, 2)
        self.vectors = Vectors(folder)
        self.tokens = TokenTable(folder)
        self.postings = Postings(folder)
        self.removed = frozenset(removed)
        self.document = lru_cache(maxsize=64)(self.documents.read)

    def __len__(self) -> int:
        return len(self._chunks)

    def with_removed(self, removed: Iterable[int]) -> "Segment":
        """Return the same segment with these documents removed, without reading anything again."""
        other = copy(self)
        other.removed = frozenset(removed)
        for name in ("living", "living_chunks", "living_mask", "living_count"):
            other.__dict__.pop(name, None)
        return other

    @property
    def document_count(self) -> int:
        """How many documents are in it, removed ones too."""
        return len(self.documents)

    @cached_property
    def ids(self) -> list[str]:
        """Id of each document."""
        ids: list[str] = json.loads(self._ids_and_hashes.tobytes())[0]
        return ids

    @cached_property
    def hashes(self) -> list[str]:
        """Content hash of each document."""
        hashes: list[str] = json.loads(self._ids_and_hashes.tobytes())[1]
        return hashes

    @cached_property
    def numbers(self) -> dict[object, int]:
        """Document id -> number, of removed ones too."""
        return {document_id: number for number, document_id in enumerate(self.ids)}

    @cached_property
    def living(self) -> list[int]:
        """Numbers of the documents that are not removed."""
        return [number for number in range(self.document_count) if number not in self.removed]

    @cached_property
    def living_chunks(self) -> Ints:
        """Numbers of the chunks of documents that are not removed."""
        return np.flatnonzero(self.living_mask)

    @cached_property
    def living_mask(self) -> Mask:
        """``(chunks,)`` bool: which chunks belong to documents that are not removed."""
        return ~self.allowed(self.removed)

    @cached_property
    def living_count(self) -> int:
        """How many chunks belong to documents that are not removed."""
        return int(self.living_mask.sum()) if self.removed else len(self)

    def chunk(self, number: int) -> Chunk:
        """Return one chunk, its text cut out of its document's."""
        document, start, end, first_byte, last_byte, _ = self._chunks[number].tolist()
        fields, text = self.documents.fields(document), self.documents.text(document, first_byte, last_byte)
        sentences = tuple((first, last) for first, last in self.sentences(number).tolist())
        heading = fields["headings"].get(str(start), "")
        return Chunk(fields["id"], fields["title"], text, start, end, sentences, heading)

    def chunks_of(self, document: int) -> Ints:
        """Return the numbers of a document's chunks."""
        first, last = np.searchsorted(self._chunks["document"], [document, document + 1])
        return np.arange(first, last)

    def beside(self, chunk: int) -> Ints:
        """Return the numbers of the chunks before and after one in its document; where there is none, its own."""
        around = np.clip([chunk - 1, chunk + 1], 0, len(self) - 1)
        documents = self._chunks["document"]
        return np.where(documents[around] == documents[chunk], around, chunk)

    def sentences(self, chunk: int) -> Ints:
        """Return the spans of a chunk's sentences, ``(n, 2)``."""
        spans: Ints = self._sentences[self._sentence_bounds[chunk] : self._sentence_bounds[chunk + 1]]
        return spans

    @cached_property
    def _sentence_bounds(self) -> Ints:
        return np.append(self._chunks["first_sentence"], len(self._sentences))

    def allowed(self, document_numbers: Iterable[int]) -> Mask:
        """Return ``(chunks,)`` bool: which chunks belong to these documents."""
        wanted = np.zeros(self.document_count, np.bool_)
        wanted[list(document_numbers)] = True
        return np.repeat(wanted, self._chunks_of_documents)

    @cached_property
    def _chunks_of_documents(self) -> Ints:
        return np.bincount(self._chunks["document"], minlength=self.document_count)

    def living_table(self) -> Table:
        """Return the rows of ``chunks.bin`` of the living chunks, their documents numbered without the removed ones."""
        table = np.array(self._chunks[self.living_chunks])
        renumbered = np.zeros(self.document_count, np.int32)
        renumbered[self.living] = np.arange(len(self.living))
        table["document"] = renumbered[table["document"]]
        return table

    def living_sentences(self) -> tuple[Ints, Ints]:
        """Return how many sentences each living chunk has, and their spans ``(n, 2)``."""
        counts = np.diff(self._sentence_bounds)
        return counts[self.living_chunks], self._sentences[np.repeat(self.living_mask, counts)]

    def living_vectors(self) -> Iterator[Halves]:
        """Yield the vectors of the living chunks in blocks of ``(n, dim)``, at least one."""
        for start in range(0, max(1, len(self)), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            yield self.vectors.halves[rows][self.living_mask[rows]]


class SegmentDocuments:
    """The documents of a segment, memory-mapped; it knows nothing of the segment, which so ends with its last user."""

    def __init__(self, folder: Path) -> None:
        self._offsets = read_array(folder / "document_offsets.bin", "<i8").reshape(-1, 3)
        self._lines = read_array(folder / "documents.jsonl", np.uint8)
        self._texts = read_array(folder / "texts.bin", np.uint8)
        self._places = read_array(folder / "places.jsonl", np.uint8)
        self.fields = lru_cache(maxsize=1024)(partial(_read_fields, self._lines, self._offsets))

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def read(self, number: int) -> Document:
        """Return a document with its whole text."""
        fields = {name: value for name, value in self.fields(number).items() if name != "headings"}
        _, text, places = self.parts(number)
        return Document(**fields, text=_decoded(text), places=_read_places(places))

    def parts(self, number: int) -> Parts:
        """Return a document as what stands of it in ``documents.jsonl``, ``texts.bin`` and ``places.jsonl``."""
        begin, end = self._offsets[number : number + 2].tolist()
        files = zip((self._lines, self._texts, self._places), begin, end, strict=True)
        fields, text, places = (part[first:last].tobytes() for part, first, last in files)
        return fields, text, places

    def text(self, number: int, first_byte: int, last_byte: int) -> str:
        """Return a part of a document's text, without reading the rest of it."""
        begin = int(self._offsets[number, 1])
        return _decoded(self._texts[begin + first_byte : begin + last_byte].tobytes())


def _read_fields(lines: Bytes, offsets: Ints, number: int) -> dict[str, Any]:
    """Return what stands in a document's line of ``documents.jsonl``."""
    first, last = offsets[number : number + 2, 0].tolist()
    fields: dict[str, Any] = json.loads(_decoded(lines[first:last].tobytes()))
    return fields


def _read_places(line: bytes) -> tuple[Place, ...]:
    rows = json.loads(line) if line else []
    return tuple(
        Place(start, end, page, tuple(box) if box else None, name, target)
        for start, end, page, box, name, target in rows
    )


def write_segment(
    folder: Path,
    documents: Sequence[Document],
    chunks: Sequence[Sequence[Chunk]],
    vectors: Floats,
    tokens: Sequence[Bits],
    *,
    elsewhere: Count | None = None,
) -> None:
    """Write a segment.

    Args:
        folder: Made here.
        documents: In the order in which they are numbered.
        chunks: Of each document.
        vectors: ``(all chunks, dim)`` unit rows.
        tokens: Of each of all chunks, packed.
        elsewhere: In how many chunks of the index's other segments a term occurs, for splitting compounds.
    """
    folder.mkdir(parents=True)
    flat = list(chain.from_iterable(chunks))
    table = np.empty(len(flat), _CHUNK)
    table["document"] = np.repeat(np.arange(len(documents)), [len(of_document) for of_document in chunks])
    table["start"], table["end"] = [chunk.start for chunk in flat], [chunk.end for chunk in flat]
    spans = zip(documents, chunks, strict=True)
    table[["first_byte", "last_byte"]] = [pair for document, some in spans for pair in _byte_spans(document.text, some)]
    ids, hashes = [document.id for document in documents], [document.content_hash for document in documents]
    _write_documents(folder, map(_parts, documents, chunks), ids, hashes)
    counts = np.array([len(chunk.sentences) for chunk in flat], np.int64)
    _write_chunks(folder, table, counts, np.array([span for chunk in flat for span in chunk.sentences], np.int64))
    write_vectors(folder, [vectors])
    write_tokens(folder, tokens)
    write_postings(folder, count_terms(german_terms(chunk.searchable) for chunk in flat), elsewhere)


def merge_segments(folder: Path, segments: Sequence[Segment], elsewhere: Count | None = None) -> None:
    """Write the living documents of some segments as one, without embedding or analysing anything again.

    Compounds are split again; ``elsewhere`` as for ``write_segment``.
    """
    folder.mkdir(parents=True)
    parts = (segment.documents.parts(number) for segment in segments for number in segment.living)
    ids, hashes = ([getattr(s, name)[number] for s in segments for number in s.living] for name in ("ids", "hashes"))
    _write_documents(folder, parts, ids, hashes)
    counts, sentences = map(np.concatenate, zip(*(segment.living_sentences() for segment in segments), strict=True))
    _write_chunks(folder, _merged_table(segments), counts, sentences)
    write_vectors(folder, chain.from_iterable(segment.living_vectors() for segment in segments))
    write_tokens(folder, chain.from_iterable(segment.tokens.of(segment.living_chunks) for segment in segments))
    merge_postings(folder, [(segment.postings, segment.living_chunks) for segment in segments], elsewhere)


def _merged_table(segments: Sequence[Segment]) -> Table:
    tables, documents = [], 0
    for segment in segments:
        table = segment.living_table()
        table["document"] += documents
        documents += len(segment.living)
        tables.append(table)
    return np.concatenate(tables)


def _parts(document: Document, chunks: Sequence[Chunk]) -> Parts:
    fields = {name: getattr(document, name) for name in ("id", "title", "language", "source", "date")}
    headings = {chunk.start: chunk.heading for chunk in chunks if chunk.heading}
    return (
        _encoded(json.dumps({**fields, "headings": headings}, ensure_ascii=False) + "\n"),
        _encoded(document.text),
        _encoded(json.dumps([astuple(place) for place in document.places]) + "\n") if document.places else b"",
    )


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _byte_spans(text: str, chunks: Sequence[Chunk]) -> Iterator[tuple[int, int]]:
    """Yield where each chunk begins and ends, in bytes of the text's UTF-8."""
    places = sorted({place for chunk in chunks for place in (chunk.start, chunk.end)})
    lengths = [len(_encoded(text[first:last])) for first, last in pairwise([0, *places])]
    before = dict(zip(places, accumulate(lengths), strict=True))
    yield from ((before[chunk.start], before[chunk.end]) for chunk in chunks)


def _write_documents(folder: Path, documents: Iterable[Parts], ids: Sequence[str], hashes: Sequence[str]) -> None:
    """Write the parts as they come, and the rest."""
    with ExitStack() as stack:
        names = ("documents.jsonl", "texts.bin", "places.jsonl")
        files = [stack.enter_context((folder / name).open("wb")) for name in names]
        sizes = [[file.write(part) for file, part in zip(files, parts, strict=True)] for parts in documents]
    write_array(folder / "document_offsets.bin", np.cumsum([[0] * len(names), *sizes], axis=0), "<i8")
    (folder / "ids.json").write_text(json.dumps([list(ids), list(hashes)]), "utf-8")


def _write_chunks(folder: Path, table: Table, counts: Ints, sentences: Ints) -> None:
    """Write the table, whose column ``first_sentence`` is filled in here, and the sentences, ``counts`` a chunk."""
    table["first_sentence"] = np.cumsum(counts) - counts
    write_array(folder / "chunks.bin", table, _CHUNK)
    write_array(folder / "sentences.bin", sentences, "<i8")
