"""What lies over the page until Gradio has built it."""

import asyncio
from typing import Any

from ui.asgi import respond
from ui.cover import covered
from ui.texts import DE

HTML = b'<!doctype html><html><head></head><body class="a"><p>Seite</p></body></html>'


async def _page(scope: Any, receive: Any, send: Any) -> None:
    packs = any(name == b"accept-encoding" for name, _ in scope["headers"])
    await respond(send, 200, b"packed" if packs else HTML, [(b"content-type", b"text/html")])


def response_to(path: str, method: str = "GET") -> tuple[dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "method": method, "headers": [(b"accept-encoding", b"gzip")]}
    asyncio.run(covered(_page, {"/de/": "de"})(scope, None, send))  # type: ignore[arg-type]
    return dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


def test_the_page_begins_with_its_cover() -> None:
    headers, body = response_to("/de/")
    before, after = HTML.split(b"<p>")
    assert body.startswith(before + b"<script>")
    assert body.endswith(b"</script><p>" + after)
    assert DE.chat_opening.removesuffix(" …").encode() in body
    assert headers[b"content-length"] == str(len(body)).encode()


def test_all_else_is_passed_on() -> None:
    assert response_to("/de/config")[1] == b"packed"
    assert response_to("/de/", "HEAD")[1] == b"packed"
