"""Records of a system -> its figures by question language, their intervals, and German against English."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.intervals import difference, interval
from eval.measures import Metrics, pooled
from eval.records import Record, Row, of_language


def results(records: Sequence[Record], metrics: Metrics, languages: Sequence[str], seed: int) -> dict[str, Any]:
    """Count each metric, over the questions that it is defined for; None where there is none.

    Returns:
        ``languages``, ``intervals``, ``gap``, ``metrics`` and ``questions``, as a report holds them.
    """
    rows = [record.to_dict() | {"values": _values(record, metrics)} for record in records]
    by_language = {language: [row for row in rows if row["gold"]["language"] == language] for language in languages}
    return {
        "languages": {
            language: _figures(of_language(records, language), by_language[language], metrics) for language in languages
        },
        "intervals": {language: _intervals(by_language[language], metrics, seed) for language in languages},
        "gap": german_against_english(rows, metrics, seed),
        "metrics": {name: {"better": metric.better, "cost": metric.cost} for name, metric in metrics.items()},
        "questions": rows,
    }


def values_of(rows: Sequence[Row], name: str) -> list[Any]:
    """Return a metric's value for each row; ``None`` where it has none."""
    return [row["values"].get(name) for row in rows]


def _values(record: Record, metrics: Metrics) -> dict[str, Any]:
    values = {name: metric.value(record) for name, metric in metrics.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _figures(records: Sequence[Record], rows: Sequence[Row], metrics: Metrics) -> dict[str, Any]:
    figures = {name: pooled(metric, values_of(rows, name)) for name, metric in metrics.items()}
    states = Counter(record.answer["status"] for record in records if record.answer)
    return {"n": len(rows), **figures, **({"status": dict(sorted(states.items()))} if states else {})}


def _intervals(rows: Sequence[Row], metrics: Metrics, seed: int) -> dict[str, Any]:
    return {name: interval(metric, values_of(rows, name), seed=seed) for name, metric in metrics.items()}


def german_against_english(rows: Sequence[Row], metrics: Metrics, seed: int) -> dict[str, Any]:
    """Compare each metric over the questions that are there in both languages, German minus English.

    Returns:
        ``pairs`` and ``metrics``: name -> ``de``, ``en``, ``low``, ``high``; empty where no question has both forms.
    """
    forms: dict[str, dict[str, Row]] = {}
    for row in rows:
        forms.setdefault(row["gold"]["pair"], {})[row["gold"]["language"]] = row
    pairs = [pair for pair in forms.values() if {"de", "en"} <= pair.keys()]
    if not pairs:
        return {}
    german, english = ([pair[language] for pair in pairs] for language in ("de", "en"))
    return {"pairs": len(pairs), "metrics": _differences(english, german, metrics, seed)}


def _differences(
    english: Sequence[Row], german: Sequence[Row], metrics: Metrics, seed: int
) -> Mapping[str, Mapping[str, float | None]]:
    found = {
        name: difference(metric, values_of(english, name), values_of(german, name), seed=seed)
        for name, metric in metrics.items()
    }
    return {name: {"de": one.after, "en": one.before, "low": one.low, "high": one.high} for name, one in found.items()}
