"""Dates, weekdays and seasons, in one form for German and English."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from rag.grounding.clock import wrong_time
from rag.grounding.tables import rows


def _named(kind: str) -> dict[str, int]:
    return {name: number for row, number, names in rows("calendar") if row == kind for name in names.split()}


_MONTHS = _named("month")
_MONTH = rf"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DAY = r"\d{1,2}(?!\d)(?:\.|st|nd|rd|th)?"
_JOIN = r"\s*(?:,|-|–|/|bis(?:\s+zum)?|und|oder|to|and|or|until)\s*(?:the\s+|den\s+|dem\s+)?"
_DAYS = rf"{_DAY}(?:{_JOIN}{_DAY})*"
# "may" is a verb, "mar" and others are words: in small letters they are no months.
_DAYS_MONTH = re.compile(
    rf"(?<![\d.,:])(?P<days>{_DAYS})\s*(?:of\s+)?(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>[12]\d{{3}})\b)?",
    re.IGNORECASE,
)
_MONTH_DAYS = re.compile(
    rf"\b(?P<month>{_MONTH})\.?\s+(?P<days>{_DAYS})(?!\d)(?:,?\s+(?P<year>[12]\d{{3}})\b)?", re.IGNORECASE
)
_FIGURES = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4}|\d{2}(?!\d))?|(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")
_MONTH_YEAR = re.compile(rf"\b(?P<month>{_MONTH})\b\.?(?:,?\s+(?:of\s+)?(?P<year>[12]\d{{3}})\b)?", re.IGNORECASE)

_NAMED = {kind: _named(kind) for kind in ("weekday", "season", "daypart")}


@dataclass(frozen=True)
class Date:
    """A day, a month or both, with the year where it stands beside them."""

    text: str
    start: int
    end: int
    month: int
    day: int | None = None
    year: int | None = None

    def agrees(self, other: "Date") -> bool:
        """Whether nothing that both say differs, and the other has the day where this has one."""
        if self.month != other.month or (self.day is not None and self.day != other.day):
            return False
        return self.year is None or other.year is None or self.year == other.year


@lru_cache(maxsize=512)
def dates(text: str) -> tuple[Date, ...]:
    """Return the dates of a text in either language, each day of a range or list with its month.

    >>> [(d.day, d.month, d.year) for d in dates("vom 6. bis 8. Juli 2024")]
    [(6, 7, 2024), (8, 7, 2024)]
    >>> [(d.day, d.month, d.year) for d in dates("September 3, 1990; 3.9.90; seit Mai; it may rain")]
    [(3, 9, 1990), (3, 9, 1990), (None, 5, None)]
    """
    found = list(_with_days(text))
    taken = {place for date in found for place in range(date.start, date.end)}
    for month in _MONTH_YEAR.finditer(text):
        if month.start() not in taken and _is_month(month["month"]):
            year = int(month["year"]) if month["year"] else None
            found.append(Date(month[0], month.start(), month.end(), _MONTHS[month["month"].casefold()], None, year))
    return tuple(sorted(found, key=lambda date: (date.start, date.day or 0)))


def _with_days(text: str) -> Iterator[Date]:
    taken: set[int] = set()
    for pattern in (_DAYS_MONTH, _MONTH_DAYS):
        for found in pattern.finditer(text):
            days = [int(day) for day in re.findall(r"\d+", found["days"])]
            if (
                taken & set(range(*found.span()))
                or not _is_month(found["month"])
                or not all(1 <= d <= 31 for d in days)
            ):
                continue
            taken |= set(range(*found.span()))
            year = int(found["year"]) if found["year"] else None
            for day in days:
                yield Date(found[0], *found.span(), _MONTHS[found["month"].casefold()], day, year)
    for found in _FIGURES.finditer(text):
        day_, month, year_ = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
        if 1 <= int(month) <= 12 and 1 <= int(day_) <= 31:
            yield Date(found[0], *found.span(), int(month), int(day_), _full_year(year_))


def _is_month(name: str) -> bool:
    return name[0].isupper()


def _full_year(figures: str | None) -> int | None:
    if not figures:
        return None
    return int(figures) if len(figures) == 4 else int(figures) + (2000 if figures < "50" else 1900)


@dataclass(frozen=True)
class Named:
    """A weekday, a season or a part of the day."""

    text: str
    start: int
    kind: str
    number: int


@lru_cache(maxsize=512)
def named_times(text: str) -> tuple[Named, ...]:
    """Return the weekdays, seasons and parts of the day that a text names, in order; German compounds too.

    >>> [(n.kind, n.number) for n in named_times("am Dienstagmorgen, on Thursdays, im Frühjahr")]
    [('weekday', 1), ('weekday', 3), ('season', 0)]
    """
    found = []
    for word in re.finditer(r"[^\W\d_]+", text):
        low = word[0].casefold()
        for kind, names in _NAMED.items():
            name = low if low in names else _beginning(low, names) if kind == "weekday" else None
            if name and not (name == "spring" and word[0].islower() and kind != "season"):
                found.append(Named(word[0], word.start(), kind, names[name]))
    return tuple(found)


def _beginning(word: str, names: dict[str, int]) -> str | None:
    return next((name for name in names if word.startswith(name) and len(name) > 5), None)


_WORKDAYS = re.compile(r"\b(?:werktag\w*|wochentag\w*|unter der Woche|weekdays?|working days?)", re.IGNORECASE)
_WEEKEND = re.compile(r"\b(?:wochenend\w*|weekends?)", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:bis|to|through|until|–|-)\s*$", re.IGNORECASE)


def covered_weekdays(text: str) -> set[int]:
    """Return the weekdays that a text names or spans.

    >>> sorted(covered_weekdays("dienstags bis freitags und am Wochenende"))
    [1, 2, 3, 4, 5, 6]
    """
    days = [named for named in named_times(text) if named.kind == "weekday"]
    found = {day.number for day in days}
    for first, last in pairwise(days):
        if _RANGE.match(text[first.start + len(first.text) : last.start]):
            found |= {(first.number + step) % 7 for step in range((last.number - first.number) % 7)}
    found |= set(range(6)) if _WORKDAYS.search(text) else set()
    return found | ({5, 6} if _WEEKEND.search(text) else set())


_QUARTERS = re.compile(
    r"(?:(\d)\.|(ersten|zweiten|dritten|vierten|first|second|third|fourth))\s+(?:Quartal|quarter)", re.IGNORECASE
)
_WITHIN = re.compile(rf"\b({_MONTH})(?=[a-zäöü]{{3,}})")
_ORDINALS = {"ersten": 1, "first": 1, "zweiten": 2, "second": 2, "dritten": 3, "third": 3, "vierten": 4, "fourth": 4}


def wrong_date(claim: str, source: str, known: str) -> str | None:
    """Return the first date, weekday, season or time of a sentence that the text it rests on does not have.

    Args:
        claim: The sentence, in German or English.
        source: The evidence.
        known: What may be repeated: the titles and the user's question.

    >>> wrong_date("On 13 February 1998.", "Am 3. Februar 1998.", "13 Jahre")
    '13 February 1998'
    >>> wrong_date("at 8:45 pm", "um 20:45 Uhr", "")
    >>> wrong_date("on Sundays", "dienstags bis freitags", ""), wrong_date("on Thursday", "dienstags bis freitags", "")
    ('Sundays', None)
    """
    text = f"{source}\n{known}"
    given, months = dates(text), _months_of_quarters(text)
    for date in dates(claim):
        if not any(date.agrees(other) for other in given) and not (date.day is None and date.month in months):
            return date.text
    return wrong_time(claim, text) or _wrong_named(claim, text)


def _months_of_quarters(text: str) -> set[int]:
    quarters = [int(found[1] or _ORDINALS[found[2].casefold()]) for found in _QUARTERS.finditer(text)]
    within = {_MONTHS[found[1].casefold()] for found in _WITHIN.finditer(text)}
    return within | {month for quarter in quarters for month in range(3 * quarter - 2, 3 * quarter + 1)}


def _wrong_named(claim: str, source: str) -> str | None:
    days = covered_weekdays(source)
    for named in named_times(claim):
        others = {other.number for other in named_times(source) if other.kind == named.kind}
        if named.kind == "weekday" and named.number not in days:
            return named.text
        if named.kind != "weekday" and others and named.number not in others:
            return named.text
    return None
