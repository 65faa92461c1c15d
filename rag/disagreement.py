"""Evidence -> where two documents give different figures or dates for the same thing, so that the answer can say so.

A false alarm does more harm than a missed one. So two sentences disagree only where they say the same in the same words
but for one figure, where all their other figures agree, and where nothing hints at another year, place or case.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from index.analysis import german_terms
from rag.evidence import Evidence
from rag.figures import DATE, Figure, conflict, figures, without_figures

NEAREST = 0.85  # cosine of two sentences, each under its title, below which they are about different things
_SHARED = 0.5  # of the terms of the longer sentence

# Words with which a figure is stated; they tell nothing about what it is of.
_STATING = (
    "kostet kosten gekostet Kosten Preis Gebühr Gebühren Entgelt Betrag Höhe beträgt betragen betrug liegt liegen lag "
    "zahlen bezahlen entrichten fällig erheben erhoben anfallen zählt verfügt umfasst besitzt hat gibt nötig "
    "erforderlich notwendig gilt gelten beläuft derzeit aktuell momentan heute gegenwärtig nun genau exakt Anzahl Zahl "
    "Gemeinde Stadt stellen stattfinden findet statt"
)
# Several words for one thing; the first one stands for all.
_SAME = (
    "jahr jährlich",
    "monat monatlich",
    "woche wöchentlich",
    "tag täglich",
    "gebaut erbaut errichtet",
    "eröffnet eingeweiht",
    "geöffnet offen öffnet",
    "beginnt startet",
    "endet schließt",
)
# Words that make another case of it, whatever else the sentences share.
_ANOTHER_CASE = (
    "ermäßigt ermäßigte reduziert vergünstigt früher damals bisher bislang einst ursprünglich ehemals zuvor zunächst "
    "geplant voraussichtlich künftig zukünftig vorläufig geschätzt nicht kein keine nie ohne zusätzlich teurer "
    "billiger günstiger mehr weniger höher niedriger stieg steigt gestiegen sank sinkt gesunken erhöht gesenkt halb "
    "doppelt werktags feiertags montags dienstags mittwochs donnerstags freitags samstags sonntags vormittags "
    "nachmittags abends nachts"
)
# What a document is, in its title; it tells nothing about what the document is about.
_KINDS_OF_DOCUMENT = (
    "Ordnung Satzung Gebührenordnung Gebührensatzung Gebührenverzeichnis Gebühren Preise Preisliste Tarife Kosten "
    "Aushang Flyer Merkblatt Broschüre Prospekt Faltblatt Formular Antrag Information Informationen Info Hinweise "
    "Häufige Fragen FAQ Übersicht Überblick Öffnungszeiten Kontakt Website Seite Amtsblatt Pressemitteilung Presse "
    "Bericht Jahresbericht Bekanntmachung Einladung Protokoll Chronik Geschichte Porträt Festschrift Stand Fassung "
    "aktuell neu alt vom"
)
_ONCE = (  # what happens but once, so that two years for it disagree
    "gegründet Gründung gebaut erbaut errichtet eröffnet Eröffnung eingeweiht Einweihung fertiggestellt vollendet "
    "geboren gestorben starb entstand entstanden erfunden verkündet Grundstein Grundsteinlegung Baujahr erstmals"
)
_WHEN = re.compile(
    r"\b(?:wann|when|datum|date|(?:welche[mnrs]?|what|which)\s+(?:jahr|year|tag|day|monat|month))\b", re.IGNORECASE
)
_CAPITALISED = re.compile(r"\b[A-ZÄÖÜ][\w-]+")


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
        question: In German or English; tells whether a date is asked for.
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
_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "en": "January February March April May June July August September October November December".split(),
}


def notice(disagreement: Disagreement, newer: Newer | None, language: str) -> str:
    """Return one sentence in German ("de") or English ("en") that names both figures and both documents.

    >>> aushang = Evidence("a", "Aushang", "Ein Jahresausweis kostet 20 Euro.", 0, 33, 1.0)
    >>> ordnung = Evidence("b", "Gebührenordnung 2023", "Der Jahresausweis kostet 18 Euro.", 0, 33, 1.0)
    >>> found = Disagreement(ordnung, aushang, ("18 Euro", "20 Euro"))
    >>> notice(found, Newer("Aushang", date(2024, 5, 3)), "de").partition(": ")[2]
    '„Gebührenordnung 2023“ nennt 18 Euro, „Aushang“ 20 Euro; neuer ist „Aushang“ (3. Mai 2024).'
    >>> notice(found, None, "en")
    'The documents disagree: “Gebührenordnung 2023” says 18 Euro, “Aushang” says 20 Euro.'
    """
    sentence, ending = _MESSAGES[language]
    said = ending.format(title=newer.title, day=_day(newer.day, language)) if newer else ""
    used_words, other_words = (" ".join(words.split()) for words in disagreement.words)
    return sentence.format(
        used=disagreement.used.title or disagreement.used.document_id,
        used_words=used_words,
        other=disagreement.other.title or disagreement.other.document_id,
        other_words=other_words,
        newer=said,
    )


def _day(day: date, language: str) -> str:
    """Write a day out.

    >>> _day(date(2024, 5, 3), "de"), _day(date(2024, 5, 3), "en")
    ('3. Mai 2024', '3 May 2024')
    """
    return f"{day.day}{'.' if language == 'de' else ''} {_MONTHS[language][day.month - 1]} {day.year}"


# Is it the same thing?


@dataclass(frozen=True)
class _Said:
    """A sentence taken apart: its figures, the terms of the rest, those of them that are nouns, those of its title."""

    figures: tuple[Figure, ...]
    terms: frozenset[str]
    nouns: frozenset[str]
    title: frozenset[str]


def _words(question: str, one: Evidence, other: Evidence) -> tuple[str, str] | None:
    """Return the two figures that disagree, None where the sentences do not."""
    if one.vector.size and one.vector.shape == other.vector.shape and float(one.vector @ other.vector) < NEAREST:
        return None
    mine, theirs = _said(one), _said(other)
    differing = _differing(question, mine, theirs)
    if not differing or not _same_thing(question, mine, theirs) or not _same_subject(mine, theirs):
        return None
    return differing[0].words, differing[1].words


def _said(evidence: Evidence) -> _Said:
    found = figures(evidence.text)
    rest = without_figures(evidence.text, found)
    title = without_figures(evidence.title, figures(evidence.title))
    return _Said(
        tuple(found),
        frozenset(_terms(rest) - _stems(_STATING)),
        frozenset(_terms(" ".join(_CAPITALISED.findall(rest))) - _stems(_STATING)),
        frozenset(term for term in _terms(title) - _stems(_KINDS_OF_DOCUMENT) if not term[0].isdigit()),
    )


def _terms(text: str) -> set[str]:
    return {_same().get(term, term) for term in german_terms(text)}


@cache
def _stems(words: str) -> frozenset[str]:
    return frozenset(german_terms(words))


@cache
def _same() -> dict[str, str]:
    return {term: first for group in _SAME for first, *rest in [german_terms(group)] for term in rest}


def _same_thing(question: str, mine: _Said, theirs: _Said) -> bool:
    """Whether one sentence says nothing that the other does not, but for some words that make no other case of it.

    What stands in the other one's title counts as said there.
    """
    only_mine, only_theirs = mine.terms - theirs.terms - theirs.title, theirs.terms - mine.terms - mine.title
    if only_mine and only_theirs:
        return False
    more = only_mine | only_theirs
    if more & (mine.nouns | theirs.nouns | _stems(_ANOTHER_CASE) | _terms(question)):
        return False
    shared = mine.terms & theirs.terms
    return len(shared) >= max(1, _SHARED * max(len(mine.terms), len(theirs.terms)))


def _same_subject(mine: _Said, theirs: _Said) -> bool:
    """Whether the titles leave it open that both documents are about one thing: not "Freibad Nord" and "Freibad Süd".

    Titles may differ in what they are about where the sentences themselves name the subject of one of them.
    """
    shared = mine.terms & theirs.terms
    only_mine, only_theirs = mine.title - theirs.title - theirs.terms, theirs.title - mine.title - mine.terms
    if not only_mine or not only_theirs:
        return True
    named = any(name in term for name in mine.title | theirs.title if len(name) >= 4 for term in shared)
    return not mine.title & theirs.title and (named or len(shared) >= 3)


# Which figures differ?


def _differing(question: str, mine: _Said, theirs: _Said) -> tuple[Figure, Figure] | None:
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
    question: str, mine: _Said, theirs: _Said, one: list[Figure], other: list[Figure]
) -> tuple[Figure, Figure] | None:
    """Return two dates that differ, where they are what the sentences are about and not what each speaks of."""
    alone = all(figure.kind == DATE for figure in (*mine.figures, *theirs.figures))
    if len(one) != 1 or len(other) != 1 or not (alone or _WHEN.search(question)):
        return None
    other_year = one[0].high[0] and other[0].high[0] and one[0].high[0] != other[0].high[0]
    once = mine.terms & theirs.terms & {_same().get(term, term) for term in _stems(_ONCE)}
    return (one[0], other[0]) if once or not other_year else None
