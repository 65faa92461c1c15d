"""Segments of a page -> its lines in reading order: columns one after the other, a row of a table as one line."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from index.place import Box
from index.readers.pdf_characters import PageText, Segment, raise_figures

Interval = tuple[float, float]
CELL_BORDER = " | "
_BULLET = re.compile(r"(?:[•▪▫◦‣●○■□➢✓–—*·-]|\(?[\dA-Za-z]{1,3}[.)]|§+ ?\d+\w?|\d+(?:\.\d+)+\.?|\[\w{1,8}\])$")
_LEADERS = re.compile(r"(?:[ ]?[.·…]){4,}[ ]?")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page, its box in reading direction; ``column`` is the interval that lines of its block fill.

    ``is_row``: it is a row of a table, and its last cell begins at ``cell_left``.
    """

    text: str
    box: Box
    baseline: float
    size: float
    bold: bool
    turn: int
    block: int
    column: Interval
    is_row: bool = False
    cell_left: float | None = None


def page_lines(page: PageText) -> list[Line]:
    """Return the lines of a page in reading order: upright text first, then what is turned by quarters."""
    lines: list[Line] = []
    for turn in sorted({segment.turn for segment in page.segments}, key=lambda turn: _amount(page, turn)):
        segments = _distinct([segment for segment in page.segments if segment.turn == turn])
        for rows, is_table in _blocks(_rows(segments)):
            lines += _block_lines(rows, is_table, block=lines[-1].block + 1 if lines else 0)
    return lines


def _amount(page: PageText, turn: int) -> int:
    return -sum(len(segment.text) for segment in page.segments if segment.turn == turn)


def _distinct(segments: Sequence[Segment]) -> list[Segment]:
    """Leave out what is printed twice, a hair's breadth apart, to look bold."""
    seen: set[tuple[str, int, int]] = set()
    kept = []
    for segment in segments:
        x, y = round(segment.left / 2), round(segment.baseline / 2)
        if not any((segment.text, x + dx, y + dy) in seen for dx in (-1, 0, 1) for dy in (-1, 0, 1)):
            kept.append(segment)
        seen.add((segment.text, x, y))
    return kept


Row = list[Segment]


def _rows(segments: Sequence[Segment]) -> list[Row]:
    """Group the segments that stand side by side, from top to bottom, each row from left to right."""
    rows: list[Row] = []
    leads: list[Segment] = []  # the largest segment of each row
    for segment in sorted(segments, key=lambda segment: segment.baseline):
        number = next((n for n in range(len(rows) - 1, max(-1, len(rows) - 4), -1) if _beside(leads[n], segment)), None)
        if number is None:
            rows.append([segment])
            leads.append(segment)
        else:
            rows[number].append(segment)
            leads[number] = max(leads[number], segment, key=lambda segment: (segment.size, len(segment.text)))
    order = sorted(range(len(rows)), key=lambda number: leads[number].baseline)
    return [sorted(rows[number], key=lambda segment: segment.left) for number in order]


def _beside(one: Segment, other: Segment) -> bool:
    """Whether the middles of two segments' small letters share more than a third of the lower one's height."""
    shared = min(one.baseline, other.baseline) - max(one.baseline - one.size / 2, other.baseline - other.size / 2)
    return shared > 0.35 * min(one.size, other.size) / 2


def _blocks(rows: list[Row]) -> Iterator[tuple[list[Row], bool]]:
    """Yield blocks of rows in reading order, and whether they are a table's."""
    if not rows:
        return
    start, plain = 0, list[Row]()
    width = _width(rows)
    parts = _may_part(rows)
    while start < len(rows):
        if not parts[start]:
            plain += rows[start:]
            break
        end, gutters = _run(rows, start, width)
        end, gutters = _of_one_kind(rows, start, end, gutters, width)
        run = rows[start:end]
        columns = _columns(run, gutters)
        is_table = _is_table(run, gutters)
        if not columns and not is_table:
            plain.append(rows[start])
            start += 1
            continue
        if plain:
            yield plain, False
            plain = []
        for column in columns:
            yield from _blocks(_rows(column))
        if not columns:
            yield run, True
        start = end
    if plain:
        yield plain, False


def _may_part(rows: list[Row]) -> list[bool]:
    """Tell of each row whether, from it on, some text ends left of where other text begins, as beside a gutter."""
    ends = accumulate((row[0].right for row in reversed(rows)), min)
    begins = accumulate((row[-1].left for row in reversed(rows)), max)
    return [begin > end - 0.2 for begin, end in zip(begins, ends, strict=True)][::-1]


def _width(rows: list[Row]) -> Interval:
    return min(row[0].left for row in rows), max(segment.right for row in rows for segment in row)


def _run(rows: list[Row], start: int, width: Interval) -> tuple[int, list[Interval]]:
    """Return the end of the rows from ``start`` on that leave a common gutter free in a width, and the gutters."""
    free: list[Interval] = [width]
    parted = False
    best: tuple[int, list[Interval]] = (start + 1, [])
    leftmost, rightmost = math.inf, -math.inf
    for number in range(start, len(rows)):
        narrowed = _without(free, rows[number])
        if not (narrowed := [one for one in narrowed if one[1] - one[0] >= _least_gutter(rows[number])]):
            break
        free = narrowed
        parted = parted or len(rows[number]) > 1
        leftmost = min(leftmost, rows[number][0].right)
        rightmost = max(rightmost, rows[number][-1].left)
        # Free intervals with text on both sides.
        inner = [(max(one[0], 0), one[1]) for one in free if one[0] >= leftmost - 0.1 and one[1] <= rightmost + 0.1]
        if parted and not inner and best[1]:
            break
        if inner:
            best = number + 1, inner
    return best


def _of_one_kind(
    rows: list[Row], start: int, end: int, gutters: list[Interval], width: Interval
) -> tuple[int, list[Interval]]:
    """Cut a run where columns of running text end and a table begins, or the other way about, a gap between them."""
    first: bool | None = None
    bands = _bands(rows[start:end], start)
    if len(bands) == 1:
        return end, gutters
    for top, bottom in bands:
        band, inner = rows[top:bottom], _run(rows[:bottom], top, width)[1]
        kind = True if _columns(band, inner) else False if _is_table(band, inner) else None
        if first is not None and kind is not None and kind != first:
            return top, _run(rows[:top], start, width)[1]
        first = kind if first is None else first
    return end, gutters


def _bands(rows: list[Row], first: int) -> list[tuple[int, int]]:
    """Return where the rows, of which one has the number ``first``, stand without a gap of more than a line."""
    sizes = [max(segment.size for segment in row) for row in rows]
    bases = [max(segment.baseline for segment in row) for row in rows]
    cuts = [n for n in range(1, len(rows)) if bases[n] - bases[n - 1] > 2.2 * max(sizes[n], sizes[n - 1])]
    return list(pairwise([first, *(first + cut for cut in cuts), first + len(rows)]))


def _is_table(rows: list[Row], gutters: list[Interval]) -> bool:
    return sum(len(_cells(row, gutters)) > 1 and not _is_label(row[0]) for row in rows) >= 2


def _least_gutter(row: Row) -> float:
    return 0.8 * min(segment.size for segment in row)


def _without(free: list[Interval], row: Row) -> list[Interval]:
    for segment in row:
        parts = []
        for left, right in free:
            if segment.right <= left or segment.left >= right:
                parts.append((left, right))
                continue
            if segment.left > left:
                parts.append((left, segment.left))
            if segment.right < right:
                parts.append((segment.right, right))
        free = parts
    return free


def _columns(run: list[Row], gutters: list[Interval]) -> list[list[Segment]]:
    """Return the segments of each column of running text; none where the gutters part something else."""
    segments = [segment for row in run for segment in row]
    borders = []
    for left, right in gutters:
        middle = (left + right) / 2
        sides = [[one for one in segments if (one.left < middle) == is_left] for is_left in (True, False)]
        if all(_is_prose(side) for side in sides) or _are_unaligned(*map(_rows, sides)):
            borders.append(middle)
    if not borders:
        return []
    columns: list[list[Segment]] = [[] for _ in range(len(borders) + 1)]
    for segment in segments:
        columns[sum(segment.left > border for border in borders)].append(segment)
    return columns


def _are_unaligned(left: list[Row], right: list[Row]) -> bool:
    """Whether most rows of one side have none beside them on the other, as no table's have: columns that each go on."""
    if min(len(left), len(right)) < 8:
        return False
    fewer, more = sorted(([row[0].baseline for row in side] for side in (left, right)), key=len)
    alone = sum(all(abs(one - other) > 1 for other in more) for one in fewer)
    return alone > 0.6 * len(fewer)


def _is_prose(segments: list[Segment]) -> bool:
    """Whether the rows are those of running text: they fill their width, and sentences go on from row to row."""
    rows = _rows(segments)
    if len(rows) < 3:
        return False
    left = min(segment.left for segment in segments)
    right = max(segment.right for segment in segments)
    texts = [" ".join(segment.text for segment in row) for row in rows]
    full = sum(row[-1].right - row[0].left > 0.6 * (right - left) for row in rows) / len(rows)
    goes_on = sum(text[0].islower() or text.endswith("-") for text in texts) / len(rows)
    return full >= 0.5 and goes_on >= 0.2 and median(map(len, texts)) >= 15


def _cells(row: Row, gutters: list[Interval]) -> list[Row]:
    borders = [(left + right) / 2 for left, right in gutters]
    cells: dict[int, Row] = {}
    for segment in row:
        cells.setdefault(sum(segment.left > border for border in borders), []).append(segment)
    return list(cells.values())


def _is_label(segment: Segment) -> bool:
    return bool(_BULLET.match(segment.text))


def _block_lines(rows: list[Row], is_table: bool, block: int) -> list[Line]:
    column = _width(rows)
    gutters = _run(rows, 0, column)[1] if is_table else []
    return [_line(row, _cells(row, gutters) if is_table else [row], block, column) for row in rows]


def _line(row: Row, cells: list[Row], block: int, column: Interval) -> Line:
    box = (
        min(segment.left for segment in row),
        min(segment.top for segment in row),
        max(segment.right for segment in row),
        max(segment.bottom for segment in row),
    )
    lead = max(row, key=lambda segment: (segment.size > 0, len(segment.text)))
    texts = [_joined(cell) for cell in cells]
    is_row = len(cells) > 1 and not (len(cells) == 2 and _is_label(cells[0][-1]))
    text = _LEADERS.sub(" … ", (CELL_BORDER if is_row else " ").join(texts)).replace(f" … {CELL_BORDER}", " … ")
    bold = all(segment.bold for segment in row)
    return Line(text.strip(), box, lead.baseline, lead.size, bold, lead.turn, block, column, is_row, cells[-1][0].left)


def _joined(cell: Row) -> str:
    lead = max(cell, key=lambda segment: segment.size)
    text = ""
    for before, segment in zip([None, *cell], cell, strict=False):
        raised = segment.size < 0.85 * lead.size and lead.baseline - segment.baseline > 0.15 * lead.size
        part = raise_figures(segment.text, text[-3:]) if raised and len(segment.text) == 1 else segment.text
        gap = segment.left - before.right if before else 0.0
        text += (" " if text and gap > 0.15 * lead.size and not (raised and part[0] == " ") else "") + part
    return text
