"""Runs of rows in one array: where each begins and ends."""

from typing import Any

import numpy as np

from index.vectors import Ints


def bounds(sizes: "np.ndarray[Any, Any]") -> Ints:
    """Return where runs of these sizes begin and end, one after the other: ``(n + 1,)``.

    >>> bounds(np.array([2, 0, 3])).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def numbers_between(starts: Ints, ends: Ints) -> Ints:
    """Return the numbers of all runs one after the other, each without its end.

    >>> numbers_between(np.array([5, 0]), np.array([7, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    places = bounds(ends - starts)
    return np.arange(places[-1]) + np.repeat(starts - places[:-1], ends - starts)
