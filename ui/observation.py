"""What the server tells of its questions: figures, spans and log lines, never a text of a question or of a document."""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from rag.assistant import Answer, Event
from rag.llm import LLMError
from rag.steps import Step, timed
from ui.queue import BusyError, Waiting

_log = logging.getLogger("beleg.answers")


@dataclass
class Observed:
    """One question, from its arrival to its end.

    Attributes:
        began: Nanoseconds since 1970, by the system's clock.
        outcome: The answer's status; ``refused``: no room in the queue; ``failed``; ``left``: nobody waited any more.
        model_failed: Whether the language model could not be asked, or broke off.
        waited: Seconds in the queue.
        seconds: In all.
        steps: In the order of their ends.
    """

    began: int = field(default_factory=time.time_ns)
    outcome: str = "left"
    model_failed: bool = False
    waited: float = 0.0
    seconds: float = 0.0
    steps: Sequence[Step] = ()

    def fields(self) -> dict[str, object]:
        """Return what a log line says."""
        busy: dict[str, float] = {}
        for step in self.steps:
            busy[step.name] = round(busy.get(step.name, 0.0) + step.seconds, 3)
        told = {"outcome": self.outcome, "seconds": round(self.seconds, 3), "waited": round(self.waited, 3)}
        return {**told, "steps": busy, "model_failed": self.model_failed}


class Observation:
    """Passes events on, and tells all listeners what became of the question.

    Args:
        listeners: Called when a question has ended, in the thread that answered it.
    """

    def __init__(self, *listeners: Callable[[Observed], None]) -> None:
        self._listeners = listeners

    def watch(self, events: Generator[Event | Waiting, None, None]) -> Generator[Event | Waiting, None, None]:
        """Yield the same events; who closes this closes them."""
        observed = Observed()
        started = time.perf_counter()
        with timed() as steps, closing(events):
            try:
                for event in events:
                    if isinstance(event, Waiting):
                        observed.waited = time.perf_counter() - started
                    if isinstance(event, Answer):
                        observed.outcome = event.status
                        observed.model_failed = event.status == "incomplete"
                    yield event
            except Exception as error:
                observed.outcome = "refused" if isinstance(error, BusyError) else "failed"
                observed.model_failed = isinstance(error, LLMError)
                raise
            finally:
                observed.seconds = time.perf_counter() - started
                observed.steps = tuple(steps)
                _log.info("question", extra={"fields": observed.fields()})
                self.tell(observed)

    def tell(self, observed: Observed) -> None:
        """Tell all listeners of a question that has ended."""
        for listener in self._listeners:
            listener(observed)
