"""The page in a real browser when its server is killed: what was asked is asked again, what was said stays."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.scripted_llm import ScriptedLLM, writes
from tests.test_browser import (
    BELEG,
    CARD,
    LIBRARY,
    OPENING,
    SECONDS,
    ask,
    box,
    browser,
    environment,
    nth_turn,
    scripted,
    wait_until,
)
from tests.test_browser import listens as is_listening

pytestmark = pytest.mark.browser
__all__ = ["browser"]

FIRST, SECOND = "Wann öffnet die Stadtbücherei Neustadt?", "Was kostet ein Leseausweis für Erwachsene?"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    (tmp_path / "satzung.txt").write_text(LIBRARY, encoding="utf-8")
    folder = tmp_path / "index"
    subprocess.run([*BELEG, "index", "add", tmp_path / "satzung.txt", "--index", folder], check=True, env=environment())
    return folder


class Server:
    """``beleg chat`` on one port, which can be killed and started again."""

    def __init__(self, index: Path, port: int, llm: ScriptedLLM) -> None:
        self._command = [*BELEG, "chat", "--index", str(index), "--port", str(port)]
        self._environment = environment(**scripted(llm))
        self._port = port
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, env=self._environment)
        wait_until(lambda: is_listening(self._port))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(SECONDS)


@pytest.fixture
def llm() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as llm:
        yield llm


@pytest.fixture
def server(index: Path, llm: ScriptedLLM) -> Iterator[Server]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Server(index, port, llm)
    yield server
    server.kill()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(server.url)
    page.locator(".beleg-list > *").first.wait_for()
    yield page
    context.close()


def test_a_question_lost_amid_its_answer_is_asked_again(page: Any, server: Server, llm: ScriptedLLM) -> None:
    def never_ends(request: Any) -> None:
        request.begin_stream()
        request.delta("Ein Leseausweis kostet ")
        request.wait()

    llm.replies = [writes(OPENING), never_ends, writes(CARD)]
    ask(page, FIRST)
    box(page).fill(SECOND)
    box(page).press("Enter")
    wait_until(lambda: len(llm.prompts) == 2)
    server.kill()
    server.start()

    assert nth_turn(page, 1).locator("blockquote").first.text_content() == CARD
    assert page.locator(".beleg-asked").all_inner_texts() == [FIRST, SECOND]
    page.reload()
    nth_turn(page, 1)
    page.wait_for_timeout(1000)
    assert len(llm.prompts) == 3


def test_a_conversation_goes_on_in_another_process(page: Any, server: Server, llm: ScriptedLLM) -> None:
    llm.replies = [writes(OPENING), writes(CARD)]
    ask(page, FIRST)
    server.kill()
    server.start()

    assert ask(page, SECOND).locator("blockquote").first.text_content() == CARD
    assert page.locator(".beleg-asked").all_inner_texts() == [FIRST, SECOND]
