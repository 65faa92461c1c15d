"""The chat in the browser: one page, served to this machine only, that asks nothing of any other."""

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.assistant import QUESTION_CHARACTERS, Assistant, Event
from ui.asgi import ASGI
from ui.conversation import ConversationError, Turn, Turns, ended, follow, history, restored
from ui.evidence import note_html
from ui.frame import bar_html, header_html, pane_html, turn_html, welcome_html
from ui.in_thread import in_thread
from ui.loading import Loading
from ui.observation import Observation
from ui.queue import FairQueue
from ui.routes import routes
from ui.server import announce, application, listen, serve_when_built, unguarded
from ui.service import Service
from ui.settings import ServerSettings
from ui.texts import Language, texts

if TYPE_CHECKING:
    import gradio as gr

LOADING_SECONDS = 0.5
"""Between two looks at how far the loading is."""
_PAGE_FIRST = 1.0
"""Seconds that the first page has the processor to itself, before the models are loaded."""

_LANGUAGES: dict[Any, Language | None] = {"de": "de", "en": "en"}

Shown = tuple[Any, Any, str, Turns]
"""The values of the textbox, the finished turns, the growing turn, and the state."""


def launch_chat(
    folder: str | Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    language: Language,
    open_browser: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the chat over an index (default: ``BELEG_INDEX``) until the process is interrupted.

    ``on_ready`` is told the URL, where at once something is to be seen. The page can be used while the models load.

    Raises:
        ChatError: The port is in use, or the host is none of this machine's addresses.
        StoreError: There is no index in the folder, or it cannot be read.
    """
    with listen(host, port) as listener:
        service = Service.load(folder, language)

        def build() -> ASGI:
            app = application(
                pages_of(service),
                host,
                router=routes(service.assistant.index),
                service=service,
                language=language,
                part=part,
            )
            service.loading.start(service.assistant, after=_PAGE_FIRST)
            return app

        def part(collections: Sequence[str]) -> ASGI:
            over = service.over(collections)
            return unguarded(pages_of(over), routes(over.assistant.index), over, language)

        announce(listener, on_ready, open_browser)
        serve_when_built(build, listener, language, service.stopping)


# The page


def pages_of(service: Service) -> "dict[Language, gr.Blocks]":
    """Return the page in each language of the interface."""
    return {
        each: build_chat(service.assistant, each, service.loading, service.queue, service.observation)
        for each in _LANGUAGES.values()
        if each
    }


def build_chat(
    assistant: Assistant,
    language: Language,
    loading: Loading | None = None,
    queue: FairQueue | None = None,
    observation: Observation | None = None,
) -> "gr.Blocks":
    """Return the page.

    Args:
        assistant: Who is asked.
        language: Of the interface.
        loading: What the page waits for; ``None``: nothing.
        queue: Decides whose turn it is; ``None``: one of the page's own.
        observation: Watches the answers; ``None``: nobody does.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    page = _Page(assistant, language, loading, queue or FairQueue(), observation or Observation())
    with gr.Blocks(title="beleg", analytics_enabled=False, fill_height=True) as blocks:
        page.lay_out()
        page.connect(blocks)
    return blocks


# What the page's script adds to a question: the answer's language, the documents to ask, which turn it replaces, and
# the conversation that it shows.
_WITH_CONTEXT = "(question, _, turns) => [question, window.beleg.context(question), turns]"
_GIVE_TRIGGER = "window.beleg.connect((data) => trigger('select', data));"


class _Page:
    """The components of the page and what happens on it."""

    def __init__(
        self,
        assistant: Assistant,
        language: Language,
        loading: Loading | None,
        queue: FairQueue,
        observation: Observation,
    ) -> None:
        self.assistant = assistant
        self.queue = queue
        self.observation = observation
        self.interface = language
        self.texts = texts(language)
        self.loading = loading

    def lay_out(self) -> None:
        """Place the components: head, conversation with its question, pane."""
        import gradio as gr

        t = self.texts
        plain = {"padding": False, "js_on_load": None}
        gr.HTML(header_html(t, log_out=ServerSettings().has_login), elem_id="beleg-header", **plain)
        with gr.Row(elem_id="beleg-panes"):
            with gr.Column(elem_id="beleg-conversation"):
                with gr.Column(elem_id="beleg-scroll"):
                    self.turns_html = gr.HTML(
                        self._turns_html(()), elem_id="beleg-turns", padding=False, js_on_load=_GIVE_TRIGGER
                    )
                    self.growing = gr.HTML(elem_id="beleg-growing", **plain)
                self.status = gr.HTML(elem_id="beleg-status", **plain)
                self.question = gr.Textbox(
                    elem_id="beleg-question",
                    label=t.chat_question,
                    show_label=False,
                    placeholder=t.chat_question,
                    container=False,
                    submit_btn=t.chat_send,
                    max_lines=6,
                    max_length=QUESTION_CHARACTERS,
                    autofocus=True,
                )
                gr.HTML(bar_html(t), elem_id="beleg-bar", **plain)
            with gr.Column(elem_id="beleg-pane"):
                gr.HTML(pane_html(t), elem_id="beleg-views", padding=False, js_on_load="window.beleg.start(element);")
        self.context: Any = gr.JSON(visible=False)
        self.turns: Any = gr.State(())

    def connect(self, blocks: "gr.Blocks") -> None:
        """Say what follows on what; none of it is an API."""
        import gradio as gr

        async def ask(question: str, context: Any, turns: Turns, request: gr.Request) -> AsyncIterator[Shown]:
            async for shown in self.ask(question, context, turns, _client(request)):
                yield shown

        def restore(event: gr.EventData) -> Shown:
            return self.restored(event._data)

        shown = [self.question, self.turns_html, self.growing, self.turns]
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        asked = [self.question, self.context, self.turns]
        asking = self.question.submit(ask, asked, shown, concurrency_limit=None, js=_WITH_CONTEXT, **quiet)
        self.question.stop(self.stopped, self.turns, shown, cancels=asking, **quiet)
        self.turns_html.select(restore, None, shown, cancels=asking, **quiet)
        blocks.load(self.report, None, self.status, concurrency_limit=None, **quiet)

    # What happens

    async def ask(self, question: str, context: Any, turns: Turns, client: str) -> AsyncIterator[Shown]:
        """Show the place in the queue, then the answer as it grows."""
        turn = Turn(question.strip(), doing=self._waits_for() or self.texts.chat_searching)
        if not turn.question:
            return
        context = context if isinstance(context, dict) else {}
        turns = _before(_known(turns, context.get("turns")), context.get("replace"))
        yield self._shown((*turns, turn), question="", finished=True)
        left = threading.Event()

        def start() -> Iterator[Event]:
            return self.assistant.stream(
                question.strip(),
                language=_LANGUAGES.get(context.get("language")),
                documents=_chosen(context.get("documents")),
                history=history(turns),
                stopped=left.is_set,
            )

        events = self.observation.watch(self.queue.stream(client, start))
        growing = follow(turn, events, lambda: self._waits_for() or self.texts.chat_writing, self.texts)
        async for turn in in_thread(growing, left):
            yield self._shown((*turns, turn))
        if turn.doing:
            yield self._shown(ended((*turns, turn), self.texts.chat_unexpected))

    def stopped(self, turns: Turns) -> Shown:
        """Keep what was there when the reader had enough."""
        return self._shown(ended(turns, self.texts.chat_stopped), finished=True)

    def restored(self, kept: Any) -> Shown:
        """Go on with a conversation that the browser kept; an empty one begins anew."""
        try:
            return self._shown(restored(kept.get("turns") if isinstance(kept, dict) else None), finished=True)
        except ConversationError:
            return self._shown((), finished=True)

    def report(self) -> Iterator[str]:
        """Say what is being loaded until all is, then who answers."""
        while self.loading and (waits_for := self.loading.waits_for(self.texts)):
            yield note_html(waits_for, "busy")
            self.loading.done.wait(LOADING_SECONDS)
        yield note_html(self._inventory())

    def _waits_for(self) -> str:
        return self.loading.waits_for(self.texts) if self.loading else ""

    def _inventory(self) -> str:
        count = len(self.assistant.index)
        documents = self.texts.chat_one_document if count == 1 else self.texts.chat_documents.format(documents=count)
        return " · ".join(
            part for part in (documents, self.loading.outcome(self.texts) if self.loading else "") if part
        )

    def _shown(self, turns: Turns, question: str | None = None, *, finished: bool = False) -> Shown:
        """Return textbox, turns and state; while an answer grows, the textbox offers to stop it.

        Args:
            turns: All.
            question: Replaces what stands in the textbox; ``None``: keep it, somebody may be typing.
            finished: Whether the finished turns are other ones than before; they are also where none grows.
        """
        import gradio as gr

        busy = bool(turns and turns[-1].doing)
        buttons = {"submit_btn": not busy and self.texts.chat_send, "stop_btn": busy and self.texts.chat_stop}
        textbox = gr.Textbox(**buttons) if question is None else gr.Textbox(question, **buttons)
        still = turns[:-1] if busy else turns
        growing = turn_html(turns[-1], len(turns), self.texts) if busy else ""
        return textbox, self._turns_html(still, busy=busy) if finished or not busy else gr.skip(), growing, turns

    def _turns_html(self, turns: Sequence[Turn], *, busy: bool = False) -> str:
        if not turns and not busy:
            return welcome_html(self.assistant.index, self.texts)
        return "".join(turn_html(turn, number, self.texts) for number, turn in enumerate(turns, start=1))


def _client(request: "gr.Request") -> str:
    """Return whose turn a question takes: the logged-in session's, else the page's."""
    return str(request.request.scope.get("beleg.client") or request.session_hash)


def _known(turns: Turns, shown: Any) -> Turns:
    """Return the conversation: what the page shows where this process knows less of it, for another may have ended.

    >>> _known((), [{"question": "Wann?", "problem": "Angehalten."}])[0].question, _known((Turn("a"),), [])[0].question
    ('Wann?', 'a')
    """
    if not isinstance(shown, list) or len(shown) <= len(turns):
        return turns
    with suppress(ConversationError):
        return restored(shown)
    return turns


def _before(turns: Turns, replaced: Any) -> Turns:
    """Return the turns before the one that is asked again, all where none is.

    >>> _before((Turn("a"), Turn("b")), 2), _before((Turn("a"),), None) == (Turn("a"),)
    ((Turn(question='a', sentences=(), citations=(), answer=None, doing='', problem=''),), True)
    """
    return turns[: replaced - 1] if isinstance(replaced, int) and 1 <= replaced <= len(turns) else turns


def _chosen(documents: Any) -> list[str] | None:
    """Return the ids that a question is limited to, None for no limit."""
    if not isinstance(documents, list) or not documents:
        return None
    return [str(document_id) for document_id in documents]
