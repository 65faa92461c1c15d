"""The page of a report in a real browser, opened from a file: size, search, traces, nothing fetched, nothing run."""

import json
import random
import re
import shutil
import time
from collections import Counter
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest

from eval.goldset import Evidence, Question
from eval.measures import ANSWERS
from eval.page import page
from eval.records import Record
from eval.results import results

HOSTILE = "</script><script>window.owned=1</script><img src=http://evil.invalid/a.png onerror=window.owned=1>"
WORDS = (
    "der die das Vertrag Gemeinde Antrag Frist Bescheid Rechnung wird innerhalb von vierzehn Tagen schriftlich nach "
    "Eingang bei Behörde gestellt und muss enthalten Satzung Gebühr Anlage Kündigung Versicherung gilt nicht Absatz"
).split()


def prose(generator, characters):
    text = ""
    while len(text) < characters:
        text += f"{generator.choice(WORDS)} "
    return text[:characters]


def report(pairs=150):
    """A run of beleg and the recipe, as long as a real one: five chunks a question, prompts, drafts, verdicts."""
    generator = random.Random(7)
    texts = {f"d{i}": prose(generator, 12_000) for i in range(60)}
    questions, rows = [], {"beleg": [], "recipe": []}
    for i in range(pairs):
        for language in ("de", "en"):
            answerable = i % 6 != 5
            evidence = (Evidence(f"d{i % 60}", 40, 160),) if answerable else ()
            asked = f"{'Welche Frist gilt für' if language == 'de' else 'Which deadline holds for'} Antrag {i}?"
            answers = (f"{i} Tage",) if answerable else ()
            question = Question(f"q{i}-{language}", f"q{i}", asked, language, answerable, answers, evidence)
            questions.append(question)
            for system, size in (("beleg", 700), ("recipe", 1000)):
                rows[system].append(row(question, texts, generator, size, hostile=i == 3))
    both = [
        results([Record(*one, texts) for one in zip(questions, rows[system], strict=True)], ANSWERS, ["de", "en"], 0)
        for system in ("beleg", "recipe")
    ]
    facts = {
        "kind": "answers",
        "dataset": {"name": f"Probe {HOSTILE}", "sha256": {"questions.jsonl": "0" * 64}},
        "beleg": "0.1.0",
        "date": "2026-11-23",
        "embedder": {"name": "multilingual-e5-small"},
        "settings": {"llm_model": None, "least_confidence": 0.3},
    }
    return json.loads(json.dumps({**facts, **both[0], "baseline": both[1]}))


def row(question, texts, generator, size, *, hostile):
    number = int(question.pair[1:])
    names = [f"d{(number + step) % 60}" for step in range(10)]
    if generator.random() < 0.3:
        names.insert(0, names.pop(3))
    starts = {name: generator.randrange(0, 10) * 1000 for name in names}
    hits = [
        {
            "document_id": name,
            "title": f"Satzung {name}",
            "start": starts[name],
            "end": starts[name] + size,
            "score": 0.9 - place / 50,
        }
        for place, name in enumerate(names)
    ]
    confidence = generator.random() * 0.6 + 0.4 * question.answerable
    refused = confidence < 0.35
    text = "Die Dokumente sagen dazu nichts." if refused else f"{generator.choice((number, number + 1))} Tage [1]"
    draft = HOSTILE if hostile else f"{number} Tage [1]"
    quote = texts[names[0]][40:160]
    citation = {"marker": 1, "quote": quote, "document_id": names[0], "title": "Satzung", "start": 40, "end": 160}
    answer = {
        "text": HOSTILE if hostile else text,
        "status": "abstained" if refused else "answered",
        "citations": [] if refused else [citation],
        "nearest": [citation] if refused else [],
        "hits": [hit | {"text": texts[hit["document_id"]][hit["start"] : hit["end"]]} for hit in hits[:5]],
        "verdicts": [{"sentence": draft, "supported": number % 4 > 0, "reason": "" if number % 4 else "missing: 9"}],
        "confidence": round(confidence, 3),
        "notice": "",
    }
    exchange = {"prompt": prose(generator, 1000), "text": draft}
    return {
        "id": question.id,
        "seconds": round(generator.lognormvariate(1.2, 0.5), 3),
        "answer": answer,
        "tokens": 900,
        "trace": {"search": question.question, "exchanges": [exchange]},
        "ranking": {"documents": names, "hits": hits} if question.evidence else None,
    }


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page(report()), "utf-8")
    return path


@pytest.mark.slow
def test_the_page_is_small_and_whole(file):
    text = file.read_text("utf-8")
    assert file.stat().st_size < 5_000_000
    tags = Tags()
    tags.feed(text)
    assert {"src", "href", "onerror", "style"}.isdisjoint(tags.attributes)
    assert "evil.invalid" in text
    assert (tags.names["img"], tags.names["script"], tags.names["svg"]) == (0, 2, 5)


class Tags(HTMLParser):
    """Counts what a parser sees as markup."""

    def __init__(self):
        super().__init__()
        self.names, self.attributes = Counter(), set()

    def handle_starttag(self, tag, attrs):
        self.names[tag] += 1
        self.attributes |= {name for name, _ in attrs}


@contextmanager
def opened(file, **options):
    """Open the file without a network; no script may fail or run but the page's own."""
    from playwright.sync_api import sync_playwright

    chromium_path = shutil.which("chromium") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        view = chromium.new_page(offline=True, **options)
        asked, complaints = [], []
        view.on("request", lambda request: asked.append(request.url))
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.on("console", lambda message: complaints.append(message.text))
        view.goto(file.as_uri())
        yield view
        assert asked == [file.as_uri()]
        assert complaints == []
        assert view.evaluate("window.owned") is None
        assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
        chromium.close()


@pytest.mark.browser
def test_search_finds_in_questions_answers_and_passages_without_delay(file):
    with opened(file) as view:
        count = view.get_by_role("status")
        assert count.text_content() == "300 of 300"
        view.get_by_role("searchbox").fill("antrag 149? WELCHE")
        assert count.text_content() == "1 of 300"
        assert view.locator("details:visible").count() == 1
        took = view.evaluate(
            """() => {
                const box = document.getElementById("search");
                const times = ["v", "vertrag", "vertrag gemeinde", "nirgends", ""].map((text) => {
                    const start = performance.now();
                    box.value = text;
                    box.dispatchEvent(new Event("input"));
                    document.body.offsetHeight;
                    return performance.now() - start;
                });
                return Math.max(...times);
            }"""
        )
        assert took < 200
        view.get_by_label("Show").select_option("invented")
        shown, _, _ = count.text_content().partition(" ")
        assert 0 < int(shown) <= 50


@pytest.mark.browser
def test_a_trace_shows_all_that_happened_as_text(file):
    with opened(file, color_scheme="dark") as view:
        view.get_by_role("searchbox").fill("Antrag 3?")
        entry = view.locator("details:visible").first
        entry.locator("summary").click()
        trace = entry.locator(".trace")
        told = trace.inner_text()
        for part in ("Right answers", "Evidence", "and wrote (draft)", "Sentences checked", "Found", "usual recipe"):
            assert part in told
        assert told.count(HOSTILE) >= 4
        assert trace.locator("img, script, a").count() == 0
        assert "(d3:40–160)" in told


def test_numbers_alone_reach_the_pictures():
    drawn = "".join(re.findall(r"<svg.*?</svg>", page(report(12)), re.DOTALL))
    assert "evil" not in drawn
    assert drawn.count("<polyline") == 4 + 4 + 1 + 1


def screenshots(folder: Path) -> None:
    """Write the page and pictures of it: ``python -c "from tests.test_page import *; screenshots(Path('shots'))"``."""
    folder.mkdir(exist_ok=True)
    path = folder / "report.html"
    path.write_text(page(report()), "utf-8")
    for name, options in {
        "light": {"viewport": {"width": 1200, "height": 900}},
        "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
        "phone": {"viewport": {"width": 390, "height": 844}},
    }.items():
        with opened(path, **options) as view:
            view.screenshot(path=folder / f"{name}-top.png")
            view.get_by_role("heading", name="Pictures").scroll_into_view_if_needed()
            view.evaluate("document.querySelectorAll('h2')[1].scrollIntoView()")
            view.screenshot(path=folder / f"{name}-pictures.png")
            view.get_by_role("searchbox").fill("Antrag 8?")
            view.locator("details:visible summary").first.click()
            view.evaluate("document.querySelectorAll('h2')[2].scrollIntoView()")
            time.sleep(0.2)
            view.screenshot(path=folder / f"{name}-trace.png")
