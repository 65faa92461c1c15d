"""Runs of rows against Python's ranges."""

import numpy as np
import pytest

from index.ranges import bounds, numbers_between


@pytest.mark.parametrize("runs", [[], [range(5, 7)], [range(3), range(9, 9), range(1, 4)], [range(2, 2)] * 3])
def test_runs_are_those_of_ranges(runs: list[range]) -> None:
    starts, ends = (np.array([getattr(run, name) for run in runs], np.int64) for name in ("start", "stop"))
    assert numbers_between(starts, ends).tolist() == [number for run in runs for number in run]
    assert bounds(ends - starts).tolist() == [sum(map(len, runs[:n])) for n in range(len(runs) + 1)]
