"""Texts that would run a script or ask another host, on every way into the page, in a real browser: all stay text.

``opened`` looks at each page that it closes: nothing asked of another host, no script of ours failed, none of theirs
ran, and nothing was refused by the policy that the page sends (which would be a complaint on the console).
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.payloads import PAYLOADS
from tests.scripted_llm import ScriptedLLM, no_probabilities, writes
from tests.test_browser import BELEG, ask, browser, environment, opened, served, settle
from ui.texts import DE

__all__ = ["browser"]
pytestmark = pytest.mark.browser

NAMES = "Ahorn Birke Eiche Erle Esche Fichte Kiefer Linde Tanne Ulme".split()
IN_A_GROUP = 6
GROUPS = [PAYLOADS[first : first + IN_A_GROUP] for first in range(0, len(PAYLOADS), IN_A_GROUP)]


def test_there_are_sixty() -> None:
    assert len(set(PAYLOADS)) == 60
    assert len(GROUPS) == len(NAMES)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One document a payload with it as its title, and one a group with its payloads in the text."""
    folder = tmp_path_factory.mktemp("payloads")
    titled = [
        {"id": f"titel-{number}", "title": payload, "text": f"Die Akte {number} ist geschlossen. {payload}"}
        for number, payload in enumerate(PAYLOADS)
    ]
    grouped = [
        {"id": name, "title": f"Der Verein {name}", "source": group[0], "text": text_of(name, group)}
        for name, group in zip(NAMES, GROUPS, strict=True)
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in (*titled, *grouped)]
    (folder / "documents.jsonl").write_text("\n".join(lines), "utf-8")
    command = [*BELEG, "index", "add", str(folder / "documents.jsonl"), "--index", str(folder / "index")]
    subprocess.run(command, check=True, env=environment())
    return folder / "index"


def text_of(name: str, group: list[str]) -> str:
    return f"Der Verein {name} trifft sich donnerstags im Gerätehaus. {' '.join(group)}"


def assert_inert(page: Any) -> None:
    """No element but ours is in what the page shows of questions, answers and documents."""
    parts = page.locator("#beleg-conversation, #beleg-pane")
    foreign = "img, script, iframe, style, svg image, link, object, embed, video, audio, base, meta, math, marquee"
    assert parts.locator(foreign).evaluate_all("all => all.map(one => one.outerHTML.slice(0, 100))") == []
    addresses = parts.locator("[href], [src], [srcset], [action]").evaluate_all(
        "all => all.map(one => one.getAttribute('href') || one.getAttribute('src') || '')"
    )
    assert not [address for address in addresses if not address.startswith(("#", "/"))]
    handlers = "all => all.flatMap(one => one.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert parts.locator("*").evaluate_all(handlers) == []


def test_documents_titles_and_questions_stay_text(browser: Any, index: Path) -> None:
    with served(index) as url, opened(browser, url) as page:
        for name, group in zip(NAMES, GROUPS, strict=True):
            question = f"Wann trifft sich der Verein {name}? {' '.join(group)}"[:1900]
            answer = ask(page, question)
            answer.locator(".beleg-quote").first.wait_for()
            quote = answer.locator(".beleg-quote", has_text=name).first
            quote.locator(".beleg-open").click()
            page.locator("#beleg-source mark").wait_for()
            assert_inert(page)
        shown = page.locator("#beleg-turns").inner_text()
        assert "window.owned=1" in shown
        page.get_by_role("tab", name=re.compile(DE.pane_documents)).first.click()
        assert_inert(page)
        settle(page)
        page.reload()
        page.locator(".beleg-turn").first.wait_for()
        assert_inert(page)


def test_what_a_model_writes_stays_text(browser: Any, index: Path) -> None:
    with ScriptedLLM() as model:
        model.judgement = no_probabilities
        variables = {"BELEG_LLM_BASE_URL": model.url, "BELEG_LLM_MODEL": "x", "BELEG_LLM_API_KEY": "none"}
        with served(index, **variables, BELEG_LEAST_CONFIDENCE="0") as url, opened(browser, url) as page:
            for name, group in zip(NAMES, GROUPS, strict=True):
                model.replies = [writes(*(f"Er trifft sich donnerstags {payload} [1].\n" for payload in group))] * 9
                answer = ask(page, f"Wann trifft sich der Verein {name}?")
                answer.locator("details summary").first.click()  # what was dropped is shown, too
                assert_inert(page)


def test_names_of_files_and_feedback_stay_text(browser: Any, index: Path, tmp_path: Path) -> None:
    files = []
    for number, payload in enumerate(PAYLOADS[:20]):
        name = re.sub(r"[/\0\n\t]", "", f"{payload} {number}.txt")[-120:]
        files.append(tmp_path / name)
        files[-1].write_text(f"Die Tafel {number} ist blau.", "utf-8")
    broken = tmp_path / "kaputt<img src=x onerror=window.owned=1>.md"
    broken.write_bytes(b"\0\1\2")
    with served(index) as url, opened(browser, url) as page:
        page.locator(".beleg-drop input").set_input_files(
            [*files, tmp_path / "kaputt<img src=x onerror=window.owned=1>.md"]
        )
        page.locator(".beleg-uploads .beleg-error").first.wait_for()
        page.get_by_text(DE.documents_added, exact=True).first.wait_for()
        assert_inert(page)
        turn = ask(page, "Ist die Tafel 7 blau?")
        turn.locator(".beleg-quote").first.wait_for()
        turn.get_by_role("button", name=DE.chat_bad).click()
        turn.get_by_label(DE.chat_wrong_quote).check()
        turn.locator('input[name="comment"]').fill(" ".join(PAYLOADS)[:1900])
        turn.get_by_role("button", name=DE.chat_submit).click()
        turn.get_by_text(DE.chat_thanks).wait_for()
        assert_inert(page)
        settle(page)
