"""Numbers -> their values in one writing: "1.234,50" is 1234.5; "4,5 Mrd." and "4.5 billion" are 4500000000."""

import re
from collections.abc import Iterator

_GROUPED = re.compile(r"([1-9]\d{0,2}([.,'’ ])\d{3}(?:\2\d{3})*)(?:(?!\2)[.,](\d+))?")
_DECIMAL = re.compile(r"(\d+)[.,](\d+)")
_UNIT = (
    r"(?i:%|(?:prozent|per\s?cent|vom\shundert|tsd|tausend|thousand|mio|mrd|bn|milliarden?|"
    r"(?:m|b|tr)illion(?:en|s)?)\b|v\.\s?h\.)"
)
_QUANTITY = re.compile(  # a number with spaces, with a unit or without, or another one with a unit
    r"(\d(?<![\w.,].)(?:\d{0,2}(?:[ '’]\d{3})++(?!\d)(?:[.,]\d++)?|"
    rf"\d*+(?:[.,]\d++)*+(?=\s?{_UNIT})))(?:\s?({_UNIT}))?"
)
_DIVIDERS = frozenset(" '’")  # which make two tokens of a number
_POWERS = {
    "tsd": 3,
    "tausend": 3,
    "thousand": 3,
    "mio": 6,
    "million": 6,
    "mrd": 9,
    "milliard": 9,
    "bn": 9,
    "billion": 9,
    "trillion": 12,
}
_GERMAN_POWERS = _POWERS | {"billion": 12, "trillion": 18}


def number_values(number: str) -> list[str]:
    """Return what a number in German or English writing can mean; nothing for a time or a version.

    >>> number_values("1.234,50"), number_values("1 234"), number_values("1.234"), number_values("4,5")
    (['1234.5'], ['1234'], ['1234', '1.234'], ['4.5'])
    >>> number_values("1990"), number_values("14:30"), number_values("2.3.1")
    (['1990'], [], [])
    """
    if number.isdigit():
        return [number]
    grouped, decimal = _GROUPED.fullmatch(number), _DECIMAL.fullmatch(number)
    values = [_plain(grouped[1].replace(grouped[2], ""), grouped[3] or "")] if grouped else []
    if decimal:
        values.append(f"{decimal[1]}.{decimal[2]}" if grouped else _plain(decimal[1], decimal[2]))
    return values


def number_terms(shown: str) -> Iterator[str]:
    """Yield the values of numbers with spaces, with a word for their size, or with a sign for percent.

    >>> list(number_terms("10 000 Menschen, 4.5 billion, 2 Billionen, 4,50 %"))
    ['10000', '4500000000', '2000000000000', '4.5%']
    """
    for number, unit in _QUANTITY.findall(shown):
        for value in number_values(number):
            if not _DIVIDERS.isdisjoint(number):
                yield value
            if unit:
                yield f"{value}%" if unit[0] in "%pPvV" else _scaled(value, _power(unit))


def _power(unit: str) -> int:
    """Return the power of ten that a word stands for; a German Billion has a capital or a plural in -en.

    >>> _power("Mrd"), _power("Billionen"), _power("billion")
    (9, 12, 9)
    """
    name = unit.casefold().replace("i\u0307", "i").replace("ı", "i")  # MİO matches mio
    powers = _GERMAN_POWERS if unit[0].isupper() or name.endswith("en") else _POWERS
    return next(power for start, power in powers.items() if name.startswith(start))


def _scaled(value: str, power: int) -> str:
    """Return value times ten to the power.

    >>> _scaled("4.5", 9), _scaled("0.25", 3), _scaled("1.2345", 3)
    ('4500000000', '250', '1234.5')
    """
    whole, _, fraction = value.partition(".")
    return _plain((whole + fraction.ljust(power, "0")[:power]).lstrip("0") or "0", fraction[power:])


def _plain(whole: str, fraction: str) -> str:
    """Return the number with no zero at the end of its fraction.

    >>> _plain("1234", "50"), _plain("4", "00")
    ('1234.5', '4')
    """
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
