"""A German sentence -> its figures: amounts, percentages, measures, counts, times of day and dates."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from index.analysis import stem
from index.date_terms import date_terms
from index.number_terms import number_terms, number_values
from index.stop_words import STOP_WORDS

DATE, TIME, MONEY = "date", "time", "euro"
_EXACT = frozenset({DATE, TIME, MONEY, "second", "month", "number"})  # in which nobody rounds without saying so
_FARTHEST = 40  # characters before a figure that are read for what they say of it
_ABOUT = 0.1  # how far from the truth "rund" may be, as a share

_UNITS = {  # as written -> what is measured, and how many of its units
    **dict.fromkeys(("€", "euro", "eur"), (MONEY, 1.0)),
    **dict.fromkeys(("cent", "ct"), (MONEY, 0.01)),
    **dict.fromkeys(("%", "prozent", "v. h.", "v.h."), ("percent", 1.0)),
    **dict.fromkeys(("mm", "millimeter"), ("metre", 0.001)),
    **dict.fromkeys(("cm", "zentimeter"), ("metre", 0.01)),
    **dict.fromkeys(("m", "meter", "metern"), ("metre", 1.0)),
    **dict.fromkeys(("km", "kilometer", "kilometern"), ("metre", 1000.0)),
    **dict.fromkeys(("m²", "qm", "quadratmeter", "quadratmetern"), ("square metre", 1.0)),
    **dict.fromkeys(("ha", "hektar"), ("square metre", 10_000.0)),
    **dict.fromkeys(("km²", "quadratkilometer", "quadratkilometern"), ("square metre", 1_000_000.0)),
    **dict.fromkeys(("g", "gramm"), ("gram", 1.0)),
    **dict.fromkeys(("kg", "kilo", "kilogramm"), ("gram", 1000.0)),
    **dict.fromkeys(("t", "tonne", "tonnen"), ("gram", 1_000_000.0)),
    **dict.fromkeys(("l", "liter", "litern"), ("litre", 1.0)),
    **dict.fromkeys(("ml", "milliliter"), ("litre", 0.001)),
    **dict.fromkeys(("°c", "grad"), ("degree", 1.0)),
    **dict.fromkeys(("sekunde", "sekunden"), ("second", 1.0)),
    **dict.fromkeys(("minute", "minuten", "min."), ("second", 60.0)),
    **dict.fromkeys(("stunde", "stunden", "std."), ("second", 3600.0)),
    **dict.fromkeys(("tag", "tage", "tagen"), ("second", 86_400.0)),
    **dict.fromkeys(("woche", "wochen"), ("second", 604_800.0)),
    **dict.fromkeys(("monat", "monate", "monaten"), ("month", 1.0)),
    **dict.fromkeys(("jahr", "jahre", "jahren"), ("month", 12.0)),
}
_SIGNS = "|".join(sorted((re.escape(unit) for unit in _UNITS), key=len, reverse=True))
_NUMBER = r"(?:\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)|\d+)(?:[.,]\d+)*"
_NUMBER_WORDS = dict(
    zip(
        "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf two three four five six seven eight nine ten eleven "
        "twelve".split(),
        [str(number) for number in range(2, 13)] * 2,
        strict=True,
    )
)
_WORDS = "|".join(sorted(_NUMBER_WORDS, key=len, reverse=True))
_SCALE = r"(?:Tsd\.?|Tausend|Mio\.?|Millionen|Million|Mrd\.?|Milliarden?)"
_MONTH = r"(?:(?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)[a-zä]*\.?)"
_WEEKDAY = r"(?:(?:Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonnabend|Sonntag)s?,?\s(?:de[nm]\s)?)"
_FIGURE = re.compile(
    r"(?<![\w.,:§])(?<!§\s)(?<!§§\s)(?<!Art\.\s)(?<!Abs\.\s)(?<!Nr\.\s)"
    rf"(?:{_WEEKDAY}?(?:im\s)?(?:Jahre?\s)?(?P<date>"
    rf"(?P<day>\d{{1,2}})(?P<of>\.\s?(?:{_MONTH}(?:\s[12]\d{{3}})?|\d{{1,2}}\.(?:\s?[12]\d{{3}}|\d\d)?(?!\d)))|"
    rf"{_MONTH}\s[12]\d{{3}}|[12]\d{{3}}-\d\d-\d\d|"
    rf"(?<=[Jj]ahr.)[12]\d{{3}}|(?<=[Jj]ahre.)[12]\d{{3}}|"
    rf"[12]\d{{3}}(?!\d|[.,]\d|\s?(?i:{_SIGNS})(?!\w)|\s?{_SCALE}|\s[A-ZÄÖÜ]))|"
    r"(?P<time>(?P<hour>\d{1,2}(?:[:.]\d\d)?)(?P<clock>\s?Uhr\b)|\d{1,2}:\d\d(?!\d))|"
    rf"(?:(?P<front>€|EUR)\s?)?(?P<number>{_NUMBER}|(?i:{_WORDS})\b)(?:,[-–]+)?(?P<unit>(?P<scale>\s?{_SCALE})?"
    rf"(?:\s?(?P<sign>(?i:{_SIGNS}))(?!\w|/h)|\s(?P<of_what>(?:[a-zäöüß]+(?:e|en|er|em|es)\s)?[A-ZÄÖÜ][\w-]*\w))?))",
)
_TO = re.compile(r"\.?\s?(?:bis(?:\s(?:zum|um))?|[-–—])\s?")
_BOUNDS = {  # how a figure is meant -> what stands before it
    ">": r"mindestens|wenigstens|über|mehr\sals|(?:ab|seit)(?:\sdem)?",
    "<": r"höchstens|maximal|max\.|bis(?:\szum?)?|unter|weniger\sals",
    "~": r"rund|etwa|ca\.?|circa|zirka|knapp|gut|fast|ungefähr|annähernd|nahezu|beinahe|schätzungsweise",
}
_BOUND = {sign: re.compile(rf"\b(?:{words})\s$", re.IGNORECASE) for sign, words in _BOUNDS.items()}
_BELONGS = re.compile(rf"(?:{_WEEKDAY}|\b(?:Jahre?|{'|'.join(_BOUNDS.values())})\s)+$", re.IGNORECASE)
_BY = re.compile(r"\bum\s(?:\w+\s)?$", re.IGNORECASE)  # a difference: teurer um 5 Euro
_BEFORE_A_NUMBER = re.compile(r"(?:beträgt|betrug|bei|auf)\s(?:\w+\s)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Figure:
    """A figure of a sentence: ``sentence[start:end] == words``.

    ``low`` and ``high`` differ for a range. A date is (year, month, day) with 0 for what is not said, anything else one
    number in the unit of ``kind``. ``bound`` is ">" for at least, "<" for at most, "~" for about. ``step`` is the
    value of the last digit that counts: 100,000 for "4,5 Mio.".
    """

    kind: str
    words: str
    start: int
    end: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    bound: str = ""
    step: float = 0.0


def figures(sentence: str) -> list[Figure]:
    """Return the figures of a sentence in order; a number of which nothing tells what it counts is none.

    >>> [(figure.kind, figure.words, figure.low) for figure in figures("Am 3. Mai 2024 kostet er ab 8 Uhr 4,50 Euro.")]
    [('date', '3. Mai 2024', (2024, 5, 3)), ('time', '8 Uhr', (480,)), ('euro', '4,50 Euro', (4.5,))]
    >>> [(figure.words, figure.low, figure.high) for figure in figures("Zimmer 5 ist von 8 bis 12 Uhr offen.")]
    [('8 bis 12 Uhr', (480,), (720,))]
    """
    found = list(_joined(sentence, [figure for match in _FIGURE.finditer(sentence) if (figure := _figure(match))]))
    meant = (_with_bound(sentence, figure) for figure in found)
    return [figure for figure in meant if figure.kind]


def without_figures(sentence: str, found: Sequence[Figure]) -> str:
    """Return what a sentence says beside its figures and the words that belong to them.

    >>> sentence = "Am Montag, dem 3. Mai 2024 kamen rund 300 Besucher."
    >>> without_figures(sentence, figures(sentence))
    'Am   kamen  .'
    """
    for figure in reversed(found):
        belongs = _BELONGS.search(sentence, max(0, figure.start - _FARTHEST), figure.start)
        start = belongs.start() if belongs else figure.start
        sentence = f"{sentence[:start]} {sentence[figure.end :]}"
    return sentence


def conflict(one: Figure, other: Figure) -> bool:
    """Whether two figures of one kind cannot both be right; a figure that is rounded or a bound leaves room.

    >>> conflict(*figures("18 Euro, 20 Euro")), conflict(*figures("1 km, 1000 m"))
    (True, False)
    >>> conflict(*figures("rund 4,5 Mio. Einwohner, 4.483.000 Einwohner"))
    False
    >>> conflict(*figures("3. Mai 2024; 2024")), conflict(*figures("15 bis 25 Euro, 20 Euro"))
    (False, False)
    """
    if one.kind in (DATE, TIME):
        return _conflicting_times(one, other)
    (one_low, one_high), (other_low, other_high) = _interval(one, other), _interval(other, one)
    return one_high < other_low or other_high < one_low


def _conflicting_times(one: Figure, other: Figure) -> bool:
    comparable = (one.low == one.high) == (other.low == other.high) and {one.bound, other.bound} != {"<", ">"}
    return comparable and not (_agree(one.low, other.low) and _agree(one.high, other.high))


def _agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two dates are the same as far as both are said; midnight is a time like any other."""
    if len(one) == 1:
        return one == other
    return all(not mine or not theirs or mine == theirs for mine, theirs in zip(one, other, strict=True))


def _interval(figure: Figure, other: Figure) -> tuple[float, float]:
    """Return where the true value may lie, as far as the other figure's precision lets one ask."""
    low, high, bound = figure.low[0], figure.high[0], figure.bound
    if bound == ">" != other.bound:
        return low, math.inf
    if bound == "<" != other.bound:
        return -math.inf, high
    room = _ABOUT * high if bound == "~" else 0.0
    if figure.step > other.step:
        room = max(room, figure.step / 2)
    room += 1e-9 * abs(high)
    return low - room, high + room


def _figure(match: re.Match[str]) -> Figure | None:
    """Return the figure; one without a kind can be the beginning of a range."""
    if match["date"]:
        parts = _date(match["date"])
        return Figure(DATE, match["date"], *match.span("date"), parts, parts) if parts else None
    if match["time"]:
        hour, _, minute = match["time"].removesuffix("Uhr").strip().replace(":", ".").partition(".")
        value = (int(hour) * 60 + int(minute or 0),)
        return Figure(TIME, match["time"], *match.span("time"), value, value)
    return _quantity(match)


def _date(words: str) -> tuple[float, ...] | None:
    """Return year, month and day, 0 for what is not said.

    >>> _date("3. Mai 2024"), _date("3.5."), _date("Mai 2024"), _date("2024"), _date("31. Foo")
    ((2024, 5, 3), (0, 5, 3), (2024, 5, 0), (2024, 0, 0), None)
    """
    if re.fullmatch(r"\d{4}", words):
        return int(words), 0, 0
    has_year = bool(re.search(r"\d{4}|\.\d\d$", words))
    read = next(date_terms(words.casefold() if has_year else f"{words.casefold()} 2000"), None)
    if read is None:
        return None
    year, month, day = [*map(int, read.split("-")), 0][:3]
    return year if has_year else 0, month, day


def _quantity(match: re.Match[str]) -> Figure | None:
    number, scale = match["number"], (match["scale"] or "").strip()
    text = _value(number, scale)
    if text is None:
        return None
    kind, factor = _kind(match["sign"] or match["front"] or "", match["of_what"] or "")
    if not kind and scale:
        kind = "number"
    value = (float(text) * factor,)
    step = _step(number, scale, text) * factor if kind not in _EXACT or scale else 0.0
    return Figure(kind, match[0], *match.span(), value, value, step=step)


def _value(number: str, scale: str) -> str | None:
    """Return what a number means, as a decimal number.

    >>> _value("4,5", "Mio."), _value("1.234,50", ""), _value("10 000", ""), _value("drei", ""), _value("1.2.3", "")
    ('4500000', '1234.5', '10000', '3', None)
    """
    plain = _NUMBER_WORDS.get(number.casefold(), re.sub(r"[\u00a0\u202f]", " ", number))
    return next(chain(number_terms(f"{plain} {scale}".strip()), [] if scale else number_values(plain)), None)


def _step(number: str, scale: str, value: str) -> float:
    """Return the value of the last digit that counts.

    >>> _step("4,5", "Mio.", "4500000"), _step("12.400", "", "12400"), _step("12,5", "", "12.5"), _step("20", "", "20")
    (100000.0, 100.0, 0.1, 1.0)
    """
    if scale:
        decimals = len(number.partition(",")[2])
        return float(f"{_value('1', scale)}e-{decimals}")
    whole, _, fraction = value.partition(".")
    zeros = len(whole) - len(whole.rstrip("0")) if len(whole) > 3 and not fraction else 0
    return float(f"1e{zeros - len(fraction)}")


def _kind(sign: str, of_what: str) -> tuple[str, float]:
    """Return what is counted, and the factor to its unit; an adjective before the noun belongs to it.

    >>> _kind("km", ""), _kind("", "Euro"), _kind("", "aktive Mitglieder"), _kind("", "")
    (('metre', 1000.0), ('euro', 1.0), ('aktiv mitglied', 1.0), ('', 1.0))
    """
    words = (sign or of_what).casefold().split()
    if sign or of_what.casefold() in _UNITS:
        return _UNITS.get(" ".join(words), (MONEY, 1.0))
    if not words or words[0] in STOP_WORDS:
        return "", 1.0
    return " ".join(map(stem, words)), 1.0


def _joined(sentence: str, found: list[Figure]) -> Iterator[Figure]:
    """Join the two ends of a range: "8 bis 12 Uhr", "4. bis 6. Juli", "zwischen 10 und 20 Euro"."""
    rest = iter([*found, None])
    first = next(rest)
    while first:
        second = next(rest)
        low = _low(sentence, first, second) if second else None
        if second and low:
            words = sentence[first.start : second.end]
            first = replace(second, words=words, start=first.start, low=low)
            second = next(rest)
        yield first
        first = second


def _low(sentence: str, first: Figure, second: Figure) -> tuple[float, ...] | None:
    """Return the lower end in the unit of the upper one, None where the two figures are no range."""
    between = sentence[first.end : second.start]
    either = between == " und " and sentence.endswith("wischen ", 0, first.start)
    if not (either or _TO.fullmatch(between)) or first.kind not in ("", second.kind):
        return None
    if first.kind:
        return first.low
    unit = _FIGURE.match(second.words)
    tail = unit and (unit["of"] or unit["clock"] or unit["unit"])
    whole = tail and _FIGURE.match(first.words + tail)
    figure = _figure(whole) if whole else None
    return figure.low if figure and figure.kind == second.kind else None


def _with_bound(sentence: str, figure: Figure) -> Figure:
    """Return the figure with what the words before it say of it: a bound, a difference, a bare number that is meant."""
    before = sentence[max(0, figure.start - _FARTHEST) : figure.start]
    bound = next((sign for sign, words in _BOUND.items() if words.search(before)), "")
    kind = figure.kind
    if not kind and figure.words[0].isdigit() and _BEFORE_A_NUMBER.search(before):
        kind = "number"
    if kind and kind not in (DATE, TIME) and _BY.search(before):
        kind = f"by {kind}"
    return replace(figure, bound=bound, kind=kind)
