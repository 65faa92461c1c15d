"""Pictures of quotes where they stand in real files, for a look whether text and place are right.

``python -m eval.places FILE… --out FOLDER`` needs what the tests need: Chromium for pages, reportlab's font.
"""

import io
import random
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from index.document import Document
from index.formats import READERS, reader_in
from index.page_picture import page_picture
from index.place import places_between, text_fragment
from index.sentences import split_sentences

_SHOWN = {".pdf", ".html", ".htm", ".xhtml"}
_SHEET_WIDTH = 1000
_BAND = 90  # points of the page shown above and below a quote
_SHORTEST = 40  # characters of a quote worth a look


@dataclass(frozen=True)
class Spot:
    """A sentence of a document, and the file where it should be found."""

    path: Path
    document: Document
    start: int
    end: int

    @property
    def quote(self) -> str:
        """The sentence."""
        return self.document.text[self.start : self.end]


def draw(paths: Iterable[Path], count: int, seed: int) -> list[Spot]:
    """Draw sentences at random, as many from each file as from any other.

    >>> draw([], 3, seed=0)
    []
    """
    dice = random.Random(seed)  # noqa: S311 - a sample, not a secret
    files = sorted(paths)
    dice.shuffle(files)
    spots: list[Spot] = []
    for place, path in enumerate(files):
        wanted = (count - len(spots)) // (len(files) - place)
        for document in reader_in(READERS[path.suffix.lower()])(path):
            found = [
                Spot(path, document, start, end)
                for start, end in split_sentences(document.text)
                if end - start >= _SHORTEST
            ]
            spots += dice.sample(found, min(wanted, len(found)))
    return spots


def pictures(spots: Sequence[Spot]) -> Iterator[Any]:
    """Yield for each spot a picture: its quote as read, above the place where it should stand marked."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _SHEET_WIDTH, "height": 300})
        for spot in spots:
            if spot.path.suffix.lower() == ".pdf":
                shown = _of_pdf(spot)
            else:
                page.goto("about:blank")
                page.goto(spot.path.resolve().as_uri() + text_fragment(spot.quote))
                shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            yield _captioned(shown, f"{spot.path.name}: {spot.quote}")
        browser.close()


def _of_pdf(spot: Spot) -> Any:
    """Return the band of the page around the quote."""
    from PIL import Image

    places = places_between(spot.document.places, spot.start, spot.end)
    first = places[0].page or 1
    boxes = [place.box for place in places if place.box and place.page == first]
    picture = Image.open(io.BytesIO(page_picture(spot.path, first, boxes, scale := 1.6)))
    top, bottom = min(box[1] for box in boxes) - _BAND, max(box[3] for box in boxes) + _BAND
    return picture.crop((0, max(0, round(top * scale)), picture.width, min(picture.height, round(bottom * scale))))


def _captioned(picture: Any, text: str) -> Any:
    import reportlab
    from PIL import Image, ImageDraw, ImageFont

    lines = textwrap.wrap(" ".join(text.split()), 130)
    font = ImageFont.truetype(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf", 12)  # it has umlauts
    sheet = Image.new("RGB", (_SHEET_WIDTH, picture.height + 16 * len(lines) + 12), "white")
    pen = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        pen.text((4, 4 + 16 * row), line, fill="navy", font=font)
    sheet.paste(picture, (0, 16 * len(lines) + 8))
    pen.line([(0, sheet.height - 1), (_SHEET_WIDTH, sheet.height - 1)], fill="navy", width=2)
    return sheet


def main(
    paths: Annotated[list[Path], typer.Argument(help="PDF and HTML files")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures")],
    count: Annotated[int, typer.Option("-n", min=1, help="How many quotes")] = 30,
    seed: Annotated[int, typer.Option(help="Draws other quotes")] = 0,
) -> None:
    """Draw sentences out of files at random and picture each in the original, marked."""
    for path in paths:
        if path.suffix.lower() not in _SHOWN:
            raise typer.BadParameter(f"{path}: expected a PDF or HTML file, which a browser shows; leave it out")
    out.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures(draw(paths, count, seed)), 1):
        picture.save(out / f"{number:02}.png")
    typer.echo(f"{out}: {number} pictures")


if __name__ == "__main__":
    typer.run(main)
