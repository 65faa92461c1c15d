"""The endurance run: a minute of it, and what it calls level."""

import pytest

from eval.endurance import Run, Sample, endure, verdict


def test_what_grows_is_not_level() -> None:
    steady = [Sample(n, 900.0, 50 + 40 * (n % 2), 12, 3.0) for n in range(30)]
    assert all(verdict(Run(samples=steady)).values())
    for name in ("memory", "files", "threads", "latency"):
        rising = [Sample(**{**vars(one), name: getattr(one, name) * (1 + n / 5)}) for n, one in enumerate(steady)]
        assert list(verdict(Run(samples=rising)).values()).count(False) == 1, name
    assert not verdict(Run(samples=steady, errors=["asking: lost"]))["no errors"]


@pytest.mark.slow
def test_a_minute_of_asking_adding_and_removing_has_no_error() -> None:
    run = endure(1.0)
    assert run.errors == []
    assert run.answers > 10
    assert run.changes > 3
    assert len(run.samples) == 60
