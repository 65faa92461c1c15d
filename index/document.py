"""A document: the text that is searched and quoted, and where it comes from."""

import hashlib
import json
import re
import textwrap
from dataclasses import astuple, dataclass
from pathlib import Path

from index.errors import BelegError
from index.place import Place


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
class KnownDocument:
    """Stands for a document whose file has not changed since it was indexed, and was not read again."""

    id: str
    content_hash: str
    source: str


@dataclass(frozen=True)
class Failure:
    """What could not be read or indexed, and why."""

    source: str
    reason: str


def file_id(path: Path) -> str:
    """Return a readable id that is the same in every run and differs for two files of one name.

    >>> file_id(Path("archiv/Mietvertrag 2024.txt"))[:-8]
    'mietvertrag-2024-'
    """
    slug = re.sub(r"\W+", "-", path.stem.casefold()).strip("-")
    return f"{slug}-{hashlib.sha256(str(path.resolve()).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def file_title(path: Path, text: str) -> str:
    """Return the file's name where it is made of words, else how the text begins.

    >>> file_title(Path("haus_ordnung.txt"), "Ruhezeiten …"), file_title(Path("4711.pdf"), "Ruhezeiten am Abend")
    ('haus ordnung', 'Ruhezeiten am Abend')
    """
    name = path.stem.replace("_", " ")
    signs = [sign for sign in name if sign.isalnum()]
    if 2 * sum(sign.isalpha() for sign in signs) > len(signs) and not re.fullmatch(r"[0-9a-f-]{12,}", name):
        return name
    return textwrap.shorten(text.lstrip()[:1000], 80, placeholder=" …")
