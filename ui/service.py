"""Who is asked: the assistant, the queue before it, what is loaded for it, and who watches it."""

import copy
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from index.part import Part
from index.store import StoreError
from rag.assistant import Assistant, Event
from ui.loading import Loading
from ui.metrics import Metrics
from ui.observation import Observation, Observed
from ui.queue import FairQueue, Waiting
from ui.settings import ServerSettings
from ui.stopping import Stopping
from ui.texts import Language
from ui.tracing import tracing


class Service:
    """What the page and the HTTP routes share.

    Args:
        assistant: Answers.
        queue: Decides whose turn it is.
        loading: What must be loaded before the first answer.
        listeners: Told of each question that has ended.
    """

    def __init__(
        self, assistant: Assistant, queue: FairQueue, loading: Loading, *listeners: Callable[[Observed], None]
    ) -> None:
        self.assistant = assistant
        self.queue = queue
        self.loading = loading
        self.stopping = Stopping(ServerSettings().stop_seconds)
        self.metrics = Metrics(queue, self.is_ready)
        self.observation = Observation(self.metrics.count, *listeners)

    @classmethod
    def load(cls, folder: str | Path | None, language: Language) -> "Service":
        """Return a service over an index (default: ``BELEG_INDEX``), whose models are still to be loaded."""
        loading = Loading()
        traces = tracing()
        assistant = Assistant.load(folder, interface=language, progress=loading.fetching)
        listeners = [traces] if traces else []
        return cls(assistant, FairQueue(ServerSettings().questions_at_once), loading, *listeners)

    def over(self, collections: Sequence[str]) -> "Service":
        """Return the same service over some collections of its index; queue, models and figures are the same."""
        part = copy.copy(self)
        part.assistant = self.assistant.over(Part(self.assistant.index, collections))
        return part

    def is_ready(self) -> bool:
        """Whether questions are answered: the models are loaded, the index can be read, and the server stays."""
        try:
            return self.loading.ready and not self.stopping.begun and len(self.assistant.index) >= 0
        except StoreError:
            return False

    def stream(self, client: str, start: Callable[[], Iterator[Event]]) -> Generator[Event | Waiting, None, None]:
        """Yield the events of an answer, which begins when it is the client's turn."""
        return self.observation.watch(self.queue.stream(client, start))
