"""Many values -> one: means and percentiles, of scores, seconds and tokens alike."""

import math
from collections.abc import Iterable


def mean(values: Iterable[float]) -> float | None:
    """Arithmetic mean, and None where there is nothing to count.

    >>> mean([True, False, False, True]), mean([])
    (0.5, None)
    """
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def percentile(values: Iterable[float], q: float) -> float | None:
    """The value that a share of q percent does not exceed, linear between neighbours; None where there is none.

    With the n values sorted and ``h = (n - 1) * q / 100``: ``v[⌊h⌋] + (h - ⌊h⌋) * (v[⌊h⌋ + 1] - v[⌊h⌋])``.
    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 7.

    >>> percentile([4.0, 1.0, 2.0], 50), percentile([4.0, 1.0, 2.0], 75), percentile([], 50)
    (2.0, 3.0, None)
    """
    ordered = sorted(values)
    if not ordered:
        return None
    position = (len(ordered) - 1) * q / 100
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
