"""The chat in the browser: one page, served to this machine only, that asks nothing of any other."""

import asyncio
import errno
import logging
import os
import re
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from index.errors import BelegError
from rag.assistant import EXTRACTIVE, Answer, Assistant, Event, Found
from rag.citations import Citation
from rag.writer import AnswerSentence
from ui.evidence import answer_html, escape, note_html, quotes_html, text_html
from ui.texts import Language, Texts, texts

if TYPE_CHECKING:
    import gradio as gr

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAMPLE_DOCUMENT = "waic-2024-erklaerung-von-shanghai"
EXAMPLES = (
    "Wer stellte die Erklärung von Shanghai zur globalen Governance der KI vor?",
    "Worin unterscheidet sich eine AR-Brille von einer VR-Brille?",
    "Who laid the foundation stone of Cologne Cathedral in 1248?",
    "How many people visit Cologne Cathedral each year?",
)
"""Questions to the sample corpus; the last one has no answer in it."""

SECURITY_HEADERS = {
    # Gradio's page has inline scripts and styles, and compiles templates.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

QUESTION_CHARACTERS = 2000
LOADING_SECONDS = 0.5
"""Between two looks at how far the loading is."""

T = TypeVar("T")

_LANGUAGES: dict[str, Language | None] = {"auto": None, "de": "de", "en": "en"}

Message = dict[str, str]
Shown = tuple[Any, list[Message], "Turns"]
"""The values of the textbox, the chatbot and the state."""
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


class ChatError(BelegError):
    """The chat cannot be served."""


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
    with _listen(host, port) as listener:
        loading = Loading(texts(language))
        assistant = Assistant.load(folder, interface=language, progress=loading.fetching)
        app = _app(build_chat(assistant, language, loading), host)
        loading.start(assistant)
        _announce(listener, on_ready, open_browser)
        _serve(app, listener)


# Loading


class Loading:
    """Loads in the background what the first question would wait for, and says what that is.

    >>> Loading(texts("en")).waits_for
    'The search model is being loaded …'
    """

    def __init__(self, interface: Texts) -> None:
        self.done = threading.Event()
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


def follow(turn: Turn, events: Iterable[Event], doing: Callable[[], str]) -> Iterator[Turn]:
    """Yield the turn after each event; an error that beleg raises becomes its last state.

    ``doing`` says what goes on after the search.
    """
    try:
        for event in events:
            turn = _after(turn, event, doing)
            yield turn
    except BelegError as error:
        yield replace(turn, doing="", problem=str(error))


def _after(turn: Turn, event: Event, doing: Callable[[], str]) -> Turn:
    match event:
        case Found():
            return replace(turn, doing=doing())
        case AnswerSentence(text, citations):
            return replace(turn, sentences=(*turn.sentences, text), citations=(*turn.citations, *citations))
        case Answer():
            return replace(turn, answer=event, doing="")


async def in_thread(items: Iterator[T]) -> AsyncIterator[T]:
    """Yield what a blocking iterator yields; who leaves early need not wait for the item that it is at.

    An error which nobody foresaw is logged and ends the items.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[list[T]] = asyncio.Queue()
    left = threading.Event()

    def tell(item: list[T]) -> None:
        with suppress(RuntimeError):  # the server has ended before
            loop.call_soon_threadsafe(found.put_nowait, item)

    def read() -> None:
        try:
            for item in items:
                if left.is_set():
                    break
                tell([item])
        except Exception:
            logging.getLogger(__name__).exception("an answer failed")
        tell([])

    threading.Thread(target=read, name="beleg-answer", daemon=True).start()
    try:
        while item := await found.get():
            yield item[0]
    finally:
        left.set()


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


def build_chat(assistant: Assistant, language: Language, loading: Loading | None = None) -> "gr.Blocks":
    """Return the page.

    Args:
        assistant: Who is asked.
        language: Of the interface.
        loading: What the page waits for; ``None``: nothing.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    page = _Page(assistant, language, loading)
    with gr.Blocks(title="beleg", analytics_enabled=False, fill_height=True) as blocks:
        page.lay_out()
        page.connect(blocks)
    return blocks


class _Page:
    """The components of the page and what happens on it."""

    def __init__(self, assistant: Assistant, language: Language, loading: Loading | None) -> None:
        self.assistant = assistant
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

        async def ask_example(language: str, turns: Turns, event: gr.SelectData) -> AsyncIterator[Shown]:
            async for shown in self.ask(event.value["text"], language, turns):
                yield shown

        shown = [self.question, self.chatbot, self.turns]
        asked = [self.language, self.turns]
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        asking = [
            self.question.submit(self.ask, [self.question, *asked], shown, concurrency_limit=4, **quiet),
            self.chatbot.example_select(ask_example, asked, shown, concurrency_limit=4, **quiet),
        ]
        self.question.stop(self.stopped, self.turns, shown, cancels=asking, **quiet)
        self.clear.click(self.cleared, None, shown, cancels=asking, **quiet)
        self.chatbot.change(None, js=SCROLL_JS)
        blocks.load(None, js=f"() => {{ document.documentElement.lang = '{self.interface}' }}")
        blocks.load(self.welcome, None, self.chatbot, **quiet)
        blocks.load(self.report, None, self.status, concurrency_limit=None, **quiet)

    # What happens

    async def ask(self, question: str, language: str, turns: Turns) -> AsyncIterator[Shown]:
        """Show the answer as it grows."""
        turn = Turn(question.strip(), doing=self._waits_for() or self.texts.chat_searching)
        if not turn.question:
            return
        yield self._shown((*turns, turn), question="")
        events = self.assistant.stream(turn.question, language=_LANGUAGES[language], history=history(turns))
        growing = follow(turn, events, lambda: self._waits_for() or self.texts.chat_writing)
        async for turn in in_thread(growing):
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


def _welcome_html(content: str) -> str:
    return f'<div class="beleg-welcome">{content}</div>'


def _ended(turns: Turns, problem: str) -> Turns:
    """Close the last turn where it is still growing."""
    if turns and turns[-1].doing:
        return (*turns[:-1], replace(turns[-1], doing="", problem=problem))
    return turns


# Serving


def _app(blocks: "gr.Blocks", host: str) -> ASGI:
    """Return the page as an application that answers to this machine's names only, and sends our headers."""
    import fastapi
    import gradio as gr

    app = gr.mount_gradio_app(
        fastapi.FastAPI(openapi_url=None),
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=_theme(),
        css=CSS,
    )
    return guarded(app, LOOPBACK if host in LOOPBACK else ())


def guarded(app: ASGI, names: Sequence[str]) -> ASGI:
    """Return the application with our headers on every response.

    Args:
        app: What is guarded.
        names: The only names under which it answers, so that no other site can have its own name resolve to this
            machine and read along (DNS rebinding); none: under any name.
    """

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Scope) -> None:
            if message["type"] == "http.response.start":
                ours = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *ours]
            await send(message)

        if scope["type"] == "http" and names and _host_name(scope) not in names:
            await _refuse(send_with_headers)
        else:
            await app(scope, receive, send_with_headers)

    return guard


def _host_name(scope: Scope) -> str:
    """Return the name in the ``Host`` header, without port and brackets."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return re.sub(r":\d+$", "", host).strip("[]").lower()


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"unknown host name; start the chat with --host to allow it"})


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ChatError(f"port {port} on {host} is in use; take another: --port {port + 1}") from error
        reason = getattr(error, "strerror", None) or error
        raise ChatError(f"cannot listen on {host}, port {port} ({reason}); change --host or --port") from error


def _announce(listener: socket.socket, on_ready: Callable[[str], None] | None, open_browser: bool) -> None:
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{name}:{port}"
    if on_ready:
        on_ready(url)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()


def _serve(app: ASGI, listener: socket.socket) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an open page's stream is cut: no error
            super().handle_exit(sig, frame)

    server = Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


# Looks


def _theme() -> Any:
    """Return a calm theme; fonts of the system, so that none is fetched."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


CSS = """
.gradio-container { --quiet: #55606f; --chip: #ccfbf1; --chip-text: #115e59; --wrong: #b91c1c; }
.dark .gradio-container, .gradio-container.dark { --quiet: #a7b3c2; --chip: #134e4a; --chip-text: #99f6e4;
  --wrong: #fca5a5; }
.gradio-container .main.fillable { padding: 0 !important; max-width: none; }
.gradio-container main { width: 100% !important; max-width: 52rem !important; min-width: 0; box-sizing: border-box;
  margin: 0 auto !important; padding: 1.25rem 1rem 1rem !important; }
.gradio-container main .column { gap: .75rem; }

#beleg-header .html-container, #beleg-status .html-container { padding: 0 .25rem; }
#beleg-header h1 { font-size: 1.4rem; font-weight: 650; margin: 0; }
#beleg-header p { color: var(--quiet); margin: 0; }
#beleg-status { min-height: 1.5rem; }
#beleg-status .beleg-note { margin: 0; }

#beleg-chat { background: none; border: 0; border-block: 1px solid var(--border-color-primary); border-radius: 0;
  min-height: 14rem; }
#beleg-chat .top-panel { display: none; }
#beleg-chat .message, #beleg-chat .prose { background: none; opacity: 1 !important; border: 0; padding: 0 !important; }
#beleg-chat .flex-wrap { margin: 0; padding: 0 !important; }
#beleg-chat .message-row { padding: .75rem .25rem; background: none; }
#beleg-chat .user-row .beleg-text { font-weight: 600; }
#beleg-chat .bot-row { padding-top: 0; padding-bottom: 1.25rem; border-bottom: 1px solid var(--border-color-primary); }
#beleg-chat .bot-row:last-child { border-bottom: 0; }
#beleg-chat .examples { grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); max-width: 44rem;
  width: 100%; box-sizing: border-box; margin: 0 auto; }
.beleg-welcome { text-align: center; padding-top: 1.5rem; }
.beleg-welcome pre { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; }

#beleg-question { border: 0; background: none; }
#beleg-question .input-container { border: 1px solid var(--border-color-primary); border-radius: .75rem;
  padding: .3rem; align-items: end; }
#beleg-question textarea { border: 0; box-shadow: none; font-size: 1rem; background: none; }
#beleg-question .input-container:focus-within { border-color: var(--color-accent); }
#beleg-question button { border-radius: .5rem; padding: .35rem .9rem; font-weight: 600; height: auto;
  background: #0f766e; color: #fff; }

#beleg-options { align-items: center; justify-content: space-between; gap: .5rem; }
#beleg-options > .form { flex: 0 1 auto !important; border: 0; min-width: 0 !important; background: none; }
#beleg-language { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem .75rem; padding: 0; border: 0;
  background: none; }
#beleg-language span { margin: 0; font-size: .9rem; color: inherit; }
#beleg-language .wrap { gap: .25rem .75rem; }
#beleg-language label { border: 0; padding: .25rem 0; background: none; box-shadow: none; gap: .35rem; }
#beleg-clear { flex: 0 0 auto; min-width: 0; }

.beleg-text { line-height: 1.6; margin: 0 !important; overflow-wrap: anywhere; white-space: pre-line; }
.beleg-marker { font-size: .8em; font-weight: 600; padding: .05em .45em; border-radius: .35em; vertical-align: .1em;
  text-decoration: none !important; background: var(--chip); color: var(--chip-text) !important; }
.beleg-note { font-size: .875rem; margin: .4rem 0 0 !important; color: var(--quiet); overflow-wrap: anywhere; }
.beleg-error { color: var(--wrong); }
.beleg-busy { animation: beleg-pulse 1.6s ease-in-out infinite; }
@keyframes beleg-pulse { 50% { opacity: .5; } }
.beleg-quotes { margin-top: .9rem; display: grid; gap: .5rem; }
.beleg-quotes p { margin: 0 !important; }
.beleg-head { font-weight: 600; font-size: .875rem; color: var(--quiet); }
.beleg-quote { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: .75rem; align-items: start;
  padding: .6rem .75rem; border-radius: .5rem; border: 1px solid var(--border-color-primary);
  background: var(--background-fill-secondary); scroll-margin: 1rem; }
.beleg-quote > * { grid-column: 2; unicode-bidi: isolate; overflow-wrap: anywhere; }
.beleg-quote:target { border-color: var(--color-accent); box-shadow: 0 0 0 1px var(--color-accent); }
.beleg-number { grid-area: 1 / 1; font-size: .8em; font-weight: 600; padding: .05em .45em; border-radius: .35em;
  margin-top: .25em; background: var(--chip); color: var(--chip-text); }
.beleg-quote blockquote { margin: 0 !important; padding: 0 !important; border: 0 !important; line-height: 1.5;
  color: inherit; font-style: normal; }
.beleg-quote .beleg-title { font-size: .875rem; font-weight: 600; margin-top: .35rem !important; }
.beleg-source { font-size: .8rem; color: var(--quiet); white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis; }
.beleg-source:hover, .beleg-source:focus { white-space: normal; }
@media (prefers-reduced-motion: reduce) { .beleg-busy { animation: none; } }
@media (max-width: 480px) { .gradio-container main { padding: .6rem !important; } .beleg-quote { padding: .5rem; }
  #beleg-language, #beleg-language .wrap { gap: .25rem .5rem; } #beleg-language span { font-size: .8rem; } }
"""

# Keeps the last question at the top of its frame, so that its answer and not the end of its quotes is seen.
SCROLL_JS = """() => setTimeout(() => {
  const last = [...document.querySelectorAll("#beleg-chat .user-row")].pop();
  const frame = document.querySelector("#beleg-chat [role=log]");
  if (last && frame) frame.scrollTop += last.getBoundingClientRect().top - frame.getBoundingClientRect().top;
}, 50)"""
