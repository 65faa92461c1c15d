"""The chat in a real browser: a server process over a small index, without a language model or with a scripted one."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.scripted_llm import ScriptedLLM, writes
from ui.texts import DE, EN

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SECONDS = 60

LIBRARY = (
    "Die Stadtbücherei Neustadt öffnet dienstags um zehn Uhr und schließt um achtzehn Uhr. "
    "Ein Leseausweis kostet Erwachsene im Jahr zwölf Euro. "
    "Wer ein Buch verliert, muss es zum Neupreis ersetzen.\n"
)
OPENING = "Die Stadtbücherei Neustadt öffnet dienstags um zehn Uhr und schließt um achtzehn Uhr."
CARD = "Ein Leseausweis kostet Erwachsene im Jahr zwölf Euro."
HOSTILE = (
    "# <img src=http://evil.invalid/title.png onerror=window.owned=1>\n\n"
    "Der Feuerwehrverein <img src=http://evil.invalid/a.png onerror=window.owned=1> "
    "![x](http://evil.invalid/b.png) [mehr](javascript:window.owned=1) "
    "<script>window.owned=1</script> trifft sich donnerstags im Gerätehaus.\n"
)
HOSTILE_QUOTE = HOSTILE.split("\n\n")[1].strip()


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "Satzung_der_Stadtbücherei.txt").write_text(LIBRARY, encoding="utf-8")
    (folder / "verein.md").write_text(HOSTILE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def index(documents: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    subprocess.run([*BELEG, "index", "add", str(documents), "--index", str(folder)], check=True, env=environment())
    return folder


BELEG = [sys.executable, "-m", "ui.cli"]


def environment(**variables: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("BELEG_LLM")}
    return {**plain, "BELEG_LLM_MODEL": "none", **variables}


@contextmanager
def served(index: Path, **variables: str) -> Iterator[str]:
    """Run ``beleg chat`` on a free port until the block ends; it must then end by itself."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*BELEG, "chat", "--index", str(index), "--port", str(port)]
    server = subprocess.Popen(command, env=environment(**variables))
    try:
        wait_until(lambda: listens(port) or server.poll() is not None)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(SECONDS)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def opened(browser: Any, url: str) -> Iterator[Any]:
    """Open the page; afterwards nothing must have left this machine, and no script must have failed or run."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(SECONDS * 1000)
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.goto(url)
    page.get_by_role("textbox").wait_for()
    yield page
    assert {urlsplit(url).hostname for url in asked if not url.startswith("data:")} == {"127.0.0.1"}
    assert complaints == []
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    page.close()


def ask(page: Any, question: str) -> Any:
    """Ask, wait for the end of the answer, return it."""
    answers = page.locator(".bot-row")
    count = answers.count()
    page.get_by_role("textbox").fill(question)
    page.get_by_role("textbox").press("Enter")
    answers.nth(count).wait_for()
    page.wait_for_function("!document.querySelector('#beleg-chat .beleg-busy')")
    return answers.nth(count)


def test_german_interface_answers_in_both_languages_with_verbatim_quotes(browser: Any, index: Path) -> None:
    with served(index, BELEG_INTERFACE_LANGUAGE="de") as url, opened(browser, url) as page:
        assert page.title() == "beleg"
        page.get_by_text(DE.chat_welcome).wait_for()
        page.wait_for_function("document.documentElement.lang === 'de'")
        page.get_by_text(f"2 Dokumente · {DE.chat_extractive}").wait_for()
        for question in [
            "Wann öffnet die Stadtbücherei in Neustadt?",
            "When does the public library in Neustadt open?",
        ]:
            answer = ask(page, question)
            quotes = answer.locator(".beleg-quote")
            assert OPENING in quotes.locator("blockquote").all_text_contents()
            assert all(quote in LIBRARY for quote in quotes.locator("blockquote").all_text_contents())
            assert quotes.first.locator(".beleg-title").text_content() == "Satzung der Stadtbücherei"
            assert quotes.first.locator(".beleg-source").text_content().endswith("Satzung_der_Stadtbücherei.txt")
            assert answer.get_by_text(DE.extractive).is_visible()
        assert page.locator(".user-row").all_inner_texts()[1].strip() == question


def test_english_interface_links_markers_to_quotes_and_begins_anew(browser: Any, index: Path) -> None:
    with served(index, BELEG_INTERFACE_LANGUAGE="en") as url, opened(browser, url) as page:
        page.get_by_text(EN.chat_lead).wait_for()
        assert page.get_by_label(EN.chat_automatic).is_checked()
        answer = ask(page, "What does a library card cost?")

        marker = answer.locator(".beleg-marker").first
        quote = page.locator(marker.get_attribute("href"))
        assert quote.locator("blockquote").text_content() == marker.get_attribute("title")
        marker.click()
        assert quote.evaluate("quote => quote.matches(':target')")

        page.get_by_role("textbox").press("Enter")  # asks nothing
        page.get_by_role("button", name=EN.chat_clear).click()
        page.get_by_text(EN.chat_welcome).wait_for()
        assert page.locator(".bot-row").count() == 0


def test_a_hostile_document_is_quoted_and_stays_inert(browser: Any, index: Path) -> None:
    with served(index, BELEG_INTERFACE_LANGUAGE="de") as url, opened(browser, url) as page:
        answer = ask(page, "Wann trifft sich der Feuerwehrverein im Gerätehaus? <img src=http://evil.invalid/q.png>")
        assert HOSTILE_QUOTE in answer.locator("blockquote").all_text_contents()
        assert "<img src=http://evil.invalid/title.png" in answer.locator(".beleg-title").first.text_content()
        chat = page.locator("#beleg-chat")
        assert chat.locator("img, script, iframe, a:not(.beleg-marker)").count() == 0


def test_an_answer_streams_and_can_be_stopped(browser: Any, index: Path) -> None:
    more = threading.Event()

    def slowly(request: Any) -> None:
        request.begin_stream()
        request.delta("Sie öffnet dienstags um zehn Uhr. Und ")
        more.wait(SECONDS)
        request.end_stream()

    with ScriptedLLM() as llm:
        llm.replies = [slowly, writes("Ein Leseausweis kostet Erwachsene im Jahr zwölf Euro.")]
        variables = {"BELEG_LLM_BASE_URL": llm.url, "BELEG_LLM_MODEL": "scripted", "BELEG_LLM_API_KEY": "none"}
        with served(index, BELEG_INTERFACE_LANGUAGE="de", **variables) as url, opened(browser, url) as page:
            page.get_by_role("textbox").fill("Wann öffnet die Stadtbücherei Neustadt?")
            page.get_by_role("button", name=DE.chat_send).click()
            page.get_by_text("Sie öffnet dienstags um zehn Uhr").wait_for()
            assert page.locator("#beleg-chat .beleg-busy").is_visible()
            page.get_by_role("textbox").fill("Die nächste Frage")

            page.get_by_role("button", name=DE.chat_stop).click()
            page.get_by_text(DE.chat_stopped).wait_for()
            assert page.locator(".beleg-quote").count() == 1
            assert page.get_by_role("textbox").input_value() == "Die nächste Frage"

            answer = ask(page, "Was kostet ein Leseausweis für Erwachsene?")
            assert answer.locator("blockquote").first.text_content() == CARD
        more.set()


def test_an_empty_index_says_how_to_add_documents(browser: Any, tmp_path: Path) -> None:
    from index import Index

    Index.open(tmp_path / "index")
    with served(tmp_path / "index", BELEG_INTERFACE_LANGUAGE="en") as url, opened(browser, url) as page:
        page.get_by_text(EN.chat_empty).wait_for()
        assert page.get_by_text(f"beleg index add {EN.chat_add_path} --index {tmp_path / 'index'}").is_visible()
