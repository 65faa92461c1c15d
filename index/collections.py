"""The names under which documents are put together: ``collections.json`` in an index's folder, ids to names."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from index.manifest import StoreError

NAME_CHARACTERS = 80


class Collections:
    """Which document is in which collection; a document of any origin may be in one.

    Args:
        folder: Of the index.

    >>> import tempfile
    >>> collections = Collections(Path(tempfile.mkdtemp()))
    >>> collections.put(["a", "b"], " Amt  50 ")
    >>> collections.put(["b"], "")
    >>> collections.of_documents(), collections.ids({"Amt 50"})
    ({'a': 'Amt 50'}, frozenset({'a'}))
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "collections.json"
        self._read: tuple[object, dict[str, str]] = (None, {})

    @property
    def version(self) -> object:
        """Changes with every change."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from error
        return status.st_mtime_ns, status.st_ino, status.st_size

    def of_documents(self) -> dict[str, str]:
        """Return the collection of each document that is in one, by id.

        Raises:
            StoreError: The file cannot be read.
        """
        version = self.version
        if version is None:
            return {}
        if self._read[0] != version:
            self._read = version, self._named()
        return dict(self._read[1])

    def _named(self) -> dict[str, str]:
        try:
            named = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        return {str(key): str(value) for key, value in named.items()} if isinstance(named, dict) else {}

    def _unreadable(self, error: Exception) -> StoreError:
        return StoreError(f"{self.path}: {error}; repair or delete it")

    def ids(self, names: Iterable[str]) -> frozenset[str]:
        """Return the ids of what is in one of these collections."""
        wanted = set(names)
        return frozenset(document_id for document_id, name in self.of_documents().items() if name in wanted)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other threads and processes from changing it."""
        from filelock import FileLock

        try:
            with FileLock(self.path.with_suffix(".lock")):
                yield
        except OSError as error:
            raise StoreError(f"{self.path}: {error.strerror}; free space or make it writable") from error

    def put(self, ids: Iterable[str], name: str) -> None:
        """Put documents into a collection; "" takes them out of theirs.

        Raises:
            StoreError: The file cannot be read or written.
        """
        name = collection_name(name)
        with self._changing():
            named = self.of_documents()
            changed = {key: value for key, value in {**named, **dict.fromkeys(ids, name)}.items() if value}
            if changed == named:
                return
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(changed, ensure_ascii=False, indent=0), "utf-8", errors="replace")
            os.replace(new, self.path)  # noqa: PTH105 - atomic


def collection_name(given: str) -> str:
    """Return a name as it is kept: without blanks around it, and not longer than a list shows.

    >>> collection_name("  Amt   50 ")
    'Amt 50'
    """
    return " ".join(given.split())[:NAME_CHARACTERS].strip()
