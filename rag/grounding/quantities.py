"""Numbers with their units and bounds, in one form for German and English."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isclose

from index.language import Language
from rag.grounding.bounds import Bound, bound_at
from rag.grounding.number_words import is_ordinal, magnitude, number_at
from rag.grounding.units import per_at, unit_at

_SPACED = r"\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)(?:[.,]\d+)?"
_TOKEN = re.compile(rf"(?<![\w.,]){_SPACED}|\d+(?:[.,]\d+)*|[^\W\d_]+|[½¼¾]")
_DOT = re.compile(
    r"\.(?!\s+(?:Die|Der|Das|Den|Dem|Eine?|Es|Er|Sie|Beide|Im|In|Am|Bei|Seit|Nach|Auf|Für|Wer|Wenn|Dort|Dann|Dies\w*)\b)(?=\s+[^\W\d_]{3})(?!\s+[A-ZÄÖÜ][^.]*$)|(?:st|nd|rd|th)\b"
)
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_CURRENCY_BEFORE = re.compile(r"(?:€|\$|£|EUR|USD|GBP|CHF)\s?$")
_ONE = re.compile(r"(?<![\w-])(?:ein(?:e[nmrs]?)?|one|(?:within|of)\s+an?)\s+(?=[^\W\d_])", re.IGNORECASE)
_AGO = re.compile(
    r"\s+(?:zuvor|vorher|später|danach|darauf|lang\s+später|earlier|later|before|after|ago|tages)\b", re.I
)
_NOUN = re.compile(r"\s*([^\W\d_]+)(?:\s+[^\W\d_]+)?")
_OF_COMPOUNDS = re.compile(
    r"(?<!\w)(viertel|zweit|dritt|viert|fünft|zwei|drei|vier|fünf|sechs|sieben|zehn|zwölf|doppel|verdopp|halbi?)([^\W\d_]{3,})",
    re.IGNORECASE,
)
_LONG_UNITS = {
    "jahr": ("calendar", 12.0),
    "jähr": ("calendar", 12.0),
    "monat": ("calendar", 1.0),
    "woche": ("time", 604800.0),
    "tag": ("time", 86400.0),
    "stund": ("time", 3600.0),
    "stünd": ("time", 3600.0),
}
_UNIT_WITHIN = re.compile("|".join(_LONG_UNITS))
_COMPOUND_VALUES = {"zweit": 2.0, "dritt": 3.0, "viert": 4.0, "fünft": 5.0, "doppel": 2.0, "verdopp": 2.0, "halbi": 0.5}


@dataclass(frozen=True)
class Quantity:
    """A number as the text has it, with what follows from the words around it.

    ``dimension`` is what its unit measures and ``size`` the unit's size, ``per`` the unit of time it is counted by;
    ``bound``: it is the least or the most; ``negated_bound``: a "nicht" elsewhere in the part makes it so.
    """

    text: str
    start: int
    end: int
    value: float
    dimension: str = ""
    size: float = 1.0
    per: str = ""
    bound: Bound = ""
    negated_bound: bool = False
    is_ordinal: bool = False

    def same_amount(self, other: "Quantity") -> bool:
        """Whether both are the same number of the same thing, as far as the units tell.

        >>> [one], [other] = quantities("two weeks", "en"), quantities("14 Tage", "de")
        >>> one.same_amount(other), one.same_amount(quantities("zwei Monate", "de")[0])
        (True, False)
        """
        if self.dimension and other.dimension:
            return self.dimension == other.dimension and isclose(self.value * self.size, other.value * other.size)
        share = self if self.dimension == "share" else other
        part = other if share is self else self
        if (
            share.dimension == "share"
            and part.value < 1
            and isclose(share.value * share.size, part.value, rel_tol=0.01)
        ):
            return True
        return isclose(self.value, other.value)


@lru_cache(maxsize=512)
def quantities(text: str, language: Language) -> tuple[Quantity, ...]:
    """Return the numbers of a text in digits and words, in order.

    >>> [(q.value, q.dimension, q.per, q.bound) for q in quantities("höchstens drei Kubikmeter, 142 km/h", "de")]
    [(3.0, 'volume', '', 'max'), (142.0, 'length', 'hour', '')]
    >>> [q.value for q in quantities("4.5 billion euros in the 21st century, two thirds of it", "en")]
    [4500000000.0, 21.0, 0.6666666666666666]
    """
    return tuple(_with_surroundings(quantity, text, language) for quantity in _numbers(text, language))


def _numbers(text: str, language: Language) -> Iterator[Quantity]:
    """Yield the bare numbers."""
    tokens = list(_TOKEN.finditer(text))
    low = [token[0].casefold() for token in tokens]
    place = 0
    while place < len(tokens):
        found = _number_at(tokens[place][0], low, place, language)
        if found:
            value, length = found
            first, last = tokens[place], tokens[place + length - 1]
            ordinal = is_ordinal(low[place + length - 1], language) or (
                last[0].isdigit() and bool(_DOT.match(text, last.end()))
            )
            shown = text[first.start() : last.end()]
            yield Quantity(shown, first.start(), last.end(), value, is_ordinal=ordinal)
            place += length
        else:
            place += 1


def _number_at(token: str, low: Sequence[str], place: int, language: Language) -> tuple[float, int] | None:
    """Return the value and the length of the number at a place, with the magnitude that follows it."""
    following = [*low[place + 1 : place + 2], ""][0]
    if token[0].isdigit():
        found = number_value(token, magnitude(following, language) is not None), 1
    elif token in _SIGNS:
        found = _SIGNS[token], 1
    else:
        words = number_at(low, place, language)
        if words is None:
            return (1.0, 1) if magnitude(token, language) and token[0].isupper() else None
        found = words
    value, length = found
    while place + length < len(low) and (factor := magnitude(low[place + length], language)):
        value, length = value * factor, length + 1
    return value, length


def number_value(number: str, is_multiplied: bool = False) -> float:
    """Return the value of digits: 1.234 and 1,234 are 1234 unless a word for a power of ten follows.

    >>> number_value("1.234,5"), number_value("1,234.5"), number_value("0,125"), number_value("10 000")
    (1234.5, 1234.5, 0.125, 10000.0)
    """
    number = re.sub(r"[\s'’]", "", number)
    parts = re.split("[.,:]", number)
    marks = re.findall("[.,:]", number)
    if len(parts) == 1:
        return float(number)
    mixed = len(set(marks)) > 1
    grouped = not number.startswith("0") and not is_multiplied and ":" not in marks
    if grouped and not mixed and all(len(part) == 3 for part in parts[1:]):
        return float("".join(parts))
    if mixed or len(parts) == 2:
        return float(f"{''.join(parts[:-1])}.{parts[-1]}")
    return float("".join(parts)) if is_multiplied else float(f"{parts[0]}.{''.join(parts[1:])}")


def _with_surroundings(quantity: Quantity, text: str, language: Language) -> Quantity:
    """Add the unit, what it is counted by, and the bound."""
    end = quantity.end
    end += text[end : end + 1] in ("-", " ", "\u00a0", "\u202f")
    if magnitude(quantity.text.split()[-1], language) and text[end : end + 2] == ". ":
        end += 2
    of = re.compile(r"(?:of\s+)?(?:an?\s+|ein(?:e[nrs]?)?\s+)?").match(text, end) if quantity.value < 1 else None
    unit = None if quantity.is_ordinal else unit_at(text, of.end() if of else end)
    before = _CURRENCY_BEFORE.search(text, 0, quantity.start)
    if before and not unit:
        sign = unit_at(before[0].strip(), 0)
        unit = (*sign[:2], quantity.end) if sign else None
    dimension, size, after = unit or ("", 1.0, quantity.end)
    bound, negated = bound_at(text, quantity.start, after) if not quantity.is_ordinal else ("", False)
    return replace(
        quantity,
        dimension=dimension,
        size=size,
        per=_per(text, after, quantity, bool(unit)),
        bound=bound,
        negated_bound=negated,
    )


def _per(text: str, after: int, quantity: Quantity, has_unit: bool) -> str:
    """Return what a quantity is counted by, where needed behind the noun that it counts."""
    found = per_at(text, after)
    if found or has_unit or quantity.is_ordinal:
        return found
    noun = _NOUN.match(text, after)
    return (per_at(text, noun.end(1)) or per_at(text, noun.end())) if noun else ""


def single_units(text: str) -> Iterator[Quantity]:
    """Yield "ein Jahr", "one month": one of a unit, where it does not say when.

    >>> [(q.text, q.dimension) for q in single_units("innerhalb eines Monats, ein Jahr zuvor, ein Haus")]
    [('eines Monats', 'calendar')]
    """
    for one in _ONE.finditer(text):
        unit = unit_at(text, one.end())
        if unit and unit[0] and not _AGO.match(text, unit[2]):
            yield Quantity(text[one.start() : unit[2]], one.start(), unit[2], 1.0, unit[0], unit[1])


def compound_numbers(text: str) -> Iterator[Quantity]:
    """Yield the numbers that German compounds begin with: "Dreimonatsfrist", "Vierteljahr".

    >>> [(q.value, q.dimension) for q in compound_numbers("Vierteljahr, Zweibettzimmer")]
    [(0.25, 'calendar'), (2.0, '')]
    """
    for word in _OF_COMPOUNDS.finditer(text):
        first = word[1].casefold()
        number = number_at([first], 0, "de")
        value = _COMPOUND_VALUES.get(first) or (number[0] if number else 0.0)
        unit = _UNIT_WITHIN.search(word[2].casefold())
        dimension, size = _LONG_UNITS[unit[0]] if unit else ("", 1.0)
        yield Quantity(word[0], word.start(), word.end(), value, dimension, size)
