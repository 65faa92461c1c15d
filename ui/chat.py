"""The chat in the browser: one page, served to this machine only, that asks nothing of any other."""

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.errors import BelegError
from rag.assistant import EXTRACTIVE, Answer, Assistant, Event, Found
from rag.citations import Citation
from rag.writer import AnswerSentence
from ui.evidence import answer_html, escape, note_html, quotes_html, text_html
from ui.in_thread import in_thread
from ui.queue import BusyError, FairQueue, Waiting
from ui.server import announce, application, listen, serve
from ui.settings import ServerSettings
from ui.texts import EN, Language, Texts, texts
from ui.theme import SCROLL_JS

if TYPE_CHECKING:
    import gradio as gr

SAMPLE_DOCUMENT = "waic-2024-erklaerung-von-shanghai"
EXAMPLES = (
    "Wer stellte die Erklärung von Shanghai zur globalen Governance der KI vor?",
    "Worin unterscheidet sich eine AR-Brille von einer VR-Brille?",
    "Who laid the foundation stone of Cologne Cathedral in 1248?",
    "How many people visit Cologne Cathedral each year?",
)
"""Questions to the sample corpus; the last one has no answer in it."""

QUESTION_CHARACTERS = 2000
LOADING_SECONDS = 0.5
"""Between two looks at how far the loading is."""

_LANGUAGES: dict[str, Language | None] = {"auto": None, "de": "de", "en": "en"}

Message = dict[str, str]
Shown = tuple[Any, list[Message], "Turns"]
"""The values of the textbox, the chatbot and the state."""


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

    The page can be used while the models still load. ``on_ready`` is told its URL.

    Raises:
        ChatError: The port is in use, or the host is none of this machine's addresses.
        StoreError: There is no index in the folder, or it cannot be read.
    """
    from ui.api import Service

    with listen(host, port) as listener:
        loading = Loading(texts(language))
        assistant = Assistant.load(folder, interface=language, progress=loading.fetching)
        queue = FairQueue(ServerSettings().questions_at_once)
        page = build_chat(assistant, language, loading, queue)
        app = application(page, host, service=Service(assistant, queue, loading), language=language)
        loading.start(assistant)
        announce(listener, on_ready, open_browser)
        serve(app, listener)


# Loading


class Loading:
    """Loads in the background what the first question would wait for, and says what that is.

    >>> Loading(texts("en")).waits_for
    'The search model is being loaded …'
    """

    def __init__(self, interface: Texts) -> None:
        self.done = threading.Event()
        self.ready = False
        """Whether all is loaded."""
        self.outcome = ""
        """When done: the model's name, or why there is none."""
        self._texts = interface
        self._search_ready = False
        self._model = interface.chat_loading_model

    @property
    def waits_for(self) -> str:
        """What is being loaded, in words; empty when done."""
        if self.done.is_set():
            return ""
        return self._model if self._search_ready else self._texts.chat_loading_search

    def fetching(self, done: int, total: int) -> None:
        """Take note of a download's bytes."""
        self._model = self._texts.chat_fetching_model.format(done=done / 1e6, total=total / 1e6)
        if done >= total:
            self._model = self._texts.chat_loading_model

    def start(self, assistant: Assistant) -> None:
        """Load in a thread that ends with the process."""
        threading.Thread(target=self._load, args=[assistant], name="beleg-loading", daemon=True).start()

    def _load(self, assistant: Assistant) -> None:
        """Ask something of no document: that needs both models, and no time."""
        self.outcome = self._texts.chat_unexpected
        try:
            self._search_ready = assistant.index.embedder.dimension > 0
            answer = assistant.answer("Which documents are there?", documents=())
            self.outcome = self._texts.chat_extractive if answer.model == EXTRACTIVE else answer.model
            self.ready = True
        except BelegError as error:
            self.outcome = str(error)
        finally:
            self.done.set()


# The conversation


@dataclass(frozen=True)
class Turn:
    """A question and what has come of it: checked sentences, then the whole answer or the reason why there is none."""

    question: str
    sentences: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    answer: Answer | None = None
    doing: str = ""
    problem: str = ""


Turns = tuple[Turn, ...]


def follow(
    turn: Turn, events: Iterable[Event | Waiting], doing: Callable[[], str], interface: Texts = EN
) -> Iterator[Turn]:
    """Yield the turn after each event; an error that beleg raises becomes its last state.

    ``doing`` says what goes on after the search.
    """
    try:
        for event in events:
            turn = _after(turn, event, doing, interface)
            yield turn
    except BusyError as busy:
        yield replace(turn, doing="", problem=interface.chat_busy.format(seconds=busy.seconds))
    except BelegError as error:
        yield replace(turn, doing="", problem=str(error))


def _after(turn: Turn, event: Event | Waiting, doing: Callable[[], str], interface: Texts) -> Turn:
    match event:
        case Waiting(place):
            return replace(turn, doing=interface.chat_waiting.format(place=place))
        case Found():
            return replace(turn, doing=doing())
        case AnswerSentence(text, citations):
            return replace(turn, sentences=(*turn.sentences, text), citations=(*turn.citations, *citations))
        case Answer():
            return replace(turn, answer=event, doing="")


def messages(turns: Sequence[Turn], interface: Texts) -> list[Message]:
    """Return what ``gr.Chatbot`` shows, as HTML from escaped text."""
    shown: list[Message] = []
    for number, turn in enumerate(turns, start=1):
        shown.append({"role": "user", "content": f'<p class="beleg-text">{escape(turn.question)}</p>'})
        shown.append({"role": "assistant", "content": _turn_html(turn, number, interface)})
    return shown


def history(turns: Iterable[Turn]) -> list[tuple[str, str]]:
    """Return the finished turns as (question, answer)."""
    return [(turn.question, turn.answer.text) for turn in turns if turn.answer]


def _turn_html(turn: Turn, number: int, interface: Texts) -> str:
    if turn.answer:
        return answer_html(turn.answer, number, interface)
    return (
        text_html(" ".join(turn.sentences), turn.citations, number)
        + (note_html(turn.doing, "busy") if turn.doing else "")
        + (note_html(turn.problem, "error") if turn.problem else "")
        + quotes_html(turn.citations, number, interface)
    )


# The page


def build_chat(
    assistant: Assistant, language: Language, loading: Loading | None = None, queue: FairQueue | None = None
) -> "gr.Blocks":
    """Return the page.

    Args:
        assistant: Who is asked.
        language: Of the interface.
        loading: What the page waits for; ``None``: nothing.
        queue: Decides whose turn it is; ``None``: one of the page's own.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    page = _Page(assistant, language, loading, queue or FairQueue())
    with gr.Blocks(title="beleg", analytics_enabled=False, fill_height=True) as blocks:
        page.lay_out()
        page.connect(blocks)
    return blocks


class _Page:
    """The components of the page and what happens on it."""

    def __init__(self, assistant: Assistant, language: Language, loading: Loading | None, queue: FairQueue) -> None:
        self.assistant = assistant
        self.queue = queue
        self.interface = language
        self.texts = texts(language)
        self.loading = loading

    def lay_out(self) -> None:
        """Place the components, top to bottom."""
        import gradio as gr

        t = self.texts
        gr.HTML(f"<h1>beleg</h1><p>{escape(t.chat_lead)}</p>", elem_id="beleg-header", padding=False)
        self.status = gr.HTML(elem_id="beleg-status", padding=False)
        self.chatbot = gr.Chatbot(
            elem_id="beleg-chat",
            label="beleg",
            show_label=False,
            container=False,
            scale=1,
            layout="panel",
            autoscroll=False,
            buttons=[],
            feedback_options=None,
            latex_delimiters=[],
            allow_tags=False,
            sanitize_html=True,
            allow_file_downloads=False,
            **self._welcome(),
        )
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
        with gr.Row(elem_id="beleg-options"):
            languages = [(t.chat_automatic, "auto"), ("Deutsch", "de"), ("English", "en")]
            self.language = gr.Radio(languages, value="auto", label=t.chat_answer_in, elem_id="beleg-language")
            self.clear = gr.Button(t.chat_clear, size="sm", elem_id="beleg-clear")
        self.turns: Any = gr.State(())

    def connect(self, blocks: "gr.Blocks") -> None:
        """Say what follows on what; none of it is an API."""
        import gradio as gr

        async def ask(question: str, language: str, turns: Turns, request: gr.Request) -> AsyncIterator[Shown]:
            async for shown in self.ask(question, language, turns, _client(request)):
                yield shown

        async def ask_example(
            language: str, turns: Turns, event: gr.SelectData, request: gr.Request
        ) -> AsyncIterator[Shown]:
            async for shown in self.ask(event.value["text"], language, turns, _client(request)):
                yield shown

        shown = [self.question, self.chatbot, self.turns]
        asked = [self.language, self.turns]
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        asking = [
            self.question.submit(ask, [self.question, *asked], shown, concurrency_limit=None, **quiet),
            self.chatbot.example_select(ask_example, asked, shown, concurrency_limit=None, **quiet),
        ]
        self.question.stop(self.stopped, self.turns, shown, cancels=asking, **quiet)
        self.clear.click(self.cleared, None, shown, cancels=asking, **quiet)
        self.chatbot.change(None, js=SCROLL_JS)
        blocks.load(None, js=f"() => {{ document.documentElement.lang = '{self.interface}' }}")
        blocks.load(self.welcome, None, self.chatbot, **quiet)
        blocks.load(self.report, None, self.status, concurrency_limit=None, **quiet)

    # What happens

    async def ask(self, question: str, language: str, turns: Turns, client: str) -> AsyncIterator[Shown]:
        """Show the place in the queue, then the answer as it grows."""
        turn = Turn(question.strip(), doing=self._waits_for() or self.texts.chat_searching)
        if not turn.question:
            return
        yield self._shown((*turns, turn), question="")
        left = threading.Event()

        def start() -> Iterator[Event]:
            return self.assistant.stream(
                question.strip(), language=_LANGUAGES[language], history=history(turns), stopped=left.is_set
            )

        events = self.queue.stream(client, start)
        growing = follow(turn, events, lambda: self._waits_for() or self.texts.chat_writing, self.texts)
        async for turn in in_thread(growing, left):
            yield self._shown((*turns, turn))
        if turn.doing:
            yield self._shown(_ended((*turns, turn), self.texts.chat_unexpected))

    def stopped(self, turns: Turns) -> Shown:
        """Keep what was there when the reader had enough."""
        return self._shown(_ended(turns, self.texts.chat_stopped))

    def cleared(self) -> Shown:
        """Begin anew."""
        return self._shown(())

    def welcome(self) -> Any:
        """Show on an empty page what can be asked, or how to add documents."""
        import gradio as gr

        return gr.Chatbot(**self._welcome())

    def report(self) -> Iterator[str]:
        """Say what is being loaded until all is, then what there is to ask."""
        while self.loading and (waits_for := self.loading.waits_for):
            yield note_html(waits_for, "busy")
            self.loading.done.wait(LOADING_SECONDS)
        yield note_html(self._inventory())

    def _waits_for(self) -> str:
        return self.loading.waits_for if self.loading else ""

    def _inventory(self) -> str:
        count = len(self.assistant.index)
        documents = self.texts.chat_one_document if count == 1 else self.texts.chat_documents.format(documents=count)
        return " · ".join(part for part in (documents, self.loading.outcome if self.loading else "") if part)

    def _welcome(self) -> dict[str, Any]:
        t = self.texts
        if not len(self.assistant.index):
            command = f"beleg index add {t.chat_add_path} --index {self.assistant.index.folder}"
            return {"placeholder": _welcome_html(f"<p>{escape(t.chat_empty)}</p><pre>{escape(command)}</pre>")}
        if SAMPLE_DOCUMENT not in self.assistant.index:
            return {"placeholder": _welcome_html(f"<h2>{escape(t.chat_welcome)}</h2>")}
        return {
            "placeholder": _welcome_html(f"<h2>{escape(t.chat_welcome)}</h2><p>{escape(t.chat_examples)}</p>"),
            "examples": [{"text": question} for question in EXAMPLES],
        }

    def _shown(self, turns: Turns, question: str | None = None) -> Shown:
        """Return textbox, messages and state; while an answer grows, the textbox offers to stop it.

        ``question`` replaces what stands in the textbox; ``None``: keep it, somebody may be typing.
        """
        import gradio as gr

        busy = bool(turns and turns[-1].doing)
        buttons = {"submit_btn": not busy and self.texts.chat_send, "stop_btn": busy and self.texts.chat_stop}
        textbox = gr.Textbox(**buttons) if question is None else gr.Textbox(question, **buttons)
        return textbox, messages(turns, self.texts), turns


def _client(request: "gr.Request") -> str:
    """Return whose turn a question takes: the logged-in session's, else the page's."""
    return str(request.request.scope.get("beleg.client") or request.session_hash)


def _welcome_html(content: str) -> str:
    return f'<div class="beleg-welcome">{content}</div>'


def _ended(turns: Turns, problem: str) -> Turns:
    """Close the last turn where it is still growing."""
    if turns and turns[-1].doing:
        return (*turns[:-1], replace(turns[-1], doing="", problem=problem))
    return turns
