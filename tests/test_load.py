"""The load measurement: a few users against the real server."""

import json
import time
import urllib.request

import pytest

from eval.goldset import SAMPLE, load_goldset
from eval.load import endpoint, measure, served
from index import Index
from index.embedding import load_embedder


def test_the_endpoint_notes_how_long_each_question_took_it() -> None:
    body = {"messages": [{"content": "Belege:\n[1] Um acht.\n\nFrage: Wann?\nAntworte auf Deutsch."}]}
    with endpoint() as model:
        request = urllib.request.Request(f"{model.url}/chat/completions", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=5) as response:
            assert json.load(response)["choices"][0]["message"]["content"] == "Die"
        until = time.monotonic() + 5
        while not model.seconds["Wann?"] and time.monotonic() < until:  # noted once the reply is out
            time.sleep(0.01)
        assert 0.3 <= model.seconds["Wann?"] < 3


@pytest.mark.slow
def test_users_at_once_are_all_answered(tmp_path) -> None:
    Index.open(tmp_path, embedder=load_embedder()).add(load_goldset(SAMPLE).documents[:5])
    with endpoint() as model, served("serve", tmp_path, model) as url:
        from eval.load import wait_until_ready

        wait_until_ready(url)
        figures = measure(url, model, users=3, questions=1, in_step=True)
    assert (figures["questions"], figures["errors"]) == (3, 0)
    assert 0 < figures["overhead_p50"] <= figures["overhead_p95"] < 30
    assert figures["answer_p50"] > 3
