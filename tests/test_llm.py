"""The way to a model: every failure of a real HTTP server, and what the settings name."""

import json
import math
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing

import pytest

import rag.llm
from index.settings import index_settings
from index.weights import LLM_WEIGHTS, Weights, WeightsError
from rag.llm import LLM, BrokenAnswerError, LLMError, LLMSettings, load_llm
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

ASK = [{"role": "user", "content": "Wer ist Tan Wenkan?"}]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in os.environ:
        if name.startswith(("BELEG_", "OPENAI_")):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as scripted:
        yield scripted


@pytest.fixture
def llm(server: ScriptedLLM) -> Iterator[LLM]:
    with closing(endpoint(server.url)) as model:
        yield model


def endpoint(url: str, *, seconds: float = 5.0) -> LLM:
    settings = LLMSettings(llm_base_url=url, llm_model="große-eule", llm_api_key=KEY, llm_timeout=seconds)
    model = load_llm(settings)
    assert model is not None
    return model


def failure(llm: LLM) -> tuple[str, LLMError]:
    """What came before the error, and the error; the key must not stand in any of its causes."""
    written = []
    with pytest.raises(LLMError) as caught:
        written.extend(llm.stream(ASK, max_tokens=5))
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return "".join(written), caught.value


# The answer


def test_the_text_comes_in_pieces_as_asked_for(server, llm):
    server.replies = [writes("Er ist ", "", "Direktor ", "[1].")]
    assert list(llm.stream(ASK, max_tokens=7)) == ["Er ist ", "Direktor ", "[1]."]
    [request] = server.requests
    assert (request["model"], request["messages"], request["max_tokens"]) == ("große-eule", ASK, 7)
    assert (request["temperature"], request["stream"]) == (0, True)
    assert server.keys == [KEY]
    assert llm.name == "große-eule"


def test_a_lone_surrogate_in_a_document_does_not_stop_the_request(server, llm):
    server.replies = [writes("Er ist Direktor.")]
    ask = [{"role": "user", "content": "Wer ist Tan \udc80 Wenkan?"}]
    assert list(llm.stream(ask, max_tokens=7)) == ["Er ist Direktor."]
    assert [request["messages"][0]["content"] for request in server.requests] == ["Wer ist Tan ? Wenkan?"]


def test_a_piece_comes_before_the_next_is_written(server, llm):
    first_was_read = threading.Event()

    def reply(request):
        request.begin_stream()
        request.delta("Er ")
        assert first_was_read.wait(5)
        request.delta("ist.", "stop")
        request.end_stream()

    server.replies = [reply]
    pieces = llm.stream(ASK, max_tokens=5)
    assert next(pieces) == "Er "
    first_was_read.set()
    assert list(pieces) == ["ist."]


def test_who_stops_reading_leaves_nothing_open(server, llm):
    server.replies = [writes("Er ", "ist ", "da."), writes("Ja.")]
    pieces = llm.stream(ASK, max_tokens=5)
    next(pieces)
    pieces.close()
    assert list(llm.stream(ASK, max_tokens=5)) == ["Ja."]


@pytest.mark.parametrize("delta", ["null", "{}", '{"role": "assistant"}', '{"content": null}'])
def test_pieces_without_text_are_passed_over(server, llm, delta):
    def reply(request):
        request.begin_stream()
        request.event('{"choices": []}')
        request.event(f'{{"choices": [{{"index": 0, "delta": {delta}}}]}}')
        request.delta("Ja.", "stop")
        request.event("[DONE]")
        request.end_stream()

    server.replies = [reply]
    assert list(llm.stream(ASK, max_tokens=5)) == ["Ja."]


# What goes wrong before the first word


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (status(401), "the key was refused (401); check BELEG_LLM_API_KEY"),
        (status(403), "the key was refused (403); check BELEG_LLM_API_KEY"),
        (status(404), "no model 'große-eule' there (404); check BELEG_LLM_MODEL and BELEG_LLM_BASE_URL"),
        (status(301), "the server answered 301; check BELEG_LLM_BASE_URL, or try later"),
        (html, "the answer is no chat completion; check BELEG_LLM_BASE_URL"),
        (completion([]), "the answer is no chat completion; check BELEG_LLM_BASE_URL"),
        (status(200, b"[1, 2"), "the answer is no chat completion; check BELEG_LLM_BASE_URL"),
    ],
)
def test_a_refusal_says_what_to_change(server, llm, reply, says):
    server.replies = [reply]
    written, error = failure(llm)
    assert not written
    assert not isinstance(error, BrokenAnswerError)
    assert str(error) == f"{server.url}: {says}"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (429, "too many requests, or the credit is used up (429); try later, or another model"),
        (500, "the server answered 500; check BELEG_LLM_BASE_URL, or try later"),
    ],
)
def test_a_server_in_trouble_is_asked_twice(server, llm, code, says):
    server.replies = [status(code)] * 2
    assert str(failure(llm)[1]) == f"{server.url}: {says}"
    assert len(server.requests) == 2


def test_what_a_model_does_not_take_is_told_in_the_servers_words_without_the_key(server, llm):
    reason = f"max_tokens is not supported, {KEY} neither. " + "x" * 300
    server.replies = [status(400, json.dumps({"error": {"message": reason}}).encode())] * 2
    message = str(failure(llm)[1])
    assert "model 'große-eule' refused the request (Error code: 400 - " in message
    assert "max_tokens is not supported, *** neither." in message
    assert message.endswith("…); try another model")


def test_nobody_listens():
    with closing(endpoint("http://127.0.0.1:9/v1")) as llm:
        message = str(failure(llm)[1])
    assert message == "http://127.0.0.1:9/v1: cannot be reached; is the server up, and BELEG_LLM_BASE_URL right?"


def test_silence_is_a_time_out(server):
    server.replies = [silent, silent]
    with closing(endpoint(server.url, seconds=0.2)) as llm:
        message = str(failure(llm)[1])
    assert message == f"{server.url}: no answer in time; raise BELEG_LLM_TIMEOUT (seconds), or try later"


# What goes wrong after it


@pytest.mark.parametrize("how", ["end", "close", "reset", "silence", "error", "garbage"])
def test_a_broken_stream_keeps_what_came_and_says_so(server, how):
    server.replies = [breaks_off("Er ist ", "Direk", how=how)]
    with closing(endpoint(server.url, seconds=0.3)) as llm:
        written, error = failure(llm)
    assert written == "Er ist Direk"
    assert isinstance(error, BrokenAnswerError)
    assert str(error).startswith(f"{server.url}: the answer ")
    assert str(error).endswith("ask again")


@pytest.mark.parametrize("how", ["close", "reset", "silence", "error", "garbage"])
def test_a_stream_may_break_before_its_first_word(server, how):
    server.replies = [breaks_off(how=how)]
    with closing(endpoint(server.url, seconds=0.3)) as llm:
        assert isinstance(failure(llm)[1], BrokenAnswerError)


@pytest.mark.parametrize(
    ("finish_reason", "says"),
    [("length", "große-eule: the answer reached its limit of 5 tokens"), ("content_filter", "a content filter ended")],
)
def test_an_answer_that_is_cut_is_broken(server, llm, finish_reason, says):
    server.replies = [writes("Er ist", finish_reason=finish_reason)]
    written, error = failure(llm)
    assert (written, type(error)) == ("Er ist", BrokenAnswerError)
    assert says in str(error)


# Probabilities


def test_log_odds_by_hand(server, llm):
    server.judgement = probabilities(**{"KEINE": 0.2, " Ke": 0.1, "Die": 0.5, "K": 0.05, "": 0.01, "Keller": 0.04})
    assert llm.log_odds(ASK, "KEINE ANTWORT") == pytest.approx(math.log(0.3 / 0.7), abs=1e-4)
    [request] = server.requests
    assert (request["max_tokens"], request["logprobs"], request["top_logprobs"]) == (1, True, 20)


@pytest.mark.parametrize(
    "judgement",
    [
        no_probabilities,
        completion([]),
        html,
        status(400),  # an endpoint that does not know the parameter
        status(422),
        completion([{"index": 0, "message": {"content": "Ja"}, "logprobs": {"content": []}}]),
        completion([{"index": 0, "message": {"content": "Ja"}, "logprobs": {"content": [{"token": "Ja"}]}}]),
    ],
    ids=range(7),
)
def test_no_probabilities_no_log_odds(server, llm, judgement):
    server.judgement = judgement
    assert llm.log_odds(ASK, "KEINE ANTWORT") is None


def test_log_odds_name_their_errors_too(server, llm):
    for reply, says in [(status(401), "key was refused"), (status(200, b"{"), "is no chat completion")]:
        server.judgement = reply
        with pytest.raises(LLMError, match=says):
            llm.log_odds(ASK, "KEINE ANTWORT")


# Settings


def test_settings_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_BASE_URL", server.url)
    monkeypatch.setenv("BELEG_LLM_MODEL", "kleine-eule")
    monkeypatch.setenv("BELEG_LLM_API_KEY", "")  # as good as none
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    assert KEY not in repr(LLMSettings())
    server.replies = [writes("Ja.")]
    llm = load_llm()
    assert llm is not None
    with closing(llm):
        assert list(llm.stream(ASK, max_tokens=5)) == ["Ja."]
    assert (server.requests[0]["model"], server.keys) == ("kleine-eule", [KEY])


@pytest.mark.parametrize("name", ["none", "None"])
def test_extractive_answers_can_be_asked_for(monkeypatch, name):
    monkeypatch.setenv("BELEG_LLM_MODEL", name)
    assert load_llm() is None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"BELEG_LLM_BASE_URL": "localhost:1234/v1", "BELEG_LLM_MODEL": "m"},
            "BELEG_LLM_BASE_URL is 'localhost:1234/v1'",
        ),
        (
            {"BELEG_LLM_BASE_URL": "http://[::1/v1", "BELEG_LLM_MODEL": "m"},
            "expected a URL like http://localhost:11434/v1",
        ),
        ({"BELEG_LLM_BASE_URL": "ftp://me:geheim@h", "BELEG_LLM_MODEL": "m"}, "BELEG_LLM_BASE_URL is 'ftp://h'"),
        ({"BELEG_LLM_BASE_URL": "http://h:99999999", "BELEG_LLM_MODEL": "m"}, "BELEG_LLM_BASE_URL is"),
        ({"BELEG_LLM_BASE_URL": "http://h/v1"}, "BELEG_LLM_MODEL is not; set it to a model of that endpoint"),
        ({"BELEG_LLM_MODEL": "gpt-9"}, "BELEG_LLM_MODEL is 'gpt-9', BELEG_LLM_BASE_URL is not set; set it"),
        ({"BELEG_LLM_TIMEOUT": "bald"}, "BELEG_LLM_TIMEOUT is 'bald', expected a number of seconds above 0"),
        ({"BELEG_LLM_TIMEOUT": "0"}, "BELEG_LLM_TIMEOUT is '0'"),
        ({"BELEG_LLM_API_KEY": "sk-gehe\nim"}, r"BELEG_LLM_API_KEY \(or OPENAI_API_KEY\) holds characters"),
        ({"BELEG_LLM_API_KEY": "schlüssel-geheim"}, r"BELEG_LLM_API_KEY \(or OPENAI_API_KEY\) holds characters"),
    ],
)
def test_a_setting_that_cannot_be_is_named(monkeypatch, settings, says):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LLMError, match=says) as caught:
        load_llm()
    assert "geheim" not in str(caught.value)


# The embedded model


def test_weights_that_fail_their_hash_are_not_loaded(tmp_path, monkeypatch):
    wanted = Weights(LLM_WEIGHTS.name, 4, "0" * 64, "", "", LLM_WEIGHTS.pieces)
    monkeypatch.setattr(rag.llm, "LLM_WEIGHTS", wanted)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / wanted.name).write_bytes(b"GGUF")
    index_settings.cache_clear()
    try:
        with pytest.raises(WeightsError, match=r"has SHA-256 [0-9a-f]{64}, expected 0{64}; delete it"):
            load_llm()
    finally:
        index_settings.cache_clear()
