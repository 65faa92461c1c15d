"""Dates -> the day and the month as in ISO 8601: "3. Oktober 1990" and "October 3, 1990" are 1990-10-03 and 1990-10."""

import re
from collections.abc import Iterator

_NAMES = (
    "januar jänner january jan",
    "februar feber february feb",
    "märz maerz march mär mar mrz",
    "april apr",
    "mai may",
    "juni june jun",
    "juli july jul",
    "august aug",
    "september sept sep",
    "oktober october okt oct",
    "november nov",
    "dezember december dez dec",
)
_MONTHS = {name: month for month, names in enumerate(_NAMES, 1) for name in names.split()}
_LONGEST_FIRST = "|".join(sorted(_MONTHS, key=len, reverse=True))

# A pattern that begins with a digit is looked for fast; what stands before it is read backwards.
_DATE = re.compile(  # 3.10.1990 or 1990, which can go on as 1990-10-03
    r"(\d(?<![\d.,].)\d*+)(?:(?<!\d{3})\.\s?(\d\d?)\.\s?([12]\d{3}|\d\d)(?![.,]?\d)|"
    r"(?<=[12]\d{3})(?<!\d{5})(?:-(\d\d)-(\d\d)(?!\d))?)"
)
_BEFORE_YEAR = re.compile(  # 3. Oktober or October 3rd
    r"(?:(?<!\d)(\d\d?)(?:\.|st|nd|rd|th)?\s*(?:of\s)?)?(?<![^\W\d_])"
    rf"({_LONGEST_FIRST})\.?(?:\s(\d\d?)(?:st|nd|rd|th)?)?,?\s$"
)
_FARTHEST = 26  # characters before the year that are read


def date_terms(folded: str) -> Iterator[str]:
    """Yield the day and the month; of a date in figures, which is one word, the year too.

    >>> list(date_terms("am 3. oktober 1990 und am 3.10.90; october 3, 1990; seit mai 2024"))
    ['1990-10-03', '1990-10', '1990-10-03', '1990-10', '1990', '1990-10-03', '1990-10', '2024-05']
    """
    for found in _DATE.finditer(folded):
        first, month, year, iso_month, iso_day = found.groups()
        if year:
            yield from _in_figures(year, int(month), int(first))
        elif iso_month:
            yield from _date(first, int(iso_month), int(iso_day))
        elif named := _BEFORE_YEAR.search(folded, max(0, found.start() - _FARTHEST), found.start()):
            day = named[1] or named[3]
            yield from _date(first, _MONTHS[named[2]], int(day) if day else None)


def _in_figures(year: str, month: int, day: int) -> list[str]:
    """Return day, month and year; two figures are a year from 1950 to 2049.

    >>> _in_figures("90", 10, 3), _in_figures("24", 10, 3), _in_figures("90", 13, 3)
    (['1990-10-03', '1990-10', '1990'], ['2024-10-03', '2024-10', '2024'], [])
    """
    if len(year) == 2:
        year = ("20" if year < "50" else "19") + year
    dates = _date(year, month, day)
    return [*dates, year] if dates else []


def _date(year: str, month: int, day: int | None) -> list[str]:
    """Return the day, where there is one, and the month; nothing for what the calendar does not have.

    >>> _date("1990", 10, 3), _date("1990", 10, None), _date("1990", 13, 3)
    (['1990-10-03', '1990-10'], ['1990-10'], [])
    """
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= 31):
        return []
    name = f"{year}-{month:02}"
    return [name] if day is None else [f"{name}-{day:02}", name]
