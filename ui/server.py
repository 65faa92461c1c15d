"""Serves the chat's page: to this machine by default, under its own name, with headers that let nothing else in."""

import errno
import logging
import os
import re
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from types import FrameType
from typing import TYPE_CHECKING

from index.errors import BelegError
from ui.asgi import ASGI, Receive, Scope, Send, bounded, header, respond, respond_detail
from ui.login import Login, behind_login
from ui.settings import ServerSettings
from ui.texts import Language
from ui.theme import CSS, theme

if TYPE_CHECKING:
    import fastapi
    import gradio as gr

    from ui.api import Service

MOST_BODY_BYTES = 512 * 1024
"""Of a question over HTTP, the conversation so far included."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECURITY_HEADERS = {
    # Gradio's page has inline scripts and styles, and compiles templates.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class ChatError(BelegError):
    """The chat cannot be served."""


def application(
    blocks: "gr.Blocks | None", host: str, *, service: "Service | None" = None, language: Language = "de"
) -> ASGI:
    """Return the application: behind the login where a password is set, with our headers, under allowed names only.

    Args:
        blocks: The page; ``None``: none.
        host: Where it is served: on loopback it answers to this machine's names only.
        service: Answers over HTTP; ``None``: nobody.
        language: Of the login page.
    """
    import fastapi

    app = fastapi.FastAPI(title="beleg", version=version("beleg"), docs_url=None, redoc_url=None)
    if service:
        from ui.api import add_routes

        add_routes(app, service)
    served = bounded(with_page(app, blocks) if blocks else app, "/answer", MOST_BODY_BYTES)
    password = ServerSettings().password
    if password:
        served = behind_login(served, Login(password.get_secret_value(), language))
    return guarded(served, LOOPBACK if host in LOOPBACK else ())


def with_page(app: "fastapi.FastAPI", blocks: "gr.Blocks") -> ASGI:
    """Return the application with the page at its root."""
    import gradio as gr

    mounted: ASGI = gr.mount_gradio_app(
        app,
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
    return mounted


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
            await respond(send_with_headers, 421, _UNKNOWN_HOST, [(b"content-type", b"text/plain")])
        elif scope["type"] == "http" and _is_from_elsewhere(scope):
            await respond_detail(send_with_headers, 403, _FROM_ELSEWHERE)
        else:
            await app(scope, receive, send_with_headers)

    return guard


def _host_name(scope: Scope) -> str:
    """Return the name in the ``Host`` header, without port and brackets."""
    return re.sub(r":\d+$", "", header(scope, "host")).strip("[]").lower()


def _is_from_elsewhere(scope: Scope) -> bool:
    """Whether another site's page sends a request that may change something or cost work."""
    origin = header(scope, "origin")
    reads = scope.get("method") in {"GET", "HEAD", "OPTIONS"}
    return bool(origin) and not reads and origin.partition("//")[2].lower() != header(scope, "host").lower()


_UNKNOWN_HOST = b"unknown host name; start the chat with --host to allow it"
_FROM_ELSEWHERE = "a page of another site sent this request; behind a proxy, have it pass on the Host header"


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

    # A client must not choose its address, by which failed logins are counted: only a proxy that is named may tell it.
    behind_proxy = bool(os.environ.get("FORWARDED_ALLOW_IPS"))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, proxy_headers=behind_proxy)
    server = Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
