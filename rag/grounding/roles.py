"""Who does what to whom: a sentence that gives one thing's part in an event to another."""

from collections.abc import Iterator, Sequence

from rag.grounding.lexicon import meanings
from rag.grounding.matching import match, nearest_statements
from rag.grounding.phrases import Frame, Phrase, frame
from rag.grounding.tables import word_list
from rag.grounding.words import Passage, Word

# Events that can be told from either end. A row: the event's parts, then for verbs who holds which part.
_WIN = frozenset("gewinnen siegen besiegen schlagen bezwingen übertreffen überholen win beat defeat overcome".split())
_LOSE = frozenset("verlieren unterliegen lose".split())
_RIVAL_MARKERS = ("gegen", "vor", "hinter", "against", "ahead", "before", "behind", "to", "over")
_BUY = frozenset("kaufen erwerben übernehmen buy purchase acquire".split())
_SELL = frozenset("verkaufen veräußern sell".split())
_GET = frozenset("erhalten bekommen empfangen get receive obtain".split())
_GIVE = frozenset("geben verleihen schenken vergeben give grant award".split())
Parts = dict[str, Phrase]


def swapped(claim: Passage, source: Passage) -> tuple[str, str] | None:
    """Return two things of which the sentence gives each the other's part in an event.

    >>> from rag.grounding.tables import word_list
from rag.grounding.words import read
    >>> quote = read("Der Konzern Vestra kaufte die Rösterei von der Familie Petri.", "de")
    >>> swapped(read("Die Familie Petri kaufte die Rösterei von Vestra.", "de"), quote)
    ('Vestra', 'Familie Petri')
    >>> swapped(read("Familie Petri verkaufte die Rösterei an Vestra.", "de"), quote)
    """
    for number in claim.statements:
        words = claim.statement(number)
        for other in nearest_statements(claim, number, source):
            theirs = source.statement(other)
            pair = _exchanged(parts(claim, words, source), parts(source, theirs, source))
            if pair and _same_event(words, theirs):
                return pair
    return None


def parts(passage: Passage, words: Sequence[Word], source: Passage) -> Parts:
    """Return the phrases of a statement by the part that they have in its event.

    >>> from rag.grounding.tables import word_list
from rag.grounding.words import read
    >>> text = read("Anna verlor gegen Berta.", "de")
    >>> {part: phrase.text for part, phrase in parts(text, text.words, text).items()}
    {'winner': 'Berta', 'loser': 'Anna'}
    """
    made = frame(passage, words, source)
    for known, name in ((_WIN, "win"), (_LOSE, "lose"), (_BUY, "buy"), (_SELL, "sell"), (_GET, "get"), (_GIVE, "give")):
        if _has(words, known, passage):
            found = _by_event(name, made)
            return {part: phrase for part, phrase in found.items() if phrase}  # type: ignore[misc]
    found = {"doer": made.doer, "target": made.target, **made.others}
    return {part: phrase for part, phrase in found.items() if phrase}


def _by_event(name: str, made: Frame) -> dict[str, Phrase | None]:
    rival = next((made.others[sign] for sign in _RIVAL_MARKERS if sign in made.others), None)
    source = made.others.get("von") or made.others.get("from")
    goal = made.others.get("an") or made.others.get("to")
    if name == "win":
        behind = "hinter" in made.others or "behind" in made.others
        pair = (made.doer, rival or made.target)
        winner, loser = pair[::-1] if behind else pair
        return {"winner": winner, "loser": loser}
    if name == "lose":
        return {"winner": rival, "loser": made.doer}
    if name in ("buy", "get"):
        return {"receiver": made.doer, "giver": source if source is not made.doer else None, "thing": made.target}
    return {"giver": made.doer, "receiver": goal, "thing": made.target}


def _has(words: Sequence[Word], verbs: frozenset[str], passage: Passage) -> bool:
    keys = frozenset().union(*(_own_keys(verb, passage) for verb in verbs))
    return any(not word.is_capitalised and _own(word) & keys for word in words)


def _own_keys(verb: str, passage: Passage) -> frozenset[str]:
    return frozenset(meaning for meaning in meanings(verb, passage.language) if meaning[0] not in "#~")


def _own(word: Word) -> frozenset[str]:
    return frozenset(meaning for meaning in word.meanings if meaning[0] not in "#~")


def _exchanged(mine: Parts, theirs: Parts) -> tuple[str, str] | None:
    """Return two phrases that hold each other's parts in the evidence."""
    for first, second in _pairs(mine):
        if first not in theirs or second not in theirs:
            continue
        one, other = mine[first], mine[second]
        crossed = one.matches(theirs[second]), other.matches(theirs[first])
        straight = one.matches(theirs[first]), other.matches(theirs[second])
        if not (_is_named(one) and _is_named(other)):
            continue
        if all(crossed) and crossed[0] > straight[0] and crossed[1] > straight[1]:
            return one.text, other.text
    return None


def _is_named(phrase: Phrase) -> bool:
    """Whether a phrase holds a name or a person: of two things the order does not tell in German which is the doer."""
    people = tuple(word_list("people"))
    return any(word.is_capitalised and not word.is_everyday or word.low.endswith(people) for word in phrase.words)


_EVENT_PARTS = ("doer", "target", "winner", "loser", "giver", "receiver", "thing")


def _pairs(mine: Parts) -> Iterator[tuple[str, str]]:
    held = [part for part in _EVENT_PARTS if part in mine]
    yield from ((first, second) for number, first in enumerate(held) for second in held[number + 1 :])


def _same_event(words: Sequence[Word], others: Sequence[Word]) -> bool:
    """Whether a verb or the like of the one is in the other."""
    mine = [word for word in words if word.meanings and not word.is_capitalised]
    theirs = [word for word in others if word.meanings and not word.is_capitalised]
    return any(match(word, other) for word in mine for other in theirs)
