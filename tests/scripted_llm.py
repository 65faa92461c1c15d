"""A real OpenAI-compatible HTTP server on loopback whose answers a test writes down."""

import json
import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Reply = Callable[["_Request"], None]
KEY = "sk-geheim-0123456789"


class ScriptedLLM:
    """Gives each streaming request the next of ``replies``, each other one ``judgement``; keeps what it was asked."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.judgement: Reply = probabilities(Die=0.9, KEINE=0.1)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Request)
        self._server.script = self
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def prompts(self) -> list[str]:
        """The last message of every request that streams."""
        return [body["messages"][-1]["content"] for body in self.requests if body.get("stream")]


class _Server(ThreadingHTTPServer):
    script: ScriptedLLM

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""

    def shutdown_request(self, request: Any) -> None:
        """Close without the farewell where lingering is off: the client sees a reset, not an end."""
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0):
            request.close()
        else:
            super().shutdown_request(request)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        script = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        script.requests.append(body)
        script.keys.append(self.headers["Authorization"].removeprefix("Bearer "))
        reply = script.replies.pop(0) if body.get("stream") else script.judgement
        reply(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def whole(self, status: int, content: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, data: str) -> None:
        content = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def delta(self, text: str | None, finish_reason: str | None = None, logprob: float | None = None) -> None:
        choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish_reason}
        if logprob is not None:
            token = {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": []}
            choice["logprobs"] = {"content": [token], "refusal": None}
        self.event(json.dumps(_envelope("chat.completion.chunk", [choice])))

    def wait(self) -> None:
        """Do nothing until the server is closed, a minute at most."""
        self.server.script.closing.wait(60)
        self.close_connection = True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True


def _envelope(kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "1", "object": kind, "created": 0, "model": "scripted", "choices": choices}


def writes(*texts: str, finish_reason: str = "stop", logprob: float | None = None) -> Reply:
    """Stream these pieces, each with its log-probability, and end as the protocol says."""

    def reply(request: _Request) -> None:
        request.begin_stream()
        for text in texts:
            request.delta(text, logprob=logprob)
        request.delta(None, finish_reason)
        request.event("[DONE]")
        request.end_stream()

    return reply


def breaks_off(*texts: str, how: str) -> Reply:
    """Stream these pieces, then stop.

    How: ``end`` (the stream ends well formed, without a finish_reason), ``close`` (amid a chunked body), ``reset`` (of
    the connection), ``silence`` (nothing more comes), ``error`` (an error event), ``garbage`` (an event that is no
    JSON).
    """

    def reply(request: _Request) -> None:
        request.begin_stream()
        for text in texts:
            request.delta(text)
        match how:
            case "end":
                request.end_stream()
            case "close":
                request.close_connection = True
            case "reset":
                time.sleep(0.05)  # a reset drops what the client has not yet read
                request.reset()
            case "silence":
                request.wait()
            case "error":
                request.event('{"error": {"message": "out of memory", "code": 500}}')
                request.end_stream()
            case "garbage":
                request.event("<b>502 Bad Gateway</b>")
                request.end_stream()

    return reply


def status(code: int, content: bytes = b'{"error": {"message": "no"}}') -> Reply:
    return lambda request: request.whole(code, content)


def html(request: _Request) -> None:
    """What a wrong URL often gives: the home page, with status 200."""
    request.whole(200, b"<!doctype html><title>Willkommen</title>", "text/html")


def completion(choices: list[dict[str, Any]]) -> Reply:
    return lambda request: request.whole(200, json.dumps(_envelope("chat.completion", choices)).encode())


def silent(request: _Request) -> None:
    """Take the request and never answer."""
    request.wait()


def probabilities(**tokens: float) -> Reply:
    """Answer with the likeliest of these tokens, and the logarithms of all probabilities."""
    best = max(tokens, key=lambda token: tokens[token])
    top = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in tokens.items()]
    content = [{"token": best, "logprob": math.log(tokens[best]), "bytes": None, "top_logprobs": top}]
    return completion([_choice(best, {"content": content, "refusal": None})])


def no_probabilities(request: _Request) -> None:
    completion([_choice("Ja", None)])(request)


def _choice(text: str, logprobs: dict[str, Any] | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {"index": 0, "message": message, "finish_reason": "length", "logprobs": logprobs}
