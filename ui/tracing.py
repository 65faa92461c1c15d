"""OpenTelemetry: one trace a question, one span a step; their attributes are statuses and times, never texts.

Nothing is sent unless a collector is named by OpenTelemetry's own ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or
``…_TRACES_ENDPOINT``), and the extra ``otel`` is installed.
"""

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from index.errors import BelegError
from ui.observation import Observed

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class TracingError(BelegError):
    """Traces are asked for and cannot be sent."""


def tracing() -> Callable[[Observed], None] | None:
    """Return what sends a question's trace to the collector of the settings; None where none is named.

    Raises:
        TracingError: A collector is named, and the extra is not installed.
    """
    named = next((name for name in _ENDPOINTS if os.environ.get(name)), None)
    if named is None:
        return None
    if not find_spec("opentelemetry.sdk") or not find_spec("opentelemetry.exporter"):
        raise TracingError(f"{named} is set, but OpenTelemetry is not installed; run: pip install 'beleg[otel]'")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return Tracing(BatchSpanProcessor(OTLPSpanExporter())).send


class Tracing:
    """Makes spans of what was observed.

    Args:
        processor: Is given each span.
    """

    def __init__(self, processor: "SpanProcessor") -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        # What is read of the environment wins: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "beleg"}
        provider = TracerProvider(resource=Resource.create(named))
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("beleg")

    def send(self, observed: Observed) -> None:
        """Hand over the spans of a question that has ended."""
        from opentelemetry.context import Context
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        question = self._tracer.start_span("question", Context(), start_time=observed.began)
        question.set_attribute("beleg.outcome", observed.outcome)
        question.set_attribute("beleg.seconds_waited", observed.waited)
        within = set_span_in_context(question, Context())
        for step in observed.steps:
            span = self._tracer.start_span(step.name, within, start_time=step.began)
            span.set_attribute("beleg.seconds", step.seconds)
            if step.failed:
                span.set_status(Status(StatusCode.ERROR))
            span.end(step.ended)
        if observed.outcome == "failed":
            question.set_status(Status(StatusCode.ERROR))
        question.end(observed.began + round(observed.seconds * 1e9))
