"""The models are loaded in the background while the page can be used already."""

import threading
import time
from collections.abc import Callable

from index.errors import BelegError
from rag.assistant import EXTRACTIVE, Assistant
from ui.texts import Texts


class Loading:
    """Loads in the background what the first question would wait for, and says what that is.

    >>> from ui.texts import EN
    >>> Loading().waits_for(EN)
    'The search model is being loaded …'
    """

    def __init__(self) -> None:
        self.done = threading.Event()
        self.ready = False
        """Whether all is loaded."""
        self._outcome: Callable[[Texts], str] = lambda t: t.chat_unexpected
        self._search_ready = False
        self._fetched: tuple[int, int] | None = None

    def waits_for(self, t: Texts) -> str:
        """What is being loaded, in words; empty when done."""
        if self.done.is_set():
            return ""
        if not self._search_ready:
            return t.chat_loading_search
        if self._fetched:
            done, total = self._fetched
            return t.chat_fetching_model.format(done=done / 1e6, total=total / 1e6)
        return t.chat_loading_model

    def outcome(self, t: Texts) -> str:
        """When done: the model's name, or why there is none."""
        return self._outcome(t) if self.done.is_set() else ""

    def fetching(self, done: int, total: int) -> None:
        """Take note of a download's bytes."""
        self._fetched = (done, total) if done < total else None

    def start(self, assistant: Assistant, after: float = 0.0) -> None:
        """Load, from so many seconds on, in a thread that ends with the process."""
        threading.Thread(target=self._load, args=[assistant, after], name="beleg-loading", daemon=True).start()

    def _load(self, assistant: Assistant, after: float) -> None:
        """Ask something of no document: that needs both models, and no time."""
        time.sleep(after)
        try:
            self._search_ready = assistant.index.embedder.dimension > 0
            model = assistant.answer("Which documents are there?", documents=()).model
            self._outcome = lambda t: t.chat_extractive if model == EXTRACTIVE else model
            self.ready = True
        except BelegError as error:
            reason = str(error)
            self._outcome = lambda _: reason
        finally:
            self.done.set()
