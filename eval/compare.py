"""Two reports of one gold set -> each figure's difference with its interval, and the questions that changed.

Questions are resampled together, so what is hard for both counts in no difference. `--fail-if-worse` looks at many
figures at once: its intervals are widened by their number (Bonferroni), else one run in two would fail by chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.intervals import LEVEL, Difference, difference
from eval.journal import differences
from eval.measures import ANSWERS, RETRIEVAL, Metric, Metrics
from eval.records import Row
from eval.report import Report, ReportError, decisive
from eval.results import values_of

_LEAST_CHANGE = 1e-9
_RESULTS = ("languages", "intervals", "gap", "metrics", "questions", "baseline", "workers")


@dataclass(frozen=True)
class Changed:
    """A question whose values differ: name -> (before, after); ``change`` sums up how much better it is."""

    id: str
    question: str
    language: str
    values: Mapping[str, tuple[Any, Any]]
    before: str
    after: str
    change: float


@dataclass(frozen=True)
class Comparison:
    """What differs between two reports.

    Attributes:
        languages: Question language -> metric -> difference; ``n`` of the questions that both have.
        changed: Worse ones first.
        settings: What decides the figures and differs.
        metrics: Which values are better.
    """

    languages: Mapping[str, Mapping[str, Difference]]
    n: Mapping[str, int]
    changed: Sequence[Changed]
    settings: Sequence[str]
    metrics: Metrics

    def worse(self) -> list[str]:
        """Name the figures that are worse beyond chance, time and tokens left out; ``language:metric``."""
        return [
            f"{language}:{name}"
            for language, figures in self.languages.items()
            for name, found in figures.items()
            if found.worse and not self.metrics[name].cost
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "kind": "comparison",
            "n": dict(self.n),
            "languages": {
                language: {name: asdict(found) | {"difference": found.value} for name, found in figures.items()}
                for language, figures in self.languages.items()
            },
            "changed": [asdict(question) for question in self.changed],
            "settings": list(self.settings),
        }


def compare(before: Report, after: Report, *, seed: int = 0, strict: bool = False) -> Comparison:
    """Compare two reports over the questions that both have.

    Args:
        before: The report that is taken as it is.
        after: The one that is judged.
        seed: Of the resamples.
        strict: Widen the intervals by the number of figures that are looked at.

    Raises:
        ReportError: They have no question in common, or are of different kinds.
    """
    pairs = _common(before, after)
    metrics = _metrics(before, after)
    of_language = {
        language: [pair for pair in pairs if pair[1]["gold"]["language"] == language] for language in after.languages
    }
    judged = sum(not metric.cost for metric in metrics.values()) * max(1, sum(map(bool, of_language.values())))
    level = 1 - (1 - LEVEL) / judged if strict else LEVEL
    return Comparison(
        {
            language: {
                name: difference(
                    metric,
                    values_of([one for one, _ in found], name),
                    values_of([other for _, other in found], name),
                    seed=seed,
                    level=LEVEL if metric.cost else level,
                )
                for name, metric in metrics.items()
            }
            for language, found in of_language.items()
            if found
        },
        {language: len(found) for language, found in of_language.items()},
        _changed(pairs, metrics),
        list(differences(_facts(before), _facts(after))),
        metrics,
    )


def against_baseline(result: Mapping[str, Any]) -> Comparison | None:
    """Compare the usual recipe with beleg, where a report has both."""
    if "baseline" not in result:
        return None
    return compare(Report({**result, **result["baseline"]}), Report(result), seed=result.get("seed", 0))


def _common(before: Report, after: Report) -> list[tuple[Row, Row]]:
    if before.result["kind"] != after.result["kind"]:
        kinds = f"{before.result['kind']!r} and {after.result['kind']!r}"
        raise ReportError(f"the reports are of {kinds}, expected two of one kind; compare answers with answers")
    known = {row["id"]: row for row in before.questions}
    pairs = [(known[row["id"]], row) for row in after.questions if row["id"] in known]
    same = [pair for pair in pairs if pair[0]["gold"] == pair[1]["gold"]]
    if not same:
        raise ReportError("the reports have no question in common; run both on one gold set, with one --seed")
    return same


def _metrics(before: Report, after: Report) -> dict[str, Metric]:
    """Return the metrics that both reports have; of one that is in no table, the figure is the mean."""
    own = RETRIEVAL if after.result["kind"] == "retrieval" else ANSWERS
    return {
        name: own.get(name) or Metric(lambda _: None, better=told["better"], cost=told["cost"])
        for name, told in after.result["metrics"].items()
        if name in before.result["metrics"]
    }


def _changed(pairs: Sequence[tuple[Row, Row]], metrics: Metrics) -> list[Changed]:
    changed = [_change(one, other, metrics) for one, other in pairs]
    return sorted((one for one in changed if one.values), key=lambda one: one.change)


def _change(before: Row, after: Row, metrics: Metrics) -> Changed:
    values = dict(_changed_values(before, after, metrics))
    change = sum(_gain(metrics[name], *pair) for name, pair in values.items())
    gold = after["gold"]
    return Changed(
        after["id"], gold["question"], gold["language"], values, _said(before), _said(after), round(change, 6)
    )


def _changed_values(before: Row, after: Row, metrics: Metrics) -> Iterator[tuple[str, tuple[Any, Any]]]:
    for name, metric in metrics.items():
        one, other = before["values"].get(name), after["values"].get(name)
        if not metric.cost and one != other and not _is_close(one, other):
            yield name, (one, other)


def _is_close(one: Any, other: Any) -> bool:
    return isinstance(one, float) and isinstance(other, float) and abs(one - other) < _LEAST_CHANGE


def _gain(metric: Metric, before: Any, after: Any) -> float:
    sign = {"higher": 1, "lower": -1, "": 0}[metric.better]
    known = isinstance(before, int | float) and isinstance(after, int | float)
    return sign * (after - before) if known else 0.0


def _said(row: Row) -> str:
    return str((row.get("answer") or {}).get("text", ""))


def _facts(report: Report) -> dict[str, Any]:
    return {name: value for name, value in decisive(report.result).items() if name not in _RESULTS}
