"""How far a figure might be off for the questions drawn: bootstrap intervals over questions.

Source: Efron (1979), Bootstrap Methods: Another Look at the Jackknife; the percentile interval of Efron (1981). Two
systems are compared on the same resamples, as in Koehn (2004), Statistical Significance Tests for Machine Translation
Evaluation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from eval.measures import Metric, Pool, p50, p95, pooled, ratio
from eval.metrics import mean, refusal_f1

RESAMPLES = 2000
_BEYOND = 4
"""So many resamples lie beyond each bound of the widest interval, at least."""
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
    return _interval(_resampled(metric, values, seed, level), level)


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
    bounds = _interval(_resampled(metric, after, seed, level) - _resampled(metric, before, seed, level), level)
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


def _resampled(metric: Metric, values: Values, seed: int, level: float) -> Floats:
    """Return ``(resamples,)`` figures, NaN where a resample has nothing to count."""
    blocks = ceil(max(RESAMPLES, 2 * _BEYOND / (1 - level)) / _BLOCK)
    if not any(value is not None for value in values):
        return np.full(blocks * _BLOCK, np.nan)
    draws = _draws(len(values), blocks, seed)
    quick = _QUICK.get(metric.pool)
    if quick:
        width = 1 if metric.pool in (mean, p50, p95) else 2
        unknown = np.nan if width == 1 else [np.nan] * width
        known = np.array([unknown if value is None else value for value in values], np.float64)
        with np.errstate(invalid="ignore", divide="ignore"), catch_warnings():
            simplefilter("ignore", RuntimeWarning)  # of a resample with nothing to count
            return np.concatenate([quick(known.reshape(-1, width)[block]) for block in draws])
    return np.array(
        [pooled(metric, [values[place] for place in draw]) for block in draws for draw in block],
        np.float64,  # None becomes NaN
    )


def _draws(n: int, blocks: int, seed: int) -> Iterator[np.ndarray[Any, Any]]:
    """Yield ``(_BLOCK, n)`` places of questions, so that a large set does not fill the memory."""
    random = np.random.default_rng(seed)
    return (random.integers(0, n, (_BLOCK, n)) for _ in range(blocks))


# The pools of the tables once more, for many resamples at a time: from (resamples, questions, width) to (resamples,).


def _mean(values: Floats) -> Floats:
    means: Floats = np.nanmean(values[:, :, 0], axis=1)
    return means


def _ratio(values: Floats) -> Floats:
    sums = np.nansum(values, axis=1)
    shares: Floats = sums[:, 0] / sums[:, 1]
    return shares


def _refusal_f1(values: Floats) -> Floats:
    answerable, abstained = values[:, :, 0] == 1, values[:, :, 1] == 1
    unanswerable = (values[:, :, 0] == 0).sum(axis=1)
    found = (abstained & ~answerable).sum(axis=1)
    scores: Floats = np.where(unanswerable > 0, 2 * found / (unanswerable + abstained.sum(axis=1)), np.nan)
    return scores


def _percentile(q: float, values: Floats) -> Floats:
    times = values[:, :, 0]
    found: Floats = np.nanpercentile(times, q, axis=1) if np.isnan(times).any() else np.percentile(times, q, axis=1)
    return found


_QUICK: dict[Pool, Callable[[Floats], Floats]] = {
    mean: _mean,
    ratio: _ratio,
    refusal_f1: _refusal_f1,
    p50: partial(_percentile, 50),
    p95: partial(_percentile, 95),
}
