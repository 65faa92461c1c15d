"""A key, a password and a text that must not be anywhere but where they belong: looked for in all that is written."""

import asyncio
import io
import logging
import traceback
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2 as httpx
import pytest

from index import Document, Index
from index.settings import index_settings
from rag import Assistant
from rag.llm import LLM, LLMError, LLMSettings, load_llm
from tests.scripted_llm import ScriptedLLM, breaks_off, completion, html, no_probabilities, status, writes
from tests.serving import loaded, serving
from ui.asgi import ASGI
from ui.chat import build_chat
from ui.login import Login
from ui.routes import routes
from ui.server import application
from ui.settings import ServerSettings

KEY = "sk-kanarienvogel-4f1e9b"
PASSWORD = "Kanarienkennwort-77c2"
TEXT = "Zimtkanari"
"""A word of the document and of the question: no log may hold what people ask and what their documents say."""
CONTENT = f"Frau {TEXT} ist Direktorin der Messe. Die Messe dauerte drei Tage."
QUESTION = f"Ist Frau {TEXT} Direktorin der Messe?"
SECRETS = (KEY, PASSWORD, TEXT)
BEARER = {"Authorization": f"Bearer {PASSWORD}"}


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_PASSWORD", PASSWORD)
    monkeypatch.setenv("BELEG_LLM_API_KEY", KEY)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that any logger of the process writes, DEBUG too."""
    stream = io.StringIO()
    listener = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    named = [
        logging.getLogger(name) for name in ("openai", "httpx2", "httpcore2", "uvicorn", "gradio", "index", "ui", "rag")
    ]
    levels = [logger.level for logger in named]
    for logger in (root, *named):
        logger.setLevel(logging.DEBUG)
    root.addHandler(listener)
    yield stream
    root.removeHandler(listener)
    root.setLevel(level)
    for logger, before in zip(named, levels, strict=True):
        logger.setLevel(before)


@pytest.fixture
def scripted() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as server:
        server.judgement = no_probabilities
        yield server


@pytest.fixture
def llm(scripted) -> Iterator[LLM]:
    model = load_llm(LLMSettings(llm_base_url=scripted.url, llm_model="eule", llm_timeout=0.5))
    assert model
    with closing(model):
        yield model


@pytest.fixture
def assistant(llm, tmp_path, embedder) -> Assistant:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("messe", "Messe", CONTENT)])
    return Assistant(index, llm)


def assert_free(text: str, *secrets: str) -> None:
    for secret in secrets or SECRETS:
        at = text.find(secret)
        assert at < 0, text[max(0, at - 200) : at + 100]


def echo(code: int) -> Any:
    """What a careless server answers: the key that it was given."""
    return status(code, f'{{"error": {{"message": "Incorrect API key provided: {KEY}"}}}}'.encode())


@pytest.mark.parametrize(
    "fault",
    [echo(401), echo(400), echo(500), html, completion([]), breaks_off("Frau", how="reset"), writes("Ja [1].")],
    ids="401 400 500 html empty reset none".split(),
)
def test_logs_and_tracebacks_of_questions_hold_no_secret(written, scripted, assistant, fault):
    for judgement in (no_probabilities, fault):
        scripted.judgement = judgement
        scripted.replies = [fault] * 4
        try:
            answer = assistant.answer(QUESTION)
            assert_free(answer.notice, KEY, PASSWORD)
        except LLMError as error:
            assert_free("".join(traceback.format_exception(error)))
            assert_free(repr(error))
    assert scripted.keys[0] == KEY
    assert_free(written.getvalue())


def test_no_repr_holds_a_secret(assistant, llm):
    login = Login(PASSWORD, "de")
    things = [
        LLMSettings(),
        ServerSettings(),
        llm,
        assistant,
        assistant.index,
        login,
        login.sessions,
        loaded(assistant),
    ]
    assert_free(" ".join(f"{thing!r} {thing}" for thing in things))
    assert_free(repr([vars(thing) for thing in (login, loaded(assistant))]), KEY, PASSWORD)


def test_nothing_that_the_server_says_unasked_holds_a_secret(written, assistant):
    async def built() -> ASGI:
        pages: dict[Any, Any] = {"de": build_chat(assistant, "de")}
        return application(pages, "127.0.0.1", router=routes(assistant.index), service=loaded(assistant))

    with serving(asyncio.run(built())) as url, httpx.Client(base_url=url, timeout=30) as client:
        wrong = client.post("/login", data={"password": PASSWORD + "x"})
        said = [wrong.text, client.get("/login").text]
        for path in ("/", "/de/", "/de/config", "/config", "/openapi.json", "/health", "/ready", "/metrics", "/nichts"):
            said += [client.get(path).text, client.get(path, headers=BEARER).text]
        client.post("/answer", json={"question": QUESTION}, headers=BEARER)
        client.post("/answer", content=b"{" + QUESTION.encode(), headers={**BEARER, "Content-Type": "application/json"})
    assert_free(" ".join(said))
    assert_free(written.getvalue())


def test_an_unexpected_error_is_logged_without_what_was_asked(written, scripted, assistant, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(assistant.retriever, "embed", fails)
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        answer = httpx.post(f"{url}/answer", json={"question": QUESTION}, headers=BEARER)
    assert answer.status_code == 500
    assert_free(answer.text)
    assert "RuntimeError" in written.getvalue()
    assert_free(written.getvalue())


def test_what_is_kept_in_the_index_and_the_cache_holds_no_key(scripted, assistant, tmp_path):
    scripted.replies = [writes("Ja, Direktorin [1].")]
    assistant.answer(QUESTION)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            assert KEY.encode() not in raw
            assert PASSWORD.encode() not in raw
