"""Serves the chat's page: to this machine by default, under its own name, with headers that let nothing else in."""

import errno
import logging
import os
import re
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from types import FrameType
from typing import TYPE_CHECKING

from index.errors import BelegError
from ui.asgi import ASGI, Receive, Scope, Send, bounded, header, respond, respond_detail
from ui.login import Login, behind_login
from ui.logs import log_as_json
from ui.settings import ServerSettings
from ui.texts import Language
from ui.theme import css, head, theme
from ui.users import Users

if TYPE_CHECKING:
    import fastapi
    import gradio as gr
    import uvicorn

    from ui.service import Service
    from ui.stopping import Stopping

MOST_BODY_BYTES = 512 * 1024
"""Of a question over HTTP, the conversation so far included."""
MOST_PAGE_BYTES = 4 * 1024 * 1024
"""What the page sends at most, but for uploads: a conversation of the browser's history."""
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

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0f766e"/>'
    '<path d="M12 8H8v16h4M20 8h4v16h-4M14 13l3-2v10" fill="none" stroke="#fff" stroke-width="2.5"/></svg>'
)


class ChatError(BelegError):
    """The chat cannot be served."""


def application(
    pages: "Mapping[Language, gr.Blocks] | None",
    host: str,
    *,
    router: "fastapi.APIRouter | None" = None,
    service: "Service | None" = None,
    language: Language = "de",
    part: Callable[[Sequence[str]], ASGI] | None = None,
) -> ASGI:
    """Return the application: behind the login where there is one, with our headers, under allowed names only.

    Args:
        pages: The page in each language of the interface, served at ``/de/`` and ``/en/``; ``None``: no page.
        host: Where it is served: on loopback it answers to this machine's names only, and those of the settings.
        router: What the pages ask for beside the conversation.
        service: Answers over HTTP; ``None``: nobody.
        language: Of the login page, and of the interface where neither the reader nor the browser says.
        part: Builds what ``unguarded`` does over some collections; needed where users see no others.

    Raises:
        ServerSettingsError: The login of the settings cannot be used.
    """
    served = unguarded(pages, router, service, language)
    settings = ServerSettings()
    if settings.has_login:
        key = settings.session_key.get_secret_value() if settings.session_key else ""
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
        password = settings.password.get_secret_value() if settings.password else ""
        if settings.users:
            from ui.by_user import ByUser

            served = ByUser(served, part, language)
        login = Login(
            Users(settings.users) if settings.users else password, language, session_key=key, metrics_token=token
        )
        served = behind_login(served, login)
    if service:
        served = service.stopping.guard(served)
    return guarded(served, allowed_names(host))


def unguarded(
    pages: "Mapping[Language, gr.Blocks] | None",
    router: "fastapi.APIRouter | None",
    service: "Service | None",
    language: Language,
) -> ASGI:
    """Return what ``application`` puts behind its guards."""
    import fastapi

    app = fastapi.FastAPI(title="beleg", version=version("beleg"), docs_url=None, redoc_url=None)
    if service:
        from ui.api import add_routes

        add_routes(app, service)
    if router:
        app.include_router(router)
    return bounded(with_pages(app, pages, language) if pages else app, most_bytes)


def allowed_names(host: str) -> Sequence[str]:
    """Return the only names under which to answer, of a server at that address; none: any.

    >>> allowed_names("127.0.0.1")[1], allowed_names("0.0.0.0")
    ('localhost', ())
    """
    own = ServerSettings().names
    return (*LOOPBACK, *own) if host in LOOPBACK else own


def most_bytes(path: str) -> int:
    """Return how large the body of a request may be; uploads bound their own.

    >>> most_bytes("/answer") < most_bytes("/de/gradio_api/queue/join"), most_bytes("/beleg/documents")
    (True, 0)
    """
    if path == "/beleg/documents":
        return 0
    return MOST_BODY_BYTES if path == "/answer" else MOST_PAGE_BYTES


def with_pages(app: "fastapi.FastAPI", pages: "Mapping[Language, gr.Blocks]", language: Language) -> ASGI:
    """Return the application with the page in each language, and what leads to the reader's."""
    import fastapi
    import gradio as gr
    from fastapi.responses import RedirectResponse

    from ui.cover import covered

    @app.get("/", include_in_schema=False)
    def choose(request: fastapi.Request) -> RedirectResponse:
        wanted = page_language(request.cookies.get("beleg_language", ""), request.headers, language)
        return RedirectResponse(f"/{wanted}/", 307, headers={"Cache-Control": "no-store"})

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> fastapi.Response:
        return fastapi.Response(ICON, media_type="image/svg+xml")

    for each, blocks in pages.items():
        app = gr.mount_gradio_app(
            app,
            blocks,
            path=f"/{each}",
            footer_links=[],
            run_history=False,
            show_error=False,
            max_file_size=1,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=theme(),
            css=css(),
            head=head(each),
        )
    return covered(app, {f"/{each}/": each for each in pages})


def page_language(chosen: str, headers: Mapping[str, str], otherwise: Language) -> Language:
    """Return the interface's language: the reader's choice, BELEG_INTERFACE_LANGUAGE, the browser's, or another.

    >>> page_language("", {"accept-language": "fr-FR,fr;q=0.9,en-GB;q=0.8,de;q=0.7"}, "de")
    'en'
    """
    wanted = [chosen, os.environ.get("BELEG_INTERFACE_LANGUAGE", "")]
    wanted += headers.get("accept-language", "").split(",")
    for name in wanted:
        if (short := name.strip()[:2].lower()) in ("de", "en"):
            return "de" if short == "de" else "en"
    return otherwise


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
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ChatError(f"port {port} on {host} is in use; take another: --port {port + 1}") from error
        reason = getattr(error, "strerror", None) or error
        raise ChatError(f"cannot listen on {host}, port {port} ({reason}); change --host or --port") from error
    # Inherited by every connection. asyncio does not set it where a listener is handed over, and each reply after a
    # connection's first then waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def announce(listener: socket.socket, on_ready: Callable[[str], None] | None, open_browser: bool) -> None:
    """Tell the page's URL, and open it where that is asked for."""
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    url = f"http://{name}:{port}"
    if on_ready:
        on_ready(url)
    if open_browser:
        threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()


def serve(app: ASGI, listener: socket.socket, stopping: "Stopping") -> None:
    """Serve until the process is interrupted, or is asked to end (SIGTERM) and has ended what runs."""
    _run(_server(app, stopping), listener)


def serve_when_built(
    build: Callable[[], ASGI], listener: socket.socket, language: Language, stopping: "Stopping"
) -> None:
    """Serve, as ``serve`` does, a page that says what it waits for, and what ``build`` returns once it is there.

    Raises:
        ChatError: The building failed; the log has the details.
    """
    from ui.opening import Opening

    failed = threading.Event()

    def end() -> None:
        failed.set()
        server.should_exit = True

    server = _server(Opening(build, allowed_names(listener.getsockname()[0]), language, end), stopping)
    _run(server, listener)
    if failed.is_set():
        raise ChatError("the chat cannot be built; the lines above say why")


def _server(app: ASGI, stopping: "Stopping") -> "uvicorn.Server":
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an open page's stream is cut: no error
            if sig == signal.SIGTERM and not stopping.begun:
                stopping.begin(lambda: super(Server, self).handle_exit(sig, frame))
            else:
                super().handle_exit(sig, frame)

    if ServerSettings().log == "json":
        log_as_json()
    # A client must not choose its address, by which failed logins are counted: only a proxy that is named may tell it.
    behind_proxy = bool(os.environ.get("FORWARDED_ALLOW_IPS"))
    return Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1, proxy_headers=behind_proxy))


def _run(server: "uvicorn.Server", listener: socket.socket) -> None:
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
