"""Plain text -> its document."""

from collections.abc import Iterator
from pathlib import Path

from index.document import Document, file_id, file_title
from index.encodings import decode
from index.language import detect_language


def read(path: Path) -> Iterator[Document]:
    """Yield the file's one document, its text as it stands there.

    Raises:
        DocumentError: The file is empty, binary, or in no encoding known here.
    """
    text = decode(path.read_bytes(), path)
    language = detect_language(text[:2000])
    yield Document(file_id(path), file_title(path, text), text, language, str(path.resolve()))
