"""Files -> rows with the place each stands at; what cannot be read is a row that says why."""

import ast
import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.document import Document, DocumentError
from index.encodings import decode
from index.errors import BelegError

Fields = dict[str, Any]


class GoldSetError(BelegError):
    """A gold set that cannot be measured with."""


@dataclass(frozen=True)
class Row:
    """The fields of a document or a question, and where they stand (``file:line``).

    ``error``: why the row cannot be read; ``problems``: what was put right or left out while reading it.
    """

    where: str
    fields: Fields
    error: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class GoldRows:
    """A gold set as it was read and before it is checked: rows in our own form.

    ``loaded`` are documents that need no check; they come besides the rows of ``documents``.
    """

    name: str
    documents: tuple[Row, ...]
    questions: tuple[Row, ...]
    files: tuple[Path, ...]
    loaded: tuple[Document, ...] = ()


def lines_of(path: Path) -> Iterator[Row]:
    """Read JSON lines, packed or not; blank lines are left out, and lines are numbered from 1.

    Raises:
        GoldSetError: The file cannot be read.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(line, f"{path}:{number}")
    except (OSError, EOFError) as error:
        raise GoldSetError(f"{path}: cannot be read ({error}); fetch it again") from error


def _row(line: bytes, where: str) -> Row:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(where, {}, f"not JSON in UTF-8 ({error})")
    return as_row(fields, where)


def as_row(fields: object, where: str) -> Row:
    """Take what was read for a row, or say that it is none."""
    if isinstance(fields, dict):
        return Row(where, fields)
    return Row(where, {}, f"holds {fields!r}, expected a JSON object")


def json_of(path: Path) -> Any:
    """Read a whole JSON file.

    Raises:
        GoldSetError: The file cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise GoldSetError(f"{path}: cannot be read as JSON ({error}); correct the file") from error


def table_of(path: Path) -> Iterator[Row]:
    """Read a table whose first line names its columns, cells apart by comma, semicolon (German Excel) or tabulator.

    A cell that holds a list (as pandas writes it) is read as one; rows are numbered by the line they end on.

    Raises:
        GoldSetError: The file cannot be read.
    """
    try:
        text = decode(path.read_bytes(), path)
    except (OSError, DocumentError) as error:
        raise GoldSetError(f"{path}: cannot be read ({error}); save it again as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text), restkey="")
    try:
        for cells in reader:
            yield Row(f"{path}:{reader.line_num}", {name: _cell(cell) for name, cell in cells.items() if name})
    except csv.Error as error:
        raise GoldSetError(f"{path}:{reader.line_num}: no row of a table ({error}); correct the line") from error


def _delimiter(text: str) -> str:
    r"""Return the sign that stands most often between the names of the columns.

    >>> _delimiter("Frage;Antwort\nWer, wie, was?;Ich"), _delimiter("question")
    (';', ',')
    """
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _cell(cell: str | None) -> Any:
    """Read ``["a", "b"]`` and ``['a', 'b']`` as lists, all else as the text that it is.

    >>> _cell("['Der Rhein', 'Die Elbe']"), _cell("[1] Der Rhein")
    (['Der Rhein', 'Die Elbe'], '[1] Der Rhein')
    """
    text = (cell or "").strip()
    if text.startswith("[") and text.endswith("]"):
        for read in (json.loads, ast.literal_eval):
            try:
                return list(read(text))
            except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
                continue
    return text
