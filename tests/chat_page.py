"""What the chat's page and its browser do, without a browser: open it, ask, begin anew where the connection is lost."""

import json
import time
import uuid
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2 as httpx

TRIES = 4
"""Of a question, as many as page.js makes."""


class LostError(Exception):
    """The connection was lost, or the server does not know of the question."""


class ChatPage:
    """One reader's page: keeps cookies and the conversation; ``tries`` counts the questions sent."""

    language = "de"

    def __init__(self, url: str, headers: dict[str, bytes] | None = None) -> None:
        self.client = httpx.Client(base_url=url, timeout=60, follow_redirects=True, headers=headers or {})
        self.turns: list[Any] = []
        self.tries = 0
        self.open()

    def open(self) -> None:
        """Load the page."""
        self.session = uuid.uuid4().hex[:12]
        self.client.get("/").raise_for_status()
        config = self.client.get(f"/{self.language}/config").raise_for_status().json()
        self.asking = next(one["id"] for one in config["dependencies"] if one["targets"][0][1] == "submit")

    def ask(self, question: str) -> Any:
        """Return the turn that came of a question, asked anew after a lost connection."""
        for _ in range(TRIES - 1):
            try:
                return self.ask_once(question)
            except (LostError, httpx.HTTPError):
                self._reopen()
        return self.ask_once(question)

    def _reopen(self) -> None:
        """Look every second whether a server is there, as Gradio's page does, then load the page."""
        for _ in range(60):
            time.sleep(1)
            try:
                self.open()
            except httpx.HTTPError:
                continue
            return
        raise LostError("no server came back")

    def ask_once(self, question: str) -> Any:
        """Return the turn that came of a question.

        Raises:
            LostError: No whole answer came.
        """
        self.tries += 1
        context = {"language": "auto", "documents": [], "replace": None, "turns": self.turns}
        body = {"data": [question, context, None], "fn_index": self.asking, "session_hash": self.session}
        joined = self.client.post(f"/{self.language}/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            raise LostError(f"{joined.status_code}: {joined.text}")
        for message in self._messages():
            if message["msg"] == "process_completed" and message["success"]:
                self.turns = _turns(message["output"]["data"][1])
                return self.turns[-1]
            if message["msg"] in {"unexpected_error", "process_completed", "close_stream"}:
                raise LostError(str(message))
        raise LostError("the answer broke off")

    def _messages(self) -> Iterator[Any]:
        path = f"/{self.language}/gradio_api/queue/data"
        with self.client.stream("GET", path, params={"session_hash": self.session}) as stream:
            if stream.status_code != 200:
                raise LostError(str(stream.status_code))
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))


def _turns(html: str) -> list[Any]:
    """Return the turns that a page shows, as it keeps them."""
    turns: list[Any] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            turns.extend(json.loads(value or "") for name, value in attributes if name == "data-turn")

    Reader().feed(html)
    return turns
