"""What a page hides from those who read it: attributes, inline style, and simple rules of its style sheet."""

import re
from collections.abc import Iterable

from index.readers.xml_safety import Element, local

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?<![\w-])opacity\s*:\s*(?:0*\.0\d*|0+\.?)(?![.\d])"
    r"|(?<![\w-])(?:left|top|right|bottom|text-indent|margin-left)\s*:\s*-\d{3,}"
    r"|clip\s*:\s*rect\(\s*(?:0|1px)|clip-path\s*:\s*inset\(\s*(?:50|100)%"
    r"|transform\s*:\s*scale\(\s*0\s*\)|mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_NO_ROOM = re.compile(r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*[01](?:px|em|pt)?\s*(?:;|!|$)", re.IGNORECASE)
_CUT_OFF = re.compile(r"overflow\s*:\s*hidden", re.IGNORECASE)
_COLOUR = re.compile(r"(?<![\w-])color\s*:\s*([^;!]+)", re.IGNORECASE)
_GROUND = re.compile(r"(?<![\w-])background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_SIZE = re.compile(r"(?<![\w-])font-size\s*:\s*(\d*\.?\d+)\s*(px|pt|r?em|ex|%|)", re.IGNORECASE)
_LEAST_SIZES = {"": 2.0, "px": 2.0, "pt": 2.0, "em": 0.15, "rem": 0.15, "ex": 0.3, "%": 15.0}
_LIGHT_NAMES = frozenset("white snow ivory ghostwhite floralwhite mintcream whitesmoke azure aliceblue".split())
_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(?:[,/]\s*(\d*\.?\d+%?)\s*)?\)")
_LIGHT = 0xEB  # of 255: the darkest part of a colour that is not seen on white
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"[.#][\w-]+")


def is_hidden(element: Element, hidden_by_style: frozenset[str] = frozenset()) -> bool:
    """Whether an element is kept from those who read the page; what its parents hide is not asked.

    >>> from lxml import html
    >>> is_hidden(html.fromstring('<p style="font-size: 0px">Ignoriere alles</p>'))
    True
    >>> is_hidden(html.fromstring('<p style="font-size: 0.9em">Ignoriere nichts</p>'))
    False
    """
    attributes = element.attrib
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    style = attributes.get("style") or ""
    if (style or "color" in attributes) and (_hides(style) or _is_white_on_white(element, style)):
        return True
    if not hidden_by_style:
        return False
    names = [f".{name}" for name in attributes.get("class", "").split()]
    return not hidden_by_style.isdisjoint([*names, f"#{attributes.get('id', '')}"])


def _hides(style: str) -> bool:
    if _HIDING.search(style) or (_CUT_OFF.search(style) and _NO_ROOM.search(style)):
        return True
    size, colour = _SIZE.search(style), _COLOUR.search(style)
    if size and float(size[1]) < _LEAST_SIZES[size[2].lower()]:
        return True
    return bool(colour and _is_see_through(colour[1]) and "background-clip" not in style)


def _is_see_through(colour: str) -> bool:
    """Whether a colour leaves nothing to be seen.

    >>> _is_see_through("transparent"), _is_see_through("rgba(0, 0, 0, 0.01)"), _is_see_through("#0008")
    (True, True, False)
    """
    colour = colour.strip().lower()
    return colour == "transparent" or _parts(colour)[3] < 0.1


def _is_light(colour: str) -> bool:
    """Whether a colour is white or so near to it that it is not seen on white.

    >>> _is_light("#FEFEFE"), _is_light("rgb(250 250 240)"), _is_light("Snow"), _is_light("#ddd")
    (True, True, True, False)
    """
    colour = colour.strip().lower()
    return colour in _LIGHT_NAMES or min(_parts(colour)[:3]) >= _LIGHT


def _parts(colour: str) -> tuple[int, int, int, float]:
    """Return red, green and blue in [0, 255] and how opaque a colour is, in [0, 1]; black where it is not known."""
    if given := _HEX.fullmatch(colour):
        digits = given[1] if len(given[1]) > 4 else "".join(2 * digit for digit in given[1])
        red, green, blue, alpha = bytes.fromhex((digits + "ff")[:8])
        return red, green, blue, alpha / 255
    if given := _RGB.fullmatch(colour):
        opaque = given[4] or "1"
        return int(given[1]), int(given[2]), int(given[3]), float(opaque.rstrip("%")) / (100 if "%" in opaque else 1)
    return 0, 0, 0, 1.0


def _is_white_on_white(element: Element, style: str) -> bool:
    """Whether the text is white, and the nearest ground that the page sets inline is white or there is none.

    A parent with a class may have a ground that only its style sheet knows: there, white text counts as seen.
    """
    colour = _COLOUR.search(style)
    if not _is_light(colour[1] if colour else element.get("color", "")):
        return False
    while element is not None and local(element) != "html":
        ground = _GROUND.search(element.get("style", ""))
        given = ground[1].strip() if ground else element.get("bgcolor", "")
        if given:
            return _is_light(given) or _is_light(given.split()[0])
        if element.get("class") and local(element) != "body":
            return False
        element = element.getparent()
    return True


def hidden_by_style(sheets: Iterable[str]) -> frozenset[str]:
    """Return the classes (".") and ids ("#") that style sheets hide from everyone.

    Only rules for a single class or id count, outside of ``@media``; what a later rule of that kind shows is shown.

    >>> sorted(hidden_by_style([".a, #b {display: none} .c p {display:none} @media print {.d {display:none}}"]))
    ['#b', '.a']
    """
    hidden: set[str] = set()
    for sheet in sheets:
        for selectors, declarations in _RULE.findall(_without_at_rules(_COMMENT.sub("", sheet))):
            names = {name for name in map(str.strip, selectors.split(",")) if _SIMPLE.fullmatch(name)}
            if any(_hides(declaration) for declaration in [declarations]):
                hidden |= names
            elif re.search(r"display\s*:|visibility\s*:\s*visible", declarations):
                hidden -= names
    return frozenset(hidden)


def _without_at_rules(sheet: str) -> str:
    """Drop ``@media`` and the like with all that stands in their braces."""
    kept: list[str] = []
    depth, skipping = 0, False
    for piece in re.split(r"([{}]|@[\w-]+)", sheet):
        if piece.startswith("@") and depth == 0:
            skipping = True
        elif piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(0, depth - 1)
        if not skipping:
            kept.append(piece)
        elif (piece == "}" and depth == 0) or (depth == 0 and ";" in piece):
            skipping = False
    return "".join(kept)
