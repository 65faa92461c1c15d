"""How long steps took, where a stream of events begins in one context and ends in another."""

import contextvars
from collections.abc import Iterator

from rag.steps import step, timed


def test_a_stream_that_is_dropped_ends_wherever_that_is() -> None:
    def stream() -> Iterator[int]:
        with timed():
            yield 1

    events = stream()
    assert contextvars.copy_context().run(next, events) == 1
    events.close()  # raised a ValueError: the steps were listened to in another context
    with timed() as steps, step("language"):
        pass
    assert [one.name for one in steps] == ["language"]
