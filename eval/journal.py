"""A run's rows on disk as soon as each is there: what was done before a crash is not done again."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.records import Row
from index.errors import BelegError

_NAMED = 4  # differences that an error names


class JournalError(BelegError):
    """A journal that cannot be gone on with."""


class Journal:
    """A file of JSON lines: first what decides the result, then a row a question, each synced to the disk.

    Args:
        path: Of the file; its folder exists.
        identity: What decides the result, in JSON types; a journal of another one is not gone on with.
        restart: Forget what is there.

    Raises:
        JournalError: The file is of another identity, or no journal.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "journal.jsonl")
    ...     Journal(path, {"seed": 0}).append("beleg", {"id": "a", "seconds": 1.5})
    ...     Journal(path, {"seed": 0}).rows("beleg")
    {'a': {'id': 'a', 'seconds': 1.5}}
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], *, restart: bool = False) -> None:
        self.path = path
        self._rows: dict[tuple[str, str], Row] = {}
        if restart or not self._read(identity):
            self._write("wb", {"identity": identity})

    def rows(self, system: str) -> dict[str, Row]:
        """Return what is done, by the question's id."""
        return {name: row for (of, name), row in self._rows.items() if of == system}

    def append(self, system: str, row: Row) -> None:
        """Keep a row; it is on the disk when this returns.

        Raises:
            JournalError: It cannot be written.
        """
        self._write("ab", {"system": system, "row": row})
        self._rows[system, row["id"]] = row

    def close(self) -> None:
        """Delete the file, now that the report holds what is in it."""
        self.path.unlink(missing_ok=True)

    def _read(self, identity: Mapping[str, Any]) -> bool:
        """Take over the rows of a file that is there; whether it had begun, a torn last line cut off."""
        lines = list(_whole_lines(self.path))
        if not lines:
            return False
        try:
            first, *rows = [json.loads(line) for line in lines]
            before = first["identity"]
            self._rows = {(entry["system"], entry["row"]["id"]): entry["row"] for entry in rows}
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(f"{self.path}: is no journal of a run ({error}); begin anew with --restart") from error
        if before != identity:
            told = "; ".join(list(differences(before, identity))[:_NAMED])
            raise JournalError(
                f"{self.path}: a run with other settings was begun here ({told}); take those again, or begin anew "
                "with --restart, or give another file"
            )
        os.truncate(self.path, sum(map(len, lines)))
        return True

    def _write(self, mode: str, entry: Mapping[str, Any]) -> None:
        try:
            with self.path.open(mode) as file:
                file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalError(f"{self.path}: cannot be written ({error.strerror}); give another file") from error


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that were written to their end."""
    if path.exists():
        yield from (line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))


def differences(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """Name what differs between two values of JSON.

    >>> list(differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2}))
    ['a.b was 1, is 3']
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from differences(before.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif before != now:
        yield f"{name} was {_short(before)}, is {_short(now)}"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"
