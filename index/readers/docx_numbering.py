"""Numbers of a Word document's lists and headings, as Word counts them."""

from collections import defaultdict
from dataclasses import dataclass, field

from index.clean_text import clean
from index.readers.markup import list_number
from index.readers.xml_safety import Element, attribute, child, local

_KINDS = {"lowerLetter": "a", "upperLetter": "A", "lowerRoman": "i", "upperRoman": "I"}
_LEVELS = 9


@dataclass(frozen=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = ""
    style: str = ""


@dataclass
class Numbering:
    """Counts the numbered paragraphs of a document, which are asked for in their order."""

    lists: dict[str, dict[int, _Level]] = field(default_factory=dict)
    list_of: dict[str, str] = field(default_factory=dict)
    starts: dict[tuple[str, int], int] = field(default_factory=dict)
    _counts: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    _begun: set[tuple[str, int]] = field(default_factory=set)

    def mark(self, number_id: str, level: int) -> str:
        """Return the mark of the next paragraph of a list: "3. ", "a) ", "- "; "" where the list is not known."""
        levels = self._levels_of(number_id)
        if level not in levels:
            return ""
        self._count(number_id, level, levels)
        own = levels[level]
        if own.kind == "bullet":
            return "- "
        text = own.text if own.kind != "none" or "%" not in own.text else ""
        for lower in range(level + 1):
            text = text.replace(f"%{lower + 1}", self._number(number_id, lower, levels))
        text = " ".join(clean(text).split())
        return f"{text} " if text else ""

    def level_of_style(self, number_id: str, style: str) -> int:
        """Return the level of a list that belongs to a style, 0 where none does."""
        levels = self._levels_of(number_id)
        return next((number for number, level in levels.items() if level.style == style), 0)

    def _levels_of(self, number_id: str) -> dict[int, _Level]:
        return self.lists.get(self.list_of[number_id], {}) if number_id in self.list_of else {}

    def _count(self, number_id: str, level: int, levels: dict[int, _Level]) -> None:
        counts = self._counts[self.list_of[number_id]]
        restart = self.starts.get((number_id, level))
        if restart is not None and (number_id, level) not in self._begun:
            counts[level] = restart
            self._begun.add((number_id, level))
        else:
            counts[level] = counts.get(level, levels[level].start - 1) + 1
        for deeper in range(level + 1, _LEVELS):
            counts.pop(deeper, None)

    def _number(self, number_id: str, level: int, levels: dict[int, _Level]) -> str:
        rule = levels.get(level, _Level())
        number = self._counts[self.list_of[number_id]].get(level, rule.start)
        if rule.kind == "decimalZero":
            return f"{number:02}"
        return "" if rule.kind == "none" else list_number(number, _KINDS.get(rule.kind, "1"))


def read_numbering(root: Element | None) -> Numbering:
    """Return the lists that ``numbering.xml`` defines.

    >>> from index.readers.xml_safety import parse_xml
    >>> level = '<lvl ilvl="0"><start val="1"/><numFmt val="lowerLetter"/><lvlText val="%1)"/></lvl>'
    >>> lists = f'<abstractNum abstractNumId="7">{level}</abstractNum><num numId="1"><abstractNumId val="7"/></num>'
    >>> numbering = read_numbering(parse_xml(f"<numbering>{lists}</numbering>".encode(), "numbering.xml"))
    >>> numbering.mark("1", 0), numbering.mark("1", 0)
    ('a) ', 'b) ')
    """
    numbering = Numbering()
    for element in [] if root is None else root:
        if local(element) == "abstractNum":
            numbering.lists[attribute(element, "abstractNumId") or ""] = _levels(element)
        elif local(element) == "num":
            number_id = attribute(element, "numId") or ""
            numbering.list_of[number_id] = attribute(child(element, "abstractNumId"), "val") or ""
            for override in element:
                start = attribute(child(override, "startOverride"), "val")
                if start is not None:
                    numbering.starts[number_id, _int(attribute(override, "ilvl"))] = _int(start)
    return numbering


def _levels(element: Element) -> dict[int, _Level]:
    return {
        _int(attribute(level, "ilvl")): _Level(
            start=_int(attribute(child(level, "start"), "val"), 1),
            kind=attribute(child(level, "numFmt"), "val") or "decimal",
            text=attribute(child(level, "lvlText"), "val") or "",
            style=attribute(child(level, "pStyle"), "val") or "",
        )
        for level in element
        if local(level) == "lvl"
    }


def _int(text: str | None, default: int = 0) -> int:
    return int(text) if text and text.lstrip("-").isdecimal() and len(text) < 8 else default
