"""Three chat processes behind a real nginx, over one index: sticky, and one of them killed under load."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from eval.goldset import SAMPLE, load_goldset
from eval.load import Endpoint, endpoint, process, wait_until_ready
from index import Index
from index.embedding import load_embedder
from tests.chat_page import ChatPage, LostError
from tests.nginx import behind_nginx

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]

PROCESSES = 3
USERS = 20
PASSWORD = "Sesam öffne dich, bitte"
BEARER = {"Authorization": f"Bearer {PASSWORD}".encode()}
SHARED = {"BELEG_PASSWORD": PASSWORD, "BELEG_SESSION_KEY": "0123456789abcdef" * 4, "FORWARDED_ALLOW_IPS": "127.0.0.1"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    Index.open(folder, embedder=load_embedder()).add(load_goldset(SAMPLE).documents)
    return folder


@pytest.fixture(scope="module")
def questions() -> list[str]:
    return [one.question for one in load_goldset(SAMPLE).questions if one.language == "de" and one.answerable]


@contextmanager
def processes(index: Path, model: Endpoint | None, **settings: str) -> Iterator[tuple[list[Any], list[str]]]:
    """Run the chats; give the processes and their URLs."""
    with ExitStack() as stack:
        started = [stack.enter_context(process("chat", index, model, **settings)) for _ in range(PROCESSES)]
        for _, url in started:
            wait_until_ready(url)
        yield [server for server, _ in started], [url for _, url in started]


def is_answered(url: str, question: str) -> bool:
    """Whether a new page has an answer at its first try."""
    try:
        return bool(ChatPage(url, BEARER).ask_once(question))
    except (LostError, httpx.HTTPError):
        return False


def statuses_by_any_route(url: str) -> set[int]:
    """Log in once, and be passed to whichever process."""
    with httpx.Client(base_url=url) as client:
        client.post("/login", data={"password": PASSWORD})
        statuses = set()
        for _ in range(12):
            client.cookies.delete("beleg_route")
            statuses.add(client.get("/openapi.json").status_code)
        return statuses


def test_no_question_is_lost_where_a_process_is_killed_and_each_keeps_its_conversation(
    index: Path, questions: list[str], tmp_path: Path
) -> None:
    with endpoint() as model, processes(index, model) as (servers, urls), behind_nginx(tmp_path, urls) as url:
        halfway = threading.Barrier(USERS + 1)

        def user(number: int) -> ChatPage:
            page = ChatPage(url)
            page.ask(questions[number % len(questions)])
            halfway.wait(120)
            for step in (1, 2):
                page.ask(questions[(number + step * 7) % len(questions)])
            return page

        def program(number: int) -> int:
            halfway.wait(120)
            with httpx.Client(base_url=url, timeout=60) as client:
                return client.post("/answer", json={"question": questions[number]}).status_code

        with ThreadPoolExecutor(USERS) as threads:
            pages = [threads.submit(user, number) for number in range(USERS - 4)]
            programs = [threads.submit(program, number) for number in range(4)]
            halfway.wait(120)
            time.sleep(2)  # all are amid an answer
            servers[0].send_signal(signal.SIGKILL)
            asked = [page.result() for page in pages]
            statuses = [one.result() for one in programs]
    assert statuses == [200] * 4
    for page in asked:
        assert [turn["answer"]["status"] for turn in page.turns] == ["answered"] * 3
    again = sum(page.tries for page in asked) - 3 * len(asked)
    assert 1 <= again <= len(asked)


def test_in_turn_questions_are_lost_and_with_the_cookie_none_is_and_a_login_counts_everywhere(
    index: Path, questions: list[str], tmp_path: Path
) -> None:
    with processes(index, None, **SHARED) as (_, urls):
        with behind_nginx(tmp_path / "turns", urls, sticky=False) as url:
            assert not any(is_answered(url, question) for question in questions[:3])
        with behind_nginx(tmp_path / "sticky", urls) as url:
            pages = [ChatPage(url, BEARER) for _ in range(9)]
            for page in pages:
                for question in questions[:3]:
                    page.ask_once(question)
                assert len(page.turns) == 3
            assert statuses_by_any_route(url) == {200}
            assert {httpx.get(f"{url}/{name}").status_code for name in ("metrics", "health", "ready")} == {404}
            routes = {page.client.cookies["beleg_route"] for page in pages}
    assert len(routes) == len(pages)
    used = {line.split('"')[1] for line in (tmp_path / "sticky" / "access.log").read_text().splitlines()}
    assert len(used) > 1
