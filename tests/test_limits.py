"""Too much of anything: refused or queued with a clear answer, in bounded memory, and the others are served."""

import asyncio
import json
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2 as httpx
import psutil
import pytest

from index import Document, Index
from index.settings import index_settings
from rag import Assistant
from rag.assistant import QUESTION_CHARACTERS, AssistantError
from rag.llm import LLMSettings, load_llm
from tests.conftest import WordEmbedder
from tests.scripted_llm import KEY, ScriptedLLM, no_probabilities, writes
from tests.serving import loaded, serving
from ui.asgi import ASGI
from ui.chat import build_chat
from ui.queue import MOST_OF_A_CLIENT, FairQueue
from ui.routes import routes
from ui.server import MOST_PAGE_BYTES, application

TEXT = "Tan Wenkan ist Direktor der Messe. Auf der Messe zählte man 1.234 Besucher."
QUESTION = {"question": "Wer ist Direktor der Messe?"}
PASSWORD = "Sesam öffne dich, bitte"
FIVE_MEGABYTES = b'{"question": "' + b"x" * 5_000_000 + b'"}'
POSTS = ["/answer", "/de/gradio_api/queue/join", "/de/gradio_api/upload", "/beleg/feedback", "/beleg/export", "/login"]


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    for name in ("BELEG_PASSWORD", "BELEG_AT_ONCE", "BELEG_LLM_BASE_URL", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def index(tmp_path, embedder) -> Index:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("messe", "Messe", TEXT)])
    return index


@pytest.fixture(scope="module")
def shown(tmp_path_factory) -> Index:
    """The index of the page."""
    index = Index.open(tmp_path_factory.mktemp("shown") / "index", embedder=WordEmbedder())
    index.add([Document("messe", "Messe", TEXT)])
    return index


@pytest.fixture(scope="module")
def page(shown) -> Iterator[httpx.Client]:
    """The chat's page with all its routes, without a language model."""
    assistant = Assistant(shown, None)

    async def built() -> ASGI:
        pages: dict[Any, Any] = {"de": build_chat(assistant, "de")}
        return application(pages, "127.0.0.1", router=routes(shown), service=loaded(assistant))

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BELEG_PASSWORD", raising=False)
        with serving(asyncio.run(built())) as url, httpx.Client(base_url=url, timeout=60) as client:
            yield client


def test_a_question_that_is_too_long_is_refused_everywhere(index):
    with pytest.raises(AssistantError, match=f"has 100000 characters, at most {QUESTION_CHARACTERS}"):
        Assistant(index, None).answer("?" * 100_000)


def test_the_chat_refuses_a_long_question_that_no_textbox_sent(page):
    config = page.get("/de/config").json()
    asks = next(one["id"] for one in config["dependencies"] if len(one["inputs"]) == 3 and len(one["outputs"]) == 4)
    joined = {"data": ["x" * 100_000, None, None], "fn_index": asks, "session_hash": "a", "event_data": None}
    assert page.post("/de/gradio_api/queue/join", json=joined).status_code == 200
    with page.stream("GET", "/de/gradio_api/queue/data?session_hash=a") as told:
        text = ""
        for piece in told.iter_text():
            text += piece
            if "process_completed" in text:
                break
    assert f"at most {QUESTION_CHARACTERS}" in text or '"success":false' in text.replace(" ", "")


@pytest.mark.parametrize("path", POSTS)
def test_a_message_of_five_megabytes_is_refused(page, path):
    headers = {"Content-Type": "application/json", "X-Beleg": "1"}
    for content in (FIVE_MEGABYTES, iter([FIVE_MEGABYTES[:1_000_000]] * 5)):
        response = page.post(path, content=content, headers=headers)
        assert response.status_code in {404, 413}  # without a password there is no login
        assert response.status_code == 413 or path == "/login"
    assert page.post("/answer", json=QUESTION).status_code == 200


@pytest.mark.slow
def test_many_large_messages_at_once_take_bounded_memory(page):
    process = psutil.Process()
    before = process.memory_info().rss
    highest = [before]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            highest.append(process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    content = b"{" + b" " * (MOST_PAGE_BYTES * 3)
    with ThreadPoolExecutor(16) as pool:
        sent = [
            pool.submit(page.post, "/beleg/export", content=iter([content]), headers={"X-Beleg": "1"})
            for _ in range(32)
        ]
        assert {one.result().status_code for one in sent} == {413}
    ended.set()
    watching.join()
    assert max(highest) - before < 500e6


@pytest.mark.parametrize(
    "name",
    [
        "../../../tmp/beleg-draussen.txt",
        "..%2f..%2fbeleg-draussen.txt",
        "/tmp/beleg-draussen.txt",
        "C:\\beleg-draussen.txt",
        "....//beleg-draussen.txt",
        "uploads/../../beleg-draussen.txt",
        "beleg-draussen.txt\0.exe",
        "\u202e../beleg-draussen.txt",
    ],
)
def test_no_name_leads_out_of_the_folder_of_uploads(page, shown, name):
    page.put(f"/beleg/documents?name={quote(name)}", content=b"Die Messe.", headers={"X-Beleg": "1"})
    around = shown.folder.parent.parent.rglob("*draussen*")
    outside = [path for path in around if path.parent != shown.folder / "uploads"]
    assert outside == []
    assert not os.path.lexists("/tmp/beleg-draussen.txt")


@pytest.mark.parametrize(
    "path",
    [
        "/de/gradio_api/file=/etc/passwd",
        "/de/gradio_api/file=../../../etc/passwd",
        "/de/gradio_api/file=%2fetc%2fpasswd",
        "/de/static/../../../../etc/passwd",
        "/de/assets/..%2f..%2f..%2fetc/passwd",
        "/beleg/page?document=../../etc/passwd&page=1&start=0&end=5",
        "/beleg/source?document=/etc/passwd&start=0&end=5",
        "//etc/passwd",
    ],
)
def test_no_address_leads_to_a_file_of_the_machine(page, path):
    url = urlsplit(str(page.base_url))
    with socket.create_connection((url.hostname, url.port)) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
        raw.settimeout(20)
        said = b""
        while piece := raw.recv(65536):
            said += piece
    assert b"root:" not in said
    assert b"/bin/" not in said


@pytest.mark.slow
def test_two_hundred_questions_at_once_are_answered_or_told_when_to_come_again(index):
    with ScriptedLLM() as server, ExitStack() as stack:
        server.judgement = no_probabilities
        server.replies = [writes("Tan Wenkan [1]") for _ in range(400)]
        llm = load_llm(LLMSettings(llm_base_url=server.url, llm_model="eule", llm_api_key=KEY, llm_timeout=20))
        stack.enter_context(closing(llm))
        service = loaded(Assistant(index, llm), FairQueue())
        with serving(application(None, "127.0.0.1", service=service)) as url:
            limits = httpx.Limits(max_connections=200)
            client = stack.enter_context(httpx.Client(base_url=url, timeout=60, limits=limits))
            with ThreadPoolExecutor(200) as pool:
                asked = [pool.submit(client.post, "/answer", json=QUESTION) for _ in range(200)]
                started = time.monotonic()
                assert httpx.get(f"{url}/health", timeout=30).status_code == 200
                waited = time.monotonic() - started
                answers = [one.result() for one in asked]
            counted = Counter(answer.status_code for answer in answers)
            assert set(counted) == {200, 429}
            assert counted[200] >= MOST_OF_A_CLIENT
            assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status_code == 429)
            assert all(answer.json()["status"] == "answered" for answer in answers if answer.status_code == 200)
            assert waited < 20
            assert client.post("/answer", json=QUESTION).status_code == 200


def test_slow_clients_hold_nothing_but_their_connection(index):
    service = loaded(Assistant(index, None), FairQueue(at_once=1))
    with serving(application(None, "127.0.0.1", service=service)) as url, ExitStack() as stack:
        parts = urlsplit(url)
        head = f"POST /answer HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        whole = json.dumps({**QUESTION, "stream": True}).encode()
        for number in range(150):
            slow = stack.enter_context(socket.create_connection((parts.hostname, parts.port)))
            begun = (
                head.encode()[:40],  # amid the head
                f"{head}Content-Length: 400000\r\n\r\n".encode() + b'{"question": ',  # amid the body
                f"{head}Content-Length: {len(whole)}\r\n\r\n".encode() + whole,  # never reads its answer
            )
            slow.sendall(begun[number % 3] if number < 140 or number % 3 < 2 else begun[0])
            if number % 3 == 2 and number > 20:
                slow.close()  # gone before the answer
        end = time.monotonic() + 30  # on a busy machine those who are gone take their time to be forgotten
        while (answer := httpx.post(f"{url}/answer", json=QUESTION, timeout=30)).status_code != 200:
            assert time.monotonic() < end, answer.text
            time.sleep(float(answer.headers["Retry-After"]) / 5)
        assert httpx.get(f"{url}/health", timeout=10).status_code == 200


def test_two_hundred_wrong_passwords(index, monkeypatch):
    monkeypatch.setenv("BELEG_PASSWORD", PASSWORD)
    with (
        serving(application(None, "127.0.0.1", service=loaded(Assistant(index, None)))) as url,
        httpx.Client(base_url=url) as inside,
        httpx.Client(base_url=url) as guessing,
    ):
        assert inside.post("/login", data={"password": PASSWORD}).status_code == 303
        counted = Counter(
            guessing.post("/login", data={"password": f"falsch {number}"}).status_code for number in range(200)
        )
        assert counted[429] >= 195
        assert guessing.post("/login", data={"password": PASSWORD}).status_code == 429  # the right one waits, too
        assert inside.post("/answer", json=QUESTION).status_code == 200  # who is in stays in
