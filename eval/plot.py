"""Cost against size as a picture (SVG), one panel a cost, both axes logarithmic."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10
from pathlib import Path

PANELS = {
    "build_seconds": "building without embedding, s",
    "open_first_seconds": "opening for the first time, s",
    "total_p95_ms": "finding, question embedded, p95, ms",
    "vectors_p95_ms": "of it vectors, p95, ms",
    "words_p95_ms": "of it words, p95, ms",
    "search_peak_mb": "memory of the process, peak, MB",
    "disk_mb": "disk, MB",
    "remove_one_seconds": "removing a document, s",
}
_COLUMNS, _WIDTH, _HEIGHT, _MARGIN = 4, 240, 180, 44


def cost_plot(sizes: Sequence[Mapping[str, float]]) -> str:
    """Draw how each of ``PANELS`` grows with the number of chunks.

    >>> svg = cost_plot([{"chunks": 10, "disk_mb": 1}, {"chunks": 1000, "disk_mb": 90}])
    >>> svg.count("<circle"), svg.startswith("<svg")
    (2, True)
    """
    shown = [(name, title) for name, title in PANELS.items() if all(name in size for size in sizes)]
    rows = ceil(len(shown) / _COLUMNS)
    panels = "".join(
        _panel(number, title, [(size["chunks"], max(size[name], 1e-3)) for size in sizes])
        for number, (name, title) in enumerate(shown)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_COLUMNS * _WIDTH}" height="{rows * _HEIGHT}" '
        f'font-family="sans-serif" font-size="10"><rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _panel(number: int, title: str, points: Sequence[tuple[float, float]]) -> str:
    left, top = number % _COLUMNS * _WIDTH, number // _COLUMNS * _HEIGHT
    across = _Axis([x for x, _ in points], left + _MARGIN, left + _WIDTH - 12)
    upward = _Axis([y for _, y in points], top + _HEIGHT - _MARGIN + 16, top + 28)
    places = [(across.place(x), upward.place(y)) for x, y in points]
    return "".join(
        [
            f'<text x="{left + _MARGIN}" y="{top + 16}" font-weight="bold">{escape(title)}</text>',
            *(_grid(across.place(tick), upward.begin, across.place(tick), upward.end) for tick in across.ticks),
            *(_grid(across.begin, upward.place(tick), across.end, upward.place(tick)) for tick in upward.ticks),
            *(_label(across.place(tick), upward.begin + 14, "middle", tick) for tick in across.ticks),
            *(_label(across.begin - 4, upward.place(tick) + 3, "end", tick) for tick in upward.ticks),
            *(
                f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#1f5fa8"/>'
                for (x1, y1), (x2, y2) in pairwise(places)
            ),
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="#1f5fa8"/>' for x, y in places),
        ]
    )


class _Axis:
    """A logarithmic axis from one place of the picture to another, whose ends are powers of ten.

    >>> axis = _Axis([20, 900], 0, 100)
    >>> axis.ticks, axis.place(100)
    ([10.0, 100.0, 1000.0], 50.0)
    """

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self._first = floor(log10(min(values)))
        self._last = max(self._first + 1, ceil(log10(max(values))))
        self.ticks = [10.0**power for power in range(self._first, self._last + 1)]

    def place(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * (log10(value) - self._first) / (self._last - self._first)


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, anchor: str, value: float) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#555">{value:g}</text>'


def write_plot(path: Path, sizes: Sequence[Mapping[str, float]]) -> None:
    """Write the picture."""
    path.write_text(cost_plot(sizes), "utf-8")
