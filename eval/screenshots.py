"""The README's pictures of the chat, taken anew: ``python -m eval.screenshots --help``.

A server process over the sample corpus and a PDF of our own, with the embedded model, in Debian's Chromium.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eval.goldset import SAMPLE
from eval.load import beleg, served, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).parent.parent / "ui" / "pictures"
HEIGHT = 800
_LOADING_SECONDS = 300.0
_WAITING_MS = 300_000
"""For a page or an answer: on a machine that has other work, a question takes minutes."""
_CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"]

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Shot:
    """One picture: what is asked, in which surroundings, and whether the quote is opened."""

    name: str
    question: str
    locale: str = "de-DE"
    scheme: Any = "light"
    width: int = 1280
    opens: bool = True


SHOTS = (
    Shot("german", "Wer stellte die Erklärung von Shanghai zur globalen Governance der KI vor?"),
    Shot("english", "Who laid the foundation stone of Cologne Cathedral in 1248?", locale="en-GB"),
    Shot("dark", "Wann wurde der Grundstein des Kölner Doms gelegt?", scheme="dark"),
    Shot("narrow", "Worin unterscheidet sich eine AR-Brille von einer VR-Brille?", width=375, opens=False),
    Shot("abstention", "Wie viele Menschen besuchen den Kölner Dom an Weihnachten?", opens=False),
    Shot("pdf", "Wie lange darf man Bücher ausleihen?"),
)


@app.command()
def main(
    folder: Annotated[Path, typer.Option("--to", help="Write the pictures to this folder.")] = PICTURES,
    only: Annotated[list[str] | None, typer.Option(help="Take this picture only; may be repeated.")] = None,
) -> None:
    """Take the pictures of the chat anew; look at them before they are kept."""
    with tempfile.TemporaryDirectory() as made, chromium() as browser:
        index, statutes = Path(made, "index"), Path(made, "Satzung.pdf")
        draw_statutes(statutes)
        beleg("index", "add", str(SAMPLE / "documents.jsonl"), str(statutes), "--index", str(index))
        with served("chat", index, embedded=True) as url:
            wait_for(f"{url}/ready", _LOADING_SECONDS)
            for shot in SHOTS:
                if not only or shot.name in only:
                    take(browser, url, shot, folder / f"{shot.name}.png")


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Open the system's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_CHROMIUM_FLAGS)
        yield browser
        browser.close()


def take(browser: "Browser", url: str, shot: Shot, path: Path) -> None:
    """Ask the question, open the first quote, and write what is seen, in 256 colours."""
    from PIL import Image

    size: Any = {"width": shot.width, "height": HEIGHT}
    context = browser.new_context(viewport=size, locale=shot.locale, color_scheme=shot.scheme)
    page = context.new_page()
    page.set_default_timeout(_WAITING_MS)
    page.goto(url)
    page.locator(".beleg-list > *").first.wait_for()
    page.locator("#beleg-question textarea").fill(shot.question)
    page.locator("#beleg-question textarea").press("Enter")
    page.locator("#beleg-turns [data-turn]").wait_for()
    if shot.opens:
        _open_quote(page)
    page.mouse.move(shot.width - 1, HEIGHT - 1)
    page.wait_for_timeout(1500)  # for fonts, the picture of a page, and all that fades
    page.screenshot(path=path)
    context.close()
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def _open_quote(page: "Page") -> None:
    page.locator(".beleg-marker").first.click()
    page.locator("#beleg-source .beleg-source-head").wait_for()


# A PDF of our own

_STATUTES = """\
§ 1 Aufgabe: Die Stadtbücherei Altenrode ist eine öffentliche Einrichtung der Stadt. Sie steht allen offen.
§ 2 Anmeldung: Wer Medien ausleihen will, meldet sich mit einem gültigen Ausweis an und erhält einen Leseausweis. \
Kinder bis zum vollendeten vierzehnten Lebensjahr brauchen die schriftliche Einwilligung ihrer Eltern.
§ 3 Leihfrist: Bücher werden für vier Wochen ausgeliehen, Filme für eine Woche. Die Frist kann zweimal verlängert \
werden, wenn niemand das Medium vorgemerkt hat.
§ 4 Gebühren: Der Leseausweis kostet Erwachsene zwölf Euro im Jahr; für Kinder und Jugendliche ist er kostenlos. \
Für jedes Medium, das zu spät zurückgegeben wird, sind fünfzig Cent je angefangene Woche zu zahlen.
§ 5 Ersatz: Wer ein Medium verliert oder beschädigt, ersetzt es zum Neupreis. Schäden sind der Bücherei sofort zu \
melden; sie selbst zu beheben, ist nicht gestattet.
§ 6 Inkrafttreten: Diese Satzung tritt am Tag nach ihrer Bekanntmachung in Kraft."""


def draw_statutes(path: Path) -> None:
    """Write the statutes of a library that does not exist, on one page."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    styles: Any = getSampleStyleSheet()
    parts = [Paragraph("Satzung der Stadtbücherei Altenrode", styles["Title"]), Spacer(0, 12)]
    for line in _STATUTES.splitlines():
        head, _, text = line.partition(": ")
        parts += [Paragraph(head, styles["Heading3"]), Paragraph(text, styles["Normal"]), Spacer(0, 6)]
    SimpleDocTemplate(str(path), title="Satzung der Stadtbücherei Altenrode", author="Stadt Altenrode").build(parts)


if __name__ == "__main__":
    app()
