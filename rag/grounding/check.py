"""Does the evidence carry the sentence? A check in code, whatever model wrote it.

It compares what can be compared in German and English alike: names, numbers with their units and bounds, dates,
negations, opposites, what must and may be, who does what, and literal quotes. Where it cannot tell, it lets pass.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.analysis import german_terms
from index.language import Language, language_of_function_words
from rag.citations import find_quote
from rag.evidence import FARTHEST_NEIGHBOUR, Evidence
from rag.grounding.amounts import wrong_amount
from rag.grounding.bindings import crossed
from rag.grounding.dates import wrong_date
from rag.grounding.links import foreign_link
from rag.grounding.modality import changed_force
from rag.grounding.names import missing_name
from rag.grounding.negation import changed_negation
from rag.grounding.opposites import opposite
from rag.grounding.roles import swapped
from rag.grounding.words import Passage, read
from rag.quotations import quoted
from rag.wording import MONTHS

_EMPTY_WORDS = frozenset("jahr year datum date anzahl number antwort answer heiss nam name".split())
# Words up to which a text makes no statement, with and without a full stop.
SHORTEST_STATEMENT = 3
LONGEST_FRAGMENT = 8


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence of the answer is carried by its evidence, and if not, what is not.

    ``kind`` is the rule that found it: name, number, unit, date, negation, comparison, modality, role, quote, link,
    question, reason; ``words`` are those of the sentence that it is about.
    """

    sentence: str
    supported: bool
    reason: str = ""
    kind: str = ""
    words: tuple[str, ...] = ()


def check_sentence(
    sentence: str, evidence: Sequence[Evidence], question: str, language: Language | None = None
) -> Verdict:
    """Check what code can decide; the first thing that the evidence does not carry makes the verdict.

    Args:
        sentence: Of the answer, without markers.
        evidence: German sentences, what the sentence cites.
        question: Names and numbers that the user gave may be repeated.
        language: Of the sentence where its words do not tell.

    >>> pico = Evidence("a", "", "Die Messe dauerte vom 6. bis 8. Juli.", 0, 38, 1.0)
    >>> check_sentence("The fair ran from July 6 to 8.", [pico], "When?").supported
    True
    >>> check_sentence("The fair had 10,000 visitors.", [pico], "How many visitors?").reason
    'number 10,000 is not in the evidence'
    """
    claim = read(sentence, language_of_function_words(sentence) or language or "de")
    source = read("\n\n".join(part.text for part in evidence), "de")
    known = "\n".join([*dict.fromkeys(part.title for part in evidence), question])
    sources = [*_passages(evidence), *(part.title for part in evidence), question]
    finding = next(_findings(claim, source, known, question, sources), None)
    if finding is None:
        return Verdict(sentence, supported=True)
    kind, words, reason = finding
    return Verdict(sentence, supported=False, reason=reason, kind=kind, words=words)


def _findings(
    claim: Passage, source: Passage, known: str, question: str, sources: Sequence[str]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield what is not carried: its kind, the words, the reason; a quote must stand in one of ``sources``."""
    if _only_repeats(claim.text, question):
        yield "question", (), "it only repeats the question"
    if _is_no_reason(claim.text, question):
        yield "reason", (), "a figure is no reason"
    if name := missing_name(claim, f"{source.text}\n{known}"):
        yield "name", (name,), f"name {name!r} is not in the evidence"
    if amount := wrong_amount(claim, source.text, known):
        yield amount[0], (amount[1],), amount[2]
    if date := wrong_date(claim.text, source.text, known):
        yield "date", (date,), f"{date!r} is not in the evidence"
    yield from _not_verbatim(claim.text, source.text, sources)
    if _is_fragment(claim):
        return
    if force := changed_force(claim, source):
        yield "modality", (), f"the sentence says {force[0].value!r}, the evidence {force[1].value!r}"
    if denied := changed_negation(claim, source):
        yield "negation", (denied,), f"{denied!r} is denied in one of the sentence and the evidence, not in both"
    if pair := opposite(claim, source):
        yield "comparison", (pair[0],), f"{pair[0]!r}: the evidence has {pair[1]!r}"
    if pair := swapped(claim, source):
        yield "role", pair, f"{pair[0]!r} and {pair[1]!r} have other parts in the evidence"
    if pair := crossed(claim, source):
        yield "role", pair, f"{pair[0]!r} and {pair[1]!r} do not belong together in the evidence"


def _not_verbatim(text: str, source: str, sources: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield a quote or an address that does not stand in the evidence letter for letter, and what would be a link."""
    for quote in quoted(text):
        if not any(find_quote(quote, one) for one in sources):
            yield "quote", (quote,), f"quote {quote!r} is not in the evidence"
    if link := foreign_link(text, source):
        yield "link", (link,), f"link {link!r} is not in the evidence, or would be shown as one"


def _passages(evidence: Sequence[Evidence]) -> list[str]:
    """Join what stands side by side in its document, and nothing else: a quote is of one piece.

    >>> one, two = Evidence("a", "", "Er kam.", 0, 7, 1.0), Evidence("a", "", "Er ging.", 8, 16, 1.0)
    >>> _passages([two, one, Evidence("a", "", "Es blieb.", 90, 99, 1.0)])
    ['Er kam. Er ging.', 'Es blieb.']
    """
    passages: list[str] = []
    before: Evidence | None = None
    for part in sorted(evidence, key=lambda part: (part.document_id, part.start)):
        if before and before.document_id == part.document_id and 0 <= part.start - before.end <= FARTHEST_NEIGHBOUR:
            passages[-1] += f" {part.text}"
        else:
            passages.append(part.text)
        before = part
    return passages


def _is_fragment(claim: Passage) -> bool:
    """Whether a sentence only names something, so that nothing is said of it: "the Rhine", "im Jahr 1848"."""
    ended = claim.text.rstrip().endswith((".", "!", "?"))
    return len(claim.words) <= (SHORTEST_STATEMENT if ended else LONGEST_FRAGMENT)


def _only_repeats(sentence: str, question: str) -> bool:
    """Whether the answer to "who", "what", "when" … has no content word and no number beyond the question's own.

    >>> _only_repeats("Die Messe fand im Jahr 2024 statt.", "Wann fand die Messe 2024 statt?")
    True
    >>> _only_repeats("Die Messe.", "Was ist älter, der Markt oder die Messe?")
    False
    """
    said, asked = set(german_terms(sentence)), set(german_terms(question))
    if _COUNTED.match(question):
        return said <= asked | _EMPTY_WORDS
    return bool(_ASKING.match(question)) and not _CHOOSING.search(f"{question} {sentence}") and set() < said <= asked


def _is_no_reason(sentence: str, question: str) -> bool:
    """Whether the answer to "why" is but a figure or a date.

    >>> _is_no_reason("im Jahr 1322", "Warum ruhte der Bau?"), _is_no_reason("1322 fehlte Geld", "Warum ruhte der Bau?")
    (True, False)
    """
    return bool(_WHY.match(question)) and all(_OF_A_FIGURE.fullmatch(word) for word in sentence.split())


_WHY = re.compile(r"\W*(?:\w+\s+){0,2}(?:warum|wieso|weshalb|weswegen|why|how come)\b", re.IGNORECASE)
_OF_A_FIGURE = re.compile(
    rf"\W*(?:[\d.,:–-]*\d[\d.,:–-]*(?:st|nd|rd|th)?|{'|'.join(MONTHS['de'] + MONTHS['en'])}|"
    r"im|in|am|on|of|um|at|bis|to|von|from|seit|since|ab|der|the|jahre?|year)?\W*",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\W*(?:wann|when|wie viele?|how many|how much)\b", re.IGNORECASE)
_ASKING = re.compile(
    r"\W*(?:\w+\s+){0,2}"
    r"(?:w(?:er|en|em|as|o|ie|arum|ieso|eshalb|ozu|omit|oran|orin|ofür|oher|ohin|elche[mnrs]?|ievielte?[mnrs]?)"
    r"|who|whom|whose|what|which|where|why|how)\b",
    re.IGNORECASE,
)
# One of what the question names can be the answer, and so can a word that says how many of them.
_CHOOSING = re.compile(
    r"\b(?:oder|or|zwischen|between|(?:alle|jede|keine|beide|einige|manche)[mnrs]?|kein|nicht|all|every|each|both|none|"
    r"no|not|some|any|ja|nein|yes)\b",
    re.IGNORECASE,
)
