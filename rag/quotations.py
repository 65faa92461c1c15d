"""What a text puts in quotation marks, of any kind, also where one of the two marks is missing."""

import re
from collections.abc import Iterator

LEAST_QUOTE = 12  # characters; below, quotation marks often only name something

_MARK = re.compile(r"''|``|<<|>>|[„“”‟»«\"‚‘’‛›‹']")
_CLOSED_BY = {
    **dict.fromkeys(("„", "“", "”", "‟", '"'), ("“", "”", "‟", '"')),
    **dict.fromkeys(("‚", "‘", "’", "‛", "'"), ("‘", "’", "'")),
    "»": ("«",),
    "«": ("»",),
    "›": ("‹",),
    "‹": ("›",),
    ">>": ("<<",),
    "<<": (">>",),
    "''": ("''",),
    "``": ("''", "``"),
}
_APOSTROPHES = frozenset("'‚‘’‛")
"""Of these one alone is none of a quotation: 's war, Hans' Haus, the '90s. Two of them do begin one before a word."""
_BEFORE_QUOTATION = frozenset("([{:–—-/*_>„“”»«\"‚‘›‹'")
_LEFT_OUT = re.compile(r"\[?(?:…|\.\.\.)\]?")

Quotation = tuple[int, int, bool]
"""Where it begins and ends inside of its marks, and whether it is closed."""


def quoted(text: str) -> list[str]:
    """Return what a text puts in quotation marks, from twelve characters on; where it leaves out words, the parts.

    A full stop or comma at the end may be the text's own and is left out. Where a mark is missing, the quotation goes
    to the end of the text, or begins at its start.

    >>> quoted("Er nannte es „eine eindrucksvolle Messe“ und „gut“, sie “the best […] fair in years.”")
    ['eine eindrucksvolle Messe', 'the best', 'fair in years']
    >>> quoted("Er nannte es „eine eindrucksvolle"), quoted('27" Monitor')
    (['eine eindrucksvolle'], [])
    """
    quotes = [text[start:end] for start, end, _ in _quotations(text)]
    parts = [
        part.strip(" .,;:!?*_") for quote in quotes if len(quote) >= LEAST_QUOTE for part in _LEFT_OUT.split(quote)
    ]
    return [part for part in parts if part]


def ends_in_quotation(text: str) -> bool:
    """Whether a quotation has begun and not ended.

    >>> ends_in_quotation("Er sagte: „Das ist gut."), ends_in_quotation("Er sagte: „Das ist gut.“")
    (True, False)
    """
    return any(not closed and end == len(text) for _, end, closed in _quotations(text))


def _quotations(text: str) -> Iterator[Quotation]:
    searched = ended = 0  # up to where marks are used up, and where the last quotation ended
    while mark := _MARK.search(text, searched):
        searched = mark.end()
        if _opens(text, mark):
            if close := _closing(text, mark):
                yield mark.end(), close.start(), True
                searched = ended = close.end()
            elif mark[0] not in _APOSTROPHES or mark[0] in "‚‘":
                yield mark.end(), len(text), False
                return
        elif _closes(text, mark) and _is_no_other_sign(text, mark):
            yield ended, mark.start(), True
            ended = mark.end()


def _opens(text: str, mark: re.Match[str]) -> bool:
    """Whether a mark stands after no word and no full stop, and before something."""
    before, after = text[: mark.start()][-1:], text[mark.end() :]
    return (not before or before.isspace() or before in _BEFORE_QUOTATION) and bool(after)


def _closing(text: str, opening: re.Match[str]) -> re.Match[str] | None:
    """Find the mark that ends a quotation."""
    marks = _MARK.finditer(text, opening.end())
    return next((mark for mark in marks if mark[0] in _CLOSED_BY[opening[0]] and _closes(text, mark)), None)


def _closes(text: str, mark: re.Match[str]) -> bool:
    """Whether a mark stands before no word; an apostrophe besides after one."""
    before, after = text[: mark.start()][-1:], text[mark.end() :][:1]
    return not after.isalnum() and not (mark[0] in _APOSTROPHES and before.isspace())


def _is_no_other_sign(text: str, mark: re.Match[str]) -> bool:
    """Whether a mark without a partner means a quotation: no apostrophe, and no inches after a number."""
    return mark[0] not in _APOSTROPHES and not (mark[0] in ('"', "''") and text[: mark.start()][-1:].isdigit())
