"""Styles of a Word document: which are headings, which hide their text, which are numbered."""

import re
from dataclasses import dataclass

from index.readers.xml_safety import Element, attribute, child

_HEADING = re.compile(r"(?:heading|überschrift|berschrift)[ _]?(\d)", re.IGNORECASE)
_TITLE = re.compile(r"title|titel", re.IGNORECASE)
_DEEPEST_BASE = 20  # styles on styles; more is a ring
MOST_LEVEL = 6


@dataclass(frozen=True)
class Style:
    """What a style says of its text: a heading's level (0: none), hidden or not, its list and the level in it."""

    level: int = 0
    title: bool = False
    hidden: bool = False
    number_id: str = ""
    list_level: int | None = None


def read_styles(root: Element | None) -> dict[str, Style]:
    """Return the styles of ``styles.xml`` by their id, each with what it has from the styles that it is based on.

    >>> from index.readers.xml_safety import parse_xml
    >>> styles = '<styles><style styleId="berschrift2"><name val="heading 2"/></style></styles>'
    >>> read_styles(parse_xml(styles.encode(), "styles.xml"))["berschrift2"].level
    2
    """
    elements = {attribute(element, "styleId") or "": element for element in ([] if root is None else root)}
    return {name: _style(name, elements) for name in elements}


def _style(name: str, elements: dict[str, Element]) -> Style:
    chain: list[Element] = []
    while name in elements and len(chain) < _DEEPEST_BASE:
        chain.append(elements[name])
        name = attribute(child(elements[name], "basedOn"), "val") or ""
    return Style(
        level=next(filter(None, map(_level, chain)), 0),
        title=bool(_TITLE.fullmatch(_name(chain[0]))),
        hidden=next(
            (found for element in chain if (found := is_on(child(element, "rPr", "vanish"))) is not None), False
        ),
        number_id=next(filter(None, (number_of(child(element, "pPr"))[0] for element in chain)), ""),
        list_level=next(
            (level for element in chain if (level := number_of(child(element, "pPr"))[1]) is not None), None
        ),
    )


def _level(style: Element) -> int:
    named = _HEADING.match(_name(style)) or _HEADING.match(attribute(style, "styleId") or "")
    return min(MOST_LEVEL, int(named[1])) if named and named[1] != "0" else outline_level(child(style, "pPr")) or 0


def _name(style: Element) -> str:
    return attribute(child(style, "name"), "val") or ""


def outline_level(properties: Element | None) -> int | None:
    """Return the heading level that a paragraph's properties give: 0 for body text, ``None`` where they are silent."""
    given = attribute(child(properties, "outlineLvl"), "val")
    if given is None or not given.isdecimal():
        return None
    return min(MOST_LEVEL, int(given) + 1) if int(given) < 9 else 0


def number_of(properties: Element | None) -> tuple[str, int | None]:
    """Return the list and the level in it that a paragraph's properties give; "" and ``None`` where they are silent."""
    numbering = child(properties, "numPr")
    level = attribute(child(numbering, "ilvl"), "val")
    number_id = attribute(child(numbering, "numId"), "val") or ""
    return number_id, int(level) if level and level.isdecimal() and len(level) < 3 else None


def is_on(switch: Element | None) -> bool | None:
    """Whether a property is switched on; ``None`` where it is not given."""
    if switch is None:
        return None
    return (attribute(switch, "val") or "true").lower() not in ("0", "false", "off", "none")
