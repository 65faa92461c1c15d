"""HTML tree -> passages of clean text in the order of the page; what is hidden from its readers is left out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from index.clean_text import clean
from index.readers.hidden_markup import is_hidden
from index.readers.superscript import superscript
from index.readers.xml_safety import Element, local

# Non-characters: they stand for a line break and a kept space until a passage is whole.
_BREAK = "\U0001ffff"
_SPACE = "\U0001fffe"
_TWO_BREAKS = re.compile(rf"{_BREAK}\s*(?:{_BREAK}\s*)+")
_REFERENCE = re.compile(r"\s*[\[(]?(?:\d{1,3}|[a-z*†‡↩])[\])]?\s*")
_PERMALINK = frozenset("¶ # § 🔗 ↩ ↩︎ ⚓".split())

_UNSEEN = frozenset(
    "head script style template noscript iframe object embed applet canvas audio video svg button select textarea "
    "input datalist annotation annotation-xml rp rt area map frameset noframes".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form header hr html legend li main menu nav ol optgroup option p pre search section summary table tbody "
    "td tfoot th thead tr ul h1 h2 h3 h4 h5 h6".split()
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset("ul ol menu dir".split())


@dataclass(frozen=True)
class Passage:
    """A paragraph, heading, list item or row in clean text.

    ``anchors`` are the ids that the page has since the passage before; ``level`` is a heading's, 0 for other text.
    """

    text: str
    anchors: tuple[str, ...] = ()
    level: int = 0
    tight: bool = False

    @property
    def marked(self) -> str:
        """The text with Markdown's mark where it is a heading."""
        return f"{'#' * self.level} {self.text}" if self.level else self.text


@dataclass
class Passages:
    """What a walk through a tree finds: the passages and the texts that were hidden."""

    passages: list[Passage] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def find_passages(root: Element, hidden_by_style: frozenset[str] = frozenset()) -> Passages:
    """Return the passages of a tree, and what is hidden in it.

    Args:
        root: The element to read, mostly a page's ``body``.
        hidden_by_style: Classes ("."), ids ("#") and names of elements that the page's style hides.

    >>> from lxml import html
    >>> found = find_passages(html.fromstring("<div><h2>Preise</h2><ol><li>ein Euro</ol><p hidden>Psst</p></div>"))
    >>> [passage.marked for passage in found.passages], found.hidden
    (['## Preise', '1. ein Euro'], ['Psst'])
    """
    walk = _Walk(hidden_by_style)
    walk.read(root)
    return walk.found


class _Walk:
    """The state of a walk: the passage that is being put together."""

    def __init__(self, hidden_by_style: frozenset[str], *, marks: bool = True) -> None:
        self.found = Passages()
        self._hidden_by_style = hidden_by_style
        self._marks = marks
        self._parts: list[str] = []
        self._anchors: list[str] = []
        self._mark = ""
        self._tight = False
        self._level = 0
        self._pre = 0
        self._lists: list[Iterator[str]] = []
        self._raised: list[int] = []

    def read(self, root: Element) -> None:
        steps = etree.iterwalk(root, events=("start", "end"))
        skipped = None
        for event, element in steps:
            if event == "start":
                if self._passes_over(element, root):
                    steps.skip_subtree()
                    skipped = element
                    continue
                self._enter(element)
                self._add(element.text)
            else:
                if element is not skipped:
                    self._leave(element)
                skipped = None
                if element is not root:
                    self._add(element.tail)
        self._flush()

    def _passes_over(self, element: Element, root: Element) -> bool:
        """Whether nothing in an element is read on: it is unseen, hidden, or a table that is read as a whole."""
        name = local(element)
        if not name or name in _UNSEEN:
            return True
        if element.attrib:
            if is_hidden(element, self._hidden_by_style):
                self._hide(element)
                return True
            self._note_anchor(element, name)
        if name == "a" and _is_permalink(element):
            return True
        if name == "sup" and _is_reference(element):
            return True
        if name == "table" and element is not root and _holds_data(element):
            self._flush()
            self._read_table(element)
            return True
        return False

    def _hide(self, element: Element) -> None:
        text = " ".join(clean("".join(element.itertext())).split())
        if any(sign.isalnum() for sign in text):
            self.found.hidden.append(text)

    def _note_anchor(self, element: Element, name: str) -> None:
        anchor = element.get("id") or (element.get("name") if name == "a" else None)
        if anchor:
            if name in _BLOCKS:
                self._flush()
            self._anchors.append(anchor)

    def _enter(self, element: Element) -> None:
        name = local(element)
        if name in _BLOCKS:
            self._flush()
            self._level = _HEADINGS.get(name, 0) if self._marks else 0
            self._pre += name == "pre"
            if name in _LISTS:
                self._lists.append(_list_marks(element, name))
            elif name == "li" and self._marks:
                self._begin_item(element)
            elif name == "dd":
                self._tight = self._ended_with_term
            self._ended_with_term = False
        elif name == "br":
            self._parts.append(_BREAK)
        elif name == "sup":
            self._raised.append(len(self._parts))
        elif name == "q":
            self._parts.append("„")

    _ended_with_term = False

    def _leave(self, element: Element) -> None:
        name = local(element)
        if name in _BLOCKS:
            self._flush()
            self._level = 0
            self._pre -= name == "pre"
            self._ended_with_term = name == "dt"
            if name in _LISTS:
                self._lists.pop()
            elif name == "li":
                self._mark, self._tight = "", False
        elif name == "sup":
            start = self._raised.pop() if self._raised else 0
            self._parts[start:] = [superscript("".join(self._parts[start:]).strip())]
        elif name == "q":
            self._parts.append("“")

    def _begin_item(self, item: Element) -> None:
        """Keep an item's mark for its first passage."""
        self._mark = next(self._lists[-1]) if self._lists else "- "
        if (number := item.get("value", "")).isdigit() and self._mark != "- ":
            self._mark = f"{int(number)}. "
        first = not any(local(before) == "li" for before in item.itersiblings(preceding=True))
        self._tight = not first or len(self._lists) > 1

    def _add(self, text: str | None) -> None:
        if text:
            if self._pre:
                text = text.replace("\r", "").replace("\t", _SPACE * 4).replace(" ", _SPACE).replace("\n", _BREAK)
            self._parts.append(text)

    def _flush(self) -> None:
        """End the passage where it holds a word or a sign."""
        if not self._parts:
            return
        whole = "".join(self._parts)
        self._parts.clear()
        self._raised.clear()
        for piece in _TWO_BREAKS.split(clean(whole)) if _BREAK in whole else [clean(whole)]:
            self._emit("\n".join(_lines(piece)))

    def _emit(self, text: str) -> None:
        if not text:
            return
        if self._level:
            text = text.replace("\n", " ")
        anchors, self._anchors = tuple(self._anchors), []
        self.found.passages.append(Passage(self._mark + text, anchors, self._level, self._tight))
        self._mark, self._tight = "", False

    def _read_table(self, table: Element) -> None:
        tight = False
        for part in _rows_and_caption(table):
            if is_hidden(part, self._hidden_by_style):
                self._hide(part)
                continue
            self._note_anchor(part, local(part))
            row = local(part) == "tr"
            text = self._row(part) if row else self._flat(part)
            if text.strip(" |"):
                anchors, self._anchors = tuple(self._anchors), []
                self.found.passages.append(Passage(text, anchors, tight=tight))
                tight = row

    def _row(self, row: Element) -> str:
        cells = [self._flat(cell) for cell in row if local(cell) in ("td", "th")]
        while cells and not cells[-1]:
            cells.pop()
        return " ".join(" | ".join(cells).split())

    def _flat(self, cell: Element) -> str:
        """Return what stands in a cell as one line."""
        if is_hidden(cell, self._hidden_by_style):
            self._hide(cell)
            return ""
        inner = _Walk(self._hidden_by_style, marks=False)
        inner.read(cell)
        self.found.hidden += inner.found.hidden
        self._anchors += [anchor for passage in inner.found.passages for anchor in passage.anchors]
        return " ".join(passage.text.replace("\n", " ") for passage in inner.found.passages)


def _lines(piece: str) -> list[str]:
    lines = (" ".join(line.split()) for line in piece.split(_BREAK))
    return [line.replace(_SPACE, " ").rstrip() for line in lines if line.strip(_SPACE)]


def _is_permalink(link: Element) -> bool:
    """Whether a link is only the sign beside a heading that leads to the heading."""
    return link.get("href", "").startswith("#") and "".join(link.itertext()).strip() in _PERMALINK


def _is_reference(raised: Element) -> bool:
    """Whether a raised text is a footnote's mark: a link within the page, or to a place in another of its files."""
    links = [inner for inner in raised.iter() if local(inner) == "a"] or [
        outer for outer in [raised.getparent()] if outer is not None and local(outer) == "a"
    ]
    return any("#" in link.get("href", "") for link in links) and bool(_REFERENCE.fullmatch("".join(raised.itertext())))


def _holds_data(table: Element) -> bool:
    """Whether a table has columns of data, and does not merely place text on the page."""
    if table.get("role") in ("presentation", "none"):
        return False
    columns = 0
    for inner in table.iterdescendants():
        name = local(inner)
        if name in ("table", "pre") or name in _HEADINGS:
            return False
        if name == "tr":
            columns = max(columns, sum(local(cell) in ("td", "th") for cell in inner))
    return columns > 1


def _rows_and_caption(table: Element) -> Iterator[Element]:
    """Yield the caption and the rows of a table without tables in it, in order."""
    for inner in table:
        if local(inner) in ("caption", "tr"):
            yield inner
        elif local(inner) in ("thead", "tbody", "tfoot"):
            yield from (row for row in inner if local(row) == "tr")


def _list_marks(element: Element, name: str) -> Iterator[str]:
    """Yield the marks of a list's items as a browser shows them."""
    if name != "ol":
        while True:
            yield "- "
    start = element.get("start", "")
    number = int(start) if re.fullmatch(r"-?\d{1,6}", start) else 1
    kind = element.get("type", "1")
    while True:
        yield f"{list_number(number, kind)}. "
        number += 1


def list_number(number: int, kind: str) -> str:
    """Return a number as lists have it: "1", "a", "A", "i" or "I".

    >>> list_number(3, "1"), list_number(28, "a"), list_number(14, "I")
    ('3', 'ab', 'XIV')
    """
    if number < 1 or kind not in ("a", "A", "i", "I"):
        return str(number)
    text = _letters(number) if kind in "aA" else _roman(number)
    return text if kind.islower() else text.upper()


def _letters(number: int) -> str:
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


_ROMAN = tuple(
    zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), "m cm d cd c xc l xl x ix v iv i".split(), strict=True)
)


def _roman(number: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        count, number = divmod(number, value)
        text += sign * count
    return text
