"""A damaged index -> a whole one, from the text of its documents: vectors and terms are made anew where they are lost.

A document counts as whole where its files have the SHA-256 of the manifest, or where it has the content hash that was
written with it. What is not whole is named, so that its file can be added again.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from index.document import Document
from index.embedding import Embedder
from index.manifest import (
    Manifest,
    SegmentEntry,
    StoreError,
    read_manifest,
    sync_folder,
    unwritable,
    write_lock,
    write_manifest,
)
from index.segment import SegmentDocuments
from index.store import Index
from index.verified import first_damage

_TEXT_FILES = frozenset({"documents.jsonl", "texts.bin", "places.jsonl", "document_offsets.bin"})
_WORK = "repair.new"
"""Folder in which the whole index is made before it takes the place of the damaged one."""

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Lost:
    """A document whose text is damaged; ``source`` is where its file was, "" where that is lost, too."""

    id: str
    source: str = ""


@dataclass(frozen=True)
class Repaired:
    """What a repair found and did.

    ``damaged``: files, relative to the index's folder. ``rebuilt``: ids of the documents that were indexed anew.
    ``lost``: what must be added again. ``guessed``: whether the list of segments itself was damaged, so that documents
    that had been removed may be back.
    """

    damaged: tuple[str, ...] = ()
    rebuilt: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = ()
    guessed: bool = False


@dataclass(frozen=True)
class _Part:
    """A segment, and which of its files are not what was written."""

    entry: SegmentEntry
    damaged: frozenset[str]


def repair(folder: Path, *, embedder: Embedder | None = None, progress: Progress | None = None) -> Repaired:
    """Find what is damaged in an index and rebuild what its documents' text gives; a whole index is left as it is.

    A crash leaves the damaged index as it was; then the repair can be done again.

    Raises:
        StoreError: There is no index in the folder, another process writes, or the disk is full.
    """
    if not (folder / "segments").is_dir():
        raise StoreError(f"{folder}: no index there to repair")
    with write_lock(folder):
        try:
            manifest, guessed = _manifest(folder)
            parts = [_Part(entry, _damage(folder / "segments" / entry.name, entry)) for entry in manifest.segments]
            damaged = [f"segments/{part.entry.name}/{name}" for part in parts for name in sorted(part.damaged)]
            if guessed:
                damaged.insert(0, "manifest.json")
            if not damaged:
                return Repaired()
            documents, lost = _salvage(folder / "segments", parts)
            whole = [part.entry for part in parts if not part.damaged]
            rebuilt = _rebuild(folder, replace(manifest, segments=tuple(whole)), documents, embedder, progress)
        except OSError as error:
            raise unwritable(folder, error) from error
        finally:
            shutil.rmtree(folder / _WORK, ignore_errors=True)
    return Repaired(tuple(damaged), tuple(rebuilt), tuple(lost), guessed)


def _manifest(folder: Path) -> tuple[Manifest, bool]:
    """Return the manifest, and whether it is damaged and what it says was guessed from the folder."""
    try:
        return read_manifest(folder), False
    except StoreError as error:
        if "format version" in str(error):
            raise
    named = {entry.name: entry for entry in _entries(folder / "manifest.json")}
    folders = sorted((path for path in (folder / "segments").iterdir() if path.is_dir()), key=_age)
    return Manifest(segments=tuple(named.get(path.name, SegmentEntry(path.name, {})) for path in folders)), True


def _entries(path: Path) -> Iterator[SegmentEntry]:
    """Yield what a damaged manifest still says of its segments."""
    try:
        segments = json.loads(path.read_bytes())["segments"]
        for entry in segments:
            yield SegmentEntry(str(entry["name"]), dict(entry["files"]), tuple(map(int, entry["removed"])))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _damage(folder: Path, entry: SegmentEntry) -> frozenset[str]:
    """Return the names of the files that are not what was written; of a segment whose files are unknown, all."""
    if not entry.files:
        return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset({"*"})
    return frozenset(name for name, sha256 in entry.files.items() if not _is_whole(folder, name, sha256))


def _is_whole(folder: Path, name: str, sha256: str) -> bool:
    try:
        return first_damage(folder, {name: sha256}) is None
    except OSError:
        return False


def _salvage(folder: Path, parts: Sequence[_Part]) -> tuple[list[Document], list[Lost]]:
    """Return the documents of damaged segments that are whole, the newest of each id, and what is not whole."""
    kept = {name for part in parts if not part.damaged for name in _living_ids(folder, part.entry)}
    documents: dict[str, Document] = {}
    lost: dict[str, Lost] = {}
    for part in reversed([part for part in parts if part.damaged]):
        for found in _documents(folder / part.entry.name, part):
            if isinstance(found, Lost):
                lost.setdefault(found.id, found)
            elif found.id not in kept:
                documents.setdefault(found.id, found)
    held = kept | documents.keys()
    return list(documents.values()), [one for one in lost.values() if one.id not in held]


def _living_ids(folder: Path, entry: SegmentEntry) -> Iterator[str]:
    ids, _ = _ids_and_hashes(folder / entry.name)
    return (document_id for number, document_id in enumerate(ids) if number not in entry.removed)


def _documents(folder: Path, part: _Part) -> Iterator[Document | Lost]:
    """Yield the documents of a damaged segment that were not removed, each whole or lost."""
    ids, hashes = _ids_and_hashes(folder)
    trusted = bool(part.entry.files) and part.damaged.isdisjoint(_TEXT_FILES)
    table, count = _table(folder)
    for number in range(max(len(ids), count)):
        if number in part.entry.removed:
            continue
        document = _read(table, number) if table and number < count else None
        known = hashes[number] if number < len(hashes) else ""
        if document and (trusted or document.content_hash == known):
            yield document
        else:
            source = _source(table, number) if table and number < count else ""
            yield Lost(ids[number] if number < len(ids) else f"{folder.name}:{number}", source)


def _source(table: SegmentDocuments, number: int) -> str:
    """Return where a document's file was, as far as that can be read."""
    with suppress(ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, AttributeError):
        return str(table.fields(number)["source"])
    return ""


def _table(folder: Path) -> tuple[SegmentDocuments | None, int]:
    """Return the documents of a segment as they can be read, and how many they seem to be."""
    try:
        table = SegmentDocuments(folder)
        return table, len(table)
    except (OSError, ValueError):
        return None, 0


def _read(table: SegmentDocuments, number: int) -> Document | None:
    """Return a document as its damaged files give it; None where they do not."""
    with suppress(ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, AttributeError):
        document = table.read(number)
        document.content_hash.encode()
        return document
    return None


def _ids_and_hashes(folder: Path) -> tuple[list[str], list[str]]:
    """Return the id and the content hash of each document; none where the file that holds them cannot be read."""
    try:
        rows: Any = json.loads((folder / "ids.json").read_bytes())
        ids, hashes = ([str(value) for value in row] for row in rows)
    except (OSError, ValueError, TypeError, RecursionError):
        return [], []
    return ids, hashes


def _rebuild(
    folder: Path, kept: Manifest, documents: Iterable[Document], embedder: Embedder | None, progress: Progress | None
) -> list[str]:
    """Make the whole index beside the damaged one, then let it take its place; return what was indexed anew."""
    work = folder / _WORK
    shutil.rmtree(work, ignore_errors=True)
    (work / "segments").mkdir(parents=True)
    for entry in kept.segments:
        shutil.copytree(folder / "segments" / entry.name, work / "segments" / entry.name, copy_function=_link)
    write_manifest(work, kept)
    changes = Index.open(work, embedder=embedder).add(documents, progress=progress)
    new = read_manifest(work)
    for entry in new.segments:
        if not (folder / "segments" / entry.name).exists():
            (work / "segments" / entry.name).rename(folder / "segments" / entry.name)
    sync_folder(folder / "segments")
    write_manifest(folder, new)
    for path in (folder / "segments").iterdir():
        if path.name not in {entry.name for entry in new.segments}:
            shutil.rmtree(path, ignore_errors=True)
    return changes.added


def _link(source: str, target: str) -> None:
    """Give a file a second name; where the file system has none, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
