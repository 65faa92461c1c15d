"""What is seen before the page is: its head and its panes, empty, and that it is being loaded.

Gradio builds the page in the browser. Until that is done nothing of ours would be there, and in between Gradio's own
sign of loading; so what is built is covered, from the first byte of the page on.
"""

import json
from collections.abc import Mapping

from ui.asgi import ASGI, Receive, Scope, Send
from ui.evidence import escape, note_html
from ui.frame import header_html
from ui.texts import Language, Texts, texts
from ui.theme import css

_SCRIPT = """
(() => {
  const over = document.createElement("div"), inside = document.createElement("div");
  over.id = "beleg-cover";
  over.style.cssText = "position: fixed; inset: 0; z-index: 100; font: 1rem/1.5 system-ui, sans-serif;";
  inside.innerHTML = COVER;
  inside.className = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "";
  over.attachShadow({ mode: "open" }).append(inside);  // so that neither page styles the other
  document.documentElement.append(over);
  const end = Date.now() + 20000, look = setInterval(() => {
    const panes = document.querySelector("#beleg-panes"), bar = document.querySelector(".beleg-options");
    const ready = panes && bar && getComputedStyle(panes).columnGap === "0px";  // it has the looks of our style sheet
    if (!ready && Date.now() < end) return;
    clearInterval(look);
    over.remove();
  }, 30);
})();
"""


def cover_html(t: Texts) -> str:
    """Return the cover with its style sheet."""
    waits = f'<div class="beleg-welcome"><h2>{escape(t.chat_welcome)}</h2>{note_html(t.chat_opening, "busy")}</div>'
    return (
        f'<style>{css()}</style><div class="gradio-container" role="status"><main>'
        f'<div id="beleg-header">{header_html(t, log_out=False)}</div><div id="beleg-panes">'
        f'<div id="beleg-conversation"><div id="beleg-scroll">{waits}</div></div><div id="beleg-pane"></div></div>'
        "</main></div>"
    )


def quoted(text: str) -> str:
    r"""Return a text as a string in a script.

    >>> quoted("</script>")
    '"\\u003c/script>"'
    """
    return json.dumps(text).replace("<", "\\u003c")


def covered(app: ASGI, pages: Mapping[str, Language]) -> ASGI:
    """Return the application whose pages, at these paths, begin with the cover."""
    scripts = {
        path: f"<script>{_SCRIPT.replace('COVER', quoted(cover_html(texts(language))))}</script>".encode()
        for path, language in pages.items()
    }

    async def cover(scope: Scope, receive: Receive, send: Send) -> None:
        script = scripts.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if script is None:
            await app(scope, receive, send)
        else:
            await app(_unpacked(scope), receive, _inserting(script, send))

    return cover


def _unpacked(scope: Scope) -> Scope:
    """Return the request without the wish for a compressed response."""
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]}


def _inserting(script: bytes, send: Send) -> Send:
    """Return what sends an HTML page with the script at the beginning of its body."""
    start: Scope = {}
    body = b""

    async def insert(message: Scope) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
            return
        body += message.get("body", b"")
        if message.get("more_body", False):
            return
        found = body.find(b"<body")
        if found >= 0:
            place = body.index(b">", found) + 1
            body = body[:place] + script + body[place:]
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})

    return insert
