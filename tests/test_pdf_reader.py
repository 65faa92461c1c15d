import logging
import os
import shutil
import subprocess
import zipfile
from types import SimpleNamespace

import pytest
from PIL import Image

from index.document import DocumentError
from index.page_picture import page_picture
from index.readers import pdf_pages
from index.readers.ocr import ocr_is_there
from index.readers.pdf import read
from index.reading_process import ReadingProcess
from index.settings import index_settings
from tests.pdf_files import HEIGHT, WIDTH, Drawn, draw, raw_pdf


def column(lines, left, top, page=1, **look):
    return [Drawn(text, page, left, top + 13 * number, **look) for number, text in enumerate(lines)]


LEFT = [
    "Die Satzung der Gemeinde regelt, wie die",
    "öffentlichen Flächen genutzt werden. Jede",
    "Sondernutzung braucht eine Genehmi-",
    "gung. Sie gilt für die Ein-",
    "und Ausfuhr von Waren und für die CDU-",
    "Fraktion im Rat, die einen eigenen Platz",
    "beantragt. Wer ohne Erlaubnis baut, han-",
]
RIGHT = [
    "delt ordnungswidrig und zahlt ein Buß-",
    "geld. Die Höhe richtet sich nach der Grö-",
    "ße der ﬂachen Bauten und der Dauer, die in der",
    "Anlage genannt sind.",
]
TABLE = [("Fläche", "Gebühr", "Dauer"), ("bis 10 m²", "25,00 €", "ein Tag"), ("über 10 m²", "60,00 €", "zwei Tage")]
SECOND = ["Zweite Seite mit einem eigenen Absatz, der den Text der Satzung", "beschließt."]
THIRD = ["Dritte Seite: Diese Satzung tritt am Tag nach ihrer Bekanntmachung", "in Kraft."]
EXPECTED = """## Satzung über Sondernutzungen und ihre Gebühren

Die Satzung der Gemeinde regelt, wie die öffentlichen Flächen genutzt werden. Jede Sondernutzung braucht eine \
Genehmigung. Sie gilt für die Ein- und Ausfuhr von Waren und für die CDU-Fraktion im Rat, die einen eigenen Platz \
beantragt. Wer ohne Erlaubnis baut, handelt ordnungswidrig und zahlt ein Bußgeld. Die Höhe richtet sich nach der Größe \
der flachen Bauten und der Dauer, die in der Anlage genannt sind.

Fläche | Gebühr | Dauer
bis 10 m² | 25,00 € | ein Tag
über 10 m² | 60,00 € | zwei Tage

1 Die Anlage liegt im Rathaus aus.

Zweite Seite mit einem eigenen Absatz, der den Text der Satzung beschließt.

Dritte Seite: Diese Satzung tritt am Tag nach ihrer Bekanntmachung in Kraft."""


def statute():
    lines = [Drawn("Satzung über Sondernutzungen und ihre Gebühren", 1, 60, 90, 18)]
    lines += column(LEFT, 60, 130) + column(RIGHT, 310, 130)
    for row, cells in enumerate(TABLE):
        lines += [Drawn(cell, 1, 60 + 150 * number, 280 + 16 * row) for number, cell in enumerate(cells)]
    lines.append(Drawn("1 Die Anlage liegt im Rathaus aus.", 1, 60, 760, 8))
    lines += column(SECOND, 60, 100, page=2)
    lines += column(
        ["Dritte Seite: Diese Satzung tritt am Tag nach ihrer Bekanntmachung", "in Kraft."], 60, 100, page=3
    )
    margins = [Drawn("Amtsblatt der Gemeinde Rheinau", page, 200, 40, 9) for page in (1, 2, 3)]
    return lines, margins + [Drawn(f"Seite {page} von 3", page, 260, 800, 9) for page in (1, 2, 3)]


def test_columns_table_footnote_and_margins_are_read_in_order_and_every_box_is_where_the_line_was_drawn(tmp_path):
    lines, margins = statute()
    (document,) = read(draw(tmp_path / "satzung.pdf", [*margins, *lines], title="Sondernutzungssatzung"))
    assert document.text == EXPECTED
    assert document.title == "Sondernutzungssatzung"
    assert document.language == "de"
    rows = [[line] for line in lines if line.baseline < 280 or line.baseline > 312]
    rows += [[line for line in lines if line.baseline == baseline] for baseline in (280, 296, 312)]
    assert len(document.places) == len(rows)
    for place in document.places:
        row = next(row for row in rows if _stands_at(place, row[0]))
        assert place.box[0] == pytest.approx(row[0].left, abs=0.6)
        assert place.box[2] == pytest.approx(row[-1].right, abs=0.6)
        assert place.box[3] - place.box[1] < 1.6 * row[0].size
        assert row[-1].text[-8:-1].replace("\ufb02", "fl") in document.text[place.start : place.end]
        rows.remove(row)


def _stands_at(place, drawn):
    left, top, _, bottom = place.box
    return place.page == drawn.page and top < drawn.baseline < bottom and abs(left - drawn.left) < 1.5


def test_a_divided_word_is_divided_exactly_between_the_places_of_its_lines(tmp_path):
    lines = column(["Die Sondernutzung braucht eine Genehmi-", "gung der Gemeinde."], 60, 100)
    (document,) = read(draw(tmp_path / "brief.pdf", lines))
    assert [document.text[place.start : place.end] for place in document.places] == [
        "Die Sondernutzung braucht eine Genehmi",
        "gung der Gemeinde.",
    ]


@pytest.mark.parametrize(
    ("rotate", "box"),
    [
        (0, lambda x, y: (x, y)),
        (90, lambda x, y: (HEIGHT - y, x)),
        (180, lambda x, y: (WIDTH - x, HEIGHT - y)),
        (270, lambda x, y: (y, WIDTH - x)),
    ],
)
def test_a_rotated_page_is_read_and_its_boxes_are_those_of_the_page_as_shown(tmp_path, rotate, box):
    lines = column(["Die erste Zeile steht oben auf der", "Seite, und die zweite Zeile darunter."], 60, 100)
    (document,) = read(draw(tmp_path / "quer.pdf", lines, rotate=rotate))
    assert document.text == "Die erste Zeile steht oben auf der Seite, und die zweite Zeile darunter."
    for place, line in zip(document.places, lines, strict=True):
        corner, end = box(line.left, line.baseline), box(line.right, line.baseline)
        left, top, right, bottom = place.box
        for x, y in (corner, end):
            assert left - 1 <= x <= right + 1
            assert top - 1 <= y <= bottom + 1
        assert max(right - left, bottom - top) == pytest.approx(line.right - line.left, abs=1)


def test_soft_hyphens_ligatures_and_footnote_marks_are_clean(tmp_path):
    lines = [
        Drawn("Der Ausschuß fi\u00adndet die ﬁnanzielle Auﬂage im Amt", 1, 60, 100),
        Drawn("3", 1, 60 + 1 + Drawn("Der Ausschuß fi\u00adndet die ﬁnanzielle Auﬂage im Amt", 1, 0, 0).right, 96, 6),
    ]
    (document,) = read(draw(tmp_path / "zeichen.pdf", lines))
    assert document.text == "Der Ausschuß findet die finanzielle Auflage im Amt ³"


@pytest.mark.parametrize("title", ["Microsoft Word - brief_final2.doc", "untitled", "Dokument1", "scan.pdf", ""])
def test_what_is_no_title_gives_way_to_the_first_large_heading(tmp_path, title):
    lines = [
        Drawn("Mietvertrag", 1, 60, 80, 20),
        *column(["Der Mieter zahlt die Miete am ersten Werktag."] * 3, 60, 120),
    ]
    (document,) = read(draw(tmp_path / "x1.pdf", lines, title=title))
    assert document.title == "Mietvertrag"


def test_a_file_with_an_empty_password_is_read_and_one_with_a_password_says_so(tmp_path):
    lines = column(["Der Vertrag ist vertraulich."], 60, 100)
    (document,) = read(draw(tmp_path / "offen.pdf", lines, password=""))
    assert document.text == "Der Vertrag ist vertraulich."
    with pytest.raises(DocumentError, match="locked with a password; save a copy without one"):
        list(read(draw(tmp_path / "zu.pdf", lines, password="geheim")))


def test_a_small_file_that_unfolds_to_a_gigabyte_is_refused_at_once(tmp_path):
    path = tmp_path / "bombe.pdf"
    path.write_bytes(raw_pdf(b"BT ET " * 50_000_000))
    assert path.stat().st_size < 1_500_000
    with pytest.raises(DocumentError, match="unfolds to more than"):
        list(read(path))


def test_a_page_of_millions_of_the_same_words_is_refused_at_once(tmp_path):
    path = tmp_path / "bombe.pdf"
    path.write_bytes(raw_pdf(b"BT /F 9 Tf 60 700 Td " + b"(abc def) Tj " * 1_000_000 + b"ET"))
    with pytest.raises(DocumentError, match="expected at most 64 MB a stream and fifty times its length"):
        list(read(path))


def test_a_broken_cross_reference_table_is_repaired(tmp_path):
    path = tmp_path / "kaputt.pdf"
    content = raw_pdf(b"BT /F 12 Tf 60 700 Td (Der Rat hat beschlossen.) Tj ET")
    path.write_bytes(content.replace(b"00000 n", b"99999 n").replace(b"startxref\n", b"startxref\n9"))
    (document,) = read(path)
    assert document.text == "Der Rat hat beschlossen."


def test_the_size_of_a_page_can_stand_in_the_page_tree_alone(tmp_path):
    path = tmp_path / "geerbt.pdf"
    path.write_bytes(raw_pdf(b"BT /F 12 Tf 60 700 Td (Der Rat hat beschlossen.) Tj ET", box="0 0 400 1000"))
    (document,) = read(path)
    left, top, _, bottom = document.places[0].box
    assert left == pytest.approx(60, abs=1)
    assert top < 1000 - 700 < bottom


def test_lines_that_differ_in_their_figures_alone_are_text_and_a_head_that_does_is_none(tmp_path):
    body = [f"Im Jahr {2001 + 3 * page} zahlte die Gemeinde {40 + 7 * page} Euro je Kind." for page in range(5)]
    lines = []
    for page, text in enumerate(body, start=1):
        lines.append(Drawn(f"Haushalt, Blatt {page * page + 7}", page, 60, 40, 9))
        lines += column([text, "Davon trug der Bund die Hälfte, das Land den Rest."], 60, 90, page=page)
    (document,) = read(draw(tmp_path / "haushalt.pdf", lines))
    assert [text for text in body if text in document.text] == body
    assert "Blatt" not in document.text


def test_pages_of_nothing_but_the_same_line_are_not_empty(tmp_path):
    lines = [Drawn("Diese Seite ist absichtlich leer.", page, 60, 60) for page in (1, 2, 3, 4)]
    (document,) = read(draw(tmp_path / "leer.pdf", lines))
    assert document.text.count("Diese Seite ist absichtlich leer.") == 4


def test_accents_that_stand_alone_come_onto_their_letters_and_unknown_signs_are_marked(tmp_path, caplog):
    path = tmp_path / "tex.pdf"
    content = rb"BT /F 12 Tf 60 700 Td (f) Tj 4.84 0 Td (\250) Tj -1.34 0 Td (u) Tj 6.67 0 Td (r den Haus\033ur) Tj ET"
    path.write_bytes(raw_pdf(content))
    (document,) = read(path)
    assert document.text == "für den Haus\ufffdur"
    assert "1 signs stand as \ufffd" in caplog.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty|Cannot mmap"),
        (b"nur Text", "not a PDF file"),
        (b"%PDF-1.7\nabgeschnitten", "not a whole PDF file"),
        (raw_pdf(b""), "no text on 1 of 1 pages"),
        (raw_pdf(b"BT ET", kids="2 0 R"), "no text|not a whole|no page"),
        (raw_pdf(b"0 0 10 10 re f", box="0 0 99999999 99999999"), "no text"),
        (raw_pdf(b"BT ET")[:200], "not a whole PDF file|no text|no page"),
    ],
)
def test_bad_files_end_in_an_error_that_says_why(tmp_path, content, reason):
    path = tmp_path / "schlecht.pdf"
    path.write_bytes(content)
    with pytest.raises(DocumentError, match=reason):
        list(read(path))


def test_a_zip_archive_with_the_wrong_ending_is_named(tmp_path):
    path = tmp_path / "archiv.pdf"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(DocumentError, match="a zip archive or an Office file, not a PDF"):
        list(read(path))


def scan(folder, lines, *, and_text=()):
    """A PDF whose first page is a picture of the lines, and whose second page has text where some is given."""
    import io

    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    png = page_picture(draw(folder / "vorlage.pdf", lines), 1, scale=300 / 72)
    canvas = Canvas(str(folder / "scan.pdf"), pagesize=(WIDTH, HEIGHT))
    canvas.drawImage(ImageReader(Image.open(io.BytesIO(png)).convert("L")), 0, 0, WIDTH, HEIGHT)
    canvas.showPage()
    for line in and_text:
        canvas.drawString(60, 700, line)
    canvas.save()
    return folder / "scan.pdf"


# Long files


@pytest.fixture
def long_file(tmp_path, monkeypatch):
    """A file that is shared out: a scan, a table, columns and single lines on seven pages; how it is read alone."""
    lines = [Drawn(text, 2 + page, 60, 100) for page in range(5) for text in [f"Seite {page} handelt von Gebühren."]]
    lines += column(LEFT, 60, 130, page=3) + column(RIGHT, 310, 130, page=3)
    lines += [Drawn(cell, 5, 60 + 150 * x, 200 + 14 * y) for y, row in enumerate(TABLE) for x, cell in enumerate(row)]
    path = draw(tmp_path / "lang.pdf", [*lines, Drawn("Schluss", 7, 60, 400, 18)])
    alone = list(read(path))
    monkeypatch.setattr(pdf_pages, "LONG", 2)
    monkeypatch.setattr(pdf_pages.os, "cpu_count", lambda: 3)
    return path, alone


@pytest.fixture
def started(monkeypatch):
    """The processes that were started."""
    processes = []

    def start(*args, **options):
        processes.append(subprocess.Popen(*args, **options))
        return processes[-1]

    monkeypatch.setattr(pdf_pages, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": start}))
    return processes


def test_a_long_file_is_read_by_several_processes_to_the_same_document(long_file, started):
    path, alone = long_file
    assert list(read(path)) == alone
    assert len(started) == 2
    assert all(process.returncode is not None for process in started)


def test_pages_of_a_process_that_gives_up_are_read_all_the_same(long_file, started, monkeypatch):
    path, alone = long_file
    monkeypatch.setattr(pdf_pages, "_START", pdf_pages._START.replace("tell()", "sys.exit(1)"))
    assert list(read(path)) == alone
    assert [process.wait() for process in started] == [1, 1]


def test_an_error_ends_the_other_processes(long_file, started, monkeypatch):
    path, _ = long_file
    monkeypatch.setattr(pdf_pages, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(pdf_pages, "_page", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        list(read(path))
    assert all(process.returncode is not None for process in started)


PRINTED = ["Die Gebühr für die Nutzung der Flächen", "beträgt fünfundzwanzig Euro für jeden Tag."]


def test_a_scan_says_how_to_mend_it_where_tesseract_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    ocr_is_there.cache_clear()
    with pytest.raises(DocumentError, match="no text, 1 page looks scanned; install tesseract"):
        list(read(scan(tmp_path, column(PRINTED, 60, 100))))
    ocr_is_there.cache_clear()


def test_of_a_mixed_file_the_text_is_read_and_the_scanned_pages_are_named(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    ocr_is_there.cache_clear()
    with caplog.at_level(logging.WARNING):
        (document,) = read(scan(tmp_path, column(PRINTED, 60, 100), and_text=["Der Rat hat beschlossen."]))
    ocr_is_there.cache_clear()
    assert document.text == "Der Rat hat beschlossen."
    assert document.places[0].page == 2
    assert "pages without text are left out: 1 (looks scanned)" in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("tesseract"), reason="needs tesseract (apt-get install tesseract-ocr tesseract-ocr-deu)"
)
def test_a_scan_is_read_by_tesseract_with_the_boxes_of_its_lines(tmp_path):
    lines = column(PRINTED, 60, 100, size=12)
    (document,) = read(scan(tmp_path, lines))
    assert document.text == " ".join(PRINTED)
    for place, line in zip(document.places, lines, strict=True):
        assert place.box[0] == pytest.approx(line.left, abs=2)
        assert place.box[2] == pytest.approx(line.right, abs=2)
        assert place.box[1] < line.baseline < place.box[3] + 1


def fake_tesseract(folder, monkeypatch, seconds):
    """A program that takes its time and reads the same words on every page."""
    program = folder / "bin" / "tesseract"
    program.parent.mkdir()
    table = "level block_num par_num line_num left top width height conf text\n5 1 1 1 100 100 90 40 95 Amtsblatt"
    program.write_text(
        "#!/bin/sh\nif [ $1 = --list-langs ]; then echo deu; exit; fi\n"
        f"sleep {seconds}\ncat <<'END'\n{table.replace(' ', chr(9))}\nEND\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    ocr_is_there.cache_clear()


@pytest.fixture
def settings_are_read_anew():
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()
    ocr_is_there.cache_clear()


def scans(folder, count):
    """A PDF of pages that are pictures."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(folder / "scans.pdf"), pagesize=(WIDTH, HEIGHT))
    for _ in range(count):
        canvas.drawImage(ImageReader(Image.effect_noise((80, 100), 90)), 0, 0, WIDTH, HEIGHT)
        canvas.showPage()
    canvas.save()
    return folder / "scans.pdf"


def test_fourteen_scans_are_counted_where_tesseract_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    ocr_is_there.cache_clear()
    with pytest.raises(DocumentError, match="no text, 14 pages look scanned; install tesseract \\(apt-get install"):
        list(read(scans(tmp_path, 14)))
    ocr_is_there.cache_clear()


@pytest.mark.slow
@pytest.mark.usefixtures("settings_are_read_anew")
def test_recognition_ends_when_its_time_is_over_and_the_other_pages_are_named(tmp_path, monkeypatch, caplog):
    fake_tesseract(tmp_path, monkeypatch, 4)
    monkeypatch.setenv("BELEG_OCR_SECONDS", "7")
    (document,) = read(scans(tmp_path, 4))
    assert {place.page for place in document.places} == {1}
    assert "pages without text are left out: 2 (tesseract took longer than" in caplog.text
    assert "4 (the 7 s for recognition are over; allow more: BELEG_OCR_SECONDS)" in caplog.text


@pytest.mark.slow
@pytest.mark.usefixtures("settings_are_read_anew")
def test_waiting_for_recognition_is_no_time_of_reading(tmp_path, monkeypatch):
    fake_tesseract(tmp_path, monkeypatch, 5)
    path = scans(tmp_path, 3)
    with ReadingProcess(seconds=12, waiting_seconds=90) as process:
        (document,) = process.read(path, ".pdf")
        assert {place.page for place in document.places} == {1, 2, 3}
    with (
        ReadingProcess(seconds=12, waiting_seconds=0) as process,
        pytest.raises(DocumentError, match="longer than 12 s"),
    ):
        list(process.read(path, ".pdf"))


def test_the_picture_of_a_page_has_its_boxes_marked_and_nothing_else(tmp_path):
    import io

    import numpy as np
    from PIL import Image

    path = draw(tmp_path / "bild.pdf", column(["Eine Zeile"], 60, 100))
    (document,) = read(path)
    plain, marked = (
        np.asarray(Image.open(io.BytesIO(page_picture(path, 1, boxes, scale=2)))).astype(int)
        for boxes in ([], [document.places[0].box])
    )
    assert marked.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    ys, xs = np.nonzero((plain != marked).any(2))
    left, top, right, bottom = document.places[0].box
    assert (xs.min() / 2, ys.min() / 2) == pytest.approx((left - 1.5, top - 1.5), abs=1)
    assert (xs.max() / 2, ys.max() / 2) == pytest.approx((right + 1.5, bottom + 1.5), abs=1)
    with pytest.raises(DocumentError, match="has no page 2, expected 1 to 1"):
        page_picture(path, 2)
