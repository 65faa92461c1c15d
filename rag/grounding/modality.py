"""Must, may, should, perhaps, will: what a sentence makes of an obligation, a permission, a plan or a guess."""

import re
from collections.abc import Iterable
from enum import Enum

from rag.grounding.matching import nearest_statements
from rag.grounding.quantities import quantities
from rag.grounding.words import Passage, Word


class Force(Enum):
    """How a statement holds."""

    MUST = "must"
    NEED_NOT = "need not"
    MAY = "may"
    MUST_NOT = "must not"
    ONLY = "only"
    SHOULD = "should"
    PLANNED = "planned"
    UNSURE = "unsure"
    SURE = "sure"
    DONE = "done"


_NO = r"(?:nicht|kein\w*|nie|niemand\w*|weder|nichts|not|never|no|n['’]t)"
_NEED = (
    r"(?:muss|müssen|musst|müsst|voraussetz\w*|setz\w+\s+voraus|vorausgesetzt|erforder\w+|verlang\w*|unbedingt|unerlässlich\w*|verpflichtet|verpflichtend|pflicht|\w+pflicht|\w*pflichtig\w*|zwingend\w*|vorgeschrieben\w*|"
    r"obligatorisch\w*|erforderlich\w*|nötig\w*|notwendig\w*|brauch\w+|benötig\w+|bedarf|bedürfen|must|have\s+to|has\s+to|"
    r"needs?\s+to|needs?|needed|require[sd]?|obliged|obligation|mandatory|compulsory|necessary|obligatory)"
)
_CAN = (
    r"(?:darf|dürfen|durfte\w*|kann|können|erlaubt\w*|gestattet\w*|zulässig\w*|zugelassen\w*|möglich|berechtigt|may|can|"
    r"allowed|permitted|possible|entitled|eligible)"
)
_GAP = r"[^,;!?]{0,90}?"
_FORCES: tuple[tuple[Force, str], ...] = (
    (
        Force.NEED_NOT,
        rf"\b(?:muss|müssen|musst|müsst|brauch\w+|benötig\w+|bedarf|bedürfen){_GAP}\b(?:nicht|kein\w*)\b|\b{_NO}\s+(?:\w+\s+){{0,2}}?{_NEED}\b|"
        rf"\b(?:do|does|did)(?:\s+not|n['’]t)\s+(?:\w+\s+)?(?:have|need)\b|\b(?:needn['’]t|need\s+not)\b|"
        r"\b(?:freiwillig\w*|voluntary|voluntarily|optional\w*|without\s+having\s+to|no\s+need)\b|"
        rf"\bkein\w*\s+(?:\S+\s+){{0,3}}?(?:nötig|erforderlich|notwendig|verpflichtet|pflicht|\w+pflicht)\b",
    ),
    (
        Force.MUST_NOT,
        rf"\b(?:darf|dürfen|durfte\w*|kann|können){_GAP}\b(?:nicht|kein\w*|weder|niemand|nie)\b|\b{_NO}\s+(?:\w+\s+){{0,2}}?{_CAN}\b|"
        rf"\b{_NO}\b{_GAP}\b(?:darf|dürfen|kann|können|may|can)\b|\b(?:must|may|can|could|should)\s*(?:not|n['’]t)\b|\bcan(?:not|['’]t)\b|"
        r"\b(?:verboten\w*|verbot|untersag\w*|unzulässig\w*|unmöglich|forbidden|prohibit\w*|banned|impossible)\b",
    ),
    (Force.ONLY, r"\b(?:nur|lediglich|ausschließlich|allein|only|solely|unless|except|außer|ausgenommen)\b"),
    (
        Force.SHOULD,
        r"\b(?:sollte\w*|empfohlen\w*|empfiehl\w*|empfehl\w*|ratsam|rät|raten|geraten|möglichst|idealerweise|should|ought|"
        r"recommend\w*|advis\w+|ideally|preferabl\w+)\b",
    ),
    (
        Force.PLANNED,
        r"\b(?:will|wollen|soll|sollen|plan\w*|geplant\w*|beabsichtig\w*|vorgesehen\w*|voraussichtlich\w*|künftig\w*|"
        r"intend\w*|schedul\w*|going\s+to|aims?|future|vorhat|vorhaben|erwäg\w*|consider\w*|erwogen|(?:muss|müssen)\s+noch|yet\s+to)\b",
    ),
    (
        Force.UNSURE,
        r"\b(?:könnte\w*|vermut\w*|wahrscheinlich\w*|möglicherweise|vielleicht|womöglich|ggf|gegebenenfalls|eventuell|offenbar|angeblich\w*|mutmaßlich\w*|"
        r"dürfte\w*|scheint|scheinen|schätz\w*|erwäg\w*|erwogen|unsicher|unklar|could|might|probabl\w*|possibl[ey]|perhaps|"
        r"likely|presum\w*|thought\s+to|believed\s+to|said\s+to|alleged\w*|suspect\w*|estimat\w*|seem\w*|appears?\s+to|consider\w*|reportedly|assum\w*|potential\w*)\b",
    ),
    (
        Force.SURE,
        r"\b(?:sicher|zweifellos|zweifelsfrei|gewiss|steht\s+fest|fest\s+steht|garantiert|eindeutig|nachweislich|bewiesen|"
        r"certain|certainly|definite\w*|undoubted\w*|sure|surely|guarantee[sd]?|proven|doubt)\b",
    ),
)
_MUST = re.compile(rf"\b{_NEED}\b|\bschreib\w*\b.*\bvor\b|\b(?:is|are)\s+to\s+be\b")
# "ist zu sehen" can be seen, "ist zu zahlen" must be paid.
_IS_TO = re.compile(
    rf"\b(?:ist|sind|war|waren|hat|haben)\b{_GAP}\b(?:zu\s+[a-zäöüß]+e?n|[a-zäöüß]{{2,9}}zu[a-zäöüß]{{3,}}en)\b"
)
_DENIED = re.compile(rf"\b{_NO}\b")
_MAY = re.compile(rf"\b(?:{_CAN}|anspruch)\b")
_MONTH_OF_MAY = re.compile(r"(?<=\w\s)May\b")
_COMPILED = tuple((force, re.compile(form)) for force, form in _FORCES)
_HEDGES = re.compile(
    r"\b(?:könnte\w*|vermut\w*|wahrscheinlich\w*|möglicherweise|vielleicht|womöglich|angeblich\w*|mutmaßlich\w*|might|"
    r"probabl\w*|possibly|perhaps|presumabl\w*|alleged\w*|reportedly|erwäg\w*|erwogen|suspects?)\b"
)
_DONE = re.compile(
    r"\b(?:hat|haben|ist|sind|wurde|wurden)\b.*\b(?:ge\w+(?:t|en)|\w+(?:ge|zu)\w+(?:t|en)|(?:be|ver|er|ent|über)\w+(?:t|en))\b|"
    r"\b(?:has|have|had)\b(?!\s+to)(?:\s+\w+){0,2}?\s+\w+(?:ed|en|t|ne|lt)\b|\b(?:was|were)\s+\w+ed\b|\b(?:bereits|already)\b"
)


def forces(text: str) -> set[Force]:
    """Return how a statement holds.

    >>> sorted(force.value for force in forces("Hunde dürfen nicht frei laufen"))
    ['must not']
    >>> sorted(force.value for force in forces("You do not have to pay, but you may"))
    ['may', 'need not']
    """
    low = _MONTH_OF_MAY.sub("", text).casefold()
    found = set()
    for force, pattern in _COMPILED:
        if pattern.search(low):
            found.add(force)
            if force in (Force.NEED_NOT, Force.MUST_NOT):
                low = pattern.sub(" ", low)
    found |= {Force.MUST} if _MUST.search(low) else set()
    found |= {Force.MAY} if _MAY.search(low) else set()
    return found | ({Force.DONE} if _DONE.search(low) else set())


# What a sentence says -> what evidence contradicts it, and what else in the evidence makes it right all the same.
_CONFLICTS: tuple[tuple[Force, set[Force], set[Force]], ...] = (
    (
        Force.MUST,
        {Force.MAY, Force.SHOULD, Force.NEED_NOT},
        {Force.MUST, Force.ONLY, Force.MUST_NOT},
    ),
    (Force.NEED_NOT, {Force.MUST}, {Force.NEED_NOT}),
    (Force.MAY, {Force.MUST, Force.MUST_NOT}, {Force.MAY, Force.ONLY, Force.NEED_NOT, Force.SHOULD}),
    (Force.MUST_NOT, {Force.MAY, Force.NEED_NOT}, {Force.MUST_NOT, Force.ONLY, Force.MUST}),
    (Force.SHOULD, {Force.MUST, Force.MUST_NOT}, {Force.SHOULD, Force.ONLY}),
    (Force.SURE, {Force.UNSURE}, {Force.SURE}),
)


def changed_force(claim: Passage, source: Passage) -> tuple[Force, Force] | None:
    """Return what a sentence makes of what in its evidence, where that differs; None where it holds.

    >>> from rag.grounding.words import read
    >>> quote = read("Passwörter müssen alle 90 Tage geändert werden.", "de")
    >>> changed_force(read("Passwords may be changed every 90 days.", "en"), quote)
    (<Force.MAY: 'may'>, <Force.MUST: 'must'>)
    """
    for number in claim.statements:
        near = nearest_statements(claim, number, source)
        words = claim.statement(number)
        said, read_ = shown(claim, words), " ; ".join(shown(source, source.statement(n)) for n in near)
        theirs = forces(read_)
        if _IS_TO.search(read_.casefold()):
            theirs |= {Force.MUST, Force.MAY}
        if Force.MAY in theirs and Force.MUST_NOT in forces(said) and _DENIED.search(read_):
            theirs.add(Force.MUST_NOT)
        changed = _changed(forces(said), theirs)
        if changed and not _is_bounded(claim, changed[0]):
            return changed
        if hedged := _changed_hedge(said, read_):
            return hedged
    return None


def shown(passage: Passage, words: Iterable[Word]) -> str:
    """Return the stretch of a passage that some words span."""
    places = list(words)
    return passage.text[places[0].start : places[-1].end] if places else ""


def _changed(said: set[Force], read_: set[Force]) -> tuple[Force, Force] | None:
    if Force.ONLY in said:
        said = said & {Force.SURE, Force.SHOULD}
    if Force.ONLY in read_ and Force.MAY not in read_:
        read_ = read_ - {Force.ONLY}
    for force, against, saving in _CONFLICTS:
        other = next((opposite for opposite in Force if opposite in against & read_), None)
        if force in said and other and not saving & read_ and not (other is Force.MUST and Force.MUST in said):
            return force, other
    return None


def _is_bounded(claim: Passage, force: Force) -> bool:
    """Whether "may … at most" and "must not … more than" say the same."""
    bounds = {quantity.bound for quantity in quantities(claim.text, claim.language)}
    return force in (Force.MAY, Force.MUST_NOT) and bool(bounds - {""})


def _changed_hedge(said: str, read_: str) -> tuple[Force, Force] | None:
    """Return a guess told as a fact, a fact as a guess, or a plan as done."""
    mine, theirs = forces(said), forces(read_)
    open_ = {Force.UNSURE, Force.PLANNED, Force.MAY, Force.SHOULD}
    if _HEDGES.search(read_.casefold()) and not mine & (open_ | {Force.SURE}):
        return Force.SURE, Force.UNSURE
    if _HEDGES.search(said.casefold()) and not theirs & open_:
        return Force.UNSURE, Force.SURE
    if Force.PLANNED in theirs and Force.DONE in mine and not mine & open_ and Force.DONE not in theirs:
        return Force.DONE, Force.PLANNED
    return None
