"""Markdown -> its document: the text as it stands there, titled by its first heading."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from index.document import Document
from index.readers import text

_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)", re.MULTILINE)


def read(path: Path) -> Iterator[Document]:
    """Yield the file's one document.

    Raises:
        DocumentError: The file is empty, binary, or in no encoding known here.
    """
    for document in text.read(path):
        heading = _HEADING.search(document.text)
        title = heading[1].rstrip(" \t#") if heading else ""
        yield replace(document, title=title or document.title)
