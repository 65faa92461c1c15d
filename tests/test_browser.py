"""The chat in a real browser: a server process over a small index, without a language model or with a scripted one."""

import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.pdf_files import WIDTH, Drawn, draw
from tests.scripted_llm import ScriptedLLM, writes
from ui.texts import DE, EN

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
SECONDS = 60
STREAMS: set[Any] = set()
"""What the page opened last still hears from the server, its heartbeat left aside."""

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
OTHER_TITLE = "Satzung der Stadtbücherei"
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
def opened(browser: Any, url: str, locale: str = "de-DE", width: int = 1280, **options: Any) -> Iterator[Any]:
    """Open the page; afterwards nothing must have left this machine, and no script must have failed or run."""
    context = browser.new_context(viewport={"width": width, "height": 844}, locale=locale, **options)
    page = context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    STREAMS.clear()
    page.on("request", lambda request: STREAMS.add(request) if "/queue/" in request.url else None)
    for ended in ("requestfinished", "requestfailed"):
        page.on(ended, lambda request: STREAMS.discard(request))  # noqa: PLW0108 - it takes no built-in method
    try:
        page.goto(url)
        page.locator(".beleg-welcome, .beleg-turn").first.wait_for()
        page.locator(".beleg-list > *").first.wait_for()
        page.locator("#beleg-cover").wait_for(state="detached")  # it says the same as the page
        yield page
        found_well(page, asked, complaints)
    finally:
        context.close()


def found_well(page: Any, asked: list[str], complaints: list[str]) -> None:
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}
    assert complaints == []
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"


def settle(page: Any) -> None:
    """Wait until the server has nothing more to tell: Gradio complains where a page is left before."""
    end, quiet = time.monotonic() + SECONDS, 0
    while quiet < 5:
        assert time.monotonic() < end, [(request.url, request.post_data) for request in STREAMS]
        page.wait_for_timeout(100)
        quiet = 0 if STREAMS else quiet + 1


def box(page: Any) -> Any:
    return page.locator("#beleg-question textarea")


def ask(page: Any, question: str) -> Any:
    """Ask, wait for the end of the answer, return it."""
    count = page.locator("#beleg-turns [data-turn]").count()
    box(page).fill(question)
    box(page).press("Enter")
    return nth_turn(page, count)


def nth_turn(page: Any, number: int) -> Any:
    turn = page.locator("#beleg-turns [data-turn]").nth(number)
    turn.wait_for()
    return turn


def is_on_screen(locator: Any) -> bool:
    shown: bool = locator.evaluate(
        "e => { const r = e.getBoundingClientRect(); const top = document.elementFromPoint(r.left + 3, r.top + 3);"
        " return r.top >= 0 && r.bottom <= innerHeight && (e === top || e.contains(top)) }"
    )
    return shown


def violations(page: Any) -> list[str]:
    """What axe finds in our own parts, of more than twenty rules that apply."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context={"include": [["#beleg-header"], ["#beleg-panes"]]}).response
    assert len(found["passes"]) > 20
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found["violations"]]


@pytest.fixture(scope="module")
def german(index: Path) -> Iterator[str]:
    with served(index) as url:
        yield url


def test_both_languages_are_answered_and_a_marker_leads_to_the_highlighted_quote(browser: Any, german: str) -> None:
    with opened(browser, german) as page:
        assert page.title() == "beleg"
        assert page.evaluate("document.documentElement.lang") == "de"
        page.get_by_text(DE.chat_welcome).wait_for()
        page.get_by_text(f"2 Dokumente · {DE.chat_extractive}").wait_for()
        for question in ["Wann öffnet die Stadtbücherei in Neustadt?", "When does the library in Neustadt open?"]:
            answer = ask(page, question)
            quotes = answer.locator("blockquote").all_text_contents()
            assert OPENING in quotes
            assert all(quote in LIBRARY for quote in quotes)
            assert answer.get_by_text(DE.extractive).is_visible()

            marker = answer.locator(".beleg-marker").first
            marker.hover()
            assert quotes[0] in page.locator("#beleg-tip").inner_text()
            marker.press("Enter")
            mark = page.locator("#beleg-source mark")
            mark.wait_for()
            assert mark.text_content() == quotes[0]
            wait_until(partial(is_on_screen, mark))  # the one of the question before is there until the source has come
            assert "Satzung der Stadtbücherei" in page.locator("#beleg-source h3").inner_text()
        assert answer.locator(".beleg-asked").inner_text() == question


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_covered_in_its_own_colours_until_it_is_there(browser: Any, german: str, scheme: Any) -> None:
    page = browser.new_context(locale="de-DE", color_scheme=scheme).new_page()
    held: list[Any] = []
    holding = True

    def hold(route: Any) -> None:
        held.append(route) if holding else route.continue_()

    page.route("**/*.js", hold)
    page.goto(german, wait_until="commit")
    page.get_by_text(DE.chat_opening).wait_for()
    seen = Image.open(io.BytesIO(page.screenshot())).convert("L")
    assert (seen.getpixel((5, 5)) > 200) == (scheme == "light")
    holding = False
    for route in held:
        route.continue_()
    page.locator(".beleg-list > *").first.wait_for()
    page.locator("#beleg-cover").wait_for(state="detached")
    settle(page)
    page.context.close()


def test_the_interface_speaks_the_browsers_language_until_another_is_chosen(browser: Any, german: str) -> None:
    with opened(browser, german, "en-GB") as page:
        page.get_by_text(EN.chat_lead).first.wait_for()
        ask(page, "Was kostet ein Leseausweis?")
        settle(page)
        page.get_by_role("link", name=EN.chat_language_switch).click()
        page.get_by_text(DE.chat_lead).first.wait_for()
        nth_turn(page, 0).get_by_text(DE.sources, exact=True).wait_for()  # the conversation came along
        settle(page)
        page.goto(german)
        page.get_by_text(DE.chat_lead).first.wait_for()


def test_a_conversation_survives_a_reload_and_can_be_left_and_deleted(browser: Any, german: str) -> None:
    with opened(browser, german) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        ask(page, "Was kostet ein Leseausweis?")
        settle(page)
        page.reload()
        assert CARD in nth_turn(page, 0).locator("blockquote").all_text_contents()
        page.get_by_role("button", name=DE.chat_clear).click()
        page.get_by_text(DE.chat_welcome).wait_for()
        page.get_by_role("tab", name=DE.pane_history).click()
        page.get_by_role("button", name="Was kostet ein Leseausweis?").first.click()
        nth_turn(page, 0)
        page.get_by_role("button", name=DE.history_delete_all).click()
        page.get_by_text(DE.history_none).wait_for()
        page.get_by_label(DE.history_keep).uncheck()
        settle(page)
        page.reload()
        page.locator("#beleg-cover").wait_for(state="detached")
        page.get_by_text(DE.chat_welcome).wait_for()
        assert "Leseausweis" not in page.evaluate("JSON.stringify(localStorage)")


def test_a_question_is_edited_and_the_answer_judged_and_exported(browser: Any, german: str, index: Path) -> None:
    with opened(browser, german) as page:
        turn = ask(page, "Was kostet ein Leseausweis?")
        turn.get_by_role("button", name=DE.chat_bad).click()
        turn.get_by_label(DE.chat_wrong_quote).check()
        turn.get_by_role("button", name=DE.chat_submit).click()
        turn.get_by_text(DE.chat_thanks).wait_for()
        line = json.loads((index / "feedback.jsonl").read_text("utf-8").splitlines()[-1])
        assert (line["reason"], line["question"]) == ("wrong_quote", "Was kostet ein Leseausweis?")

        turn.get_by_role("button", name=DE.chat_edit).click()
        assert box(page).input_value() == "Was kostet ein Leseausweis?"
        box(page).fill("Wann öffnet die Stadtbücherei in Neustadt?")
        box(page).press("Enter")
        page.locator("#beleg-turns .beleg-asked", has_text="Wann öffnet").wait_for()
        assert page.locator(".beleg-turn").count() == 1

        for form, begins in [("Markdown", f"# {DE.export_title}".encode()), ("Word", b"PK")]:
            with page.expect_download() as download:
                page.get_by_role("button", name=form).click()
            assert Path(download.value.path()).read_bytes().startswith(begins)


def test_a_file_is_uploaded_asked_alone_and_removed(browser: Any, german: str, tmp_path: Path) -> None:
    (tmp_path / "Badeordnung.txt").write_text("Das Hallenbad Neustadt öffnet montags um sieben Uhr.", "utf-8")
    (tmp_path / "kaputt.md").write_bytes(b"\0\1\2")
    with opened(browser, german) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.locator(".beleg-drop input").set_input_files([tmp_path / "Badeordnung.txt", tmp_path / "kaputt.md"])
        page.get_by_text(DE.documents_added, exact=True).wait_for()
        failed = page.locator(".beleg-uploads .beleg-error", has_text="kaputt.md")
        failed.wait_for()
        assert DE.documents_failed.split("{", maxsplit=1)[0] in failed.inner_text()
        assert "uploads" not in failed.inner_text(), "tells where the server keeps its files"
        page.get_by_label(DE.documents_search).fill("bade")
        page.get_by_text(OTHER_TITLE).wait_for(state="detached")
        page.get_by_label(DE.documents_choose.format(title="Badeordnung")).check()
        page.get_by_text(DE.chat_scope.format(chosen=1, all=3)).wait_for()

        answer = ask(page, "Wann öffnet das Hallenbad in Neustadt?")
        assert set(answer.locator(".beleg-open").all_inner_texts()) == {"Badeordnung"}

        page.get_by_role("button", name=f"{DE.documents_remove}: Badeordnung").click()
        page.get_by_text(DE.documents_nothing_found).wait_for()
        assert page.locator(".beleg-scope").is_hidden()
        answer.locator(".beleg-marker").first.click()
        page.get_by_text(DE.source_gone).wait_for()


MARKED_AT = "e => e.getBoundingClientRect().top + (e.dataset.top * e.clientHeight) / e.naturalHeight"
"""Where the marked line of a page's picture stands in the window, in pixels from its top."""


@pytest.mark.parametrize("width", [1280, 375])
def test_the_page_of_a_pdf_shows_the_quote_marked(browser: Any, german: str, tmp_path: Path, width: int) -> None:
    lines = [Drawn(f"Absatz {number} beschreibt den Hafen von Wedel.", 1, 70, 60 + 14 * number) for number in range(50)]
    quoted = Drawn("Die Fähre nach Lühe legt stündlich am Anleger Willkommhöft ab.", 2, 70, 700)
    draw(tmp_path / "Faehre.pdf", [*lines, quoted], title="Fähren auf der Elbe")
    with opened(browser, german, width=width) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        page.locator(".beleg-drop input").set_input_files([tmp_path / "Faehre.pdf"])
        page.get_by_text(DE.documents_added, exact=True).wait_for()
        answer = ask(page, "Wie oft legt die Fähre nach Lühe ab?")
        answer.locator(".beleg-quote", has_text=quoted.text).locator(".beleg-open").click()
        picture = page.get_by_alt_text(DE.source_page_picture.format(page=2))
        wait_until(lambda: picture.evaluate("image => image.complete && image.naturalWidth > 0"))
        wait_until(lambda: 0 <= picture.evaluate(MARKED_AT) < 844)
        assert str(tmp_path.parent) not in page.content(), "tells where the server keeps its files"
        seen = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")
        scale = seen.width / WIDTH
        across = (30, quoted.left - 0.5)
        beside = [seen.getpixel((round(x * scale), round((quoted.baseline - 3) * scale))) for x in across]
        assert beside[0] == (255, 255, 255) != beside[1], "the line is not marked"
        page.get_by_role("tab", name=DE.pane_documents).click()
        page.get_by_role("button", name=f"{DE.documents_remove}: Fähren auf der Elbe").click()
        page.get_by_role("button", name=f"{DE.documents_remove}: Fähren auf der Elbe").wait_for(state="detached")
        again = ask(page, "Wie oft legt die Fähre nach Lühe ab?")
        assert again.locator("blockquote", has_text="Willkommhöft").count() == 0


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(browser: Any, german: str, width: int, scheme: Any) -> None:
    with opened(browser, german, width=width, color_scheme=scheme) as page:
        assert violations(page) == []
        answer = ask(page, "Wann öffnet die Stadtbücherei in Neustadt?")
        answer.locator(".beleg-marker").first.click()
        page.locator("#beleg-source mark").wait_for()
        assert is_on_screen(page.locator("#beleg-source mark"))
        assert violations(page) == []
        page.get_by_role("tab", name=DE.pane_source).press("ArrowRight")
        page.get_by_label(DE.history_keep).wait_for()
        assert violations(page) == []
        assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")


def test_a_hostile_document_is_quoted_and_stays_inert(browser: Any, german: str) -> None:
    with opened(browser, german) as page:
        answer = ask(page, "Wann trifft sich der Feuerwehrverein im Gerätehaus? <img src=http://evil.invalid/q.png>")
        assert HOSTILE_QUOTE in answer.locator("blockquote").all_text_contents()
        answer.locator(".beleg-quote", has_text="Feuerwehrverein").first.locator(".beleg-open").click()
        page.locator("#beleg-source mark").wait_for()
        assert "<img src=http://evil.invalid/title.png" in page.locator("#beleg-source h3").inner_text()
        parts = page.locator("#beleg-conversation, #beleg-pane")
        assert parts.locator("img, script, iframe, a:not(.beleg-marker)").count() == 0


def test_an_answer_streams_and_can_be_stopped_and_followed_up(browser: Any, index: Path) -> None:
    more = threading.Event()

    def slowly(request: Any) -> None:
        request.begin_stream()
        request.delta("Sie öffnet dienstags um zehn Uhr. Und ")
        more.wait(SECONDS)
        request.end_stream()

    with ScriptedLLM() as llm:
        llm.replies = [slowly, writes(CARD), writes("Erwachsene zahlen zwölf Euro.")]
        with served(index, **scripted(llm)) as url, opened(browser, url) as page:
            box(page).fill("Wann öffnet die Stadtbücherei Neustadt?")
            page.get_by_role("button", name=DE.chat_send).click()
            page.get_by_text("Sie öffnet dienstags um zehn Uhr").wait_for()
            assert page.locator("#beleg-growing .beleg-busy").is_visible()
            box(page).fill("Die nächste Frage")

            page.get_by_role("button", name=DE.chat_stop).click()
            page.get_by_text(DE.chat_stopped).wait_for()
            assert page.locator(".beleg-quote").count() == 1
            assert box(page).input_value() == "Die nächste Frage"

            answer = ask(page, "Was kostet ein Leseausweis für Erwachsene?")
            assert answer.locator("blockquote").first.text_content() == CARD
            answer.get_by_text("Geprüft: 1 belegt, 0 verworfen").click()
            ask(page, "Und was kostet er im Jahr?")
            assert "Was kostet ein Leseausweis für Erwachsene?" in llm.prompts[-1]
        more.set()


@pytest.mark.parametrize("width", [1280, 375])
def test_a_growing_answer_is_followed_until_the_reader_scrolls(browser: Any, index: Path, width: int) -> None:
    go_on = threading.Semaphore(0)

    def slowly(request: Any) -> None:
        request.begin_stream()
        for piece in (f"{CARD} Sie ", "öffnet dienstags um zehn Uhr. Wer ", "ein Buch verliert, muss es ersetzen."):
            request.delta(piece)
            go_on.acquire(timeout=SECONDS)
        request.delta(None, "stop")
        request.event("[DONE]")
        request.end_stream()

    with ScriptedLLM() as llm:
        llm.replies = [*[writes(CARD)] * 3, slowly, slowly]
        with served(index, **scripted(llm)) as url, opened(browser, url, width=width) as page:
            for _ in range(3):
                ask(page, "Was kostet ein Leseausweis für Erwachsene?")
            for number in range(2):
                box(page).fill("Was kostet ein Leseausweis für Erwachsene?")
                box(page).press("Enter")
                growing = page.locator("#beleg-growing .beleg-turn")
                growing.locator(".beleg-quote").first.wait_for()
                assert is_on_screen(growing.locator(".beleg-asked"))
                if number:
                    page.mouse.move(100, 400)
                    page.mouse.wheel(0, -5000)
                    wait_until(lambda: is_on_screen(page.locator(".beleg-asked").first))
                for _ in range(3):
                    go_on.release()
                    page.wait_for_timeout(300)
                turn = nth_turn(page, 3 + number)
                settle(page)
                assert is_on_screen(turn.locator(".beleg-asked")) == (number == 0)
                assert is_on_screen(turn.locator(".beleg-actions")) == (number == 0)


def test_two_readers_at_once_wait_in_turn_and_see_their_own_conversations_alone(browser: Any, index: Path) -> None:
    released = threading.Event()

    def held(request: Any) -> None:
        request.begin_stream()
        request.delta(OPENING)
        released.wait(SECONDS)
        request.end_stream()

    first, second = "Wann öffnet die Stadtbücherei in Neustadt?", "Was kostet ein Leseausweis für Erwachsene?"
    with ScriptedLLM() as llm:
        llm.replies = [held, writes(CARD)]
        with (
            served(index, **scripted(llm), BELEG_AT_ONCE="1") as url,
            opened(browser, url) as ada,
            opened(browser, url, locale="en-US") as bert,
        ):
            box(ada).fill(first)
            box(ada).press("Enter")
            wait_until(lambda: len(llm.prompts) == 1)
            box(bert).fill(second)
            box(bert).press("Enter")
            bert.get_by_text(EN.chat_waiting.format(place=1)).wait_for()
            released.set()
            assert nth_turn(ada, 0).locator("blockquote").all_text_contents() == [OPENING]
            assert nth_turn(bert, 0).locator("blockquote").all_text_contents() == [CARD]

            nth_turn(bert, 0).get_by_role("button", name=EN.chat_good).click()
            bert.get_by_text(EN.chat_thanks).wait_for()
            judged = json.loads((index / "feedback.jsonl").read_text("utf-8").splitlines()[-1])
            assert judged["question"] == second
            for reader, own, other in [(ada, first, second), (bert, second, first)]:
                reader.reload()
                nth_turn(reader, 0)
                assert reader.locator(".beleg-asked").all_inner_texts() == [own]
                assert other not in reader.evaluate("JSON.stringify(localStorage)")


@pytest.mark.llm
def test_the_embedded_model_answers_in_the_browser(browser: Any, index: Path) -> None:
    with served(index, BELEG_LLM_MODEL="") as url, opened(browser, url) as page:
        for question, language in [
            ("Wann öffnet die Stadtbücherei in Neustadt?", "zehn"),
            ("How much does a library card cost an adult per year?", "12|twelve"),
        ]:
            answer = ask(page, question)
            said = answer.locator(".beleg-answer").inner_text()
            assert re.search(language, said), said
            quotes = answer.locator("blockquote").all_text_contents()
            assert quotes
            assert all(quote in LIBRARY for quote in quotes)
            answer.locator(".beleg-marker").first.click()
            mark = page.locator("#beleg-source mark", has_text=quotes[0])
            mark.wait_for()
            assert mark.text_content() == quotes[0]
            assert is_on_screen(mark)


def scripted(llm: ScriptedLLM) -> dict[str, str]:
    return {"BELEG_LLM_BASE_URL": llm.url, "BELEG_LLM_MODEL": "scripted", "BELEG_LLM_API_KEY": "none"}


def test_a_lost_endpoint_is_said_in_words(browser: Any, index: Path) -> None:
    variables = {"BELEG_LLM_BASE_URL": "http://127.0.0.1:9/v1", "BELEG_LLM_MODEL": "x", "BELEG_LLM_API_KEY": "none"}
    with served(index, **variables) as url, opened(browser, url) as page:
        answer = ask(page, "Was kostet ein Leseausweis für Erwachsene?")
        answer.get_by_text("Warum?").click()
        assert answer.get_by_text("Das Sprachmodell ist nicht zu erreichen").is_visible()
        assert answer.locator(".beleg-quote").count() > 0


def test_an_empty_index_says_how_to_add_documents(browser: Any, tmp_path: Path) -> None:
    from index import Index

    Index.open(tmp_path / "index")
    with served(tmp_path / "index", BELEG_INTERFACE_LANGUAGE="en") as url, opened(browser, url) as page:
        page.get_by_text(EN.chat_empty).wait_for()
        assert page.get_by_text(f"beleg index add {EN.chat_add_path} --index {tmp_path / 'index'}").is_visible()
