"""Index: a folder of immutable segments and one manifest, whose replacement is the commit."""

import hashlib
import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from index.chunking import Chunk, split_document
from index.document import Document, Failure
from index.embedding import Embedder, load_embedder
from index.errors import BelegError
from index.lexical import bm25
from index.segment import Segment, merge_segments, sync, sync_folder, write_segment
from index.settings import index_settings
from index.vectors import Floats, Ints

FORMAT = 1
GROUP_CHUNKS = 1024  # chunks embedded between two commits: what a crash can cost
MOST_SEGMENTS = 8
LOCK_SECONDS = 5.0

Progress = Callable[[int, int], None]


class StoreError(BelegError):
    """An index folder that cannot be opened, read or written."""


@dataclass(frozen=True)
class Hit:
    """A chunk found for a question.

    ``score`` orders the hits, best first; ``dense`` is the cosine in [-1, 1], ``lexical`` the BM25 score, 0 where no
    term of the question occurs.
    """

    chunk: Chunk
    score: float
    dense: float
    lexical: float


@dataclass
class Changes:
    """What an ``add`` or ``remove`` did, by document id."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)


class _View:
    """The segments of one manifest: what a reader sees, unchanged while it reads."""

    def __init__(self, folder: Path, manifest: dict[str, Any], verified: Container[str] = ()) -> None:
        self.manifest = manifest
        for entry in manifest["segments"]:
            if entry["name"] not in verified:
                _verify(folder / "segments" / entry["name"], entry["files"])
        self.segments = [
            Segment(folder / "segments" / entry["name"], entry["removed"]) for entry in manifest["segments"]
        ]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(entry["name"] for entry in self.manifest["segments"])

    @cached_property
    def place(self) -> dict[str, tuple[int, int]]:
        """Document id -> (segment, document number), removed documents left out."""
        return {
            segment.ids[number]: (position, number)
            for position, segment in enumerate(self.segments)
            for number in segment.living
        }

    def content_hash(self, document_id: str) -> str | None:
        if document_id not in self.place:
            return None
        segment, number = self.place[document_id]
        return self.segments[segment].hashes[number]


class Index:
    """Documents, their chunks, vectors and terms in one folder.

    One process writes at a time, any number read; a reader sees what the newest finished commit holds.
    """

    def __init__(self, folder: Path, embedder: Embedder | None) -> None:
        self.folder = folder
        self._embedder = embedder
        self._refreshing = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._current: _View | None = None
        self._view()

    @classmethod
    def open(cls, folder: str | Path | None = None, *, embedder: Embedder | None = None) -> "Index":
        """Open the index in a folder (default: ``BELEG_INDEX``); where none is, create an empty one.

        Raises:
            StoreError: The folder holds something else, a damaged file, another format version, or vectors of
                another embedder.
        """
        folder = Path(folder or index_settings().index)
        if not cls.exists(folder):
            _create(folder)
        return cls(folder, embedder)

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Whether the folder holds an index."""
        return (Path(folder) / "manifest.json").is_file()

    # Reading

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors, loaded at the first use and checked against the manifest."""
        if self._embedder is None:
            self._embedder = load_embedder()
        self._check_embedder(self._embedder, self._view().manifest)
        return self._embedder

    @property
    def version(self) -> str:
        """Changes with every commit."""
        return str(self._view().manifest["version"])

    def __len__(self) -> int:
        """Count the documents."""
        return len(self._view().place)

    def __contains__(self, document_id: object) -> bool:
        return document_id in self._view().place

    @property
    def chunk_count(self) -> int:
        """Number of chunks, those of removed documents included until they are merged away."""
        return sum(len(segment) for segment in self._view().segments)

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text.

        Raises:
            StoreError: No document has this id.
        """
        view = self._view()
        if document_id not in view.place:
            raise StoreError(f"no document {document_id!r} in {self.folder}; see: beleg index list")
        segment, number = view.place[document_id]
        return view.segments[segment].document(number)

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in the order in which they were added or last updated."""
        view = self._view()
        for segment, number in view.place.values():
            yield view.segments[segment].document(number)

    def search(
        self, query: Floats, terms: Iterable[str], *, candidates: int = 100, documents: Iterable[str] | None = None
    ) -> list[Hit]:
        """Return the nearest chunks by meaning and by words, each with both scores, in no useful order.

        Args:
            query: ``(dim,)`` unit vector of the question.
            terms: Its terms, as ``german_terms`` gives them.
            candidates: How many chunks each of the two searches contributes at most.
            documents: Only these document ids; unknown ids are an error.

        Raises:
            StoreError: A document id is unknown.
        """
        view = self._view()
        wanted = zip(view.segments, _wanted(view, documents), strict=True)
        allowed = [segment.allowed(numbers) for segment, numbers in wanted]
        every = bm25([segment.postings for segment in view.segments], terms)
        lexical = [np.where(mask, scores, np.float32(0)) for mask, scores in zip(allowed, every, strict=True)]
        hits: list[Hit] = []
        for segment, mask, scores in zip(view.segments, allowed, lexical, strict=True):
            by_meaning, _ = segment.vectors.search(query, candidates, mask)
            numbers = np.union1d(by_meaning, _best(scores, candidates))
            cosines = segment.vectors.rows(numbers) @ query if len(numbers) else np.empty(0)
            hits += [
                Hit(segment.chunk(int(number)), float(cosine), float(cosine), float(scores[number]))
                for number, cosine in zip(numbers, cosines, strict=True)
            ]
        return _overall(hits, candidates)

    # Writing

    def add(self, documents: Iterable[Document], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents; one with the same id and content is left as it is.

        Documents are read, embedded and committed in groups, so that memory stays bounded and a crash or an
        interruption keeps all finished groups.

        Args:
            documents: Read as a stream.
            progress: Told after each step how many documents and how many chunks are done.

        Raises:
            StoreError: Another process writes, the disk is full, or the embedder is not the index's.
        """
        changes = Changes()
        with self._writing():
            chunks_done = 0
            for group in _groups(self._new(documents, changes)):
                view = self._view()
                changed = [document.id for document, _ in group if document.id in view.place]
                self._commit_documents(group, replaced=changed)
                changes.updated += changed
                changes.added += [document.id for document, _ in group if document.id not in view.place]
                chunks_done += sum(len(chunks) for _, chunks in group)
                if progress:
                    progress(len(changes.added) + len(changes.updated) + len(changes.unchanged), chunks_done)
        return changes

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents; all of them, or none where an id is unknown.

        Raises:
            StoreError: An id is unknown, another process writes, or the disk is full.
        """
        wanted = list(dict.fromkeys(document_ids))
        with self._writing():
            unknown = [document_id for document_id in wanted if document_id not in self]
            if unknown:
                raise StoreError(f"no document {unknown[0]!r} in {self.folder}; nothing removed; see: beleg index list")
            if wanted:
                self._commit(self._manifest_without(wanted))
        return Changes(removed=wanted)

    def _new(self, documents: Iterable[Document], changes: Changes) -> Iterator[tuple[Document, list[Chunk]]]:
        """Chunk what is new or changed; note in ``changes`` what is not."""
        seen: dict[str, str] = {}
        for document in documents:
            content_hash = document.content_hash
            if document.id in seen:
                if seen[document.id] != content_hash:
                    reason = f"id {document.id!r} occurs twice with different contents; the first was kept"
                    changes.failed.append(Failure(document.source, reason))
                continue
            seen[document.id] = content_hash
            if self._view().content_hash(document.id) == content_hash:
                changes.unchanged.append(document.id)
                continue
            chunks = list(split_document(document))
            if chunks:
                yield document, chunks
            else:
                changes.failed.append(Failure(document.source, f"document {document.id!r} has no text"))

    def _commit_documents(self, group: list[tuple[Document, list[Chunk]]], replaced: list[str]) -> None:
        documents = [document for document, _ in group]
        chunks = [of_document for _, of_document in group]
        vectors = self.embedder.embed_documents([chunk.searchable for chunk in chain.from_iterable(chunks)])
        manifest = self._manifest_without(replaced)
        manifest["embedder"] = _identity(self.embedder)
        with self._new_segment() as folder:
            write_segment(folder, documents, chunks, vectors)
            manifest["segments"].append(_entry(folder))
        self._commit(manifest)
        if len(manifest["segments"]) > MOST_SEGMENTS:
            self._merge()

    def _merge(self) -> None:
        """Make one segment of all but the largest ones, so that their number stays small at little cost."""
        view = self._view()
        largest = max(len(segment) for segment in view.segments)
        small = {segment.folder.name for segment in view.segments if len(segment) * 4 <= largest}
        merged = small if len(small) > 1 else view.names
        with self._new_segment() as folder:
            merge_segments(folder, [segment for segment in view.segments if segment.folder.name in merged])
            entry = _entry(folder)
        kept = [old for old in view.manifest["segments"] if old["name"] not in merged]
        self._commit({**view.manifest, "segments": [*kept, entry]})

    def _manifest_without(self, document_ids: Iterable[str]) -> dict[str, Any]:
        """Return a copy of the manifest in which these documents are removed."""
        view = self._view()
        manifest: dict[str, Any] = json.loads(json.dumps(view.manifest))
        for document_id in document_ids:
            segment, number = view.place[document_id]
            manifest["segments"][segment]["removed"].append(number)
        manifest["segments"] = [
            entry
            for entry, segment in zip(manifest["segments"], view.segments, strict=True)
            if len(entry["removed"]) < len(segment.ids)
        ]
        return manifest

    @contextmanager
    def _new_segment(self) -> Iterator[Path]:
        folder = self.folder / "segments" / uuid.uuid4().hex[:12]
        try:
            yield folder
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise

    def _commit(self, manifest: dict[str, Any]) -> None:
        """Replace the manifest in one step, then forget the segments that it no longer names."""
        try:
            _write_manifest(self.folder, manifest)
        except OSError as error:
            raise self._unwritable(error) from error
        names = {entry["name"] for entry in manifest["segments"]}
        for folder in (self.folder / "segments").iterdir():
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def _unwritable(self, error: OSError) -> StoreError:
        reason = error.strerror or str(error)
        return StoreError(f"{self.folder}: cannot write ({reason}); the index is as it was; make room and try again")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "write.lock", timeout=LOCK_SECONDS):
                yield
        except Timeout as error:
            message = f"{self.folder}: another process is writing to this index; wait until it is done and try again"
            raise StoreError(message) from error
        except PermissionError as error:
            raise self._unwritable(error) from error

    # The current view

    def _view(self) -> _View:
        current = self._current
        if current is None or self._stamp != _stamp(self.folder):
            with self._refreshing:
                self._current = current = self._refreshed()
        return current

    def _refreshed(self) -> _View:
        """Open what the manifest names; a writer may remove a segment between the two, then once more."""
        for attempt in range(5):
            stamp = _stamp(self.folder)
            manifest = _read_manifest(self.folder)
            if self._embedder is not None:
                self._check_embedder(self._embedder, manifest)
            else:
                self._check_embedder_name(manifest)
            try:
                view = _View(self.folder, manifest, self._current.names if self._current else ())
            except FileNotFoundError as error:
                if attempt == 4:
                    raise StoreError(f"{error.filename}: missing; {_REBUILD}") from error
            else:
                self._stamp = stamp
                return view
        raise AssertionError("unreachable")

    def _check_embedder_name(self, manifest: dict[str, Any]) -> None:
        built_with, wanted = manifest["embedder"], index_settings().embedding_model
        if built_with and built_with["name"] != wanted:
            raise StoreError(
                f"index at {self.folder} was built with {built_with['name']!r}, the embedder is {wanted!r}; "
                f"set BELEG_EMBEDDING_MODEL={built_with['name']}, or build a new index: beleg index add …"
            )

    def _check_embedder(self, embedder: Embedder, manifest: dict[str, Any]) -> None:
        built_with, wanted = manifest["embedder"], _identity(embedder)
        if built_with and built_with != wanted:
            raise StoreError(
                f"index at {self.folder} was built with {_named(built_with)}, the embedder is {_named(wanted)}; "
                f"set BELEG_EMBEDDING_MODEL to the first, or build a new index: beleg index add …"
            )


_REBUILD = "the index is damaged; delete its folder and run again: beleg index add …"


def _groups(documents: Iterable[tuple[Document, list[Chunk]]]) -> Iterator[list[tuple[Document, list[Chunk]]]]:
    group: list[tuple[Document, list[Chunk]]] = []
    for document, chunks in documents:
        group.append((document, chunks))
        if sum(len(chunks) for _, chunks in group) >= GROUP_CHUNKS:
            yield group
            group = []
    if group:
        yield group


def _wanted(view: _View, documents: Iterable[str] | None) -> list[list[int]]:
    """Document numbers to search in each segment."""
    if documents is None:
        return [segment.living for segment in view.segments]
    numbers: list[list[int]] = [[] for _ in view.segments]
    for document_id in documents:
        if document_id not in view.place:
            raise StoreError(f"no document {document_id!r} in the index; see: beleg index list")
        segment, number = view.place[document_id]
        numbers[segment].append(number)
    return numbers


def _best(scores: Floats, k: int) -> Ints:
    """Numbers of the ``k`` highest scores above 0."""
    found = np.flatnonzero(scores)
    return found if len(found) <= k else found[np.argpartition(scores[found], -k)[-k:]]


def _overall(hits: list[Hit], candidates: int) -> list[Hit]:
    """Of the candidates of all segments, those among the first by meaning or by words."""
    by_meaning = sorted(hits, key=lambda hit: -hit.dense)[:candidates]
    by_words = sorted((hit for hit in hits if hit.lexical > 0), key=lambda hit: -hit.lexical)[:candidates]
    return list({hit.chunk.id: hit for hit in chain(by_meaning, by_words)}.values())


def _identity(embedder: Embedder) -> dict[str, Any]:
    return {"name": embedder.name, "fingerprint": embedder.fingerprint, "dimension": embedder.dimension}


def _named(identity: dict[str, Any]) -> str:
    return f"{identity['name']!r} (dim {identity['dimension']}, {identity['fingerprint'][:19]})"


def _entry(folder: Path) -> dict[str, Any]:
    """Describe a written segment for the manifest, after forcing it to the disk."""
    hashes = sync(folder)
    sync_folder(folder.parent)
    return {"name": folder.name, "removed": [], "files": hashes}


def _create(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder}: not an index (no manifest.json), and not empty; give another folder")
    try:
        (folder / "segments").mkdir(parents=True, exist_ok=True)
        _write_manifest(folder, {"format": FORMAT, "embedder": None, "segments": []})
    except OSError as error:
        raise StoreError(f"{folder}: cannot create an index ({error.strerror}); give another folder") from error


def _checksum(manifest: dict[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    manifest = {**manifest, "version": uuid.uuid4().hex[:12]}
    manifest["checksum"] = _checksum(manifest)
    temporary = folder / "manifest.json.new"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / "manifest.json")
    sync_folder(folder)


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        found_format, checksum = manifest["format"], manifest["checksum"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: not readable ({error}); {_REBUILD}") from error
    if found_format != FORMAT:
        raise StoreError(
            f"{path}: format version {found_format}, this beleg reads {FORMAT}; "
            "use the beleg that wrote it, or build a new index: beleg index add …"
        )
    if checksum != _checksum(manifest):
        raise StoreError(f"{path}: does not match its own checksum; {_REBUILD}")
    return manifest


def _verify(folder: Path, files: dict[str, str]) -> None:
    """Check the SHA-256 of every file of a segment."""
    for name, expected in files.items():
        with (folder / name).open("rb") as file:
            seen = hashlib.file_digest(file, "sha256").hexdigest()
        if seen != expected:
            raise StoreError(f"{folder / name}: SHA-256 is {seen[:12]}…, expected {expected[:12]}…; {_REBUILD}")


def _stamp(folder: Path) -> tuple[int, int] | None:
    """Tell one manifest from the next without reading it."""
    try:
        status = (folder / "manifest.json").stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino
