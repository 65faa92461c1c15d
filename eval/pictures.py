"""A report's pictures as inline SVG: numbers only, coloured by the page's style in light and dark."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from eval.metrics import mean, recall_at_k, risk_coverage

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 380, 280, 48, 20, 66, 40
_BINS = 10
_NAMES = {"de": "German", "en": "English"}

Rows = Sequence[Mapping[str, Any]]
Points = Sequence[tuple[float, float]]


@dataclass
class Chart:
    """Marks in a frame of two linear axes from 0.

    >>> chart = Chart("recall", "k", "recall", 10, 1)
    >>> chart.line([(1, 0.5), (10, 1)], "de", "German")
    >>> chart.svg().count("<polyline")
    1
    """

    title: str
    across: str
    upward: str
    most_across: float
    most_upward: float
    _marks: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)

    def line(self, points: Points, kind: str, name: str) -> None:
        """Join points; ``kind`` is the class that the style colours."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._place, points))
        self._marks.append(f'<polyline class="{kind}" points="{places}"/>')
        self.legend.append((kind, name))

    def dot(self, point: tuple[float, float], kind: str, radius: float, told: str) -> None:
        """Set a dot; ``told`` is shown where a pointer rests on it."""
        x, y = self._place(point)
        title = f"<title>{escape(told)}</title>"
        self._marks.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">{title}</circle>')

    def bar(self, low: float, high: float, height: float, kind: str, told: str) -> None:
        """Stand a bar on the axis."""
        (left, top), (right, foot) = self._place((low, height)), self._place((high, 0))
        title = f"<title>{escape(told)}</title>"
        size = f'width="{max(right - left - 1, 0.5):.1f}" height="{foot - top:.1f}"'
        self._marks.append(f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" {size}>{title}</rect>')

    def name(self, kind: str, name: str) -> None:
        """Add to the legend."""
        self.legend.append((kind, name))

    def svg(self) -> str:
        """Draw."""
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f'<text class="title" x="{_LEFT}" y="15">{escape(self.title)}</text>'
            f"{''.join(self._grid())}{''.join(self._keys())}{''.join(self._marks)}"
            f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(self.across)}'
            f'</text><text transform="translate(12 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.upward)}</text></svg>"
        )

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + point[0] / self.most_across * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - point[1] / self.most_upward * (_HEIGHT - _TOP - _BOTTOM)
        return x, y

    def _grid(self) -> Iterator[str]:
        for part in range(6):
            across, upward = part / 5 * self.most_across, part / 5 * self.most_upward
            x, y = self._place((across, upward))
            foot, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
            yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
            yield f'<text x="{x:.1f}" y="{foot + 14}" text-anchor="middle">{across:.3g}</text>'
            yield f'<text x="{_LEFT - 5}" y="{y + 3:.1f}" text-anchor="end">{upward:.3g}</text>'

    def _keys(self) -> Iterator[str]:
        """Two a row."""
        for place, (kind, name) in enumerate(self.legend):
            x, y = _LEFT + place % 2 * 160, 29 + place // 2 * 14
            yield f'<line class="key {kind}" x1="{x}" y1="{y}" x2="{x + 18}" y2="{y}"/>'
            yield f'<text x="{x + 24}" y="{y + 4}">{escape(name)}</text>'


def pictures(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what can be drawn of a report."""
    systems = {"": result["questions"]}
    if "baseline" in result:
        systems[" recipe"] = result["baseline"]["questions"]
    yield from recall_by_k(systems)
    yield from risk_and_coverage(systems)
    yield from reliability(result["questions"])
    yield from latency(result["questions"])
    shown = "f1" if "f1" in result["metrics"] else "ndcg@10"
    yield from german_by_english(result["questions"], shown)


def recall_by_k(systems: Mapping[str, Rows]) -> Iterator[str]:
    """Recall of the first k documents, over the questions with evidence."""
    chart = Chart("Recall by k", "k documents", "recall", 10, 1)
    for language, system, rows in _by_language(systems):
        ranked = [
            ({span["document_id"] for span in row["gold"]["evidence"]}, row["ranking"]["documents"])
            for row in rows
            if row.get("ranking") and row["gold"]["evidence"]
        ]
        if ranked:
            points = [(k, mean(recall_at_k(*one, k) for one in ranked) or 0.0) for k in range(1, 11)]
            chart.line(points, _kind(language, system), _NAMES[language] + system)
    if chart.legend:
        yield chart.svg()


def risk_and_coverage(systems: Mapping[str, Rows]) -> Iterator[str]:
    """How wrong the answers are, the surest first; only what was answered, so it ends where the system refuses.

    See `eval.measures.sureness` and `eval.metrics.risk_coverage`.
    """
    chart = Chart("Risk and coverage", "share of the questions answered", "1 − F1 of these", 1, 1)
    for language, system, rows in _by_language(systems):
        if points := risk_points(rows):
            chart.line(points, _kind(language, system), _NAMES[language] + system)
    if chart.legend:
        yield chart.svg()


def risk_points(rows: Rows) -> list[tuple[float, float]]:
    """Return (coverage, risk) of the answers, the surest first; none where no confidence is known.

    >>> risk_points([{"values": {"aurc": (0.5, 1.0)}}, {"values": {"aurc": (0.9, 0.0)}}, {"values": {"aurc": None}}])
    [(0.3333333333333333, 0.0), (0.6666666666666666, 0.5)]
    """
    judged = [row["values"]["aurc"] for row in rows if row["values"].get("aurc")]
    answered = len(judged) / len(rows)
    return [(coverage * answered, risk) for coverage, risk in risk_coverage(judged)]


def reliability(rows: Rows) -> Iterator[str]:
    """How often the documents do answer, where the system says how likely that is.

    Source: DeGroot and Fienberg (1983), The Comparison and Evaluation of Forecasters.
    """
    chart = Chart("Reliability of the confidence", "confidence", "share that is answerable", 1, 1)
    chart.line([(0, 0), (1, 1)], "ideal", "ideal")
    for language, _, of_language in _by_language({"": rows}):
        known = [row for row in of_language if (row.get("answer") or {}).get("confidence") is not None]
        for low in range(_BINS):
            inside = [row for row in known if min(int(row["answer"]["confidence"] * _BINS), _BINS - 1) == low]
            if inside:
                sure = sum(row["answer"]["confidence"] for row in inside) / len(inside)
                share = sum(row["gold"]["answerable"] for row in inside) / len(inside)
                told = f"{_NAMES[language]}: {len(inside)} questions, confidence {sure:.2f}, answerable {share:.2f}"
                chart.dot((sure, share), language, 3 + 12 * (len(inside) / len(known)) ** 0.5, told)
        if known:
            chart.name(language, _NAMES[language])
    if len(chart.legend) > 1:
        yield chart.svg()


def latency(rows: Rows) -> Iterator[str]:
    """How many questions took how long."""
    seconds = [row["seconds"] for row in rows if row.get("seconds") is not None]
    if not seconds:
        return
    most = _round_up(max(seconds))
    counts = Counter(min(int(second / most * 20), 19) for second in seconds)
    chart = Chart("Latency", "seconds", "questions", most, _round_up(max(counts.values())))
    for place, count in sorted(counts.items()):
        low, high = place / 20 * most, (place + 1) / 20 * most
        chart.bar(low, high, count, "beleg", f"{count} questions from {low:.3g} to {high:.3g} s")
    yield chart.svg()


def german_by_english(rows: Rows, name: str) -> Iterator[str]:
    """A metric of the German form of each question against its English form; a dot's area is how many lie there."""
    forms: dict[str, dict[str, float]] = {}
    for row in rows:
        if (value := row["values"].get(name)) is not None:
            forms.setdefault(row["gold"]["pair"], {})[row["gold"]["language"]] = value
    places = Counter((round(pair["en"], 2), round(pair["de"], 2)) for pair in forms.values() if len(pair) == 2)
    if not places:
        return
    chart = Chart(f"German against English, {name} by question", "English", "German", 1, 1)
    chart.line([(0, 0), (1, 1)], "ideal", "equal")
    for place, count in places.items():
        told = f"{count} questions: German {place[1]}, English {place[0]}"
        chart.dot(place, "beleg", 2.5 + 14 * (count / places.total()) ** 0.5, told)
    yield chart.svg()


def _by_language(systems: Mapping[str, Rows]) -> Iterable[tuple[str, str, Rows]]:
    for system, rows in systems.items():
        for language in _NAMES:
            found = [row for row in rows if row["gold"]["language"] == language]
            if found:
                yield language, system, found


def _kind(language: str, system: str) -> str:
    return f"{language} recipe" if system else language


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten.

    >>> [_round_up(value) for value in (0.03, 1, 7, 130)]
    [0.05, 1, 10, 200]
    """
    power = 1e-6
    while True:
        for step in (1, 2, 5):
            if step * power >= value * (1 - 1e-9):
                return float(f"{step * power:.6g}") if step * power < 1 else round(step * power)
        power *= 10
