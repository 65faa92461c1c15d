"""Which stage judges a question, and from which confidence on it is answered."""

import json

import pytest

from index.embedding import EMBEDDED_MODEL
from index.weights import LLM_WEIGHTS
from rag.confidence import FITTED, Signals, confidence, probability

SIGNALS = Signals(cosine=0.85, dense=0.85, late=0.5, margin=0.02, coverage=0.5)
FULL = SIGNALS.with_answer([-0.1, -0.3], 0.88, named=True)


def test_the_likelihood_is_the_mean_of_the_tokens_and_the_least_the_lowest() -> None:
    assert (FULL.likelihood, FULL.least, FULL.support, FULL.named) == (pytest.approx(-0.2), -0.3, 0.88, 1.0)
    assert SIGNALS.with_answer([], 0.9, named=True) == SIGNALS


def test_nothing_is_known_of_another_embedder() -> None:
    assert confidence(SIGNALS, "anderer", LLM_WEIGHTS.name) is None


def test_what_is_fitted_is_for_the_embedded_models_and_says_on_what() -> None:
    fitted = json.loads(FITTED.read_text("utf-8"))
    assert (fitted["embedder"], fitted["model"]) == (EMBEDDED_MODEL, LLM_WEIGHTS.name)
    assert fitted["version"] >= 1
    assert sum(fitted["questions"].values()) > 300


def test_the_stage_is_that_of_what_is_known() -> None:
    fitted = json.loads(FITTED.read_text("utf-8"))
    from dataclasses import asdict, replace

    written = replace(FULL, refusal=-5.0)
    for signals, model, stage, limit in (
        (SIGNALS, LLM_WEIGHTS.name, "retrieval", "clear"),
        (SIGNALS, "", "retrieval", "least"),
        (written, LLM_WEIGHTS.name, "answer", "least"),
        (written, "ein anderes", "retrieval", "clear"),
    ):
        found = confidence(signals, EMBEDDED_MODEL, model)
        assert found
        assert found.value == pytest.approx(probability(fitted[stage], asdict(signals)))
        assert found.least == fitted[stage][limit]


def test_the_operating_point_takes_the_fitted_ones_place_but_asks_the_model_where_it_is_not_clear() -> None:
    before, extract = confidence(SIGNALS, EMBEDDED_MODEL, "x", 0.99), confidence(SIGNALS, EMBEDDED_MODEL, "", 0.99)
    assert before
    assert extract
    assert before.least < 0.99
    assert extract.least == 0.99
