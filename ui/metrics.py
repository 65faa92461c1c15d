"""Figures for Prometheus, at ``/metrics``. Their labels are statuses and steps; no text of anybody stands in them."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ui.observation import Observed
from ui.queue import FairQueue

PATH = "/metrics"
CONTENT_TYPE = CONTENT_TYPE_LATEST
_ANSWER_SECONDS = (0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128)
_STEP_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
OUTCOMES = ("answered", "abstained", "incomplete", "refused", "failed", "left")


class Metrics:
    """Counts and times of one server.

    Args:
        queue: Whose length is told.
        is_ready: Whether questions are answered.
    """

    def __init__(self, queue: FairQueue, is_ready: Callable[[], bool]) -> None:
        self._registry = registry = CollectorRegistry()
        self._questions = Counter("beleg_questions", "By what became of them.", ["outcome"], registry=registry)
        for outcome in OUTCOMES:
            self._questions.labels(outcome)
        self._errors = Counter("beleg_model_errors", "The model did not answer, or not whole.", registry=registry)
        self._seconds = Histogram(
            "beleg_question_seconds", "From question to answer.", registry=registry, buckets=_ANSWER_SECONDS
        )
        self._waits = Histogram(
            "beleg_queue_seconds", "Spent in the queue.", registry=registry, buckets=(0, *_ANSWER_SECONDS)
        )
        self._steps = Histogram(
            "beleg_step_seconds", "Of one step of an answer.", ["step"], registry=registry, buckets=_STEP_SECONDS
        )
        for name, text, value in (
            ("beleg_queue_length", "Questions that wait.", lambda: queue.waiting),
            ("beleg_questions_in_work", "Questions that are being answered.", lambda: queue.served),
            ("beleg_ready", "1: models loaded, index readable, not stopping.", is_ready),
        ):
            Gauge(name, text, registry=registry).set_function(value)

    def count(self, observed: Observed) -> None:
        """Count a question that has ended."""
        self._questions.labels(observed.outcome).inc()
        self._errors.inc(observed.model_failed)
        self._waits.observe(observed.waited)
        if observed.outcome in {"answered", "abstained", "incomplete"}:
            self._seconds.observe(observed.seconds)
        for step in observed.steps:
            self._steps.labels(step.name).observe(step.seconds)

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)
