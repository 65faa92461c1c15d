"""Questions over HTTP: a real server, a real index, a scripted model."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx2 as httpx
import pydantic
import pytest

from index import Document, Index
from index.settings import index_settings
from rag import Assistant
from rag.assistant import ABSTENTION, QUESTION_CHARACTERS
from rag.llm import LLM, LLMSettings, load_llm
from tests.scripted_llm import KEY, ScriptedLLM, probabilities, status, writes
from tests.serving import loaded, serving, until
from ui.api import MOST_TURNS, AnswerJSON
from ui.queue import FairQueue
from ui.server import MOST_BODY_BYTES, application
from ui.service import Service

TEXT = "Tan Wenkan ist Direktor der Messe. Auf der Messe zählte man 1.234 Besucher."
QUESTION = "Wer ist Tan Wenkan von der Messe?"
DRAFT = ("Tan Wenkan ist Direktor [1]. ", "Man zählte ", "1.234 Besucher [2].")
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    for name in ("BELEG_PASSWORD", "BELEG_AT_ONCE", "BELEG_LLM_BASE_URL", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def index(tmp_path, embedder) -> Index:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("messe", "Messe", TEXT, source="/messe.txt"), Document("rhein", "", "Der Rhein fließt.")])
    return index


@pytest.fixture
def scripted() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as server:
        server.judgement = probabilities(Die=0.999, KEINE=0.001)
        server.replies = [writes(*DRAFT)]
        yield server


@pytest.fixture
def llm(scripted) -> Iterator[LLM]:
    model = load_llm(LLMSettings(llm_base_url=scripted.url, llm_model="eule", llm_api_key=KEY, llm_timeout=5))
    with closing(model):
        yield model


@pytest.fixture
def service(index, llm) -> Service:
    return loaded(Assistant(index, llm), FairQueue(most_waiting=1))


@pytest.fixture
def api(service) -> Iterator[httpx.Client]:
    with serving(application(None, "127.0.0.1", service=service)) as url, httpx.Client(base_url=url) as client:
        yield client


def ask(api: httpx.Client, question: str = QUESTION, headers: dict[str, str] | None = None, **more: Any) -> Any:
    return api.post("/answer", json={"question": question, **more}, headers=headers or {})


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    """Return the name and the data of each server-sent event."""
    blocks = [block for block in response.text.split("\n\n") if block and not block.startswith(":")]
    pairs = [block.split("\n") for block in blocks]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in pairs]


def halting(go_on: threading.Event) -> Any:
    """Let the model stop amid its answer until the test says so."""

    def reply(request: Any) -> None:
        request.begin_stream()
        request.delta("Tan Wenkan ist Direktor [1]. Man ")
        go_on.wait(10)
        request.delta("zählte 1.234 Besucher [2].", "stop")
        request.end_stream()

    return reply


# An answer


def test_an_answer_is_what_to_dict_gives_out(api, service, index):
    answer = ask(api).json()

    assert answer["status"] == "answered"
    assert answer["text"] == "Tan Wenkan ist Direktor. [1] Man zählte 1.234 Besucher. [2]"
    assert all(TEXT[one["start"] : one["end"]] == one["quote"] for one in answer["citations"])
    in_python = service.assistant.answer("Was?", documents=()).to_dict()
    assert answer.keys() == in_python.keys()


def test_the_answer_is_of_the_form_that_openapi_describes(api):
    answer = ask(api).json()
    described = pydantic.TypeAdapter(AnswerJSON).dump_python(pydantic.TypeAdapter(AnswerJSON).validate_python(answer))
    assert json.loads(json.dumps(described)) == answer
    described = api.get("/openapi.json").json()
    assert set(described["components"]["schemas"]["AnswerJSON"]["properties"]) == set(answer)
    assert {"/answer", "/health", "/ready"} == set(described["paths"])
    assert {"200", "404", "422", "429", "502", "503"} <= set(described["paths"]["/answer"]["post"]["responses"])


def test_language_documents_and_history_reach_the_assistant(api, scripted):
    scripted.replies = [writes("Der Rhein fließt [1]."), writes("Nein.")]
    german = ask(api, "Does the Rhine flow, der Rhein fließt?", language="de", documents=["rhein"]).json()
    assert german["language"] == "de"
    assert {hit["document_id"] for hit in german["hits"]} == {"rhein"}
    ask(api, "Und wer ist das?", history=[{"question": QUESTION, "answer": "Der Direktor."}])
    assert QUESTION in scripted.prompts[-1]


def test_no_document_no_answer(api):
    answer = ask(api, documents=[]).json()
    assert (answer["status"], answer["text"]) == ("abstained", ABSTENTION["de"])


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_a_lone_surrogate_in_a_document_reaches_the_client(index, headers):
    index.add([Document("kaputt", "", "Tan Wenkan ist \ud83d Direktor der Messe.")])
    extractive = application(None, "127.0.0.1", service=loaded(Assistant(index, None)))
    with serving(extractive) as url, httpx.Client(base_url=url) as api:
        answer = ask(api, documents=["kaputt"], headers=headers)
    assert answer.status_code == 200
    assert "\\ud83d" in answer.text


# Streaming


@pytest.mark.parametrize(("headers", "body"), [(STREAM, {}), ({}, {"stream": True})])
def test_a_stream_has_an_event_for_each_sentence_and_ends_with_the_answer(api, headers, body):
    response = ask(api, headers=headers, **body)

    assert response.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in events(response)] == ["sentence", "sentence", "answer"]
    (_, first), (_, second), (_, answer) = events(response)
    assert [first["text"], second["text"].strip()] == ["Tan Wenkan ist Direktor. [1]", "Man zählte 1.234 Besucher. [2]"]
    assert first["citations"] + second["citations"] == answer["citations"]
    assert answer["status"] == "answered"


def test_a_sentence_arrives_while_the_next_is_written(api, scripted):
    go_on = threading.Event()
    scripted.replies = [halting(go_on)]
    with api.stream("POST", "/answer", json={"question": QUESTION}, headers=STREAM) as response:
        lines = response.iter_lines()
        assert "event: sentence" in lines
        go_on.set()
        assert "event: answer" in lines


def test_an_error_amid_a_stream_is_its_last_event(api, scripted, service):
    go_on = threading.Event()
    scripted.replies = [halting(go_on)]
    with api.stream("POST", "/answer", json={"question": QUESTION}, headers=STREAM) as first:
        lines = first.iter_lines()  # who drops them closes the connection
        assert "event: sentence" in lines
        waiting: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: waiting.append(ask(api, headers=STREAM, documents=["fehlt"])))
        thread.start()
        until(lambda: service.queue.waiting == 1)
        go_on.set()
        thread.join(5)
    assert events(waiting[0])[0] == ("waiting", {"place": 1})
    assert events(waiting[0])[-1][0] == "error"
    assert "no document 'fehlt'" in events(waiting[0])[-1][1]["detail"]


# What is refused


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "question: Field required"),
        ({"question": " \n "}, "it is empty; ask something"),
        ({"question": "?" * (QUESTION_CHARACTERS + 1)}, f"at most {QUESTION_CHARACTERS} characters"),
        ({"question": "Wer?", "language": "fr"}, "language: Input should be 'de' or 'en'"),
        ({"question": "Wer?", "documents": "messe"}, "documents: Input should be a valid list"),
        ({"question": "Wer?", "history": [{"question": "Wo?"}]}, "history.0.answer: Field required"),
        (
            {"question": "Wer?", "history": [{"question": "Wo?", "answer": "Hier."}] * (MOST_TURNS + 1)},
            f"at most {MOST_TURNS} items",
        ),
        ({"question": "Wer?", "frage": "Wo?"}, "frage: Extra inputs are not permitted"),
    ],
)
@pytest.mark.parametrize("headers", [{}, STREAM])
def test_what_is_wrong_with_a_question_is_said(api, scripted, body, says, headers):
    response = api.post("/answer", json=body, headers=headers)
    assert response.status_code == 422
    assert says in response.json()["detail"]
    assert scripted.requests == []


def test_what_is_no_json_and_what_comes_as_a_form(api):
    assert api.post("/answer", content=b"{", headers={"Content-Type": "application/json"}).status_code == 422
    plain = api.post("/answer", content=json.dumps({"question": QUESTION}), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 422


def test_a_large_body_is_refused_whether_its_length_is_told_or_not(api):
    body = json.dumps({"question": "?" * MOST_BODY_BYTES}).encode()
    kind = {"Content-Type": "application/json"}
    for content in (body, iter([body[:1000], body[1000:]])):
        response = api.post("/answer", content=content, headers=kind)
        assert (response.status_code, str(MOST_BODY_BYTES) in response.json()["detail"]) == (413, True)


@pytest.mark.parametrize("headers", [{}, STREAM])
def test_an_unknown_document_and_a_model_that_refuses(api, scripted, headers):
    unknown = ask(api, documents=["fehlt"], headers=headers)
    assert (unknown.status_code, "no document 'fehlt'" in unknown.text) == (404, True)
    scripted.judgement = status(401)
    scripted.replies = [status(401)]
    refused = ask(api)
    assert (refused.status_code, "BELEG_LLM_API_KEY" in refused.text, KEY in refused.text) == (502, True, False)


def test_a_page_of_another_site_is_refused(api, scripted):
    origin = f"http://{urlsplit(str(api.base_url)).netloc}"
    assert ask(api, headers={"Origin": origin}).status_code == 200
    for other in ("http://evil.invalid", "null", f"{origin}0"):
        assert ask(api, headers={"Origin": other}).status_code == 403
    assert ask(api, headers={"Host": "evil.invalid"}).status_code == 421


# Several at once


def test_a_full_queue_is_said_with_the_time_to_come_again(api, scripted, service):
    go_on = threading.Event()
    scripted.replies = [halting(go_on), writes(*DRAFT)]
    with api.stream("POST", "/answer", json={"question": QUESTION}, headers=STREAM) as first:
        lines = first.iter_lines()  # who drops them closes the connection
        assert "event: sentence" in lines
        second: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: second.append(ask(api)))
        thread.start()
        until(lambda: service.queue.waiting == 1)

        for headers in ({}, STREAM):
            third = ask(api, headers=headers)
            assert third.status_code == 503
            assert int(third.headers["retry-after"]) >= 1
            assert "waiting already" in third.json()["detail"]

        go_on.set()
        thread.join(5)
    assert second[0].json()["status"] == "answered"


@pytest.mark.parametrize("headers", [b"", b"Accept: text/event-stream\r\n"])
def test_who_leaves_stops_the_work(api, scripted, service, headers):
    go_on, stopped = threading.Event(), threading.Event()

    def reply(request: Any) -> None:
        request.begin_stream()
        request.delta("Tan Wenkan ist Direktor [1]. ")
        go_on.wait(10)
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:  # as a model writes: the server has time to see that nobody is there
                request.delta("Und ")
                time.sleep(0.02)
        except OSError:
            stopped.set()

    scripted.replies = [reply, writes(*DRAFT)]
    body = json.dumps({"question": QUESTION}).encode()
    with socket.create_connection(("127.0.0.1", urlsplit(str(api.base_url)).port)) as connection:
        connection.sendall(
            b"POST /answer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%b"
            b"Content-Length: %d\r\n\r\n%b" % (headers, len(body), body)
        )
        until(lambda: len(scripted.prompts) == 1)
    go_on.set()
    until(stopped.is_set)
    assert ask(api).json()["status"] == "answered"


# Health


def test_health_and_readiness(api, service, index):
    assert api.get("/health").json() == {"alive": True}
    assert (api.get("/ready").status_code, api.get("/ready").json()) == (200, {"ready": True})
    service.loading.ready = False
    assert (api.get("/ready").status_code, api.get("/health").status_code) == (503, 200)
    service.loading.ready = True
    (index.folder / "manifest.json").write_text("{}", encoding="utf-8")
    assert (api.get("/ready").status_code, api.get("/health").status_code) == (503, 200)


def test_there_is_no_page_that_asks_another_host_for_its_scripts(api):
    assert [api.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
    assert "default-src 'self'" in api.get("/openapi.json").headers["content-security-policy"]
