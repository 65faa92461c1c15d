"""A model that fails in any way: in time, a marked incomplete answer, or one made of quotes; never a silent half."""

import json
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from index import Document, Index
from rag import Assistant
from rag.deadline import BoundedClient
from rag.endpoint import MOST_TIMEOUTS
from rag.llm import LLM, LLMError, LLMSettings, UnavailableError, load_llm
from tests.conftest import WordEmbedder
from tests.scripted_llm import (
    KEY,
    ScriptedLLM,
    breaks_off,
    completion,
    html,
    no_probabilities,
    probabilities,
    silent,
    status,
    writes,
)

SECONDS = 0.5
TEXT = "Tan Wenkan ist Direktor der Messe. Die Messe dauerte vom 6. bis 8. Juli."
WHO = "Wer ist Direktor der Messe?"
WHOLE, HALF = "Tan Wenkan ist Direktor der Messe [1]. ", "Die Messe dauerte vom 6. bis"


@pytest.fixture
def server() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as scripted:
        scripted.judgement = no_probabilities
        yield scripted


@pytest.fixture
def assistant(server, tmp_path) -> Iterator[Assistant]:
    index = Index.open(tmp_path / "index", embedder=WordEmbedder())
    index.add([Document("messe", "Messe", TEXT)])
    with closing(model(server.url)) as llm:
        yield Assistant(index, llm)


def model(url: str) -> LLM:
    llm = load_llm(LLMSettings(llm_base_url=url, llm_model="eule", llm_api_key=KEY, llm_timeout=SECONDS))
    assert llm
    return llm


def assert_whole(given) -> None:
    """Nothing but whole, cited sentences is shown, and what is missing is said."""
    assert "vom 6. bis" not in given.text or "vom 6. bis 8. Juli." in given.text
    assert all(TEXT[citation.start : citation.end] == citation.quote for citation in given.citations)
    assert given.notice
    assert KEY not in given.notice


def timed(assistant: Assistant):
    started = time.monotonic()
    given = assistant.answer(WHO)
    # The first request twice, then the second one twice, each within its bound.
    assert time.monotonic() - started < 4 * MOST_TIMEOUTS * SECONDS
    return given


def unframed(*texts: str, end: bool) -> object:
    """Stream without chunks: the response ends with its connection, whole or not."""

    def reply(request):
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        for text in texts:
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            request.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
        if end:
            request.wfile.write(b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n')
        else:
            request.wfile.write(b'data: {"choices": [{"ind')
        request.close_connection = True

    return reply


def short_of_its_length(request) -> None:
    """A response that is cut before the length that it announced."""
    request.send_response(200)
    request.send_header("Content-Type", "text/event-stream")
    request.send_header("Content-Length", "100000")
    request.end_headers()
    choice = {"index": 0, "delta": {"content": WHOLE + HALF}, "finish_reason": None}
    request.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
    request.close_connection = True


def drips(*texts: str, of: str) -> object:
    """Write these pieces, then give a sign of life for ever: comments, or pieces without text."""

    def reply(request):
        request.begin_stream()
        for text in texts:
            request.delta(text)
        try:
            while not request.server.script.closing.wait(SECONDS / 5):
                if of == "comments":
                    request.wfile.write(b"d\r\n: I am alive\n\r\n")
                else:
                    request.delta("")
                request.wfile.flush()
        except OSError:
            request.close_connection = True

    return reply


def floods(request) -> None:
    request.begin_stream()
    comment = b": " + b"x" * 2**20 + b"\n\n"
    try:
        for _ in range(100):
            request.wfile.write(f"{len(comment):x}\r\n".encode() + comment + b"\r\n")
    except OSError:
        request.close_connection = True


NONSENSE = [
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{}",
    b'{"choices": 5}',
    b'{"choices": [null]}',
    b'{"choices": [{"logprobs": {"content": "x"}}]}',
    b'{"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": 5, "logprob": "x"}]}]}}]}',
    b'{"choices": [{"logprobs": {"content": [{"top_logprobs": [{"token": "Ja", "logprob": 1e9}]}]}}]}',
    b'{"choices": [{"message": {"content": {"a": 1}}}]}',
    b"[" * 5000,
    b"\xff\xfe{}",
    b"",
]
DELTAS = [b"null", b"[]", b"5", b'{"choices": 5}', b'{"choices": [null]}', b'{"choices": [{"delta": {"content": 5}}]}']


@pytest.mark.parametrize(
    "fault",
    [silent, status(429), status(500), status(503, b"<h1>503</h1>"), html, completion([]), status(200, b"[1, 2")],
    ids=["hang", "429", "500", "503", "html", "no choices", "cut json"],
)
@pytest.mark.parametrize("at", ["judgement", "stream"])
def test_a_model_that_does_not_answer_gives_an_answer_of_quotes_that_says_so(server, assistant, fault, at):
    if at == "judgement":
        server.judgement = fault
    server.replies = [fault] * 4
    given = timed(assistant)
    assert_whole(given)
    assert (given.status, given.model) == ("answered", "extractive")
    assert given.citations
    assert "nicht zu erreichen" in given.notice


def test_nobody_listens(assistant, tmp_path):
    with closing(model("http://127.0.0.1:9/v1")) as llm:
        given = Assistant(assistant.index, llm).answer(WHO)
    assert_whole(given)
    assert (given.status, given.model) == ("answered", "extractive")


@pytest.mark.parametrize("raw", NONSENSE, ids=range(len(NONSENSE)))
def test_a_judgement_that_is_nonsense_is_none_or_no_completion(server, assistant, raw):
    server.judgement = status(200, raw)
    server.replies = [writes("Tan Wenkan [1]")]
    given = timed(assistant)
    assert given.status == "answered"
    assert given.citations


@pytest.mark.parametrize("raw", DELTAS, ids=range(len(DELTAS)))
def test_a_stream_of_nonsense_is_no_answer(server, assistant, raw):
    def reply(request):
        request.begin_stream()
        request.event(raw.decode())
        request.event("[DONE]")
        request.end_stream()

    server.replies = [reply]
    given = timed(assistant)
    assert_whole(given)
    assert given.status == "incomplete" or given.model == "extractive"


@pytest.mark.parametrize(
    "fault",
    [
        *(breaks_off(WHOLE, HALF, how=how) for how in ("end", "close", "reset", "silence", "error", "garbage")),
        unframed(WHOLE, HALF, end=False),
        short_of_its_length,
        drips(WHOLE, HALF, of="comments"),
        drips(WHOLE, HALF, of="pieces"),
        writes(WHOLE, HALF, finish_reason="length"),
        writes(WHOLE, HALF, finish_reason="content_filter"),
    ],
    ids="end close reset silence error garbage unframed length-cut comments pieces length filter".split(),
)
def test_a_stream_that_is_cut_keeps_whole_sentences_and_is_incomplete(server, assistant, fault):
    server.replies = [fault]
    given = timed(assistant)
    assert_whole(given)
    assert given.status == "incomplete"
    assert given.text == "Tan Wenkan ist Direktor der Messe. [1]"


def test_a_stream_without_chunks_that_ends_as_it_should_is_whole(server, assistant):
    server.replies = [unframed(WHOLE, end=True)]
    assert assistant.answer(WHO).status == "answered"


def test_a_response_without_end_is_cut_before_it_fills_the_memory(server, assistant):
    server.replies = [floods]
    given = assistant.answer(WHO)
    assert given.status == "incomplete"
    assert not given.text


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_what_a_setting_must_mend_is_an_error(server, assistant, code):
    server.judgement = probabilities(Die=0.9, KEINE=0.1)
    server.replies = [status(code)] * 4
    with pytest.raises(LLMError) as error:
        assistant.answer(WHO)
    assert not isinstance(error.value, UnavailableError)


def test_a_proxy_of_the_environment_is_used_as_without_a_bound(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with BoundedClient(1) as client:
        assert client._mounts
