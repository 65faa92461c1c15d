"""Two German sentences with figures -> whether they speak of the same thing, by their terms and their titles."""

import re
from dataclasses import dataclass
from functools import cache

from index.analysis import german_terms
from rag.evidence import Evidence
from rag.figures import Figure, figures, without_figures

_SPECIFIC = 9  # letters of a term that names its thing by itself, most often a compound
# Words with which a figure is stated; they tell nothing about what it is of.
_STATING = (
    "kostet kosten gekostet Kosten Preis Gebühr Gebühren Entgelt Betrag Höhe beträgt betragen betrug liegt liegen lag "
    "zahlen bezahlen entrichten fällig erheben erhoben anfallen zählt verfügt umfasst besitzt hat gibt nötig "
    "erforderlich notwendig gilt gelten beläuft derzeit aktuell momentan heute gegenwärtig nun genau exakt Anzahl Zahl "
    "Gemeinde Stadt stellen stattfinden findet statt bekommen erhalten erhältlich ausgegeben lediglich zurzeit"
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
# Times that many things share; they do not tell which thing it is.
_TIMES = (
    "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonnabend Sonntag Feiertag Feiertage Wochentag Wochenende "
    "Tag Woche Monat Jahr Uhr Mo Di Mi Do Fr Sa So Alter"
)
# What a document is, in its title; it tells nothing about what the document is about.
_KINDS_OF_DOCUMENT = (
    "Ordnung Satzung Gebührenordnung Gebührensatzung Gebührenverzeichnis Gebühren Preise Preisliste Tarife Kosten "
    "Aushang Flyer Merkblatt Broschüre Prospekt Faltblatt Formular Antrag Information Informationen Info Hinweise "
    "Häufige Fragen FAQ Übersicht Überblick Öffnungszeiten Kontakt Website Seite Amtsblatt Pressemitteilung Presse "
    "Bericht Jahresbericht Bekanntmachung Einladung Protokoll Chronik Geschichte Porträt Festschrift Stand Fassung "
    "aktuell neu alt vom"
)
_KIND_OF_DOCUMENT = re.compile(r"^\d|(?:ordn|satzung|verzeichnis|bericht|plan|blat|kalend|list)$")
_ONCE = (  # what happens but once, so that two years for it disagree
    "gegründet Gründung gebaut erbaut errichtet eröffnet Eröffnung eingeweiht Einweihung fertiggestellt vollendet "
    "geboren gestorben starb entstand entstanden erfunden verkündet Grundstein Grundsteinlegung Baujahr erstmals"
)
_CAPITALISED = re.compile(r"\b[A-ZÄÖÜ][\w-]+")


@dataclass(frozen=True)
class Said:
    """A sentence taken apart: its figures, the terms of the rest, those of them that are nouns, those of its title."""

    figures: tuple[Figure, ...]
    terms: frozenset[str]
    nouns: frozenset[str]
    title: frozenset[str]


def said(evidence: Evidence) -> Said:
    """Take a sentence apart.

    >>> sorted(said(Evidence("a", "Aushang der Bibliothek", "Der Ausweis kostet 20 Euro.", 0, 27, 1.0)).terms)
    ['ausweis']
    """
    found = figures(evidence.text)
    rest = without_figures(evidence.text, found)
    title = without_figures(evidence.title, figures(evidence.title))
    return Said(
        tuple(found),
        frozenset(_terms(rest) - _stems(_STATING)),
        frozenset(_terms(" ".join(_CAPITALISED.findall(rest))) - _stems(_STATING)),
        frozenset(term for term in _terms(title) - _stems(_KINDS_OF_DOCUMENT) if not _KIND_OF_DOCUMENT.search(term)),
    )


def _terms(text: str) -> set[str]:
    """Return the terms, one for all words that mean the same or are forms of one verb: besuchen, besucht."""
    same = _same()
    return {same.get(term, term.removesuffix("t") if len(term) > 6 else term) for term in german_terms(text)}


@cache
def _stems(words: str) -> frozenset[str]:
    return frozenset(_terms(words))


@cache
def _same() -> dict[str, str]:
    return {term: first for group in _SAME for first, *rest in [german_terms(group)] for term in rest}


def same_thing(question: str, mine: Said, theirs: Said) -> bool:
    """Whether the sentences say the same in the same words, and name a thing that is specific or asked for.

    What stands in the other one's title counts as said there.
    """
    if mine.terms - theirs.terms - theirs.title or theirs.terms - mine.terms - mine.title:
        return False
    shared = mine.terms & theirs.terms
    things = shared & mine.nouns & theirs.nouns - _stems(_TIMES)
    asked = any(_is_part(term, thing) for term in _terms(question) for thing in things)
    return bool(things) and (asked or len(shared) >= 2 or len(max(things, key=len)) >= _SPECIFIC)


def happens_once(mine: Said, theirs: Said) -> bool:
    """Whether both speak of what happens but once, so that two years for it cannot both be right."""
    return bool(mine.terms & theirs.terms & _stems(_ONCE))


def _is_part(one: str, other: str) -> bool:
    """Whether one term is the other or a part of the compound: "ausweis" and "jahresausweis"."""
    return len(min(one, other, key=len)) >= 4 and (one in other or other in one)


def same_subject(mine: Said, theirs: Said) -> bool:
    """Whether the titles leave it open that both documents are about one thing: not "Freibad Nord" and "Freibad Süd".

    Titles may differ in what they are about where the sentences themselves name the subject of one of them.
    """
    shared = mine.terms & theirs.terms
    only_mine, only_theirs = mine.title - theirs.title - theirs.terms, theirs.title - mine.title - mine.terms
    if not only_mine or not only_theirs:
        return True
    named = any(_is_part(name, term) for name in mine.title | theirs.title for term in shared)
    return not mine.title & theirs.title and (named or len(shared) >= 3)
