"""Running heads, running feet and page numbers: what stands in the margins of the pages and is no part of the text."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from index.readers.pdf_layout import Line

_ZONE = 0.16  # share of the page's height in which heads and feet stand
_NUMBER_ZONE = 0.28  # and in which the outermost line can be a page's number
_NUMBER = re.compile(
    r"[-–—|\[( ]*(?:(?:Seite|S\.|Page|Blatt)? ?(\d{1,4}|[ivxlc]{1,7})(?: ?(?:von|/|of) ?\d{1,4})?)[-–—|\]) ]*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Edge:
    """A line near an edge of its page: which one from that edge, and how far from the next line inwards."""

    page: int
    number: int
    rank: int
    text: str
    height: int
    gap: float
    line: Line
    is_outer: bool


def without_margins(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> list[list[Line]]:
    """Return the lines of each page without what is repeated at one height of the pages, and without page numbers.

    Repeated is a text that stands at the same height of three pages or a tenth of them all. Where it stands apart from
    the lines below or above, or counts the pages, its figures may differ: the lines of a list differ in them, too.
    """
    dropped: set[tuple[int, int]] = set()
    for is_top in (True, False):
        edges = [edge for page, lines in enumerate(pages) for edge in _edges(page, lines, heights[page], is_top)]
        dropped |= {(edge.page, edge.number) for edge in _repeated(edges, len(pages), pages)}
    return [
        [line for number, line in enumerate(lines) if (page, number) not in dropped] for page, lines in enumerate(pages)
    ]


def _edges(page: int, lines: Sequence[Line], height: float, is_top: bool) -> list[_Edge]:
    """Return the lines in the zone at one edge, three rows at most, the outermost first."""
    upright = sorted((line.baseline, number) for number, line in enumerate(lines) if not line.turn)
    outer = upright if is_top else upright[::-1]
    edges: list[_Edge] = []
    rank = -1
    for place, (baseline, number) in enumerate(outer):
        zone = height * (_ZONE if place else _NUMBER_ZONE)
        if not (baseline < zone if is_top else baseline > height - zone):
            break
        rank += place == 0 or abs(baseline - outer[place - 1][0]) > 2
        if rank > 2:
            break
        inner = next((other for other, _ in outer[place + 1 :] if abs(other - baseline) > 2), None)
        gap = abs(inner - baseline) if inner is not None else height
        is_outer = min(baseline, height - baseline) < height * _ZONE
        text = re.sub(r"\W+|\d+", " ", lines[number].text).strip().casefold()
        edges.append(_Edge(page, number, rank, text, round(baseline / 3), gap, lines[number], is_outer))
    return edges


def _repeated(edges: Sequence[_Edge], n_pages: int, pages: Sequence[Sequence[Line]]) -> list[_Edge]:
    at = Counter((edge.text, edge.height + shift) for edge in edges for shift in (-1, 0, 1))
    numbered = Counter(
        (edge.height + shift, number - edge.page)
        for edge in edges
        for number in _figures(edge.line.text)
        for shift in (-1, 0, 1)
    )
    exact = Counter((edge.line.text, edge.height + shift) for edge in edges for shift in (-1, 0, 1))
    alone = Counter(edge.height + shift for edge in edges if edge.rank == 0 for shift in (-1, 0, 1))
    often = max(3 if n_pages > 3 else 2, 0.1 * n_pages)
    body = _body_size(pages)
    found = set[tuple[int, int]]()
    kept = []
    for edge in edges:
        counted = any(numbered[edge.height, number - edge.page] >= 2 for number in _figures(edge.line.text))
        apart = edge.gap > 1.7 * edge.line.size and not edge.line.is_row
        same = bool(edge.text) and (
            exact[edge.line.text, edge.height] >= often or (at[edge.text, edge.height] >= often and (apart or counted))
        )
        number = _NUMBER.fullmatch(edge.line.text)
        isolated = apart and edge.line.size <= 1.05 * body
        steady = n_pages >= 4 and edge.rank == 0 and edge.is_outer and alone[edge.height] >= 0.6 * n_pages and isolated
        in_order = edge.rank == 0 or (edge.page, edge.rank - 1) in found
        if in_order and (
            same or (number and (counted or "eite" in edge.line.text)) or (counted and isolated) or steady
        ):
            found.add((edge.page, edge.rank))
            kept.append(edge)
    return kept


def _figures(text: str) -> list[int]:
    """Return the numbers at either end of a line: a page's number stands there.

    >>> _figures("12 Kapitel 3"), _figures("Seite 4 von 9"), _figures("xi")
    ([12, 3], [4, 9], [11])
    """
    if re.fullmatch(r"[ivxlc]{1,7}", text.strip()):
        return [_roman(text.strip())]
    found = (
        re.match(r"\W*(\d{1,4})(?!\d)", text),
        re.search(r"(?:Seite|Blatt|Page) (\d{1,4})(?!\d)", text),
        re.search(r"(?<!\d)(\d{1,4})\W*$", text),
    )
    return list(dict.fromkeys(int(one[1]) for one in found if one))


def _roman(text: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}[sign] for sign in text]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))


def _body_size(pages: Sequence[Sequence[Line]]) -> float:
    sizes = [line.size for lines in pages for line in lines for _ in range(1 + len(line.text) // 20)]
    return median(sizes) if sizes else 0.0
