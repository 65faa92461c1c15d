"""Many users at once, and the start of the chat, as a browser meets them: ``python -m eval.load --help``.

The server is a process of its own; the language model is an endpoint in this one that takes a known time, so that what
is left of an answer's time is beleg's own: search, evidence, checks, queue and HTTP.
"""

import json
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import environ
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import typer

from eval.goldset import SAMPLE, load_goldset
from eval.report import require_writable, write_report

USERS = 20
QUESTIONS = 5
JUDGING_SECONDS = 0.3
WRITING_SECONDS = 3.0
STARTS = 3
_READY_SECONDS = 120.0

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    users: Annotated[int, typer.Option(min=1, help="So many ask at once.")] = USERS,
    questions: Annotated[
        int, typer.Option(min=1, help="Each asks so many questions, one after the other.")
    ] = QUESTIONS,
) -> None:
    """Measure the overhead beside the language model with many users, and how soon ``beleg chat`` answers a browser.

    Once with users who begin at random moments, as people do, and once with all of them asking in the same instant,
    each of their questions.
    """
    if json_file:
        require_writable(json_file)
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder, "index")
        beleg("index", "add", str(SAMPLE / "documents.jsonl"), "--index", str(index))
        starts = [start_seconds(index) for _ in range(STARTS)]
        figures = {name: median(start[name] for start in starts) for name in starts[0]}
        with endpoint() as model, served("serve", index, model) as url:
            wait_until_ready(url)
            for name, in_step in (("first", False), ("again", False), ("in_step", True)):
                figures |= {
                    f"{name}_{key}": value for key, value in measure(url, model, users, questions, in_step).items()
                }
    for name, value in figures.items():
        typer.echo(f"{name:40} {value:12.3f}")
    if json_file:
        write_report(json_file, {**figures, "users": users, "questions": questions})


# The language model


class Endpoint(ThreadingHTTPServer):
    """Speaks like OpenAI's, quotes the first evidence in a known time, and notes how long each question took it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.seconds: dict[str, float] = defaultdict(float)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        """Judge, or write."""
        started = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = "\n".join(message["content"] for message in body["messages"])
        if body.get("stream"):
            self._write(_written(text))
        else:
            self._judge()
        for question in re.findall(r"^Frage: (.*)$", text, re.MULTILINE)[-1:]:
            self.server.seconds[question] += time.perf_counter() - started

    def _judge(self) -> None:
        time.sleep(JUDGING_SECONDS)
        top = {"token": "Die", "logprob": -0.001, "bytes": None}
        logprobs = {"content": [{**top, "top_logprobs": [top]}], "refusal": None}
        choice = {"message": {"role": "assistant", "content": "Die"}, "finish_reason": "length", "logprobs": logprobs}
        self._send("application/json", [json.dumps(_envelope("chat.completion", choice))])

    def _write(self, text: str) -> None:
        words = re.findall(r"\S+\s*", text)
        deltas = [{"delta": {"content": word}, "finish_reason": None} for word in words]
        events = [*map(_event, deltas), _event({"delta": {}, "finish_reason": "stop"}), "data: [DONE]\n\n"]
        self._send("text/event-stream", events, pause=WRITING_SECONDS / len(events))

    def _send(self, kind: str, pieces: Sequence[str], pause: float = 0.0) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            time.sleep(pause)
            content = piece.encode()
            self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """A client that resets a connection which it kept open is no news."""
        with suppress(ConnectionError):
            super().handle()


def _written(prompt: str) -> str:
    r"""Return the first evidence of the last list in a prompt with its marker; a quote to translate stays as it is.

    >>> _written("Belege:\n[1] Alt.\n\nFrage: Was?\nBelege:\n[1] Neu.\n[2] Mehr.")
    'Neu. [1]'
    >>> _written("Translate:\n\nEin Satz.")
    'Ein Satz.'
    """
    evidence = re.findall(r"^\[1\] (.*)$", prompt, re.MULTILINE)
    return f"{evidence[-1]} [1]" if evidence else prompt.splitlines()[-1]


def _event(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps(_envelope('chat.completion.chunk', choice))}\n\n"


def _envelope(kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    return {"id": "1", "object": kind, "created": 0, "model": "scripted", "choices": [{"index": 0, **choice}]}


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve the scripted model."""
    with Endpoint() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


# The server


@contextmanager
def served(command: str, index: Path, model: Endpoint | None = None, *, embedded: bool = False) -> Iterator[str]:
    """Run ``beleg serve`` or ``beleg chat`` on a free port until the block ends.

    Args:
        command: Which.
        index: What is asked.
        model: Who answers; ``None``: nobody.
        embedded: Let the embedded model answer, with the limits as they come.
    """
    with process(command, index, model, embedded=embedded) as (_, url):
        yield url


@contextmanager
def process(
    command: str, index: Path, model: Endpoint | None = None, *, embedded: bool = False, **settings: str
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Give the process of ``beleg serve`` or ``beleg chat`` and its URL, on a free port, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {"BELEG_LLM_MODEL": ""} if embedded else {"BELEG_LLM_MODEL": "none", "BELEG_LEAST_CONFIDENCE": "0"}
    if model:
        variables |= {"BELEG_LLM_MODEL": "scripted", "BELEG_LLM_BASE_URL": model.url, "BELEG_LLM_API_KEY": "none"}
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "ui.cli", command, "--index", str(index), "--port", str(port)],
        env={**environ, **variables, **settings},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def start_seconds(index: Path) -> dict[str, float]:
    """Return the times from the command ``beleg chat`` to a page that says what it waits for, and to the chat's."""
    started = time.perf_counter()
    with served("chat", index) as url:
        wait_for(f"{url}/", accept="text/html")
        opening = time.perf_counter() - started
        wait_for(f"{url}/")
        return {"opening_seconds": opening, "start_seconds": time.perf_counter() - started}


def wait_until_ready(url: str) -> None:
    """Return when the server says that it answers questions."""
    wait_for(f"{url}/ready")


def wait_for(url: str, seconds: float = _READY_SECONDS, accept: str = "*/*") -> None:
    """Wait until a URL is answered with success.

    Raises:
        OSError: It is not in time.
    """
    end = time.monotonic() + seconds
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - our own URL
    while True:
        try:
            with urllib.request.urlopen(request, timeout=_READY_SECONDS) as response:  # noqa: S310 - our own URL
                response.read()
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


# The users


@dataclass(frozen=True)
class Asked:
    """One question: how long its answer took, beside the model, and whether it is one."""

    whole: float
    overhead: float
    is_answered: bool


def measure(url: str, model: Endpoint, users: int, questions: int, in_step: bool) -> dict[str, float]:
    """Let the users ask, each their own questions; return seconds, and the number of questions without an answer."""
    model.seconds.clear()
    known = [question.question for question in load_goldset(SAMPLE).questions if question.language == "de"]
    together = threading.Barrier(users)

    def user(number: int) -> list[Asked]:
        asked = []
        time.sleep(0 if in_step else random.Random(number).uniform(0, JUDGING_SECONDS + WRITING_SECONDS))  # noqa: S311
        for question in known[number::users][:questions]:
            if in_step:
                together.wait()
            asked.append(_ask(url, model, question))
        return asked

    started = time.perf_counter()
    with ThreadPoolExecutor(users) as threads:
        asked = [one for of_user in threads.map(user, range(users)) for one in of_user]
    seconds = time.perf_counter() - started
    overheads = [one.overhead for one in asked]
    return {
        "questions": float(len(asked)),
        "errors": float(sum(not one.is_answered for one in asked)),
        "questions_a_second": len(asked) / seconds,
        "answer_p50": median(one.whole for one in asked),
        "overhead_p50": median(overheads),
        "overhead_p95": quantiles(overheads, n=20)[-1],
    }


def _ask(url: str, model: Endpoint, question: str) -> Asked:
    body = json.dumps({"question": question}).encode()
    request = urllib.request.Request(f"{url}/answer", body, {"Content-Type": "application/json"})  # noqa: S310
    started = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=_READY_SECONDS) as response:  # noqa: S310 - our own URL
            is_answered = json.load(response)["status"] == "answered"
    except OSError:
        is_answered = False
    whole = time.perf_counter() - started
    return Asked(whole, whole - model.seconds[" ".join(question.split())], is_answered)


def beleg(*arguments: str) -> None:
    """Run the command ``beleg``."""
    subprocess.run([sys.executable, "-m", "ui.cli", *arguments], check=True, capture_output=True)  # noqa: S603


if __name__ == "__main__":
    app()
