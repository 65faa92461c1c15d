"""Evidence -> where two documents give different figures or dates for the same thing, so that the answer can say so.

A false alarm does more harm than a missed one. So two sentences disagree only where they say the same in the same words
but for one figure, where all their other figures agree, and where nothing hints at another year, place or case.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from index.language import Language
from rag.evidence import Evidence
from rag.figures import DATE, Figure, conflict
from rag.same_thing import Said, happens_once, said, same_subject, same_thing
from rag.wording import MONTHS, amount_in_english

NEAREST = 0.9  # cosine of two sentences, each under its title, below which they are about different things
_SAME_EVENT = 5  # terms that two sentences share where they tell of one event, whatever year they name

_WHEN = re.compile(
    r"\b(?:wann|when|datum|date|(?:welche[mnrs]?|what|which)\s+(?:jahr|year|tag|day|monat|month))\b", re.IGNORECASE
)
_MESSAGES = {
    "de": (
        "Die Dokumente widersprechen sich: „{used}“ nennt {used_words}, „{other}“ {other_words}{newer}.",
        "; neuer ist „{title}“ ({day})",
    ),
    "en": (
        "The documents disagree: “{used}” says {used_words}, “{other}” says {other_words}{newer}.",
        "; “{title}” ({day}) is the newer one",
    ),
}


@dataclass(frozen=True)
class Disagreement:
    """Two sentences of different documents that give different figures for the same thing.

    ``words`` are the figure of ``used`` and that of ``other``, as they stand in the text.
    """

    used: Evidence
    other: Evidence
    words: tuple[str, str]


@dataclass(frozen=True)
class Newer:
    """The newer one of two documents, and the day that it gives as its own."""

    title: str
    day: date


def disagreements(question: str, evidence: Sequence[Evidence], used: Sequence[Evidence]) -> list[Disagreement]:
    """Return where other documents give another figure than the sentences that carry the answer, each pair once.

    Args:
        question: In German or English; tells what is asked for, and whether it is a date.
        evidence: All sentences found for it.
        used: Those that carry the answer. Vectors may be missing; where both are there, they must be near.

    >>> aushang = Evidence("a", "Aushang", "Ein Jahresausweis kostet 20 Euro.", 0, 33, 1.0)
    >>> ordnung = Evidence("b", "Gebührenordnung 2023", "Der Jahresausweis kostet 18 Euro.", 0, 33, 1.0)
    >>> [found.words for found in disagreements("Was kostet der Ausweis?", [aushang, ordnung], [aushang])]
    [('20 Euro', '18 Euro')]
    """
    found: dict[frozenset[Evidence], Disagreement] = {}
    for one in used:
        for other in evidence:
            words = _words(question, one, other) if one.document_id != other.document_id else None
            if words:
                found.setdefault(frozenset({one, other}), Disagreement(one, other, words))
    return list(found.values())


def newer(disagreement: Disagreement, used: date | None, other: date | None) -> Newer | None:
    """Return the newer document by the days of both (``document_date``); None where one is unknown or both are one."""
    if not used or not other or used == other:
        return None
    return Newer(disagreement.used.title, used) if used > other else Newer(disagreement.other.title, other)


def notice(disagreement: Disagreement, newer: Newer | None, language: Language) -> str:
    """Return one sentence in German ("de") or English ("en") that names both figures and both documents.

    >>> aushang = Evidence("a", "Aushang", "Ein Jahresausweis kostet 20 Euro.", 0, 33, 1.0)
    >>> ordnung = Evidence("b", "Gebührenordnung 2023", "Der Jahresausweis kostet 18 Euro.", 0, 33, 1.0)
    >>> found = Disagreement(ordnung, aushang, ("18 Euro", "20 Euro"))
    >>> notice(found, Newer("Aushang", date(2024, 5, 3)), "de").partition(": ")[2]
    '„Gebührenordnung 2023“ nennt 18 Euro, „Aushang“ 20 Euro; neuer ist „Aushang“ (3. Mai 2024).'
    >>> notice(found, None, "en")
    'The documents disagree: “Gebührenordnung 2023” says 18 euros, “Aushang” says 20 euros.'
    """
    sentence, ending = _MESSAGES[language]
    said = ending.format(title=newer.title, day=_day(newer.day, language)) if newer else ""
    figures = (" ".join(words.split()) for words in disagreement.words)
    used_words, other_words = map(amount_in_english, figures) if language == "en" else figures
    return sentence.format(
        used=disagreement.used.title or disagreement.used.document_id,
        used_words=used_words,
        other=disagreement.other.title or disagreement.other.document_id,
        other_words=other_words,
        newer=said,
    )


def _day(day: date, language: Language) -> str:
    """Write a day out.

    >>> _day(date(2024, 5, 3), "de"), _day(date(2024, 5, 3), "en")
    ('3. Mai 2024', '3 May 2024')
    """
    return f"{day.day}{'.' if language == 'de' else ''} {MONTHS[language][day.month - 1]} {day.year}"


def _words(question: str, one: Evidence, other: Evidence) -> tuple[str, str] | None:
    """Return the two figures that disagree, None where the sentences do not."""
    near = not one.vector.size or one.vector.shape != other.vector.shape or float(one.vector @ other.vector) >= NEAREST
    if not near or not one.title or not other.title:  # without a title nobody knows what a document is about
        return None
    mine, theirs = said(one), said(other)
    differing = _differing(question, mine, theirs)
    if not differing or not same_thing(question, mine, theirs) or not same_subject(mine, theirs):
        return None
    return differing[0].words, differing[1].words


# Which figures differ?


def _differing(question: str, mine: Said, theirs: Said) -> tuple[Figure, Figure] | None:
    """Return the first two figures that differ, where only figures of one kind do."""
    kinds = {figure.kind for figure in (*mine.figures, *theirs.figures)}
    left = {kind: _left(_of(kind, mine.figures), _of(kind, theirs.figures)) for kind in kinds}
    dates = left.pop(DATE, ([], []))
    differing = [pair for pair in left.values() if any(pair)]
    if not differing:
        return _differing_dates(question, mine, theirs, *dates)
    (one, other), *more = differing
    if more or not one or len(one) != len(other) or not _same_time(*dates):
        return None
    return one[0], other[0]


def _of(kind: str, found: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in found if figure.kind == kind]


def _left(mine: list[Figure], theirs: list[Figure]) -> tuple[list[Figure], list[Figure]]:
    """Return the figures of each for which the other has none that agrees."""
    rest = list(theirs)
    lonely = []
    for figure in mine:
        partner = next((other for other in rest if not conflict(figure, other)), None)
        if partner:
            rest.remove(partner)
        else:
            lonely.append(figure)
    return lonely, rest


def _same_time(mine: list[Figure], theirs: list[Figure]) -> bool:
    """Whether nothing but the day from which a figure holds is said by one of them alone."""
    return not (mine and theirs) and all(figure.bound == ">" for figure in (*mine, *theirs))


def _differing_dates(
    question: str, mine: Said, theirs: Said, one: list[Figure], other: list[Figure]
) -> tuple[Figure, Figure] | None:
    """Return two dates that differ, where they are what the sentences are about and not what each speaks of."""
    alone = all(figure.kind == DATE for figure in (*mine.figures, *theirs.figures))
    asked = _WHEN.search(question)
    if len(one) != 1 or len(other) != 1 or not (alone or asked):
        return None
    once = happens_once(mine, theirs) or (asked and len(mine.terms & theirs.terms) >= _SAME_EVENT)
    return (one[0], other[0]) if once or _is_one_occasion(one[0].high, other[0].high) else None


def _is_one_occasion(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two dates may be meant for one thing, which may happen again: those of a year, at most a month apart.

    >>> _is_one_occasion((2024, 5, 3), (2024, 5, 4)), _is_one_occasion((2023, 5, 3), (2024, 5, 4))
    (True, False)
    """
    if one[0] and other[0] and one[0] != other[0]:
        return False
    return abs((one[1] - other[1]) * 30 + one[2] - other[2]) <= 31 if one[1] and other[1] else False
