"""Must, may, should, perhaps, will: what a sentence makes of an obligation, a permission, a plan or a guess."""

import re
from enum import Enum
from functools import cache

from rag.grounding.matching import nearest_statements
from rag.grounding.quantities import quantities
from rag.grounding.tables import patterns
from rag.grounding.words import Passage


class Force(Enum):
    """How a statement holds; what comes first is looked for first, since it hides what follows."""

    NEED_NOT = "need not"
    MUST_NOT = "must not"
    ONLY = "only"
    SHOULD = "should"
    PLANNED = "planned"
    UNSURE = "unsure"
    SURE = "sure"
    MUST = "must"
    MAY = "may"
    DONE = "done"


_OPEN = {Force.UNSURE, Force.PLANNED, Force.MAY, Force.SHOULD}
# What a sentence says -> what evidence contradicts it, and what else in the evidence makes it right all the same.
_CONFLICTS: tuple[tuple[Force, set[Force], set[Force]], ...] = (
    (Force.MUST, {Force.MAY, Force.SHOULD, Force.NEED_NOT}, {Force.MUST, Force.ONLY, Force.MUST_NOT}),
    (Force.NEED_NOT, {Force.MUST}, {Force.NEED_NOT}),
    (Force.MAY, {Force.MUST, Force.MUST_NOT}, {Force.MAY, Force.ONLY, Force.NEED_NOT, Force.SHOULD}),
    (Force.MUST_NOT, {Force.MAY, Force.NEED_NOT}, {Force.MUST_NOT, Force.ONLY, Force.MUST}),
    (Force.SHOULD, {Force.MUST, Force.MUST_NOT}, {Force.SHOULD, Force.ONLY}),
    (Force.SURE, {Force.UNSURE}, {Force.SURE}),
)
_DENIED = re.compile(r"\b(?:nicht|kein\w*|nie|niemand\w*|weder|nichts|not|never|no|n['’]t)\b")
_CONDITION = re.compile(r"\b(?:wenn|sofern|falls|soweit|solange|erst|ohne|wer)\b", re.IGNORECASE)
_MONTH_OF_MAY = re.compile(r"(?<=\w\s)May\b")


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return dict(patterns("forces"))


def forces(text: str) -> set[Force]:
    """Return how a statement holds.

    >>> sorted(force.value for force in forces("Hunde dürfen nicht frei laufen"))
    ['must not']
    >>> sorted(force.value for force in forces("You do not have to pay, but you may"))
    ['may', 'need not']
    """
    low = _MONTH_OF_MAY.sub("", text).casefold()
    found = set()
    for force in Force:
        pattern = _patterns()[force.value]
        if pattern.search(low):
            found.add(force)
            low = pattern.sub(" ", low) if force in (Force.NEED_NOT, Force.MUST_NOT) else low
    return found


def _given_forces(text: str, said: set[Force]) -> set[Force]:
    """Return how evidence holds, as widely as it can be read.

    "ist zu sehen" may or must be seen; who may enter "wenn …" must fulfil that.
    """
    found = forces(text)
    if _patterns()["is to"].search(text.casefold()):
        found |= {Force.MUST, Force.MAY}
    if Force.MAY in found and Force.MUST_NOT in said and _DENIED.search(text):
        found.add(Force.MUST_NOT)
    if Force.MAY in found and _CONDITION.search(text):
        found.add(Force.MUST)
    return found


def changed_force(claim: Passage, source: Passage) -> tuple[Force, Force] | None:
    """Return what a sentence makes of what in its evidence, where that differs; None where it holds.

    >>> from rag.grounding.words import read
    >>> quote = read("Passwörter müssen alle 90 Tage geändert werden.", "de")
    >>> changed_force(read("Passwords may be changed every 90 days.", "en"), quote)
    (<Force.MAY: 'may'>, <Force.MUST: 'must'>)
    """
    for number in claim.statements:
        near = nearest_statements(claim, number, source)
        said, given = claim.shown(number), " ; ".join(map(source.shown, near))
        mine = forces(said)
        changed = _changed(mine, _given_forces(given, mine))
        if changed and not _is_bounded(claim, changed[0]):
            return changed
        if hedged := _changed_hedge(said, given):
            return hedged
    return None


def _changed(mine: set[Force], theirs: set[Force]) -> tuple[Force, Force] | None:
    if Force.ONLY in mine:
        mine = mine & {Force.SURE, Force.SHOULD}
    if Force.MAY not in theirs:
        theirs = theirs - {Force.ONLY}
    for force, against, saving in _CONFLICTS:
        other = next((opposite for opposite in Force if opposite in against & theirs), None)
        if force in mine and other and not saving & theirs and not (other is Force.MUST and Force.MUST in mine):
            return force, other
    return None


def _is_bounded(claim: Passage, force: Force) -> bool:
    """Whether "may … at most" and "must not … more than" say the same."""
    bounds = {quantity.bound for quantity in quantities(claim.text, claim.language)}
    return force in (Force.MAY, Force.MUST_NOT) and bool(bounds - {""})


def _changed_hedge(said: str, given: str) -> tuple[Force, Force] | None:
    """Return a guess told as a fact, a fact as a guess, or a plan as done."""
    mine, theirs = forces(said), forces(given)
    hedge = _patterns()["hedge"]
    if hedge.search(given.casefold()) and not mine & (_OPEN | {Force.SURE}):
        return Force.SURE, Force.UNSURE
    if hedge.search(said.casefold()) and not theirs & _OPEN:
        return Force.UNSURE, Force.SURE
    if Force.PLANNED in theirs and Force.DONE in mine - theirs and not mine & _OPEN:
        return Force.DONE, Force.PLANNED
    return None
