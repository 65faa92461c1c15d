"""Files -> documents: one reader a format, every failure named and none of them silent."""

import gzip
import hashlib
import json
import logging
import os
import re
import textwrap
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from index.errors import BelegError
from index.place import Place

_log = logging.getLogger(__name__)


class DocumentError(BelegError):
    """A file or a line that cannot be read as a document."""


@dataclass(frozen=True)
class Document:
    """A text with its origin; all offsets of the system count characters (code points) of ``text``.

    ``date`` is the day the document gives as its own (ISO 8601, "" where it gives none); ``places`` lead from the text
    to the original, in the order of the text and without overlap.

    >>> Document("satzung", "Satzung", "§ 1 Name").content_hash[:8]
    '59522946'
    """

    id: str
    title: str
    text: str
    language: str = "de"
    source: str = ""
    date: str = ""
    places: tuple[Place, ...] = ()

    @property
    def content_hash(self) -> str:
        """SHA-256 over all fields: two documents with the same hash are the same document."""
        fields: tuple[object, ...] = (self.id, self.title, self.text, self.language, self.source)
        if self.date or self.places:
            fields += (self.date, [astuple(place) for place in self.places])
        return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Failure:
    """What could not be read or indexed, and why."""

    source: str
    reason: str


_Read = Iterator[tuple[Document | DocumentError, int]]
"""What is read of a file, each with how many of its bytes are read by then."""


def load_documents(
    paths: Iterable[str | Path],
    *,
    on_failure: Callable[[Failure], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of files, folders (searched for known formats) and gold-set ``documents.jsonl(.gz)``.

    Args:
        paths: Files or folders. All of them must exist before anything is read.
        on_failure: Told of each file or line that cannot be read; reading goes on. Without it the first one raises.
            A file that is not UTF-8 but can be read as Windows-1252 is no failure: a warning is logged.
        progress: Told before each document how many bytes of the files are read, and how many there are.

    Raises:
        DocumentError: A path does not exist, a format is unknown, or (without ``on_failure``) a file is unreadable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "brief.txt").write_text("Sehr geehrte Damen und Herren", encoding="utf-8")
    ...     [document.title for document in load_documents([folder])]
    ['brief']
    """
    files = _files(paths)
    sizes = [_size(path) for path in files]
    total = sum(sizes)
    for path, before in zip(files, accumulate(sizes, initial=0), strict=False):
        for read, position in _read(path):
            if progress:
                progress(before + position, total)
            if isinstance(read, Document):
                yield read
            elif on_failure is None:
                raise read
            else:
                on_failure(Failure(str(path), str(read)))


def _read(path: Path) -> _Read:
    """Yield a file's documents; what cannot be read is an error in their place, so that the rest follows."""
    try:
        yield from _READERS[_format(path)](path)
    except DocumentError as error:
        yield error, _size(path)
    except OSError as error:
        yield DocumentError(f"{path}: {error.strerror or error}"), _size(path)


def _size(path: Path) -> int:
    """Return the bytes of a file; 0 where it cannot be seen, which reading it will tell."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _files(paths: Iterable[str | Path]) -> list[Path]:
    """Expand folders; a folder's hidden and unknown files are left out, a file named by the user never is."""
    given = [Path(path) for path in paths]
    for path in given:
        if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for a name that is too long
            raise DocumentError(f"{path}: no such file or folder; check the spelling, or give another path")
        if not path.is_dir() and not _format(path):
            raise DocumentError(f"{path}: unknown format {path.suffix!r}; known are {', '.join(_READERS)}")
    return [file for path in given for file in (_known_files(path) if path.is_dir() else [path])]


def _known_files(folder: Path) -> list[Path]:
    """All files of known formats below the folder, sorted.

    Of a gold set only the documents are read: its questions are no text to answer from.
    """
    found = sorted(path for path in _visible_files(folder) if _format(path) and not _is_questions(path))
    if not found:
        raise DocumentError(f"{folder}: holds no file of a known format ({', '.join(_READERS)})")
    return found


def _visible_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if not name.startswith(".") and Path(parent, name).is_file())


def _refuse(error: OSError) -> None:
    raise DocumentError(f"{error.filename}: {error.strerror}; make it readable, or give other paths") from error


def _is_questions(path: Path) -> bool:
    return path.name.startswith("questions.jsonl")


def _format(path: Path) -> str:
    """Return the longest known ending of the file's name, or "" where none is known."""
    name = path.name.lower()
    return max((ending for ending in _READERS if name.endswith(ending)), key=len, default="")


def _read_text(path: Path) -> _Read:
    raw = path.read_bytes()
    text = decode(raw, path)
    yield Document(file_id(path), _title(path, text), text, _language(text), str(path.resolve())), len(raw)


def _read_markdown(path: Path) -> _Read:
    raw = path.read_bytes()
    text = decode(raw, path)
    heading = re.search(r"^#{1,6}[ \t]+(.+)", text, re.MULTILINE)
    title = heading[1].rstrip(" \t#") if heading else ""
    yield Document(file_id(path), title or _title(path, text), text, _language(text), str(path.resolve())), len(raw)


def _read_jsonl(path: Path) -> _Read:
    number = 0
    with path.open("rb") as file:
        lines = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        try:
            for number, line in enumerate(lines, start=1):
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
    )


_READERS: dict[str, Callable[[Path], _Read]] = {
    ".txt": _read_text,
    ".md": _read_markdown,
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
}


def _title(path: Path, text: str) -> str:
    """Return the file's name where it is made of words, else how the text begins."""
    name = path.stem.replace("_", " ")
    signs = [sign for sign in name if sign.isalnum()]
    if 2 * sum(sign.isalpha() for sign in signs) > len(signs) and not re.fullmatch(r"[0-9a-f-]{12,}", name):
        return name
    return textwrap.shorten(text, 80, placeholder=" …")


def file_id(path: Path) -> str:
    """Return a readable id that is the same in every run and differs for two files of one name.

    >>> file_id(Path("archiv/Mietvertrag 2024.txt"))[:-8]
    'mietvertrag-2024-'
    """
    slug = re.sub(r"\W+", "-", path.stem.casefold()).strip("-")
    return f"{slug}-{hashlib.sha256(str(path.resolve()).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def decode(raw: bytes, path: Path) -> str:
    r"""Decode as UTF-8 (a byte order mark is dropped), else as Windows-1252 with a warning; line ends become ``\n``.

    Raises:
        DocumentError: The file is empty or binary.

    >>> decode("Straße\r\n".encode(), Path("brief.txt"))
    'Straße\n'
    """
    if b"\0" in raw or _control_share(raw) > 0.01:
        raise DocumentError(f"{path}: binary data, not text in UTF-8; give a file of text, or convert it first")
    text = _decode(raw, path).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DocumentError(f"{path}: the file is empty; nothing to index")
    return text


def _decode(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as not_utf8:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError as error:
            reason = f"neither UTF-8 (byte {not_utf8.start}) nor Windows-1252 (byte {error.start})"
            raise DocumentError(f"{path}: {reason}; save it as UTF-8") from error
        _log.warning("%s: not UTF-8 (byte %d), read as Windows-1252", path, not_utf8.start)
        return text


def _control_share(raw: bytes) -> float:
    """Share of control bytes that no text holds, in [0, 1]."""
    return len(re.findall(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f]", raw)) / max(1, len(raw))


def _language(text: str) -> str:
    """Detect German or English of a document by its first characters."""
    from index.language import detect_language

    return detect_language(text[:2000])
