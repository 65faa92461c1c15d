"""Units of measure in German and English -> what they measure and their size, so that 14 days are two weeks."""

import re

from rag.grounding.tables import rows

# A row: dimension, then unit = size, its names. Months and days do not convert into each other.
_PHRASES = (
    (r"kubikmetern?|cubic\s+met(?:re|er)s?|m³|cbm", "m³"),
    (r"kubikzentimetern?|cubic\s+centimet(?:re|er)s?", "kubikzentimeter"),
    (r"quadratmetern?|square\s+met(?:re|er)s?|m²|qm|m2", "m²"),
    (r"quadratkilometern?|square\s+kilomet(?:re|er)s?|km²|km2", "km²"),
    (r"(?:°\s?|grad(?:en)?\s+|degrees?\s+)(?:c\b|celsius)", "celsius"),
    (r"(?:°\s?|grad(?:en)?\s+|degrees?\s+)(?:f\b|fahrenheit)", "fahrenheit"),
    (r"per\s?cent|v\.\s?h\.|pct\b", "%"),
    (r"percentage\s+points?", "prozentpunkte"),
    (r"kilowatt[\s-]hours?", "kwh"),
    (r"us[\s-]dollars?|us\$", "dollar"),
    (r"swiss\s+francs?|schweizer\s+franken", "franken"),
    (r"km(?=/h)|kmh", "km"),
    (r"mph", "meilen"),
    (r"m(?=/s)", "m"),
)
_PHRASE = re.compile("|".join(f"(?P<p{number}>{form})" for number, (form, _) in enumerate(_PHRASES)), re.IGNORECASE)


_UNITS = {name: (dimension, size) for dimension, size, names in rows("units") for name in names.split()}
_NAME = re.compile(r"[^\W\d_]+[²³]?|[%€$£¥]")


def unit_at(text: str, start: int) -> tuple[str, float, int] | None:
    """Return the dimension, the size and the end of the unit that begins at a place of a text.

    >>> unit_at("4,5 Kilometer weit", 4), unit_at("30 Häuser", 3), unit_at("80 km/h", 3)
    (('length', 1000.0, 13), None, ('length', 1000.0, 5))
    """
    phrase = _PHRASE.match(text, start)
    if phrase and phrase.lastgroup and not text[phrase.end() : phrase.end() + 1].isalpha():
        return *_UNITS[_PHRASES[int(phrase.lastgroup[1:])][1]], phrase.end()
    name = _NAME.match(text, start)
    unit = _UNITS.get(name[0].casefold()) if name else None
    return (*unit, name.end()) if name and unit else None


_PERS = {
    "second": "sekunde second sekündlich",
    "minute": "minute minütlich",
    "hour": "stunde hour stündlich hourly",
    "day": "tag day täglich tägliche daily",
    "week": "woche week wöchentlich wöchentliche weekly",
    "month": "monat month monatlich monatliche monthly",
    "quarter": "quartal quarter vierteljährlich quarterly",
    "year": "jahr year jährlich jährliche annually yearly",
}
_NAMES = {name: unit for unit, names in _PERS.items() for name in names.split()}
_NOUNS = "sekunde|second|minute|stunde|hour|tag|day|woche|week|monat|month|quartal|quarter|jahr|year"
_ADVERB = rf"(?P<adverb>{'|'.join(name for name in _NAMES if name.endswith(('lich', 'liche', 'ly')))})[nrsm]?\b"
_PER = re.compile(
    rf"\s*(?:(?:pro|je|per|a|an|each|every|jede[nmrs]?|im|am|in\s+der|die|der|in\s+the|/)\s+|/)(?P<noun>{_NOUNS})\b"
    rf"|\s*{_ADVERB}|(?P<hour>\s*/h\b|(?<=mph)|(?<=kmh))|(?P<second>\s*/s\b)",
    re.IGNORECASE,
)
_EVERY = r"each|every|jede[nmrs]?"
_RATES = re.compile(rf"\b(?:(?:{_EVERY}|pro|je|per|im|am|in\s+der|a)\s+(?P<noun>{_NOUNS})\b|{_ADVERB})", re.IGNORECASE)
_OFTEN = re.compile(rf"\b(?:(?:{_EVERY})\s+(?P<noun>{_NOUNS})\b|{_ADVERB})", re.IGNORECASE)


def wrong_rate(claim: str, source: str) -> str | None:
    """Return "weekly" where the evidence says how often, and otherwise.

    >>> wrong_rate("It is checked weekly.", "Es wird täglich kontrolliert."), wrong_rate("every day", "am Tag")
    ('weekly', None)
    """
    given = {_rate(found) for found in _RATES.finditer(source)}
    return next((found[0] for found in _OFTEN.finditer(claim) if given and _rate(found) not in given), None)


def _rate(found: re.Match[str]) -> str:
    return _NAMES[(found["noun"] or found["adverb"]).casefold()]


def per_at(text: str, start: int) -> str:
    """Return the unit of time that a quantity ending at a place is counted by, or "".

    >>> per_at("22 Seiten pro Minute", 9), per_at("950 euros a month", 9), per_at("drei Tage lang", 9)
    ('minute', 'month', '')
    """
    found = _PER.match(text, start)
    if not found:
        return ""
    if not found["noun"] and not found["adverb"]:
        return "second" if found["second"] else "hour"
    return _rate(found)
