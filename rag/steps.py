"""How long each step of an answer took: for whoever listens from outside, without any text.

Times of steps overlap: the model is asked for more while a sentence is checked. ``seconds`` count the step alone.
"""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeVar

StepName = Literal["language", "retrieve", "evidence", "prompt", "llm", "check"]
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: Which.
        began: Nanoseconds since 1970, by the system's clock.
        ended: The same.
        seconds: That it worked, of the time between.
        failed: Whether an error ended it.
    """

    name: StepName
    began: int
    ended: int
    seconds: float
    failed: bool = False


_steps: ContextVar[list[Step] | None] = ContextVar("beleg_steps", default=None)


@contextmanager
def timed() -> Iterator[list[Step]]:
    """Listen to what is answered in this block and thread.

    >>> with timed() as steps:
    ...     with step("language"):
    ...         pass
    ...     list(step_through("llm", "ab"))
    ['a', 'b']
    >>> [step.name for step in steps]
    ['language', 'llm']
    """
    steps: list[Step] = []
    token = _steps.set(steps)
    try:
        yield steps
    finally:
        with suppress(ValueError):  # a stream that nobody reads any more may be ended where this was never set
            _steps.reset(token)


@contextmanager
def step(name: StepName) -> Iterator[None]:
    """Time a block that yields nothing to anybody."""
    clock = _Clock(name)
    try:
        with clock.running():
            yield
    finally:
        clock.stop()


def step_through(name: StepName, items: Iterable[T]) -> Iterator[T]:
    """Yield the items; the step takes the time until each of them is there, not what is done with it."""
    clock = _Clock(name)
    iterator = iter(items)
    try:
        while True:
            try:
                with clock.running():
                    item = next(iterator)
            except StopIteration:
                return
            yield item
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
        clock.stop()


class _Clock:
    """Adds up the time of one step, and tells it at its end."""

    def __init__(self, name: StepName) -> None:
        self._name = name
        self._began = time.time_ns()
        self._seconds = 0.0
        self._failed = False

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        except StopIteration:
            raise
        except Exception:
            self._failed = True
            raise
        finally:
            self._seconds += time.perf_counter() - started

    def stop(self) -> None:
        steps = _steps.get()
        if steps is not None:
            steps.append(Step(self._name, self._began, time.time_ns(), self._seconds, self._failed))
