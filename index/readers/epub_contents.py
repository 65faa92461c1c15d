"""Tables of contents of a book -> the names of its chapters."""

import logging
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from index.clean_text import clean
from index.document import DocumentError
from index.readers.xhtml import parse_xhtml
from index.readers.xml_safety import Element, child, local
from index.readers.zip_safety import Parts

_log = logging.getLogger(__name__)


@dataclass
class Contents:
    """Names of chapters by the part and the anchor at which they begin."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def name(self, part: str, anchor: str = "") -> str:
        """Return the name of what begins there, "" where nothing does."""
        return self.names.get((part, anchor), "")


def read_contents(parts: Parts, tables: Iterable[str], path: Path) -> Contents:
    """Return the chapters' names of the first table that has any: EPUB 3's ``nav`` or EPUB 2's ``ncx``."""
    for table in tables:
        if table in parts:
            contents = Contents()
            try:
                root = parse_xhtml(parts.read(table), path, table)
            except DocumentError as error:
                _log.warning("the names of the chapters are lost: %s", error)
                continue
            for reference, text in _entries(root):
                name, target = " ".join(clean(text).split()), urlsplit(reference)
                place = posixpath.normpath(posixpath.join("/", posixpath.dirname(table), unquote(target.path)))[1:]
                if name:
                    contents.names.setdefault((place, unquote(target.fragment)), name)
            if contents.names:
                return contents
    return Contents()


def _entries(root: Element) -> Iterator[tuple[str, str]]:
    """Yield what the entries of a table of contents refer to, and their texts."""
    for point in root.iter():
        if local(point) == "navPoint":
            content, label = child(point, "content"), child(point, "navLabel")
            if content is not None and label is not None:
                yield content.get("src", ""), "".join(label.itertext())
        elif local(point) == "nav" and _is_contents(point):
            yield from ((link.get("href", ""), "".join(link.itertext())) for link in point.iter() if local(link) == "a")


def _is_contents(navigation: Element) -> bool:
    kinds = [value for key, value in navigation.attrib.items() if key.endswith(("}type", "epub:type"))]
    return not kinds or "toc" in kinds[0].split()
