"""Which documents each file gave, and how it looked then: what has not changed is not read again.

A file counts as unchanged where its size and the time of its last change are those of then, as make and rsync have it:
a change that keeps both is not seen (``beleg index add --force`` reads all). The list is only a memory: it is written
after the documents are committed, an entry counts only while the index holds the very documents that it names, and
where the list is lost or damaged the files are read again.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from index.document import Document, DocumentError, KnownDocument

FORMAT = 2
"""Raise it where readers give other texts than before: then all files are read again."""
MOST_DOCUMENTS = 100_000
"""A file of more is read again each time: that is as quick as its list."""


@dataclass(frozen=True)
class _Entry:
    """A file as it was read; ``left`` are documents of earlier states of it, which it does not hold any more."""

    size: int
    changed: int
    documents: dict[str, str]
    left: list[str] = field(default_factory=list)


class Reading:
    """Takes note of what one file gives while it is read."""

    def __init__(self, path: Path, finished: Callable[[os.stat_result, dict[str, str]], None]) -> None:
        self._finished = finished
        self._documents: dict[str, str] = {}
        self._failed = False
        self._status = _status(path)

    def note(self, read: Document | KnownDocument | DocumentError) -> None:
        """Take note of a document; a file with a failure is read again the next time, so that it is named again."""
        if isinstance(read, DocumentError):
            self._failed = True
        elif len(self._documents) <= MOST_DOCUMENTS:
            self._documents[read.id] = read.content_hash

    def finish(self) -> None:
        """Remember the file, as it was before it was read."""
        if self._status and not self._failed and len(self._documents) <= MOST_DOCUMENTS:
            self._finished(self._status, self._documents)


class Sources:
    """The files of an index, in ``sources.json`` beside its manifest.

    Args:
        folder: The index's.
        content_hash: Gives the hash of the document with an id in the index, None where there is none.
        force: Whether to take all files for changed.
    """

    def __init__(self, folder: Path, content_hash: Callable[[str], str | None], *, force: bool = False) -> None:
        self._path = folder / "sources.json"
        self._content_hash = content_hash
        self._force = force
        self._entries = _read_entries(self._path)

    def unchanged(self, path: Path) -> list[KnownDocument] | None:
        """Return what stands for the documents of a file that has not changed; None for one that is to be read."""
        source = os.path.realpath(path)
        entry, status = self._entries.get(source), _status(path)
        if self._force or entry is None or status is None:
            return None
        if (entry.size, entry.changed) != (status.st_size, status.st_mtime_ns):
            return None
        known = [KnownDocument(name, content_hash, source) for name, content_hash in entry.documents.items()]
        return known if all(self._content_hash(one.id) == one.content_hash for one in known) else None

    def reading(self, path: Path) -> Reading:
        """Begin to read a file."""

        def finished(status: os.stat_result, documents: dict[str, str]) -> None:
            source = os.path.realpath(path)
            before = self._entries.get(source)
            earlier = [*before.documents, *before.left] if before else []
            left = [name for name in dict.fromkeys(earlier) if name not in documents]
            self._entries[source] = _Entry(status.st_size, status.st_mtime_ns, documents, left)

        return Reading(path, finished)

    def gone(self, paths: Iterable[str | Path]) -> list[str]:
        """Return the ids of indexed documents whose file, in one of these folders, is no longer there or lost them."""
        files = [os.path.realpath(path) for path in paths]
        folders = tuple(file.rstrip(os.sep) + os.sep for file in files)
        gone: list[str] = []
        kept: set[str] = set()
        for source, entry in self._entries.items():
            if source not in files and not source.startswith(folders):
                kept.update(entry.documents)
            elif os.path.lexists(source):
                kept.update(entry.documents)
                gone += entry.left
            else:
                gone += [*entry.documents, *entry.left]
        return [name for name in dict.fromkeys(gone) if name not in kept and self._content_hash(name) is not None]

    def save(self) -> None:
        """Write the list in one step; where it cannot be written the files are read again, and nothing else is lost."""
        self._forget()
        temporary = self._path.with_name(f"sources.json.{uuid.uuid4().hex[:8]}.new")
        fields = {"format": FORMAT, "sources": {source: asdict(entry) for source, entry in self._entries.items()}}
        fields["checksum"] = _checksum(fields["sources"])
        try:
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(fields, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Drop the entries of files that are gone and whose documents are, too."""
        for source, entry in list(self._entries.items()):
            names = [*entry.documents, *entry.left]
            if not os.path.lexists(source) and all(self._content_hash(name) is None for name in names):
                del self._entries[source]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _read_entries(path: Path) -> dict[str, _Entry]:
    """Return the list; an empty one where there is none that can be used."""
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        if fields["format"] != FORMAT or fields["checksum"] != _checksum(fields["sources"]):
            return {}
        return {source: _Entry(**entry) for source, entry in fields["sources"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _checksum(sources: object) -> str:
    """Tell a damaged list, by which documents could be taken for gone, from a whole one."""
    return hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
