"""Words around a number that make it the least or the most."""

import re
from typing import Literal, cast

from rag.grounding.tables import patterns

Bound = Literal["", "min", "max"]

_PART_ENDS = (", ", "; ", ". ", ": ")
_NOT = re.compile(r"(?<!\w)(?:nicht|kein\w*|no|not|never|nie|n['’]t)(?!\w)|n['’]t\b", re.IGNORECASE)


def bound_at(text: str, start: int, end: int) -> tuple[Bound, bool]:
    """Return whether the words around a number make it the least or the most, and whether a far "nicht" does so.

    >>> bound_at("Es gibt höchstens 56 Tage.", 18, 20), bound_at("Mehr als 9 dauert es nicht.", 9, 10)
    (('max', False), ('max', True))
    """
    part_start, part_end = _part(text, start, end)
    before, after = text[part_start:start], text[end:part_end]
    for kind, pattern in patterns("bounds"):
        place, _, bound = kind.partition(" ")
        if place == "after" and pattern.match(text[end:].lstrip()):
            return cast("Bound", bound), False
        found = pattern.search(before) if place == "before" else None
        if found and bound in ("more", "less"):
            negated = bool(_NOT.search(before[: found.start()] + after))
            return ("max" if (bound == "more") == negated else "min"), negated
        if found:
            return cast("Bound", bound), False
    return "", False


def _part(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds of the part of the sentence around a span, between commas and full stops."""
    before = max(text.rfind(sign, 0, start) for sign in _PART_ENDS)
    after = [place for sign in _PART_ENDS if (place := text.find(sign, end)) >= 0]
    return before + 1, min(after, default=len(text))
