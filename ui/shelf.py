"""The documents of an index for people: upload, list, search, remove, and collections.

Uploads lie in ``uploads`` in the index's folder: a file of the same name is a new version of the same document.
"""

import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from index import AnyIndex, Document, Failure, load_documents
from index.collections import Collections, collection_name
from index.errors import BelegError
from index.formats import READERS
from index.invisible import visible
from index.part import Part

UPLOAD_BYTES = 200_000_000
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
        self._collections = Collections(index.folder)
        self._changing = threading.Lock()
        self._listed: tuple[str, list[Entry]] = ("", [])

    def uploads(self, collection: str = "") -> Path:
        """Return the folder of the files uploaded into a collection; a part of an index has folders of its own.

        Raises:
            ShelfError: The index is a part of one, and the collection is outside it.
        """
        folder = self.index.folder / "uploads"
        if not isinstance(self.index, Part):
            return folder
        return folder / hashlib.sha256(self._named(collection).encode("utf-8", "replace")).hexdigest()[:16]

    def _own_uploads(self) -> set[Path]:
        """Return the folders of uploads that may be removed here: of a part, those of its collections."""
        if isinstance(self.index, Part):
            return {self.uploads(name).resolve() for name in self.index.names}
        folder = self.uploads().resolve()
        return {folder, *(inner for inner in folder.glob("*") if inner.is_dir())}

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
        name = self._named(collection)
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
            elif name:
                self._collections.put(ids, name)
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
            own = self._own_uploads()
            for path in map(Path, sources - kept):  # a row of JSON lines may name any source
                if path.parent in own and path.is_file():
                    path.unlink(missing_ok=True)
            self._collections.put(removed, "")
        return len(removed)

    # Collections

    def collections(self) -> dict[str, str]:
        """Return the collection of each document that is in one, by id."""
        return {one: name for one, name in self._collections.of_documents().items() if one in self.index}

    def names(self) -> list[str]:
        """Return the names of the collections that there are, of a part of an index those that it is made of."""
        return sorted(self.index.names if isinstance(self.index, Part) else set(self.collections().values()))

    def put(self, ids: Sequence[str], collection: str) -> None:
        """Put documents into a collection; "" takes them out of theirs.

        Raises:
            ShelfError: The index is a part of one, and the collection is outside it.
        """
        name = self._named(collection)
        self._collections.put([document_id for document_id in ids if document_id in self.index], name)

    def _named(self, collection: str) -> str:
        """Return the collection that is meant: in a part of an index the first where none is named."""
        name = collection_name(collection)
        if not isinstance(self.index, Part):
            return name
        if name and name not in self.index.names:
            raise ShelfError(f"{name!r} is none of your collections; choose {' or '.join(self.index.names)}")
        return name or self.index.names[0]


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
