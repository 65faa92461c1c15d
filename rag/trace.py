"""What happened on the way to an answer and stands not in it: the question searched for, what the model read and wrote.

An answer holds what was checked. Who wants to know why it failed listens from outside, as the evaluation does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exchange:
    """One request to the model: its last message, what was written; the tokens where the endpoint counts them."""

    prompt: str
    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass
class Trace:
    """What was heard.

    Attributes:
        search: The question as it was searched for: a follow-up goes with the one before it.
        exchanges: With the model, in their order; that which asks for probabilities alone has no text.
    """

    search: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


_trace: ContextVar[Trace | None] = ContextVar("beleg_trace", default=None)


@contextmanager
def traced() -> Iterator[Trace]:
    """Listen to what is answered in this block and thread.

    >>> with traced() as trace:
    ...     note_search("Wann war das?")
    >>> trace.search, listening()
    ('Wann war das?', False)
    """
    trace = Trace()
    token = _trace.set(trace)
    try:
        yield trace
    finally:
        _trace.reset(token)


def listening() -> bool:
    """Whether somebody listens."""
    return _trace.get() is not None


def note_search(question: str) -> None:
    """Tell who listens what is searched for."""
    if trace := _trace.get():
        trace.search = question


def note_exchange(exchange: Exchange) -> None:
    """Tell who listens what the model read and wrote."""
    if trace := _trace.get():
        trace.exchanges.append(exchange)
