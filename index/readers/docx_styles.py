"""Styles of a Word document: which are headings, which hide their text, which are numbered."""

import math
import re
from dataclasses import dataclass
from functools import reduce

from index.readers.xml_safety import Element, attribute, child

_HEADING = re.compile(r"(?:heading|überschrift|berschrift)[ _]?(\d)", re.IGNORECASE)
_TITLE = re.compile(r"title|titel", re.IGNORECASE)
_DEEPEST_BASE = 20  # styles on styles; more is a ring
MOST_LEVEL = 6
_WHITE = 0xEB  # the darkest part of a colour that is not seen on white
_LEAST_SIZE = 4  # half points
_LEAST_WIDTH = 5  # per cent of a letter's own


@dataclass(frozen=True)
class Look:
    """What is said of how text looks, as far as it may hide it; ``None`` where nothing is said.

    Attributes:
        hidden: It is marked as hidden, or drawn without a colour.
        white: It is white, or nearly.
        tiny: It is too small to be read.
        shaded: It has a ground of its own that is not white.
    """

    hidden: bool | None = None
    white: bool | None = None
    tiny: bool | None = None
    shaded: bool | None = None

    def over(self, base: "Look") -> "Look":
        """Return this look, with that of what it is based on where it says nothing.

        >>> Look(white=False).over(Look(white=True, tiny=True))
        Look(hidden=None, white=False, tiny=True, shaded=None)
        """
        return Look(
            base.hidden if self.hidden is None else self.hidden,
            base.white if self.white is None else self.white,
            base.tiny if self.tiny is None else self.tiny,
            base.shaded if self.shaded is None else self.shaded,
        )

    def is_unseen(self, *, on_ground: bool) -> bool:
        """Whether nobody sees the text; ``on_ground``: it stands on something that need not be white."""
        return bool(self.hidden or self.tiny or (self.white and not self.shaded and not on_ground))


@dataclass(frozen=True)
class Style:
    """What a style says of its text: a heading's level (0: none), its look, its list and the level in it."""

    level: int = 0
    title: bool = False
    look: Look = Look()
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
        look=reduce(lambda look, element: look.over(_look_of_style(element)), chain, Look()),
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


def _look_of_style(style: Element) -> Look:
    return look_of(child(style, "rPr")).over(Look(shaded=is_shaded(child(style, "pPr"))))


def look_of(properties: Element | None) -> Look:
    """Return how the properties of a run or of a style's runs let it look.

    >>> from index.readers.xml_safety import parse_xml
    >>> look_of(parse_xml(b'<rPr><color val="FEFEFE"/><sz val="22"/></rPr>', "styles.xml"))
    Look(hidden=None, white=True, tiny=False, shaded=None)
    """
    colour, size = attribute(child(properties, "color"), "val"), attribute(child(properties, "sz"), "val")
    width = attribute(child(properties, "w"), "val")
    sizes = [_number(given) / least for given, least in ((size, _LEAST_SIZE), (width, _LEAST_WIDTH)) if given]
    drawn = None if child(properties, "textFill", "noFill") is None else True
    vanish = is_on(child(properties, "vanish"))
    return Look(
        hidden=drawn if vanish is None else vanish or drawn,
        white=None if colour is None else _is_white(colour),
        tiny=min(sizes) < 1 if sizes else None,
        shaded=is_shaded(properties),
    )


def is_shaded(properties: Element | None) -> bool | None:
    """Whether properties give a ground that is not white; ``None`` where they give none."""
    marker = attribute(child(properties, "highlight"), "val")
    if marker not in (None, "none", "white"):
        return True
    shading = child(properties, "shd")
    if shading is None:
        return None
    fill, pattern = attribute(shading, "fill") or "auto", attribute(shading, "val") or "clear"
    return pattern not in ("clear", "nil") or (fill != "auto" and not _is_white(fill))


def _is_white(colour: str) -> bool:
    return bool(re.fullmatch(r"(?:[EF][0-9A-F]){3}", colour, re.IGNORECASE)) and min(bytes.fromhex(colour)) >= _WHITE


def _number(given: str) -> float:
    found = re.match(r"\d{1,5}(?:\.\d{1,5})?", given)
    return float(found[0]) if found else math.inf


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
