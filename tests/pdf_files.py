"""PDF files drawn line by line, so that a test knows where each of them stands."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = 595, 842
pdfmetrics.registerFont(TTFont("Vera", str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")))


@dataclass(frozen=True)
class Drawn:
    """A line of text as it is drawn: baseline and left in points from the top left corner."""

    text: str
    page: int
    left: float
    baseline: float
    size: float = 10
    font: str = "Vera"

    @property
    def right(self) -> float:
        return self.left + pdfmetrics.stringWidth(self.text, self.font, self.size)


def draw(path: Path, lines: Sequence[Drawn], *, title: str = "", rotate: int = 0, password: str | None = None) -> Path:
    encrypt = None
    if password is not None:
        from reportlab.lib.pdfencrypt import StandardEncryption

        encrypt = StandardEncryption(password, ownerPassword="besitzer", strength=128)
    size = (WIDTH, HEIGHT) if rotate % 180 == 0 else (HEIGHT, WIDTH)  # reportlab turns the page with its rotation
    canvas = Canvas(str(path), pagesize=size, encrypt=encrypt, invariant=1)
    canvas.setTitle(title)
    for page in range(1, max((line.page for line in lines), default=1) + 1):
        canvas.setPageRotation(rotate)
        for line in lines:
            if line.page == page:
                canvas.setFont(line.font, line.size)
                canvas.drawString(line.left, HEIGHT - line.baseline, line.text)
        canvas.showPage()
    canvas.save()
    return path


def raw_pdf(content: bytes, *, length: int | None = None, box: str = "0 0 595 842", kids: str = "3 0 R") -> bytes:
    """A file of one page with a stream of page content as given, packed with Flate."""
    packed = zlib.compress(content, 9)
    return pdf_of(
        b"<</Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (length or len(packed), packed),
        box=box,
        kids=kids,
    )


def pdf_of(
    content: bytes, *more: bytes, box: str = "0 0 595 842", kids: str = "3 0 R", resources: bytes = b""
) -> bytes:
    """A file of one page with its content (object 4), a font ``/F`` and more objects from number 6 on."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {kids.count('R')}/MediaBox[{box}]>>".encode(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>%b>>>>" % resources,
        content,
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        *more,
    ]
    file, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(file))
    return file + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer
