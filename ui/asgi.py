"""What a server and an application say to each other (ASGI), as far as our guards need it."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
_TOO_LARGE = "the body is larger than {most} bytes; ask with less"
Headers = list[tuple[bytes, bytes]]


def header(scope: Scope, name: str) -> str:
    """Return a header of a request, "" where it has none.

    >>> header({"headers": [(b"host", b"localhost")]}, "host")
    'localhost'
    """
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name.encode()), "")


async def respond(send: Send, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
    """Send a whole response that nobody keeps."""
    plain = [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*(headers or []), *plain]})
    await send({"type": "http.response.body", "body": body})


async def respond_detail(send: Send, status: int, detail: str, headers: Headers | None = None) -> None:
    """Send as JSON why a request is refused."""
    kind = (b"content-type", b"application/json")
    await respond(send, status, json.dumps({"detail": detail}).encode(), [kind, *(headers or [])])


def bounded(app: ASGI, most_of: Callable[[str], int]) -> ASGI:
    """Return the application that takes no larger body than so many bytes; 0: the path bounds its own.

    A body is read whole before the application is asked, so that who sends slowly holds nothing but a connection.
    """

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        most = most_of(scope["path"]) if scope["type"] == "http" else 0
        if not most or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await app(scope, receive, send)
            return
        if int(length if (length := header(scope, "content-length")).isdigit() else 0) > most:
            await respond_detail(send, 413, _TOO_LARGE.format(most=most))
            return
        body, more = b"", True
        while more and len(body) <= most:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.disconnect":
                return
            more = message.get("more_body", False)
        if len(body) > most:
            await respond_detail(send, 413, _TOO_LARGE.format(most=most))
            return
        messages = iter([{"type": "http.request", "body": body}])

        async def replayed() -> Scope:
            return next(messages, None) or await receive()

        await app(scope, replayed, send)

    return guard
