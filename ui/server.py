"""Serves the chat's page: to this machine by default, under its own name, with headers that let nothing else in."""

import errno
import logging
import re
import socket
import threading
import webbrowser
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from index.errors import BelegError
from ui.theme import CSS, theme

if TYPE_CHECKING:
    import gradio as gr

LOOPBACK = ("127.0.0.1", "localhost", "::1")
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


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


class ChatError(BelegError):
    """The chat cannot be served."""


def application(blocks: "gr.Blocks", host: str) -> ASGI:
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
        theme=theme(),
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


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything is loaded.

    Raises:
        ChatError: The port is in use, or the host is none of this machine's addresses.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ChatError(f"port {port} on {host} is in use; take another: --port {port + 1}") from error
        reason = getattr(error, "strerror", None) or error
        raise ChatError(f"cannot listen on {host}, port {port} ({reason}); change --host or --port") from error


def announce(listener: socket.socket, on_ready: Callable[[str], None] | None, open_browser: bool) -> None:
    """Tell the page's URL, and open it where that is asked for."""
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{name}:{port}"
    if on_ready:
        on_ready(url)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()


def serve(app: ASGI, listener: socket.socket) -> None:
    """Serve until the process is interrupted."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an open page's stream is cut: no error
            super().handle_exit(sig, frame)

    server = Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
