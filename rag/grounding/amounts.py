"""Does the evidence have the numbers of a sentence, with their units and bounds?"""

import re
from collections.abc import Iterator
from functools import lru_cache

from rag.grounding.clock import times
from rag.grounding.dates import dates
from rag.grounding.quantities import Quantity, compound_numbers, quantities, single_units
from rag.grounding.tables import word_list
from rag.grounding.units import wrong_rate
from rag.grounding.words import Passage

# As number words of their own these are too often something else: "zweite", "a second", "half-time", "einmal".
_AMBIGUOUS = word_list("ambiguous numbers")
_CLAIMED_PARTS = re.compile(
    r"\s+(?:of\b|an?\b|der\b|des\b|davon\b|aller\b|so\b|as\b|[^\W\d_]*jahr|year|[^\W\d_]*stunde|hour)"
)
_BOTH = re.compile(r"\b(?:beide[nmrs]?|beiderlei|both)\b", re.IGNORECASE)
_YEAR = range(1000, 2200)


def wrong_amount(claim: Passage, source: str, known: str) -> tuple[str, str, str] | None:
    """Return the kind, the words and the reason of the first number that does not hold.

    Args:
        claim: The sentence.
        source: The evidence.
        known: What may be repeated: the titles and the user's question.

    >>> from rag.grounding.words import read
    >>> wrong_amount(read("It is valid for two months.", "en"), "Er gilt zwei Jahre.", "")
    ('unit', 'two months', "'two months': the evidence has 'zwei Jahre'")
    >>> wrong_amount(read("At least 56 days.", "en"), "Höchstens 56 Tage.", "")
    ('comparison', '56 days', "'56 days' is the least: in the evidence it is the most")
    """
    evidence, repeatable = given_amounts(source), given_amounts(known)
    for claimed in _claimed(claim):
        same = [given for given in evidence if claimed.same_amount(given)]
        if not same:
            if any(given.value == claimed.value for given in repeatable):
                continue
            return _missing(claim, claimed, source, evidence)
        wrong = _wrong_count(claim, claimed, same) or _wrong_bound(claim, claimed, same)
        if wrong:
            return wrong
    often = wrong_rate(claim.text, f"{source}\n{known}")
    return ("unit", often, f"{often!r}: the evidence has it otherwise") if often else None


def _claimed(claim: Passage) -> Iterator[Quantity]:
    """Yield the numbers that a sentence states, without times of day and words that may mean something else."""
    spans = [range(time.start, time.end) for time in times(claim.text)]
    spans += [range(date.start, date.end) for date in dates(claim.text) if date.text[-1].isdigit() and "." in date.text]
    for quantity in quantities(claim.text, claim.language):
        if not any(quantity.start in span for span in spans) and not _is_ambiguous(quantity, claim.text):
            yield quantity
    yield from (unit for unit in single_units(claim.text) if unit.dimension in ("time", "calendar"))


def _is_ambiguous(quantity: Quantity, text: str) -> bool:
    words = quantity.text.casefold().split()
    if words == ["half"] or re.fullmatch("halb(?:e[nmrs]?)?", words[0]):
        return not _CLAIMED_PARTS.match(text, quantity.end)
    if len(words) == 1 and re.search(r"\b(?:platz|place|rank|rang)\s+$", text[: quantity.start], re.IGNORECASE):
        return True
    return len(words) == 1 and words[0] in _AMBIGUOUS | {"erste", "ersten", "erster", "erstes", "zweites"}


@lru_cache(maxsize=512)
def given_amounts(text: str) -> tuple[Quantity, ...]:
    """Return all that German text can be taken to say in numbers.

    >>> sorted({given.value for given in given_amounts("Beide zahlten am 9.11.1630 ein Vierteljahr lang.")})
    [0.25, 2.0, 9.0, 11.0, 1630.0]
    """
    found = [*quantities(text, "de"), *single_units(text), *compound_numbers(text)]
    found += [Quantity(both[0], *both.span(), 2.0) for both in _BOTH.finditer(text)]
    for date in dates(text):
        month = date.month if re.search(rf"\b0?{date.month}\b", date.text) else None  # "Juli" is no 7
        parts = (date.day, month, date.year)
        found += [Quantity(date.text, date.start, date.end, float(part)) for part in parts if part is not None]
    in_figures = {
        date.start for date in dates(text) if "." in date.text and date.text[0].isdigit() and date.text[-1].isdigit()
    }
    return tuple(
        quantity for quantity in found if quantity.start not in in_figures or quantity.value == int(quantity.value)
    )


def _missing(claim: Passage, claimed: Quantity, source: str, evidence: tuple[Quantity, ...]) -> tuple[str, str, str]:
    other = next((given for given in evidence if given.value == claimed.value and given.dimension), None)
    if other:
        mine, theirs = with_unit(claimed, claim.text), with_unit(other, source)
        return "unit", mine, f"{mine!r}: the evidence has {theirs!r}"
    kind = "date" if claimed.value in _YEAR and claimed.text.isdigit() else "number"
    shown = claimed.text if claimed.text[0].isdigit() else repr(claimed.text)
    return kind, claimed.text, f"number {shown} is not in the evidence"


def _wrong_count(claim: Passage, claimed: Quantity, same: list[Quantity]) -> tuple[str, str, str] | None:
    rates = {given.per for given in same} - {""}
    if not claimed.per or not rates or claimed.per in rates:
        return None
    mine = with_unit(claimed, claim.text)
    return "unit", mine, f"{mine!r} is counted by the {claimed.per}: in the evidence by the {min(rates)}"


def _wrong_bound(claim: Passage, claimed: Quantity, same: list[Quantity]) -> tuple[str, str, str] | None:
    bounds = {given.bound for given in same}
    if not claimed.bound or claimed.bound in bounds or "" in bounds:
        return None
    mine = with_unit(claimed, claim.text)
    names = {"min": "the least", "max": "the most"}
    return "comparison", mine, f"{mine!r} is {names[claimed.bound]}: in the evidence it is {names[min(bounds)]}"


def with_unit(quantity: Quantity, text: str) -> str:
    """Return a quantity as the text has it, with the word after it where that is its unit."""
    if not quantity.dimension or quantity.end >= len(text):
        return quantity.text
    unit = re.compile(r"[\s-]?[^\W\d_]*[%€$£°²³]*").match(text, quantity.end)
    return (quantity.text + (unit[0] if unit else "")).strip()
