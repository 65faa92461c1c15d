"""Lines of all pages -> headings, paragraphs, table rows and footnotes, in the order in which they are read."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from index.readers.pdf_layout import Line

_LIST_MARK = re.compile(r"(?:[•▪▫◦‣●○■□➢✓–—*]|\(?(?:\d{1,3}|[a-zA-Z])[.)]|\(\d{1,3}\)|\[\d{1,3}\]|\d+(?:\.\d+)+\.?) ")
_NOTE_MARK = re.compile(r"(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\d{1,3}\)?|[*†‡]+\)?|\[\d{1,3}\]) ?(?=[^\W\d_]|[„\"(])")
_ENDS = re.compile(r"[.!?:;…][\"“”«»’‘)\]⁰¹²³⁴⁵⁶⁷⁸⁹ ]*$")
_HEADING_LETTERS = 200


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line and the number of its page, from 0."""

    page: int
    line: Line


@dataclass
class Paragraph:
    """Lines that belong together; ``level`` is a heading's (2 is the outermost), 0 that of any other text."""

    lines: list[PageLine]
    level: int = 0
    is_row: bool = False
    notes: "list[Paragraph]" = field(default_factory=list)

    @property
    def last(self) -> PageLine:
        """The line with which it ends."""
        return self.lines[-1]


def paragraphs(pages: Sequence[Sequence[Line]]) -> list[Paragraph]:
    """Return the paragraphs of a document; footnotes follow the paragraph with which their page ends."""
    body = _body(pages)
    flow: list[Paragraph] = []
    for page, lines in enumerate(pages):
        text, notes = _part_notes(lines, body)
        for part in _of_page(page, text, body):
            if flow and not part.is_row and _goes_on(flow[-1], part, body):
                flow[-1].lines += part.lines
            else:
                flow.append(part)
        found = list(_of_page(page, notes, body))
        if flow:
            flow[-1].notes += found
        else:
            flow += found
    _mark_headings(flow, body)
    return [one for part in flow for one in (part, *part.notes)]


@dataclass(frozen=True)
class _Body:
    """What most of the text looks like: size of the letters, and from one baseline to the next in sizes."""

    size: float
    leading: float


def _body(pages: Sequence[Sequence[Line]]) -> _Body:
    sizes: Counter[float] = Counter()
    leadings: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[round(line.size, 1)] += len(line.text)
        for above, line in pairwise(lines):
            if above.block == line.block and line.baseline > above.baseline and line.size:
                leadings[round((line.baseline - above.baseline) / line.size, 1)] += 1
    return _Body(max(sizes, key=sizes.__getitem__, default=10.0), max(leadings, key=leadings.__getitem__, default=1.2))


def _part_notes(lines: Sequence[Line], body: _Body) -> tuple[list[Line], list[Line]]:
    """Part the footnotes from the text: small lines at the foot of a column, the first of them with a mark."""
    notes: set[int] = set()
    for start, end in _column_spans(lines):
        first = end
        while first > start and _is_small(lines[first - 1], body):
            first -= 1
        while first < end and not _NOTE_MARK.match(lines[first].text):
            first += 1
        notes |= set(range(first, end))
    text = [line for number, line in enumerate(lines) if number not in notes]
    return (text, [lines[number] for number in sorted(notes)]) if text else (list(lines), [])


def _column_spans(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    bounds = [0, *(n for n in range(1, len(lines)) if _is_new_column(lines[n - 1], lines[n])), len(lines)]
    return pairwise(bounds)


def _is_small(line: Line, body: _Body) -> bool:
    return line.size < 0.93 * body.size and not line.is_row and not line.turn


def _is_new_column(line: Line, after: Line) -> bool:
    return after.baseline < line.baseline - line.size


def _of_page(page: int, lines: Sequence[Line], body: _Body) -> Iterator[Paragraph]:
    """Yield the paragraphs of one page."""
    current: Paragraph | None = None
    leading = _leading(lines, body)
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else None
        if current and _belongs(current, line, following, leading):
            current.lines.append(PageLine(page, line))
            continue
        if current:
            yield current
        current = Paragraph([PageLine(page, line)], is_row=line.is_row)
    if current:
        yield current


def _leading(lines: Sequence[Line], body: _Body) -> float:
    steps = [
        (line.baseline - above.baseline) / line.size
        for above, line in pairwise(lines)
        if above.block == line.block
        and above.baseline < line.baseline < above.baseline + 2.2 * line.size
        and abs(above.size - line.size) < 0.5
    ]
    return median(steps) if len(steps) > 4 else body.leading


def _belongs(paragraph: Paragraph, line: Line, following: Line | None, leading: float) -> bool:
    """Whether a line goes on with the paragraph."""
    last = paragraph.last.line
    if line.turn != last.turn or line.is_row or abs(line.size - last.size) > 0.08 * max(line.size, last.size):
        return False
    if _is_new_column(last, line) or (line.block != last.block and line.baseline > last.baseline + 3 * line.size):
        return line.block != last.block and _runs_on(last, line)
    if paragraph.is_row:
        return line.block == last.block and _is_in_last_cell(paragraph.lines[0].line, line)
    if line.baseline - last.baseline > max(leading * 1.22, 1.1) * line.size or _begins_anew(last, line):
        return False
    return _is_aligned(paragraph, line, following)


def _begins_anew(last: Line, line: Line) -> bool:
    """Whether a line just below another has a look or a mark of its own."""
    if line.bold != last.bold and _stands_alone(last, line):
        return True
    is_open = last.text.endswith("-") or (_is_full(last) and not _ENDS.search(last.text))
    return bool(_LIST_MARK.match(line.text)) and not is_open


def _is_aligned(paragraph: Paragraph, line: Line, following: Line | None) -> bool:
    """Whether a line begins where the paragraph's lines do, or the line above ends as only a full line does."""
    first, last = paragraph.lines[0].line, paragraph.last.line
    beside = [one.line.box[0] for one in paragraph.lines if one.line.block == line.block] or [line.box[0]]
    indent = line.box[0] - min(beside[1:] if len(beside) > 1 and first.block == line.block else beside)
    ended = bool(_ENDS.search(last.text))
    if _LIST_MARK.match(first.text):
        return line.box[0] > first.box[0] - line.size and not (indent < -0.8 * line.size and ended)
    if indent > 0.7 * line.size and (len(paragraph.lines) > 1 or ended):
        return not (following is None or following.box[0] < line.box[0] - 0.5 * line.size or ended)
    return _is_full(last) or not (ended or _breaks_early(last, line))


def _is_in_last_cell(row: Line, line: Line) -> bool:
    """Whether a line under a row of a table goes on with the row's last cell."""
    return row.cell_left is not None and line.box[0] >= row.cell_left - line.size


def _stands_alone(last: Line, line: Line) -> bool:
    return not _is_full(last) and not last.text.endswith("-") and not line.text[:1].islower()


def _is_full(line: Line) -> bool:
    """Whether a line reaches the right border of its column."""
    left, right = line.column
    return line.box[2] > right - max(0.12 * (right - left), 2 * line.size)


def _breaks_early(last: Line, line: Line) -> bool:
    """Whether the first word of a line would have had room in the one before: an end that somebody meant."""
    word = line.text.split(" ", 1)[0]
    room = last.column[1] - last.box[2]
    width = (line.box[2] - line.box[0]) * (len(word) + 1) / max(1, len(line.text))
    return room > 1.5 * width + line.size and not line.text[:1].islower() and not last.text.endswith("-")


def _runs_on(last: Line, line: Line) -> bool:
    """Whether a sentence goes on from the end of a column or page to the beginning of the next."""
    if _ENDS.search(last.text) or _LIST_MARK.match(line.text) or line.is_row or last.is_row:
        return False
    return last.text.endswith("-") or line.text[:1].islower() or _is_full(last)


def _goes_on(before: Paragraph, after: Paragraph, body: _Body) -> bool:
    last, line = before.last.line, after.lines[0].line
    same = abs(last.size - line.size) < 0.08 * body.size and last.bold == line.bold and last.turn == line.turn
    is_text = abs(line.size - body.size) < 0.1 * body.size
    return before.last.page < after.lines[0].page and same and is_text and _runs_on(last, line)


def _mark_headings(flow: Sequence[Paragraph], body: _Body) -> None:
    """Give short paragraphs in larger or bold letters a level by their rank among all such looks."""
    looks = {_look(part) for part in flow if _is_heading(part, body)}
    ranks = {look: 2 + min(rank, 4) for rank, look in enumerate(sorted(looks, reverse=True))}
    for part in flow:
        if _is_heading(part, body):
            part.level = ranks[_look(part)]


def _look(part: Paragraph) -> tuple[int, bool]:
    line = part.lines[0].line
    return round(line.size), line.bold


def _is_heading(part: Paragraph, body: _Body) -> bool:
    line, text = part.lines[0].line, " ".join(one.line.text for one in part.lines)
    if (
        part.is_row
        or line.turn
        or len(part.lines) > 4
        or len(text) > _HEADING_LETTERS
        or not re.search(r"[^\W\d_]{2}", text)
    ):
        return False
    if line.size >= 1.15 * body.size:
        return not re.search(r"[,;]$", text)
    bold = line.bold and line.size >= 0.97 * body.size and len(part.lines) <= 2
    return bold and bool(re.match(r"[A-ZÄÖÜ\d§„]", text)) and not re.search(r"[.,;:!?]$", text)
