"""An OpenAI-compatible endpoint without a socket: as quick as a function, for thousands of answers."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai

from rag.endpoint import EndpointLLM
from rag.llm import LLM

Writes = Callable[[list[dict[str, str]]], str]
"""Messages -> the whole text that the model writes."""


def model_in_process(writes: Writes) -> LLM:
    """Return a model that writes what the function says, and gives no probabilities."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        if not body.get("stream"):
            return httpx2.Response(200, json=_envelope("chat.completion", {"message": _message("Die")}, "length"))
        deltas = [({"delta": {"content": writes(body["messages"])}}, None), ({"delta": {}}, "stop")]
        events = [json.dumps(_envelope("chat.completion.chunk", *delta)) for delta in deltas]
        content = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
        return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=content.encode())

    transport = httpx2.MockTransport(answer)
    client = openai.OpenAI(
        base_url="http://model.test/v1", api_key="none", http_client=openai.DefaultHttpxClient(transport=transport)
    )
    return EndpointLLM(client, "scripted")


def _message(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def _envelope(kind: str, choice: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish_reason, "logprobs": None, **choice}
    return {"id": "1", "object": kind, "created": 0, "model": "scripted", "choices": [choice]}
