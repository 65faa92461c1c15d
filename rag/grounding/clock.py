"""Times of day, in figures and in words, in one form for German and English."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rag.grounding.number_words import german_number, number_at

_NUMBER = r"(?<![\d.,:])(?P<hour>\d{1,2})(?:[.:](?P<minute>\d\d))?"
_UHR = r"(?:uhr|o['’]clock|h)\b(?:\s(?P<after>[0-5]\d)\b(?!\s(?-i:[A-ZÄÖÜ])|[.,:]\d))?"
_HALF = r"(?P<half>[ap])\.?\s?m\b\.?"
_LATER = r"(?P<later>\s+(?:nachmittags|abends|(?:am|in\s+the)\s+(?:nachmittag|abend|afternoon|evening))\b)?"
_FIGURES = re.compile(
    rf"{_NUMBER}\s*(?:{_UHR}|{_HALF}){_LATER}|(?<![\d.,:])(?P<bare>\d{{1,2}}):(?P<bare_minute>\d\d)(?![\d:])",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"{_NUMBER}\s*(?:uhr)?\s*(?:bis|und|to|and|until|–|-)\s*(?=\d{{1,2}}(?:[.:]\d\d)?\s*(?:uhr|(?P<half>[ap])\.?\s?m\b))",
    re.IGNORECASE,
)
_WORD = r"(?P<word>[^\W\d_]+|\d{1,2})"
_TO_THE_HOUR = {
    **dict.fromkeys(("halb",), -30),
    **dict.fromkeys(("viertel vor", "dreiviertel", "quarter to"), -15),
    **dict.fromkeys(("viertel nach", "quarter past"), 15),
    **dict.fromkeys(("half past",), 30),
}
_WORDS = re.compile(
    rf"\b(?:(?P<part>{'|'.join(_TO_THE_HOUR)})\s+{_WORD}(?:\s+(?:uhr|o['’]clock|{_HALF}))?"
    rf"|(?P<whole>[^\W\d_]+)\s+(?:uhr\b|o['’]clock|(?P<whole_half>[ap])\.?\s?m\b\.?)){_LATER}"
    r"|\b(?P<first>[^\W\d_]+)\s+(?:bis|und|oder|to|until|and|or)\s+(?=\w+\s+(?:uhr\b|o['’]clock|[ap]\.?\s?m\b))",
    re.IGNORECASE,
)
_NAMED = {"mitternacht": (24, 0), "midnight": (24, 0), "mittag": (12, 0), "mittags": (12, 0), "noon": (12, 0)}
_DAY = 24 * 60


@dataclass(frozen=True)
class Time:
    """A time of day in minutes after midnight."""

    text: str
    start: int
    end: int
    minutes: int


@lru_cache(maxsize=512)
def times(text: str) -> tuple[Time, ...]:
    """Return the times of day; midnight is 24:00 and 0:00.

    >>> [t.minutes for t in times("von 10 bis 18.30 Uhr, um 8:45 pm, bis Mitternacht")]
    [600, 1110, 1245, 0]
    >>> [t.minutes for t in times("von acht bis zehn Uhr, um halb neun, quarter past seven, at eight p.m.")]
    [480, 600, 510, 435, 1200]
    >>> [t.minutes for t in times("um 9 Uhr 30, 7 Uhr abends, 9 Uhr 30 Gäste")]
    [570, 1140, 540]
    """
    found = [*_in_figures(text), *_in_words(text)]
    for word in re.finditer(r"[^\W\d_]+", text):
        if word[0].casefold() in _NAMED:
            hour, minute = _NAMED[word[0].casefold()]
            found.append(Time(word[0], *word.span(), (hour * 60 + minute) % _DAY))
    return tuple(sorted(found, key=lambda time: time.start))


def _in_figures(text: str) -> Iterator[Time]:
    for match in _RANGE.finditer(text):
        yield Time(match[0], *match.span(), _minutes(int(match["hour"]), int(match["minute"] or 0), match["half"]))
    for match in _FIGURES.finditer(text):
        hour = int(match["hour"] or match["bare"])
        minute = int(match["minute"] or match["after"] or match["bare_minute"] or 0)
        if hour <= 24 and minute < 60:
            half = match["half"] or ("p" if match["later"] else None)
            yield Time(match[0], *match.span(), _minutes(hour, minute, half))


def _in_words(text: str) -> Iterator[Time]:
    for match in _WORDS.finditer(text):
        hour = _hour(match["word"] or match["whole"] or match["first"])
        if hour is not None:
            half = match["half"] or match["whole_half"] or ("p" if match["later"] else None)
            part = _TO_THE_HOUR[match["part"].casefold()] if match["part"] else 0
            yield Time(match[0], *match.span(), _minutes(hour, part, half))


def _hour(word: str) -> int | None:
    """Return the hour that a word or a figure stands for.

    >>> _hour("acht"), _hour("eight"), _hour("ein"), _hour("18"), _hour("dreißig"), _hour("Die")
    (8, 8, 1, 18, None, None)
    """
    low = word.casefold()
    if low in ("ein", "one"):
        return 1
    english = number_at([low], 0, "en")
    value = float(low) if low.isdecimal() else german_number(low) or (english and english[0])
    return int(value) if value is not None and value in range(25) else None


def _minutes(hour: int, minute: int, half: str | None) -> int:
    if half:
        hour = hour % 12 + (12 if half.casefold() == "p" else 0)
    return (hour * 60 + minute) % _DAY


def wrong_time(claim: str, text: str) -> str | None:
    """Return the first time of day of a sentence that a text does not have.

    Where the text has no time that can be read, the hour must at least stand in it as a number.

    >>> wrong_time("Um 10 Uhr.", "Er öffnet um acht Uhr."), wrong_time("8 a.m.", "Er öffnet um acht Uhr.")
    ('10 Uhr', None)
    >>> wrong_time("Um 10 Uhr.", "Geöffnet 8.30-12"), wrong_time("8:30 Uhr", "Geöffnet 8.30-12")
    ('10 Uhr', None)
    """
    minutes = {time.minutes for time in times(text)}
    for time in times(claim):
        if time.minutes not in minutes if minutes else not _hours(time) & _numbers(text):
            return time.text
    return None


def _hours(time: Time) -> set[int]:
    hour = time.minutes // 60
    return {hour, hour % 12 or 12, hour or 24}


def _numbers(text: str) -> set[int]:
    return {hour for word in re.findall(r"\d+|[^\W\d_]+", text) if (hour := _hour(word)) is not None}
