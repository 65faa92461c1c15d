"""A graceful stop: an answer that runs ends, a new question is refused, and a time limits it all."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2 as httpx
import pytest

from eval.goldset import SAMPLE, load_goldset
from eval.load import endpoint, process, wait_until_ready
from index import Document, Index
from index.embedding import load_embedder
from rag import Assistant
from rag.llm import LLMSettings, load_llm
from tests.scripted_llm import ScriptedLLM, probabilities
from tests.serving import loaded, serving, until
from ui.server import application
from ui.service import Service
from ui.stopping import Stopping

QUESTION = {"question": "Wer ist Tan Wenkan von der Messe?"}


@pytest.fixture
def go_on() -> threading.Event:
    return threading.Event()


@pytest.fixture
def service(tmp_path, embedder, go_on, monkeypatch) -> Iterator[Service]:
    monkeypatch.delenv("BELEG_PASSWORD", raising=False)
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("messe", "Messe", "Tan Wenkan ist Direktor der Messe.")])

    def halting(request: Any) -> None:
        request.begin_stream()
        go_on.wait(10)
        request.delta("Tan Wenkan ist Direktor [1].", "stop")
        request.end_stream()

    with ScriptedLLM() as server:
        server.judgement = probabilities(Die=0.999, KEINE=0.001)
        server.replies = [halting]
        settings = LLMSettings(llm_base_url=server.url, llm_model="eule", llm_api_key="sk", llm_timeout=20)
        with closing(load_llm(settings)) as llm:
            yield loaded(Assistant(index, llm))


def test_what_runs_ends_and_what_is_new_is_refused(service, go_on):
    ended = threading.Event()
    found: list[httpx.Response] = []
    with serving(application(None, "127.0.0.1", service=service)) as url, httpx.Client(base_url=url) as client:
        asking = threading.Thread(target=lambda: found.append(httpx.post(f"{url}/answer", json=QUESTION, timeout=20)))
        asking.start()
        until(lambda: service.queue.served == 1)
        assert client.get("/ready").status_code == 200

        service.stopping.begin(ended.set)

        refused = client.post("/answer", json=QUESTION)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert client.get("/health").status_code == 200
        assert (client.get("/ready").status_code, client.get("/ready").json()) == (503, {"ready": False})
        assert "beleg_ready 0.0" in client.get("/metrics").text
        assert not ended.wait(0.7)
        go_on.set()
        assert ended.wait(5)
        asking.join(5)
    assert found[0].json()["status"] == "answered"


def test_a_time_limits_it():
    stopping, ended = Stopping(0.2), threading.Event()
    stopping._running = 1
    started = time.monotonic()
    stopping.begin(ended.set)
    assert ended.wait(5)
    assert time.monotonic() - started < 2


def test_with_nothing_to_do_it_ends_at_once():
    stopping, ended = Stopping(30), threading.Event()
    stopping.begin(ended.set)
    assert ended.wait(3)


@pytest.mark.slow
def test_the_process_ends_after_its_answer(tmp_path) -> None:
    Index.open(tmp_path, embedder=load_embedder()).add(load_goldset(SAMPLE).documents[:5])
    question = {"question": load_goldset(SAMPLE).questions[0].question}
    with endpoint() as model, process("serve", tmp_path, model) as (server, url):
        wait_until_ready(url)
        found: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: found.append(httpx.post(f"{url}/answer", json=question, timeout=60)))
        asking.start()
        until(lambda: "beleg_questions_in_work 1.0" in httpx.get(f"{url}/metrics").text, 20)
        server.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{url}/ready").status_code == 503, 20)
        assert httpx.post(f"{url}/answer", json=question).status_code == 503
        asking.join(30)
        server.wait(20)
    assert found[0].status_code == 200
