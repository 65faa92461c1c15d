"""What a browser sees from the first second on: a page that says the chat is being loaded, until the chat takes over.

To import Gradio takes seconds. The port answers meanwhile; the page holds one request open, which ends when the chat is
there, and loads it in its own place.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie

from ui.asgi import ASGI, Receive, Scope, Send, header, respond, respond_detail
from ui.cover import cover_html, quoted
from ui.server import ICON, guarded, page_language
from ui.texts import Language, texts

OPENED = "/opened"
"""Answers when the chat is there."""


class Opening:
    """The application while another is being built, and that one from then on.

    Args:
        build: Builds it, in a thread of its own.
        names: Under which it answers, as ``guarded`` takes them.
        language: Where neither the path, the reader nor the browser says.
        failed: Called when the building fails; the error is logged.
    """

    def __init__(
        self, build: Callable[[], ASGI], names: Sequence[str], language: Language, failed: Callable[[], None]
    ) -> None:
        self._build = build
        self._language = language
        self._failed = failed
        self._waiting = guarded(self._wait, names)
        self._app: ASGI | None = None
        self._opened = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or begin and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app and scope["path"] != OPENED:
            await self._app(scope, receive, send)
        else:
            await self._waiting(scope, receive, send)

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what can be answered already; a question from a page that was open before waits for the chat."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1013})
        elif scope["path"] == OPENED:
            await self._opened.wait()
            await respond(send, 204)
        elif scope["path"] == "/favicon.ico":
            await respond(send, 200, ICON.encode(), [(b"content-type", b"image/svg+xml")])
        elif scope["path"] == "/health":
            await respond(send, 200, b'{"alive":true}', [(b"content-type", b"application/json")])
        elif scope["method"] == "GET" and "text/html" in header(scope, "accept"):
            html = opening_html(_language(scope, self._language)).encode()
            await respond(send, 200, html, [(b"content-type", b"text/html; charset=utf-8")])
        elif scope["path"] == "/ready":
            await respond_detail(send, 503, "the chat is being loaded; ask again", [(b"retry-after", b"1")])
        else:
            await self._opened.wait()
            await self(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Begin at once; the application's own beginning and end come when it is there."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        ending = asyncio.Event()
        opening = asyncio.create_task(self._open(ending))
        await receive()
        ending.set()
        await asyncio.wait([opening], timeout=1)
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, ending: asyncio.Event) -> None:
        """Build the application, let it begin, serve it, and let it end."""

        async def told(message: Scope) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._app = app
                self._opened.set()

        async def built() -> ASGI:
            return self._build()

        try:
            app = await asyncio.to_thread(asyncio.run, built())  # Gradio leaves loops open where it finds none
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, life(ending), told)
        except Exception:
            logging.getLogger(__name__).exception("the chat cannot be built")
            self._app = _unbuilt
            self._opened.set()
            self._failed()


async def _unbuilt(scope: Scope, _: Receive, send: Send) -> None:
    """Answer who waited for what could not be built."""
    if scope["type"] == "http":
        await respond_detail(send, 503, "the chat cannot be built; the server's log says why")


def life(ending: asyncio.Event) -> Receive:
    """Return what tells an application to begin, and when it is time to end."""
    kinds = iter(("startup", "shutdown"))

    async def receive() -> Scope:
        kind = next(kinds)
        if kind == "shutdown":
            await ending.wait()
        return {"type": f"lifespan.{kind}"}

    return receive


def _language(scope: Scope, otherwise: Language) -> Language:
    """Return the language of the interface, as the chat itself chooses it."""
    for each in ("de", "en"):
        if scope["path"].startswith(f"/{each}/"):
            return "de" if each == "de" else "en"
    try:
        cookie = SimpleCookie(header(scope, "cookie")).get("beleg_language")
    except CookieError:
        cookie = None
    accepted = {"accept-language": header(scope, "accept-language")}
    return page_language(cookie.value if cookie else "", accepted, otherwise)


def opening_html(language: Language) -> str:
    """Return a page that looks like the chat's, says what it waits for, and makes room for the chat."""
    t = texts(language)
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>beleg</title>'
        "<style>body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; }</style>"
        '<noscript><meta http-equiv="refresh" content="2"></noscript></head><body>'
        '<script>document.body.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);'
        f'fetch("{OPENED}").then((opened) => opened.ok ? location.reload() : Promise.reject())'
        f'.catch(() => {{ document.querySelector(".beleg-note").textContent = {quoted(t.chat_failed)}; }});</script>'
        f"{cover_html(t)}</body></html>"
    )
