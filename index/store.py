"""Index: a folder of immutable segments and one manifest, whose replacement is the commit."""

import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from index.adding import Changes, Group, Progress, groups, new_documents, tell
from index.address import parse_address
from index.compounds import Count
from index.document import Document, KnownDocument
from index.embedding import Embedder, load_embedder
from index.late_interaction import NO_TOKENS, Tokens
from index.manifest import (
    REBUILD,
    EmbedderIdentity,
    Manifest,
    SegmentEntry,
    Stamp,
    StoreError,
    UnwritableError,
    create_manifest,
    describe_segment,
    identity,
    read_manifest,
    read_stamp,
    unwritable,
    verify_segment,
    write_lock,
    write_manifest,
)
from index.postings import vocabulary
from index.protocol import SEARCH_PARTS, SearchPart, StoredDocument
from index.search import Search
from index.segment import Segment, merge_segments, write_segment
from index.settings import index_settings
from index.vectors import Floats, Mask

__all__ = ["Changes", "Index", "StoreError"]

GROUP_CHUNKS = 1024  # chunks embedded between two commits: what a crash can cost
MOST_SEGMENTS = 8  # beside those that are too large to be merged
MOST_MERGED = 500_000  # chunks in a merged segment
MOST_REMOVED = 0.25  # share of a segment's chunks that updates may leave dead in it

_Sized = TypeVar("_Sized", bound=Sized)


class _View:
    """The segments of one manifest: what a reader sees, unchanged while it reads."""

    def __init__(self, folder: Path, manifest: Manifest, stamp: Stamp | None, before: "_View | None") -> None:
        self.manifest = manifest
        self.stamp = stamp
        known = {segment.folder.name: segment for segment in before.segments} if before else {}
        self.segments: list[Segment] = [_open_segment(folder / "segments", entry, known) for entry in manifest.segments]

    def find(self, document_id: object) -> tuple[Segment, int] | None:
        """Return the segment and the number of the document with this id; None where there is none."""
        for segment in self.segments:
            number = segment.numbers.get(document_id)
            if number is not None and number not in segment.removed:
                return segment, number
        return None

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""
        found = self.find(document_id)
        return found[0].hashes[found[1]] if found else None


def _open_segment(folder: Path, entry: SegmentEntry, known: dict[str, Segment]) -> Segment:
    """Open a segment: as it was open before, or verified."""
    segment = known.get(entry.name)
    if segment is None:
        verify_segment(folder / entry.name, entry)
        return Segment(folder / entry.name, entry.removed)
    return segment if segment.removed == frozenset(entry.removed) else segment.with_removed(entry.removed)


class Index:
    """Documents, their chunks, vectors and terms in one folder.

    One process writes at a time, any number read; a reader sees what the newest finished commit holds.
    """

    def __init__(self, folder: Path, embedder: Embedder | None) -> None:
        self.folder = folder
        self._embedder = embedder
        self._refreshing = threading.Lock()
        self._current = self._newest(None)

    @classmethod
    def open(
        cls, folder: str | Path | None = None, *, embedder: Embedder | None = None, must_exist: bool = False
    ) -> "Index":
        """Open the index in a folder (default: ``BELEG_INDEX``); where none is, create an empty one.

        Raises:
            StoreError: The folder holds something else, a damaged file, another format version, or vectors of
                another embedder; or nothing, and ``must_exist`` is set.
        """
        address = parse_address(folder or index_settings().index)
        if not isinstance(address, Path):
            raise StoreError(f"{address}: not a folder; open it by: open_index")
        folder = address
        if not cls.exists(folder):
            if must_exist:
                raise StoreError(f"{folder}: no index there; make one: beleg index add PATH --index {folder}")
            create_manifest(folder)
        return cls(folder, embedder)

    @staticmethod
    def exists(folder: str | Path) -> bool:
        """Whether the folder holds an index."""
        return os.path.isfile(Path(folder, "manifest.json"))  # noqa: PTH113 - Path.is_file raises for a forbidden folder

    # Reading

    @property
    def address(self) -> str:
        """What the index is called in messages."""
        return str(self.folder)

    @property
    def search_parts(self) -> frozenset[SearchPart]:
        """By what its chunks are searched."""
        return SEARCH_PARTS

    @property
    def embedder(self) -> Embedder:
        """The embedder of the vectors, loaded at the first use and checked against the manifest."""
        if self._embedder is None:
            self._embedder = load_embedder()
        self._check_embedder(self._view().manifest)
        return self._embedder

    @property
    def built_with(self) -> EmbedderIdentity | None:
        """The embedder of the vectors, which is not loaded for it; None where there are none yet."""
        return self._view().manifest.embedder

    @property
    def version(self) -> str:
        """Changes with every commit."""
        return self._view().manifest.version

    def __len__(self) -> int:
        """Count the documents."""
        return sum(segment.document_count - len(segment.removed) for segment in self._view().segments)

    def __contains__(self, document_id: object) -> bool:
        return self._view().find(document_id) is not None

    @property
    def chunk_count(self) -> int:
        """Number of chunks."""
        return sum(segment.living_count for segment in self._view().segments)

    def document(self, document_id: str) -> Document:
        """Return a document with its whole text.

        Raises:
            StoreError: No document has this id.
        """
        found = self._view().find(document_id)
        if found is None:
            raise self._unknown(document_id)
        segment, number = found
        return segment.document(number)

    def content_hash(self, document_id: str) -> str | None:
        """Return the hash of the document with this id; None where there is none."""
        return self._view().content_hash(document_id)

    def content_hashes(self) -> Iterator[tuple[str, str]]:
        """Yield id and content hash of all documents."""
        for segment in self._view().segments:
            yield from ((segment.ids[number], segment.hashes[number]) for number in segment.living)

    def documents(self) -> Iterator[Document]:
        """Yield all documents, in an order that stays until the index changes."""
        for segment in self._view().segments:
            yield from map(segment.document, segment.living)

    def stored(self, wanted: Iterable[str]) -> Iterator[StoredDocument]:
        """Yield the documents with these ids as they are stored, those that are gone left out."""
        view = self._view()
        for segment, number in filter(None, map(view.find, wanted)):
            chunks = segment.chunks_of(number)
            passages = [segment.chunk(chunk).searchable for chunk in chunks.tolist()]
            vectors, tokens = segment.vectors.rows(chunks), list(segment.tokens.of(chunks))
            yield StoredDocument(segment.document(number), passages, vectors, tokens)

    def search(
        self,
        vector: Floats,
        *,
        tokens: Tokens = NO_TOKENS,
        candidates: int = 100,
        documents: Iterable[str] | None = None,
    ) -> Search:
        """Begin the search for a question in what the index holds now; its ``hits`` take the question's terms.

        Args:
            vector: ``(dim,)`` unit vector of the question.
            tokens: Its tokens, as the embedder gives them, for the late interaction.
            candidates: How many chunks the search by meaning and the search by words each contribute at most.
            documents: Only these document ids; unknown ids are an error.

        Raises:
            StoreError: A document id is unknown.
        """
        view = self._view()
        return Search(view.segments, self._wanted(view, documents), vector, tokens, candidates)

    def _wanted(self, view: _View, documents: Iterable[str] | None) -> list[Mask]:
        """Which chunks to search in each segment."""
        if documents is None:
            return [segment.living_mask for segment in view.segments]
        numbers: dict[Segment, list[int]] = {segment: [] for segment in view.segments}
        for document_id in documents:
            found = view.find(document_id)
            if found is None:
                raise self._unknown(document_id)
            numbers[found[0]].append(found[1])
        return [segment.allowed(of_segment) for segment, of_segment in numbers.items()]

    def _unknown(self, document_id: str) -> StoreError:
        return StoreError(f"no document {document_id!r} in {self.folder}; see: beleg index list")

    # Writing

    def add(self, documents: Iterable[Document | KnownDocument], *, progress: Progress | None = None) -> Changes:
        """Index new and changed documents; one with the same id and content is left as it is.

        Documents are read, embedded and committed in groups, so that memory stays bounded and a crash or an
        interruption keeps all finished groups.

        Args:
            documents: Read as a stream; a ``KnownDocument`` stands for one that the index holds already.
            progress: Told after each step how many documents and chunks are done, and how many chunks are read.

        Raises:
            StoreError: Another process writes, the disk is full, or the embedder is not the index's.
        """
        changes = Changes()
        chunks_done = 0
        with self._writing():
            new = new_documents(documents, lambda document_id: self._view().content_hash(document_id), changes)
            for group in groups(new, GROUP_CHUNKS):
                documents_done = len(changes.added) + len(changes.updated) + len(changes.unchanged)
                changed = [document.id for document, _ in group if document.id in self]
                added = [document.id for document, _ in group if document.id not in self]
                self._commit_documents(group, changed, partial(tell, progress, documents_done, chunks_done))
                changes.updated += changed
                changes.added += added
                chunks_done += sum(len(chunks) for _, chunks in group)
                tell(progress, documents_done + len(group), chunks_done, 0, 0)
            self._rewrite(MOST_REMOVED)
        return changes

    def remove(self, document_ids: Iterable[str]) -> Changes:
        """Remove documents, from the disk too where it has room for that; all of them, or none where an id is unknown.

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
                self._rewrite(0)
        return Changes(removed=wanted)

    def _commit_documents(self, group: Group, replaced: list[str], embedding: Callable[[int, int], None]) -> None:
        documents = [document for document, _ in group]
        chunks = [of_document for _, of_document in group]
        passages = [chunk.searchable for chunk in chain.from_iterable(chunks)]
        vectors, tokens = self.embedder.embed_passages(passages, progress=embedding)
        with self._new_segment() as folder:
            write_segment(folder, documents, chunks, vectors, tokens, elsewhere=self._words_beside(()))
            entry = describe_segment(folder)
        kept = self._manifest_without(replaced)
        self._commit(replace(kept, embedder=identity(self.embedder), segments=(*kept.segments, entry)))
        if to_merge := segments_to_merge(self._view().segments):
            self._merge(to_merge)

    def _rewrite(self, most_removed: float) -> None:
        """Rewrite the segments of which a larger share than this is removed, so that it leaves the disk."""
        for segment in self._view().segments:
            if 1 - segment.living_count / len(segment) > most_removed:
                self._merge([segment])

    def _merge(self, merged: Sequence[Segment]) -> None:
        """Make one segment of these; where there is no room for it they stay, and the next change tries again."""
        with suppress(UnwritableError):
            with self._new_segment() as folder:
                merge_segments(folder, merged, self._words_beside(merged))
                entry = describe_segment(folder)
            manifest = self._view().manifest
            names = {segment.folder.name for segment in merged}
            kept = [old for old in manifest.segments if old.name not in names]
            self._commit(replace(manifest, segments=(*kept, entry)))

    def _words_beside(self, segments: Sequence[Segment]) -> Count:
        """Count the words of all other segments, by which compounds of a new one are split."""
        return vocabulary([segment.postings for segment in self._view().segments if segment not in segments])

    def _manifest_without(self, document_ids: Iterable[str]) -> Manifest:
        """Return the manifest in which these documents are removed, and segments that have no other."""
        view = self._view()
        gone: dict[Segment, set[int]] = {segment: set(segment.removed) for segment in view.segments}
        for document_id in document_ids:
            found = view.find(document_id)
            if found:
                gone[found[0]].add(found[1])
        entries = zip(view.manifest.segments, gone.items(), strict=True)
        return replace(
            view.manifest,
            segments=tuple(
                replace(entry, removed=tuple(sorted(numbers)))
                for entry, (segment, numbers) in entries
                if len(numbers) < segment.document_count
            ),
        )

    @contextmanager
    def _new_segment(self) -> Iterator[Path]:
        folder = self.folder / "segments" / uuid.uuid4().hex[:12]
        try:
            yield folder
        except OSError as error:
            raise unwritable(self.folder, error) from error

    def _commit(self, manifest: Manifest) -> None:
        try:
            write_manifest(self.folder, manifest)
        except OSError as error:
            raise unwritable(self.folder, error) from error
        self._refresh()
        self._sweep()

    def _sweep(self) -> None:
        """Delete the folders that the manifest does not name: merged, or left by a process that failed."""
        names = {entry.name for entry in read_manifest(self.folder).segments}
        for folder in (self.folder / "segments").glob("*"):
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the right to write, with a view of the newest commit and none of a failed writer's folders."""
        with write_lock(self.folder):
            self._refresh()
            self._sweep()
            try:
                yield
            finally:
                self._sweep()

    # The current view

    def _view(self) -> _View:
        current = self._current
        if current.stamp != read_stamp(self.folder):
            with self._refreshing:
                if self._current is current:  # else another thread was faster
                    self._current = self._newest(current)
        return self._current

    def _refresh(self) -> None:
        """Read the manifest even where its stamp says nothing new: a writer must build on the newest commit."""
        with self._refreshing:
            self._current = self._newest(self._current)

    def _newest(self, before: _View | None) -> _View:
        """Open what the manifest names; a writer may delete a segment between the two, then once more."""
        missing = OSError()
        for _ in range(5):
            stamp = read_stamp(self.folder)
            manifest = read_manifest(self.folder)
            self._check_embedder(manifest)
            try:
                return _View(self.folder, manifest, stamp, before)
            except FileNotFoundError as error:
                missing = error
            except OSError as error:
                raise StoreError(f"{error.filename}: cannot be read ({error.strerror}); make it readable") from error
        raise StoreError(f"{missing.filename}: missing; {REBUILD}") from missing

    def _check_embedder(self, manifest: Manifest) -> None:
        """Compare with the embedder where it is loaded, else with the name in the settings."""
        if manifest.embedder is not None:
            manifest.embedder.check(self._embedder, self.folder)


def segments_to_merge(segments: Sequence[_Sized]) -> list[_Sized]:
    """Return the segments to merge into one, by their lengths; none where they are few.

    The two smallest, and each next one that is no longer than those before it together: so a chunk is written about
    five times, whether 1,000,000 come in groups of 1,024 or ten times as many. What is over half of ``MOST_MERGED`` is
    never merged again, which bounds the memory and the time of a merge.

    >>> list(map(len, segments_to_merge(["aaaaaaaaa", "bbbb", *"cdefghi"])))
    [1, 1, 1, 1, 1, 1, 1, 4, 9]
    >>> segments_to_merge(["aaaaaaaaa", "bbbb"])
    []
    """
    small = sorted((segment for segment in segments if 2 * len(segment) <= MOST_MERGED), key=len)
    if len(small) <= MOST_SEGMENTS:
        return []
    taken, total = small[:2], len(small[0]) + len(small[1])
    for segment in small[2:]:
        if len(segment) > total or total + len(segment) > MOST_MERGED:
            break
        taken.append(segment)
        total += len(segment)
    return taken
