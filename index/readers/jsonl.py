"""A gold set's ``documents.jsonl`` or ``documents.jsonl.gz`` -> its documents, one a line, read as a stream."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from index.document import Document, DocumentError

MOST_LINE_BYTES = 32 * 2**20


def read(path: Path) -> Iterator[Document]:
    """Yield the documents of the file.

    Raises:
        DocumentError: A line is no document, or the file is no whole gzip file; what follows is not read.
    """
    for row, _ in read_rows(path):
        if isinstance(row, DocumentError):
            raise row
        yield row


def read_rows(path: Path) -> Iterator[tuple[Document | DocumentError, int]]:
    """Yield each line's document or what is wrong with it, and how many bytes of the file are read by then.

    Raises:
        DocumentError: The file is empty, or no whole gzip file.
    """
    number = 0
    with path.open("rb") as file:
        lines = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        try:
            while line := lines.readline(MOST_LINE_BYTES + 1):
                number += 1
                if len(line) > MOST_LINE_BYTES:
                    limit = f"over {MOST_LINE_BYTES // 2**20} MB in one line; the rest of the file is not read"
                    raise DocumentError(f"{path}:{number}: {limit}; write one document a line")
                if line.strip():
                    yield _document_of_line(line, f"{path}:{number}", path), file.tell()
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise DocumentError(f"{path}: not a whole gzip file ({error}); unpack or fetch it again") from error
    if not number:
        raise DocumentError(f"{path}: the file is empty; nothing to index")


def _document_of_line(line: bytes, where: str, path: Path) -> Document | DocumentError:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return DocumentError(f"{where}: not a JSON object in UTF-8 ({error}); expected one document a line")
    fields = row if isinstance(row, dict) else {}
    if not all(isinstance(fields.get(name), str) and fields[name].strip() for name in ("id", "text")):
        return DocumentError(f"{where}: expected a JSON object with the strings 'id' and 'text', both not empty")
    return Document(
        id=fields["id"],
        title=str(fields.get("title") or ""),
        text=fields["text"],
        language=str(fields.get("language") or "de"),
        source=str(fields.get("source") or path.resolve()),
        date=_iso_date(fields.get("date")),
    )


def _iso_date(value: object) -> str:
    """Return a day or a time of ISO 8601 as it is; "" for anything else, which is no date of ours.

    >>> _iso_date("2024-05-03"), _iso_date("gestern")
    ('2024-05-03', '')
    """
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        return ""
    return str(value)
