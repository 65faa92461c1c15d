"""What the server tells of its questions: figures, spans and log lines, and that no text of anybody stands in them."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2 as httpx
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from index import Document, Index
from index.settings import index_settings
from rag import Assistant
from rag.llm import LLM, LLMSettings, load_llm
from tests.scripted_llm import KEY, ScriptedLLM, breaks_off, probabilities, status, writes
from tests.serving import loaded, serving, until
from ui.logs import JSONLines
from ui.observation import Observation
from ui.queue import BusyError
from ui.server import application
from ui.service import Service
from ui.tracing import Tracing, TracingError, tracing

TEXT = "Tan Wenkan ist Direktor der Messe. Auf der Messe zählte man 1.234 Besucher."
QUESTION = "Wer ist Tan Wenkan von der Messe?"
DRAFT = ("Tan Wenkan ist Direktor [1]. ", "Man zählte 1.234 Besucher [2].")
SECRETS = ("Wenkan", "Direktor", "Messe", "Besucher", "messe", KEY)
STEPS = ["language", "retrieve", "evidence", "prompt", "llm", "llm", "check", "check"]


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    names = "BELEG_PASSWORD BELEG_METRICS_TOKEN BELEG_LLM_BASE_URL OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME"
    for name in names.split():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


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
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def service(tmp_path, embedder, llm, spans) -> Service:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("messe", "Messe", TEXT), Document("rhein", "", "Der Rhein fließt.")])
    return loaded(Assistant(index, llm), None, Tracing(SimpleSpanProcessor(spans)).send)


@pytest.fixture
def api(service) -> Iterator[httpx.Client]:
    with serving(application(None, "127.0.0.1", service=service)) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def ask(api, service) -> Any:
    """Ask, and wait until all is told of it: the answer is sent before."""
    told: list[Any] = []
    service.observation = Observation(service.observation.tell, told.append)

    def asked(question: str = QUESTION) -> Any:
        count = len(told)
        response = api.post("/answer", json={"question": question})
        until(lambda: len(told) > count)
        return response

    return asked


def figures(api: httpx.Client) -> dict[str, float]:
    """Return the sample values by name and labels, as Prometheus reads them."""
    from prometheus_client.parser import text_string_to_metric_families as families

    samples = [sample for family in families(api.get("/metrics").text) for sample in family.samples]
    return {sample.name + "".join(sample.labels.values()): sample.value for sample in samples}


# Figures


def test_prometheus_reads_outcomes_times_by_step_queue_and_model_errors(api, ask, scripted):
    before = figures(api)
    assert (before["beleg_questions_totalanswered"], before["beleg_ready"], before["beleg_queue_length"]) == (0, 1, 0)

    assert ask().json()["status"] == "answered"
    scripted.replies = [breaks_off("Tan Wenkan ist ", how="close")]
    assert ask().json()["status"] == "incomplete"
    scripted.judgement = status(401)
    assert ask().status_code == 502

    after = figures(api)
    outcomes = {name: after[f"beleg_questions_total{name}"] for name in ("answered", "incomplete", "failed", "left")}
    assert outcomes == {"answered": 1, "incomplete": 1, "failed": 1, "left": 0}
    assert after["beleg_model_errors_total"] == 2
    assert after["beleg_question_seconds_count"] == 2
    assert after["beleg_step_seconds_countretrieve"] == 3
    assert after["beleg_step_seconds_countllm"] == 5
    assert 0 < after["beleg_step_seconds_sumllm"] < after["beleg_question_seconds_sum"] + 5


def test_no_text_stands_in_the_figures(api, ask):
    ask()
    text = api.get("/metrics").text
    assert not [secret for secret in SECRETS if secret in text]


def test_who_is_refused_is_counted():
    def refused() -> Iterator[Any]:
        raise BusyError(own=True, waiting=8, seconds=3)
        yield

    heard: list[Any] = []
    with pytest.raises(BusyError):
        list(Observation(heard.append).watch(refused()))
    assert [(one.outcome, one.model_failed) for one in heard] == [("refused", False)]


def test_who_leaves_is_counted():
    heard: list[Any] = []
    events = Observation(heard.append).watch(nothing for nothing in [None, None])
    next(events)
    events.close()
    assert [one.outcome for one in heard] == ["left"]


def test_the_token_opens_the_figures_and_nothing_else(service, monkeypatch):
    monkeypatch.setenv("BELEG_PASSWORD", "Sesam öffne dich")
    monkeypatch.setenv("BELEG_METRICS_TOKEN", "nur-fuer-zahlen-1")
    token = {"Authorization": "Bearer nur-fuer-zahlen-1"}
    password = {"Authorization": "Bearer Sesam öffne dich".encode()}
    with serving(application(None, "127.0.0.1", service=service)) as url, httpx.Client(base_url=url) as client:
        statuses = {
            (path, name): client.get(path, headers=headers).status_code
            for path in ("/metrics", "/openapi.json")
            for name, headers in {"": {}, "token": token, "password": password}.items()
        }
    assert [path for path, code in statuses.items() if code == 200] == [
        ("/metrics", "token"),
        ("/metrics", "password"),
        ("/openapi.json", "password"),
    ]
    assert set(statuses.values()) == {200, 401}


# Traces


def test_each_step_is_a_span_of_the_questions_trace_without_any_text(ask, spans):
    ask()
    finished = spans.get_finished_spans()
    question = finished[-1]
    assert sorted(span.name for span in finished[:-1]) == sorted(STEPS)
    assert (question.name, question.parent, question.attributes["beleg.outcome"]) == ("question", None, "answered")
    assert {span.context.trace_id for span in finished} == {question.context.trace_id}
    assert {span.parent.span_id for span in finished[:-1]} == {question.context.span_id}
    for span in finished[:-1]:
        assert question.start_time <= span.start_time <= span.end_time <= question.end_time + 50_000_000
        assert set(span.attributes) == {"beleg.seconds"}
        assert 0 < span.attributes["beleg.seconds"] <= (span.end_time - span.start_time) / 1e9 + 0.01
    written = "".join(span.to_json() for span in finished)
    assert not [secret for secret in SECRETS if secret in written]


def test_a_failed_step_and_its_question_are_marked(ask, spans, scripted):
    scripted.judgement = status(401)
    ask()
    marked = [span.name for span in spans.get_finished_spans() if span.status.status_code == StatusCode.ERROR]
    assert marked == ["llm", "question"]
    assert not any(span.events for span in spans.get_finished_spans())


def test_nothing_is_traced_unless_a_collector_is_named(monkeypatch):
    assert tracing() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setattr("ui.tracing.find_spec", lambda name: None)
    with pytest.raises(TracingError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT is set, .* pip install 'beleg\[otel\]'"):
        tracing()


# Log lines


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    root, ours = logging.getLogger(), logging.getLogger("beleg")
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    ours.setLevel(logging.NOTSET)


def test_a_question_is_one_line_of_json_without_any_text(ask, lines):
    ask()
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines() if "beleg.answers" in line]
    assert (line["message"], line["outcome"], line["level"]) == ("question", "answered", "info")
    assert list(line["steps"]) == list(dict.fromkeys(line["steps"]))
    assert set(line["steps"]) == set(STEPS)
    assert not [secret for secret in SECRETS if secret in lines.getvalue()]


def test_an_error_is_told_by_its_type_and_place_alone(ask, lines, service, monkeypatch):
    monkeypatch.setattr(service.assistant.retriever, "embed", lambda *_: 1 / int("Wer ist Wenkan?"))
    assert ask().status_code == 500
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines() if '"error"' in line]
    assert (line["logger"], line["error"]) == ("ui.in_thread", "ValueError")
    assert any("rag/assistant.py" in place for place in line["at"])
    assert "Wenkan" not in lines.getvalue()
