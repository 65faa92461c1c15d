"""A document's title and text -> the day it says it is of, where it says so in so many words."""

import calendar
import re
from contextlib import suppress
from datetime import date

from index.date_terms import date_terms

_MONTH = r"(?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-zä]*\.?"
_DATE = (
    rf"(\d{{1,2}}\.\s?(?:{_MONTH}\s|\d{{1,2}}\.\s?)[12]\d{{3}}|\d{{1,2}}\.\d{{1,2}}\.\d\d|[12]\d{{3}}-\d\d-\d\d)(?!\d)"
)
_OF_MONTH = rf"({_MONTH}\s[12]\d{{3}}|(?:0?[1-9]|1[0-2])/[12]\d{{3}})(?!\d)"
_UPDATED = (
    r"(?:(?:zuletzt\s)?(?:aktualisiert|geändert|veröffentlicht|bearbeitet)|letzte\s(?:Änderung|Aktualisierung)|"
    r"veröffentlichungsdatum|erscheinungsdatum)(?:\s(?:am|vom|im)\b)?"
)
_SAID = re.compile(
    rf"\b(?:stand(?:\s(?:vom|am))?|(?:in\sder\s)?fassung\s(?:vom|des)|{_UPDATED})\s?:?\s?(?:{_DATE}|{_OF_MONTH})",
    re.IGNORECASE,
)
_IN_TITLE = re.compile(rf"\bvom\s{_DATE}", re.IGNORECASE)


def document_date(title: str, text: str, said: str = "") -> date | None:
    """Return the day that a document gives as its own, None where it gives none; no other date is taken for it.

    Read are, in the title before the text, "Stand: 3. Mai 2024", "Stand 05/2024", "Aktualisiert am 3.5.2024",
    "Veröffentlicht am …", "Fassung vom …", and in the title also "vom 3. Mai 2024". Of several in one place the latest
    counts. A month alone counts as its last day, so that nothing of that month is newer.

    >>> document_date("Gebühren", "Ein Ausweis kostet 5 Euro. Stand: 3. Mai 2024")
    datetime.date(2024, 5, 3)
    >>> document_date("Satzung vom 3.5.2023", "Stand 05/2024"), document_date("Aushang (Stand 05/2024)", "")
    (datetime.date(2023, 5, 3), datetime.date(2024, 5, 31))
    >>> document_date("Stadtfest", "Das Fest ist am 3. Mai 2024.") is None
    True

    ``said`` is what the file itself gives (``Document.date``, ISO 8601); it counts before the words.

    >>> document_date("Gebühren", "Stand: 3. Mai 2024", said="2023-01-15T08:00:00Z")
    datetime.date(2023, 1, 15)
    """
    with suppress(ValueError):
        return date.fromisoformat(said[:10])
    titled = [*_SAID.finditer(title), *_IN_TITLE.finditer(title)]
    found = [day for match in titled or _SAID.finditer(text) if (day := _day(match))]
    return max(found, default=None)


def _day(match: re.Match[str]) -> date | None:
    """Return the day, or the last one of the month; None for what the calendar does not have."""
    words = next(group for group in match.groups() if group)
    number = re.fullmatch(r"(\d+)/(\d{4})", words)
    read = f"{number[2]}-{int(number[1]):02}" if number else next(date_terms(words.casefold()), None)
    if read is None:
        return None
    year, month, day = [*map(int, read.split("-")), 0][:3]
    last = calendar.monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None
