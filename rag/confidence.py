"""How likely the documents answer a question: weak signals, weighed by a model fitted on public questions.

``confidence.json`` holds it as data: two logistic regressions (Cox 1958, The Regression Analysis of Binary Sequences),
one of what is known before a model writes, one of all. ``python -m eval.calibration`` fits and writes it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import BelegError

FITTED = Path(__file__).with_name("confidence.json")


class ConfidenceSettings(BaseSettings):
    """How sure beleg must be to answer; ``None``: as sure as fitted."""

    model_config = SettingsConfigDict(env_prefix="BELEG_", extra="ignore", env_ignore_empty=True)

    least_confidence: float | None = Field(default=None, ge=0, le=1)


def least_confidence() -> float | None:
    """Return ``BELEG_LEAST_CONFIDENCE``.

    Raises:
        BelegError: It is no number from 0 to 1.
    """
    try:
        return ConfidenceSettings().least_confidence
    except ValidationError as error:
        given = error.errors()[0]["input"]
        raise BelegError(f"BELEG_LEAST_CONFIDENCE is {given!r}, expected a number from 0 (answer) to 1") from error


@dataclass(frozen=True)
class Signals:
    """What speaks for an answer and what against; ``None``: not known.

    Attributes:
        cosine: Of the nearest sentence of the evidence to the question.
        dense: Cosine of the best hit.
        late: Its late interaction.
        margin: How far that lies above the mean of the sixth to tenth best passage of the whole index.
        coverage: Share of the question's terms that the evidence holds.
        english: 1 where the question is English.
        refusal: Log-odds that the model begins with a refusal.
        likelihood: Mean log-probability of the tokens of the first sentence.
        least: That of its least likely token.
        support: Cosine between the question with the first sentence, and the evidence that carries it.
        named: 1 where the model named its evidence.
    """

    cosine: float
    dense: float
    late: float
    margin: float
    coverage: float
    english: float = 0.0
    refusal: float | None = None
    likelihood: float | None = None
    least: float | None = None
    support: float | None = None
    named: float | None = None

    def with_answer(self, logprobs: list[float], support: float, *, named: bool) -> "Signals":
        """Add what is known once the first sentence is written."""
        if not logprobs:
            return self
        mean = sum(logprobs) / len(logprobs)
        return replace(self, likelihood=mean, least=min(logprobs), support=support, named=float(named))


@dataclass(frozen=True)
class Confidence:
    """A probability that the documents answer, and from which one on it is worth answering."""

    value: float
    least: float

    @property
    def suffices(self) -> bool:
        """Whether to answer."""
        return self.value >= self.least


def confidence(signals: Signals, embedder: str, model: str, least: float | None = None) -> Confidence | None:
    """Return how sure to be, by the most that is known; ``None`` for an embedder of which nothing was fitted.

    Before a model has written, it says whether it is clear from the retrieval alone that the documents do not answer.

    Args:
        signals: Of the question, and of the answer where there is one.
        embedder: Its name.
        model: The language model's name, "" for none; one that is not the fitted one's is judged by the retrieval.
        least: The operating point, in place of the fitted one.
    """
    fitted = _fitted()
    if embedder != fitted["embedder"]:
        return None
    written = signals.likelihood is not None and signals.refusal is not None and model == fitted["model"]
    stage = fitted["answer" if written else "retrieval"]
    limit = stage["least"] if least is None else least
    if model and not written:
        limit = min(limit, stage["clear"])
    return Confidence(probability(stage, as_german(asdict(signals), fitted["english"])), limit)


def as_german(signals: Mapping[str, float | None], shift: Mapping[str, float]) -> dict[str, float | None]:
    """Return the signals of an English question as those of its German form would be, on average: by a fitted shift.

    >>> as_german({"cosine": 0.8, "late": 0.4, "english": 1.0, "support": None}, {"cosine": 0.02, "support": 0.01})
    {'cosine': 0.8200000000000001, 'late': 0.4, 'english': 1.0, 'support': None}
    """
    english = signals.get("english") or 0.0
    return {name: value if value is None else value + english * shift.get(name, 0.0) for name, value in signals.items()}


def probability(stage: Mapping[str, Any], signals: Mapping[str, float | None]) -> float:
    """Return the probability of a logistic regression.

    >>> stage = {"intercept": -1.0, "weights": {"cosine": 2.0, "late": 1.0}}
    >>> round(probability(stage, {"cosine": 0.5, "late": 0.0, "dense": 9.0}), 3)
    0.5
    """
    score = stage["intercept"] + sum(weight * (signals[name] or 0.0) for name, weight in stage["weights"].items())
    return 1 / (1 + math.exp(-score))


@cache
def _fitted() -> dict[str, Any]:
    fitted: dict[str, Any] = json.loads(FITTED.read_text("utf-8"))
    return fitted
