"""Paths that a user gives -> the files to read, and what of a folder is left out."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from index.document import DocumentError
from index.formats import format_of, known_formats

_NO_DOCUMENTS = ("thumbs.db", "desktop.ini", "ehthumbs.db")
"""What systems and office programs leave in folders beside hidden files."""


def find_files(
    paths: Iterable[str | Path], on_failure: Callable[[DocumentError], None], on_skipped: Callable[[Path], None]
) -> list[Path]:
    """Return the files to read, each once: those given, and those of known formats in the folders, sorted.

    Hidden files and folders are left out and links to folders not followed, unless the user names them.

    Args:
        paths: Files and folders.
        on_failure: Told of each folder that cannot be looked into.
        on_skipped: Told of each file in a folder whose format is unknown.

    Raises:
        DocumentError: A path does not exist or is no file, its format is unknown, or a folder holds no known one.
    """
    given = [Path(path) for path in paths]
    for path in given:
        _check(path)
    found: dict[str, Path] = {}
    for path in given:
        for file in _files_of(path, on_failure, on_skipped) if path.is_dir() else [path]:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def _check(path: Path) -> None:
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for a name that is too long
        raise DocumentError(f"{path}: no such file or folder; check the spelling, or give another path")
    if path.is_dir():
        return
    if not path.is_file():
        raise DocumentError(f"{path}: neither a file nor a folder; give another path")
    if not format_of(path):
        raise DocumentError(f"{path}: unknown format {path.suffix!r}; known are {known_formats()}")


def _files_of(
    folder: Path, on_failure: Callable[[DocumentError], None], on_skipped: Callable[[Path], None]
) -> list[Path]:
    """All files of known formats below the folder, sorted.

    Of a gold set only the documents are read: its questions are no text to answer from.
    """
    failures: list[DocumentError] = []
    visible = [path for path in _visible_files(folder, failures.append) if not path.name.startswith("questions.jsonl")]
    known = sorted(path for path in visible if format_of(path))
    for path in visible:
        if not format_of(path):
            on_skipped(path)
    for failure in failures:
        on_failure(failure)
    if not known and not failures:
        raise DocumentError(f"{folder}: holds no file of a known format ({known_formats()})")
    return known


def _visible_files(folder: Path, on_failure: Callable[[DocumentError], None]) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        reason = f"{error.filename}: {error.strerror}; make it readable, or give other paths"
        on_failure(DocumentError(reason))

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if _is_visible(name) and Path(parent, name).is_file())


def _is_visible(name: str) -> bool:
    """Whether a file may be a user's document: no hidden file, no lock of an office program.

    >>> _is_visible("Brief.docx"), _is_visible("~$Brief.docx"), _is_visible("Thumbs.db"), _is_visible(".notiz.txt")
    (True, False, False, False)
    """
    return not name.startswith((".", "~$")) and name.lower() not in _NO_DOCUMENTS
