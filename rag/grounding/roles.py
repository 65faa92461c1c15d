"""Who does what to whom: a sentence that gives one thing's part in an event to another."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations

from index.language import Language
from rag.grounding.lexicon import meanings
from rag.grounding.matching import match, nearest_statements
from rag.grounding.phrases import Frame, Phrase, frame
from rag.grounding.tables import word_list
from rag.grounding.words import Passage, Word

# Events that can be told from either end: what the doer of a verb is, and the other one.
_EVENTS = (
    ("gewinnen siegen besiegen schlagen bezwingen übertreffen durchsetzen win beat defeat overcome", "winner", "loser"),
    ("verlieren unterliegen lose", "loser", "winner"),
    ("kaufen erwerben übernehmen abkaufen buy purchase acquire", "receiver", "giver"),
    ("erhalten bekommen empfangen get receive obtain", "receiver", "giver"),
    ("verkaufen veräußern sell", "giver", "receiver"),
    ("geben verleihen schenken vergeben give grant award", "giver", "receiver"),
)
_RIVALS = ("gegen", "vor", "hinter", "against", "ahead", "before", "behind", "to", "over")
_PLACES = {"from": ("aus", "von", "from"), "to": ("nach", "zu", "to", "into")}

Parts = dict[str, Phrase]


def swapped(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return who has another part in an event of the sentence than in the evidence, and who has it there.

    >>> from rag.grounding.words import read
    >>> quote = read("Der Konzern Vestra kaufte die Rösterei von der Familie Petri.", "de")
    >>> swapped(read("Die Familie Petri kaufte die Rösterei von Vestra.", "de"), quote)
    ('Vestra', 'Konzern Vestra')
    >>> swapped(read("Familie Petri verkaufte die Rösterei an Vestra.", "de"), quote)
    """
    for number in claim.statements:
        words = claim.statement(number)
        mine = parts(claim, words, source)
        for other in nearest_statements(claim, number, source):
            others = source.statement(other)
            theirs = parts(source, others, source)
            pair = _misplaced(mine, theirs) or _exchanged(mine, theirs)
            if pair and ("doer" not in mine or _same_event(words, others)):
                return pair
    return None


def parts(passage: Passage, words: Sequence[Word], source: Passage) -> Parts:
    """Return the phrases of a statement by the part that they have in its event.

    >>> from rag.grounding.words import read
    >>> text = read("Anna verlor gegen Berta.", "de")
    >>> {part: phrase.text for part, phrase in parts(text, text.words, text).items()}
    {'loser': 'Anna', 'winner': 'Berta'}
    """
    made = frame(passage, words, source)
    for verbs, doer, other in _EVENTS:
        if any(not word.is_capitalised and _keys(verbs, passage.language) & _own(word) for word in words):
            found = {doer: made.doer, other: _other_side(doer, made)}
            if doer == "winner" and ("hinter" in made.others or "behind" in made.others):
                found = {"loser": made.doer, "winner": found["loser"]}
            break
    else:
        found = {"doer": made.doer, "target": made.target}
        for place, markers in _PLACES.items():
            found[place] = next((made.others[marker] for marker in markers if marker in made.others), None)
    return {part: phrase for part, phrase in found.items() if phrase}


def _other_side(doer: str, made: Frame) -> Phrase | None:
    """Return who stands opposite the doer."""
    if doer in ("winner", "loser"):
        rival = next((made.others[marker] for marker in _RIVALS if marker in made.others), None)
        return rival or (made.target if doer == "winner" else None)
    markers = ("an", "to", "dat") if doer == "giver" else ("von", "from")
    found = next((made.others[marker] for marker in markers if marker in made.others), None)
    return found if found is not made.doer else None


@cache
def _keys(verbs: str, language: Language) -> frozenset[str]:
    return frozenset(
        meaning for verb in verbs.split() for meaning in meanings(verb, language) if meaning[0] not in "#~"
    )


def _own(word: Word) -> frozenset[str]:
    return frozenset(meaning for meaning in word.meanings if meaning[0] not in "#~")


def _misplaced(mine: Parts, theirs: Parts) -> tuple[str, str] | None:
    """Return who has one side of an event in the sentence and the other in the evidence."""
    for one, other in (("winner", "loser"), ("giver", "receiver")):
        for part, against in ((one, other), (other, one)):
            if part not in mine or against not in theirs:
                continue
            here = mine[part].matches(theirs[part]) if part in theirs else 0
            if mine[part].matches(theirs[against]) > here:
                return mine[part].text, theirs[against].text
    return None


def _exchanged(mine: Parts, theirs: Parts) -> tuple[str, str] | None:
    """Return two phrases that hold each other's parts in the evidence."""
    for first, second in combinations(sorted(set(mine) & set(theirs)), 2):
        one, other = mine[first], mine[second]
        crossed = one.matches(theirs[second]), other.matches(theirs[first])
        straight = one.matches(theirs[first]), other.matches(theirs[second])
        moved = (first, second) == ("from", "to") or (_is_named(one) and _is_named(other))
        if moved and crossed[0] > straight[0] and crossed[1] > straight[1]:
            return one.text, other.text
    return None


def _is_named(phrase: Phrase) -> bool:
    """Whether a phrase holds a name or a person: of two things the order does not tell in German which is the doer."""
    people = tuple(word_list("people"))
    return any((word.is_capitalised and not word.is_everyday) or word.low.endswith(people) for word in phrase.words)


def _same_event(words: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether a verb or the like of the one is in the other."""
    mine, theirs = ([word for word in both if word.meanings and not word.is_capitalised] for both in (words, others))
    return any(match(word, other) for word in mine for other in theirs)
