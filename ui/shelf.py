"""The documents of an index for people: upload, list, search, remove, and collections.

A collection is a name that documents of any origin may have; ``collections.json`` in the index's folder maps document
ids to it. Uploads lie in ``uploads`` there: a file of the same name is a new version of the same document.
"""

import json
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from index import AnyIndex, Document, Failure, load_documents
from index.errors import BelegError
from index.formats import READERS
from index.invisible import visible

UPLOAD_BYTES = 200_000_000
COLLECTION_CHARACTERS = 80
NAME_BYTES = 200

Progress = Callable[[int, int], None]
"""Told how many chunks are embedded, of how many that are read."""


class ShelfError(BelegError):
    """A change to the documents that cannot be made."""


@dataclass(frozen=True)
class Entry:
    """A document as the list shows it; ``pages`` is 0 where its format has none."""

    id: str
    title: str
    name: str
    date: str
    characters: int
    pages: int
    collection: str


@dataclass(frozen=True)
class Uploaded:
    """What became of an uploaded file: ids of its documents by what happened, and what failed."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


class Shelf:
    """The documents of one index; several threads may change them."""

    def __init__(self, index: AnyIndex) -> None:
        self.index = index
        self._changing = threading.Lock()
        self._listed: tuple[str, list[Entry]] = ("", [])

    @property
    def uploads(self) -> Path:
        """Folder of the uploaded files."""
        return self.index.folder / "uploads"

    # Listing

    def entries(self, wanted: str = "") -> list[Entry]:
        """Return the documents in which each word of ``wanted`` occurs (title, file or collection), by title."""
        words = wanted.casefold().split()
        named = self.collections()
        found = []
        for entry in self._entries():
            entry = Entry(**{**vars(entry), "collection": named.get(entry.id, "")})  # noqa: PLW2901
            text = f"{entry.title} {entry.name} {entry.collection}".casefold()
            if all(word in text for word in words):
                found.append(entry)
        return found

    def _entries(self) -> list[Entry]:
        version = self.index.version
        if self._listed[0] != version:
            entries = [_entry(document) for document in self.index.documents()]
            self._listed = version, sorted(entries, key=lambda entry: (entry.title.casefold(), entry.id))
        return self._listed[1]

    # Changing

    def add(self, path: Path, collection: str = "", progress: Progress = lambda *_: None) -> Uploaded:
        """Index an uploaded file, and put its documents into a collection.

        A file of which nothing can be read is deleted again.
        """
        failures: list[Failure] = []
        with self._changing:
            try:
                documents = load_documents([path], on_failure=failures.append)
                changes = self.index.add(documents, progress=lambda _, done, read: progress(done, read))
            except BelegError as error:
                path.unlink(missing_ok=True)
                return Uploaded(failures=(_without(path, str(error)),))
            ids = (*changes.added, *changes.updated, *changes.unchanged)
            if not ids:
                path.unlink(missing_ok=True)
            elif collection:
                self._name(ids, collection)
        reasons = tuple(_without(path, failure.reason) for failure in (*failures, *changes.failed))
        return Uploaded(tuple(changes.added), tuple(changes.updated), tuple(changes.unchanged), reasons)

    def remove(self, ids: Sequence[str]) -> int:
        """Remove documents, their uploaded files and their collections; return how many there were.

        Raises:
            StoreError: An id is unknown, or another process writes.
        """
        with self._changing:
            sources = {self.index.document(document_id).source for document_id in ids if document_id in self.index}
            removed = self.index.remove(ids).removed
            kept = {document.source for document in self.index.documents()} if sources else set()
            for source in sources - kept:
                if Path(source).parent == self.uploads.resolve():
                    Path(source).unlink(missing_ok=True)
            self._name(removed, "")
        return len(removed)

    # Collections

    def collections(self) -> dict[str, str]:
        """Return the collection of each document that is in one, by id."""
        try:
            named = json.loads((self.index.folder / "collections.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ShelfError(f"{self.index.folder / 'collections.json'}: {error}; repair or delete it") from error
        return {str(key): str(value) for key, value in named.items()} if isinstance(named, dict) else {}

    def put(self, ids: Sequence[str], collection: str) -> None:
        """Put documents into a collection; "" takes them out of theirs."""
        with self._changing:
            self._name([document_id for document_id in ids if document_id in self.index], collection)

    def _name(self, ids: Iterable[str], collection: str) -> None:
        named = self.collections()
        name = " ".join(collection.split())[:COLLECTION_CHARACTERS]
        changed = {**named, **dict.fromkeys(ids, name)}
        changed = {key: value for key, value in changed.items() if value}
        if changed == named:
            return
        path = self.index.folder / "collections.json"
        new = path.with_suffix(".new")
        try:
            new.write_text(json.dumps(changed, ensure_ascii=False, indent=0), "utf-8", errors="replace")
            os.replace(new, path)  # noqa: PTH105 - atomic
        except OSError as error:
            raise ShelfError(f"{path}: {error.strerror}; free space or make it writable") from error


def _without(path: Path, reason: str) -> str:
    """Return why a file failed without where the server keeps it: whose file it is knows its name.

    >>> _without(Path("/daten/uploads/leer.md"), "/daten/uploads/leer.md: the file is empty")
    'the file is empty'
    """
    return reason.removeprefix(f"{path}: ").replace(str(path), path.name)


def source_name(source: str) -> str:
    """Return what people call a document's origin: a file's name, and what is no path as it is.

    >>> source_name("/daten/stadt.pdf"), source_name("Amtsblatt 3/2024")
    ('stadt.pdf', 'Amtsblatt 3/2024')
    """
    path = Path(source)
    return path.name if path.is_absolute() else source


def formats() -> list[str]:
    """Return the endings of the files that can be read.

    >>> ".md" in formats()
    True
    """
    return list(READERS)


def _entry(document: Document) -> Entry:
    pages = max((place.page or 0 for place in document.places), default=0)
    name = source_name(document.source)
    return Entry(document.id, document.title or document.id, name, document.date, len(document.text), pages, "")


def file_name(given: str) -> str:
    r"""Return the name under which an upload may be stored: the last part of what a browser says, "" for none.

    >>> file_name("../../etc/Satzung der Stadt.txt"), file_name(".."), file_name(r"C:\a\Brief.md")
    ('Satzung der Stadt.txt', '', 'Brief.md')
    """
    last = unicodedata.normalize("NFC", visible(re.split(r"[/\\]", given)[-1]))
    name = "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*').strip().lstrip(".")
    return name if len(name.encode()) <= NAME_BYTES else ""
