"""Headings of a text: Markdown's, and short lines that stand alone."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.sentences import Span

_MARKDOWN = re.compile(r"(#{1,6})[ \t]+([^\n]*?)[ \t#]*$")
_PLAIN = re.compile(r"[A-ZÄÖÜ\d§„][^\n]{1,79}(?<![.,:;!?…)“”\"])$")
_ABOVE = re.compile(r"(?:^|\n[ \t\r]*\n)[ \t]*$")
_PLAIN_LEVEL = 7


@dataclass(frozen=True)
class Heading:
    """A heading that begins at ``start``; level 1 is the outermost, plain lines are below Markdown's six."""

    start: int
    level: int
    text: str


def find_headings(text: str, sentences: Iterable[Span]) -> list[Heading]:
    r"""Return the headings among the sentences of a text, in order.

    A line with Markdown's ``#``, or one that stands alone: a line's length, a blank line before it or nothing, another
    line after it, no punctuation at its end.

    >>> text = "# Satzung\n\nDies ist sie.\n\nName und Sitz\nDer Verein heißt Rhein."
    >>> spans = [(0, 9), (11, 24), (26, 39), (40, 63)]
    >>> [(heading.level, heading.text) for heading in find_headings(text, spans)]
    [(1, 'Satzung'), (7, 'Name und Sitz')]
    """
    return [heading for span in sentences if _is_a_line(text, span) and (heading := _heading(text, span))]


def _is_a_line(text: str, span: Span) -> bool:
    """Whether nothing else stands in the sentence's line, and something after it."""
    before = text[text.rfind("\n", 0, span[0]) + 1 : span[0]]
    line_end = text.find("\n", span[1])
    return line_end >= 0 and not before.strip() and not text[span[1] : line_end].strip()


def _heading(text: str, span: Span) -> Heading | None:
    start, end = span
    if found := _MARKDOWN.match(text, start, end):
        return Heading(start, len(found[1]), found[2]) if found[2] else None
    alone = _ABOVE.search(text, max(0, start - 200), start)
    return Heading(start, _PLAIN_LEVEL, text[start:end]) if alone and _PLAIN.match(text, start, end) else None


def headings_above(headings: Sequence[Heading], start: int) -> list[Heading]:
    """Return the headings under which a place of the text stands, the outermost first; not one that begins there.

    >>> headings = [Heading(0, 1, "A"), Heading(10, 2, "B"), Heading(20, 2, "C")]
    >>> [heading.text for heading in headings_above(headings, 25)]
    ['A', 'C']
    """
    above: list[Heading] = []
    for heading in headings[: bisect_left(headings, start, key=lambda heading: heading.start)]:
        above = [*(outer for outer in above if outer.level < heading.level), heading]
    own = [heading for heading in headings if heading.start == start]
    return [outer for outer in above if not own or outer.level < own[0].level]
