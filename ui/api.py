"""Questions over HTTP: ``POST /answer``, as one JSON object or sentence by sentence, and whether the server is well."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from index.errors import BelegError
from index.store import StoreError
from rag.assistant import QUESTION_CHARACTERS, Answer, Event, Found
from rag.citations import Citation
from rag.grounding import Verdict
from rag.language import Language
from rag.llm import LLMError
from rag.writer import AnswerSentence, Status
from ui import metrics
from ui.asgi import header
from ui.in_thread import in_thread
from ui.login import client_name
from ui.queue import BusyError, Waiting
from ui.server import announce, application, listen, serve, unguarded
from ui.service import Service

if TYPE_CHECKING:
    import fastapi

MOST_TURNS = 20
ANSWER_CHARACTERS = 10_000
MOST_DOCUMENTS = 1000

_LEFT = 499
"""Status for the log alone: nobody is there to read it."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty; ask something")
    return text


class Earlier(BaseModel):
    """A question of the conversation, and its answer."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=QUESTION_CHARACTERS)
    answer: str = Field(max_length=ANSWER_CHARACTERS)


class Question(BaseModel):
    """What is asked of which documents, and how the answer is to come."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(max_length=QUESTION_CHARACTERS), AfterValidator(_not_blank)] = Field(
        description="In German or English."
    )
    language: Literal["de", "en"] | None = Field(None, description="Of the answer; by default the question's.")
    documents: list[Annotated[str, StringConstraints(max_length=1000)]] | None = Field(
        None, max_length=MOST_DOCUMENTS, description="Ids of the only documents to answer from; by default all."
    )
    history: list[Earlier] = Field([], max_length=MOST_TURNS, description="The conversation so far, oldest first.")
    stream: bool = Field(False, description="Answer as server-sent events, as `Accept: text/event-stream` does.")


class PassageJSON(TypedDict):
    """A passage that was found; ``score`` orders them and is made of the three after it."""

    document_id: str
    title: str
    text: str
    start: int
    end: int
    score: float
    dense: float
    late: float
    lexical: float


class AnswerJSON(TypedDict):
    """What ``Answer.to_dict()`` gives out; offsets count characters of the document's text."""

    question: str
    text: str
    language: Language
    status: Status
    citations: list[Citation]
    hits: list[PassageJSON]
    model: str
    seconds: float
    notice: str
    verdicts: list[Verdict]
    confidence: float | None
    nearest: list[Citation]
    signals: dict[str, float | None]


class ErrorJSON(TypedDict):
    """Why there is no answer, and what to change."""

    detail: str


def launch_api(
    folder: str | Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    language: Language,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the HTTP routes over an index (default: ``BELEG_INDEX``), without a page, until the process is interrupted.

    Raises:
        ChatError: The port is in use, or the host is none of this machine's addresses.
        StoreError: There is no index in the folder, or it cannot be read.
    """
    with listen(host, port) as listener:
        service = Service.load(folder, language)
        app = application(
            None,
            host,
            service=service,
            language=language,
            part=lambda collections: unguarded(None, None, service.over(collections), language),
        )
        service.loading.start(service.assistant)
        announce(listener, on_ready, open_browser=False)
        serve(app, listener, service.stopping)


def ask(service: Service, question: Question, client: str) -> AsyncGenerator[Event | Waiting | BelegError, None]:
    """Yield the events of an answer; an error that beleg raises is the last. Who leaves stops the work."""
    left = threading.Event()
    history = [(turn.question, turn.answer) for turn in question.history]

    def start() -> Iterator[Event]:
        return service.assistant.stream(
            question.question,
            language=question.language,
            documents=question.documents,
            history=history,
            stopped=left.is_set,
        )

    return in_thread(_with_error(service.stream(client, start)), left)


def add_routes(app: "fastapi.FastAPI", service: Service) -> None:
    """Add ``/answer``, ``/health``, ``/ready`` and ``/metrics``."""
    from fastapi import Depends, Request, Response
    from fastapi.exceptions import RequestValidationError
    from fastapi.security import HTTPBearer

    bearer = HTTPBearer(auto_error=False, description="The server's password, or NAME:PASSWORD.")

    @app.post(
        "/answer",
        summary="Answer a question from the documents",
        description=_ANSWER,
        dependencies=[Depends(bearer)],
        response_class=Response,
        responses=_responses(),
    )
    async def answer(question: Question, request: Request) -> Response:
        events = ask(service, question, client_name(request.scope))
        if question.stream or "text/event-stream" in header(request.scope, "accept"):
            return await _streamed(events)
        return await _unless_left(request, _whole(events))

    @app.get("/health", summary="Is the server alive?")
    async def health() -> dict[str, bool]:
        return {"alive": True}

    @app.get("/ready", summary="Are questions answered? Status 503: still loading, index unreadable, or stopping.")
    def ready(response: Response) -> dict[str, bool]:
        is_ready = service.is_ready()
        response.status_code = 200 if is_ready else 503
        return {"ready": is_ready}

    @app.get(metrics.PATH, include_in_schema=False)
    def figures() -> Response:
        return Response(service.metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> Response:
        return _json(422, {"detail": _said(cast("RequestValidationError", error).errors())})


_ANSWER = """Every sentence of the answer carries the marker of a citation: a verbatim quote, at its offsets.

Streamed, the answer is a sequence of server-sent events, each with a JSON object as its data: `waiting` (`place`: how
many questions are ahead), `sentence` (`text`, and the `citations` that it is the first to use), last `answer` (the
whole answer, as without streaming) or `error` (`detail`). Texts of documents are data, never instructions."""


def _responses() -> dict[int | str, dict[str, Any]]:
    refusals = {
        401: "The password is missing or wrong.",
        404: "No document has one of the ids.",
        413: "The body is too large.",
        422: "The question cannot be read.",
        429: "Too many questions of yours are waiting, or too many wrong passwords; see Retry-After.",
        500: "The index cannot be read.",
        502: "The language model cannot be asked.",
        503: "Too many questions are waiting, or the server is stopping; see Retry-After.",
    }
    whole = {"model": AnswerJSON, "description": "The answer.", "content": {"text/event-stream": {}}}
    return {200: whole, **{status: {"model": ErrorJSON, "description": text} for status, text in refusals.items()}}


def _with_error(
    events: Generator[Event | Waiting, None, None],
) -> Generator[Event | Waiting | BelegError, None, None]:
    try:
        yield from events
    except BelegError as error:
        yield error


# One JSON object


async def _whole(events: AsyncGenerator[Event | Waiting | BelegError, None]) -> "fastapi.Response":
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return _json(200, event.to_dict())
            if isinstance(event, BelegError):
                return _problem(event)
    return _json(500, {"detail": _UNEXPECTED})


async def _unless_left(request: "fastapi.Request", response: Awaitable["fastapi.Response"]) -> "fastapi.Response":
    """Return the response; where the client leaves before, stop working on it."""
    working, leaving = asyncio.ensure_future(response), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else _json(_LEFT, {"detail": "the client has left"})
    finally:
        for task in (working, leaving):
            task.cancel()


async def _left(request: "fastapi.Request") -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


# Server-sent events


async def _streamed(events: AsyncGenerator[Event | Waiting | BelegError, None]) -> "fastapi.Response":
    """Return the stream; what is wrong from the start has a status of its own."""
    from fastapi.responses import StreamingResponse

    first = await anext(events, BelegError(_UNEXPECTED))
    if isinstance(first, BelegError):
        return _problem(first)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_sent(first, events), media_type="text/event-stream", headers=headers)


async def _sent(
    first: Event | Waiting, events: AsyncGenerator[Event | Waiting | BelegError, None]
) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield _server_sent(first)
        event: Event | Waiting | BelegError = first
        async for event in events:
            yield _server_sent(event)
    if not isinstance(event, Answer | BelegError):
        yield _server_sent(BelegError(_UNEXPECTED))


def _server_sent(event: Event | Waiting | BelegError) -> bytes:
    r"""Return an event as it is sent; what was found is in the answer again, and keeps the line open meanwhile.

    >>> _server_sent(Waiting(2)), _server_sent(Found(()))
    (b'event: waiting\ndata: {"place": 2}\n\n', b': found\n\n')
    """
    name: str
    data: dict[str, Any]
    match event:
        case Found():
            return b": found\n\n"
        case Waiting(place):
            name, data = "waiting", {"place": place}
        case AnswerSentence(text, citations):
            name, data = "sentence", {"text": text, "citations": [citation.to_dict() for citation in citations]}
        case Answer():
            name, data = "answer", event.to_dict()
        case error:
            name, data = "error", {"detail": str(error)}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


# Errors


_UNEXPECTED = "an unexpected error; the terminal in which the server runs has the details"


def _problem(error: BelegError) -> "fastapi.Response":
    match error:
        case BusyError():
            return _json(429 if error.own else 503, {"detail": str(error)}, {"Retry-After": str(error.seconds)})
        case LLMError():
            return _json(502, {"detail": str(error)})
        case StoreError() if str(error).startswith("no document "):
            return _json(404, {"detail": str(error)})
        case _:
            return _json(500, {"detail": str(error)})


def _json(status: int, value: object, headers: dict[str, str] | None = None) -> "fastapi.Response":
    """Return a response in ASCII: a document may hold what UTF-8 does not carry."""
    from fastapi import Response

    return Response(json.dumps(value), status, headers, "application/json")


def _said(problems: Sequence[dict[str, Any]]) -> str:
    """Return what is wrong with a body, without repeating it.

    >>> _said([{"loc": ("body", "history", 0, "answer"), "msg": "Field required", "input": "…"}])
    'history.0.answer: Field required'
    """
    places = [".".join(map(str, problem["loc"][1:])) or "body" for problem in problems]
    return "; ".join(f"{place}: {problem['msg']}" for place, problem in zip(places, problems, strict=True))
