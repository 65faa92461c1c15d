"""How far a figure might be off for the questions drawn: bootstrap intervals over questions.

Source: Efron (1979), Bootstrap Methods: Another Look at the Jackknife; the percentile interval of Efron (1981). Two
systems are compared on the same resamples, as in Koehn (2004), Statistical Significance Tests for Machine Translation
Evaluation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.measures import Metric, pooled, ratio
from eval.metrics import mean

RESAMPLES = 5000
LEVEL = 0.95
_BLOCK = 100

Floats = np.ndarray[Any, np.dtype[np.float64]]
Values = Sequence[Any]
"""A metric's value for each question; ``None`` where it has none."""


@dataclass(frozen=True)
class Difference:
    """A figure before and after, and the interval of after minus before; ``None`` where nothing was to count.

    ``worse`` and ``better``: whether the whole interval lies on that side of 0.
    """

    before: float | None
    after: float | None
    low: float | None
    high: float | None
    worse: bool = False
    better: bool = False

    @property
    def value(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before


def interval(metric: Metric, values: Values, *, seed: int = 0, level: float = LEVEL) -> tuple[float, float] | None:
    """Return the interval of a figure; the same seed and values give the same one on every machine.

    >>> interval(Metric(lambda record: None), [0.0, 1.0] * 50)
    (0.4, 0.6)
    """
    return _interval(_resampled(metric, values, seed), level)


def difference(metric: Metric, before: Values, after: Values, *, seed: int = 0, level: float = LEVEL) -> Difference:
    """Compare a figure on the same questions, resampled together.

    Args:
        metric: How the figure is counted.
        before: A value a question.
        after: The same questions in the same order.
        seed: Of the resamples.
        level: Of the interval.

    >>> found = difference(Metric(lambda record: None), [0.0, 1.0, 0.5] * 20, [0.5, 1.0, 1.0] * 20)
    >>> round(found.value, 3), found.better, found.worse
    (0.333, True, False)
    """
    bounds = _interval(_resampled(metric, after, seed) - _resampled(metric, before, seed), level)
    low, high = bounds or (None, None)
    sign = {"higher": 1, "lower": -1, "": 0}[metric.better]
    sides = (low > 0) - (high < 0) if low is not None and high is not None else 0
    worse, better = sides * sign < 0, sides * sign > 0
    return Difference(pooled(metric, before), pooled(metric, after), low, high, worse, better)


def _interval(figures: Floats, level: float) -> tuple[float, float] | None:
    known = figures[~np.isnan(figures)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _resampled(metric: Metric, values: Values, seed: int) -> Floats:
    """Return ``(RESAMPLES,)`` figures, NaN where a resample has nothing to count."""
    if not any(value is not None for value in values):
        return np.full(RESAMPLES, np.nan)
    draws = _draws(len(values), seed)
    if metric.pool is mean:
        return _ratios(draws, [None if value is None else (value, 1.0) for value in values])
    if metric.pool is ratio:
        return _ratios(draws, values)
    return np.array(
        [pooled(metric, [values[place] for place in draw]) for block in draws for draw in block],
        np.float64,  # None becomes NaN
    )


def _draws(n: int, seed: int) -> Iterator[np.ndarray[Any, Any]]:
    """Yield ``(_BLOCK, n)`` places of questions, so that a large set does not fill the memory."""
    random = np.random.default_rng(seed)
    return (random.integers(0, n, (_BLOCK, n)) for _ in range(RESAMPLES // _BLOCK))


def _ratios(draws: Iterator[np.ndarray[Any, Any]], pairs: Values) -> Floats:
    parts = np.array([pair or (0.0, 0.0) for pair in pairs], np.float64)
    sums = np.concatenate([parts[block].sum(axis=1) for block in draws])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Floats = sums[:, 0] / sums[:, 1]
    return shares
