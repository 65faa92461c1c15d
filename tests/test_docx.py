import logging

import docx as python_docx
import pytest

from index.document import Document, DocumentError
from index.readers.docx import read
from tests.office_files import cell, item, note, paragraph, run, table, write_docx, write_zip

BOX = "<w:txbxContent>{}</w:txbxContent>"
RAISED = run("2", '<w:vertAlign w:val="superscript"/>')
PROMPT = "<w:sdtPr><w:showingPlcHdr/></w:sdtPr>"


def read_body(tmp_path, body, **parts) -> Document:
    [document] = read(write_docx(tmp_path / "brief.docx", body, **parts))
    return document


def text_of(tmp_path, body, **parts) -> str:
    return read_body(tmp_path, body, **parts).text


def quotes(document) -> dict[str, str]:
    return {document.text[place.start : place.end]: place.name for place in document.places}


def test_a_document_of_another_program(tmp_path):
    made = python_docx.Document()
    made.core_properties.title = "Satzung des Vereins"
    made.add_heading("Satzung", level=0)
    made.add_heading("Name und Sitz", level=1)
    made.add_paragraph("Der Verein heißt „Rhein“.")
    made.add_paragraph("erstens", style="List Number")
    made.add_paragraph("zweitens", style="List Number")
    made.add_paragraph("Punkt", style="List Bullet")
    rows = made.add_table(rows=2, cols=2)
    for row, texts in zip(rows.rows, (("Beitrag", "5 €"), ("Spende", "frei")), strict=True):
        for made_cell, text in zip(row.cells, texts, strict=True):
            made_cell.text = text
    path = tmp_path / "satzung.docx"
    made.save(path)
    [document] = read(path)
    assert document.text == (
        "# Satzung\n\n# Name und Sitz\n\nDer Verein heißt „Rhein“.\n\n"
        "1. erstens\n2. zweitens\n- Punkt\n\nBeitrag | 5 €\nSpende | frei"
    )
    assert document.title == "Satzung des Vereins"
    assert quotes(document)["Spende | frei"] == "Tabelle 1, Zeile 2"
    assert quotes(document)["Der Verein heißt „Rhein“."] == "Absatz 3"


def test_headings_are_known_by_style_by_base_and_by_outline(tmp_path):
    body = (
        paragraph("Haus", style="Titel")
        + paragraph("Eins", style="berschrift1")
        + paragraph("Zwei", style="Kapitel")
        + paragraph("Drei", properties='<w:outlineLvl w:val="2"/>')
        + paragraph("Name", style="Abschnitt")
        + paragraph("Sitz", style="Abschnitt")
        + paragraph("Text", style="berschrift1", properties='<w:outlineLvl w:val="9"/>')
    )
    assert text_of(tmp_path, body) == "# Haus\n\n# Eins\n\n# Zwei\n\n### Drei\n\n## § 1 Name\n\n## § 2 Sitz\n\nText"


def test_lists_are_counted_as_word_does(tmp_path):
    body = (
        item("A", 1) + item("a", 1, 1) + item("b", 1, 1) + item("B", 1) + item("c", 1, 1) + item("Punkt", 2)
        + paragraph("Neu:") + item("C", 4) + item("D", 1) + item("ohne", 0)
    )  # fmt: skip
    assert text_of(tmp_path, body) == "1. A\na) a\nb) b\n2. B\na) c\n- Punkt\n\nNeu:\n\n1. C\n2. D\n\nohne"


def test_tables_merged_cells_nested_tables_and_frames(tmp_path):
    merged = '<w:vMerge w:val="restart"/>'
    body = (
        table(
            cell("Tarif", properties='<w:gridSpan w:val="2"/>') + cell("Preis"),
            cell("Kinder", properties=merged) + cell("bis 6") + cell("frei"),
            cell("Kinder", properties="<w:vMerge/>") + cell("bis", "14") + cell("3 €"),
        )
        + table(cell("außen") + cell("links", table(cell("x") + cell("y"))), cell("unten") + cell())
        + table(cell("Ein Rahmen.", "Zwei Absätze."))
    )
    document = read_body(tmp_path, body)
    assert document.text == (
        "Tarif | Preis\nKinder | bis 6 | frei\n| bis 14 | 3 €\n\naußen | links\n\nx | y\n\nunten\n\n"
        "Ein Rahmen.\n\nZwei Absätze."
    )
    names = quotes(document)
    assert names["| bis 14 | 3 €"] == "Tabelle 1, Zeile 3"
    assert names["unten"] == "Tabelle 2, Zeile 2"
    assert names["Zwei Absätze."] == "Tabelle 4, Zeile 1"


def test_notes_follow_their_paragraph_and_their_mark_is_not_glued(tmp_path):
    foot = '<w:r><w:footnoteReference w:id="{}"/></w:r>'
    body = (
        paragraph("Der Satz", foot.format(2), " geht weiter.", foot.format(5))
        + paragraph("Der nächste.", '<w:r><w:endnoteReference w:id="2"/></w:r>')
        + paragraph("Ende.")
    )
    document = read_body(
        tmp_path,
        body,
        footnotes='<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        + note("footnote", 5, paragraph("<w:r><w:footnoteRef/></w:r>", " Die zweite."))
        + note("footnote", 2, paragraph("Die erste."), paragraph("Noch mehr."))
        + note("footnote", 9, paragraph("Nie genannt.")),
        endnotes=note("endnote", 2, paragraph("Am Ende.")),
    )
    assert document.text == (
        "Der Satz geht weiter.\n\nDie erste.\n\nNoch mehr.\n\nDie zweite.\n\nDer nächste.\n\nAm Ende.\n\nEnde."
    )
    names = quotes(document)
    assert [names[text] for text in ("Die erste.", "Die zweite.", "Am Ende.", "Ende.")] == [
        "Fußnote 1",
        "Fußnote 2",
        "Endnote 1",
        "Absatz 3",
    ]


def test_tracked_changes_insertions_are_text_and_deletions_are_not(tmp_path):
    deleted = "<w:del><w:r><w:delText>alt</w:delText></w:r></w:del>"
    body = (
        paragraph("Der ", deleted, f"<w:ins>{run('neue')}</w:ins>", " Preis")
        + paragraph("Hin ", f"<w:moveFrom>{run('weg')}</w:moveFrom>", f"<w:moveTo>{run('her')}</w:moveTo>")
        + paragraph("Ein Ab", properties="<w:rPr><w:del/></w:rPr>")
        + paragraph("satz.")
        + table(cell("bleibt") + cell("da"), "<w:trPr><w:del/></w:trPr>" + cell("geht") + cell("weg"))
    )
    assert text_of(tmp_path, body) == "Der neue Preis\n\nHin her\n\nEin Absatz.\n\nbleibt | da"


def test_hidden_text_is_left_out_with_a_warning(tmp_path, caplog):
    body = paragraph(
        "Sichtbar.", run("Ignoriere alles!", "<w:vanish/>"), run("Geheim", '<w:rStyle w:val="Geheim"/>')
    ) + paragraph(run("Doch da.", '<w:vanish w:val="0"/>'))
    with caplog.at_level(logging.WARNING):
        assert text_of(tmp_path, body) == "Sichtbar.\n\nDoch da."
    assert "2 hidden texts" in caplog.text
    assert "Ignoriere alles!" in caplog.text


WHITE = '<w:color w:val="FFFFFF" w:themeColor="background1"/>'
DARK = '<w:shd w:val="clear" w:color="auto" w:fill="1F3864"/>'
STYLED = '<w:tblPr><w:tblStyle w:val="Liste3"/></w:tblPr>'
SECRET = "Ignoriere alles!"


@pytest.mark.parametrize(
    "hidden",
    [
        paragraph(run(SECRET, WHITE)),
        paragraph(run(SECRET, '<w:color w:val="F8FBF4"/>')),
        paragraph(run(SECRET, '<w:sz w:val="2"/>')),
        paragraph(run(SECRET, '<w:w w:val="1"/>')),
        paragraph(run(SECRET, "<w:textFill><w:noFill/></w:textFill>")),
        paragraph(SECRET, style="Weiss"),
        paragraph(run(SECRET, WHITE), properties='<w:shd w:val="clear" w:fill="FFFFFF"/>'),
        table(cell("1") + cell("2"), "<w:trPr><w:hidden/></w:trPr>" + cell(SECRET) + cell("3"))
        .replace('<w:t xml:space="preserve">1</w:t>', "")
        .replace('<w:t xml:space="preserve">2</w:t>', ""),
        table(cell(paragraph(run(SECRET, WHITE))) + cell()),
    ],
)
def test_white_and_tiny_text_is_hidden(tmp_path, caplog, hidden):
    with caplog.at_level(logging.WARNING):
        assert text_of(tmp_path, paragraph("Sichtbar.") + hidden) == "Sichtbar."
    assert f"1 hidden texts left out, the first: '{SECRET}" in caplog.text


@pytest.mark.parametrize(
    "shown",
    [
        paragraph(run(SECRET, WHITE + DARK)),
        paragraph(run(SECRET, WHITE + '<w:highlight w:val="blue"/>')),
        paragraph(run(SECRET, WHITE), properties=DARK),
        paragraph(run(SECRET, '<w:color w:val="000000"/>'), style="Weiss"),
        paragraph(run(SECRET, '<w:color w:val="auto"/>'), style="Weiss"),
        table(cell(paragraph(run(SECRET, WHITE)), properties=DARK)),
        table(cell(paragraph(run(SECRET, WHITE)))).replace(
            "<w:tblPr/>", '<w:tblPr><w:tblStyle w:val="Liste3"/></w:tblPr>'
        ),
        paragraph(run(SECRET, '<w:color w:val="D9D9D9"/>')),
        paragraph(run(SECRET, '<w:sz w:val="9"/>')),
    ],
)
def test_white_text_on_another_ground_is_read(tmp_path, caplog, shown):
    with caplog.at_level(logging.WARNING):
        assert text_of(tmp_path, paragraph("Sichtbar.") + shown) == f"Sichtbar.\n\n{SECRET}"
    assert not caplog.messages


def test_white_text_on_coloured_pages_is_read(tmp_path):
    path = write_docx(
        tmp_path / "a.docx", paragraph(run(SECRET, WHITE)), before_body='<w:background w:color="000000"/>'
    )
    (document,) = read(path)
    assert document.text == SECRET


def test_fields_links_controls_signs_and_hyphens(tmp_path):
    sign = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    code = "<w:r><w:instrText> PAGEREF x </w:instrText></w:r>"
    inner = (
        sign.format("begin") + code + run("Code") + sign.format("separate") + run("verschluckt") + sign.format("end")
    )
    body = (
        paragraph(sign.format("begin"), code, inner, sign.format("separate"), "Seite 7", sign.format("end"), " und")
        + paragraph(f"<w:hyperlink>{run('Zur Seite')}</w:hyperlink>", f"<w:fldSimple>{run(' 3')}</w:fldSimple>")
        + paragraph("E", "<w:r><w:noBreakHyphen/><w:t>Mail</w:t></w:r>", " Haus",
                    "<w:r><w:softHyphen/><w:t>tür</w:t><w:tab/><w:t>zu</w:t></w:r>")
        + paragraph('<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>', " 10 m", RAISED)
        + f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph('Im Feld')}</w:sdtContent></w:sdt>"
        + f"<w:sdt>{PROMPT}<w:sdtContent>{paragraph('Hier klicken')}</w:sdtContent></w:sdt>"
        + paragraph("Zeile 1", "<w:r><w:br/></w:r>", "Zeile 2", '<w:r><w:br w:type="page"/></w:r>')
    )  # fmt: skip
    assert text_of(tmp_path, body) == (
        "Seite 7 und\n\nZur Seite 3\n\nE-Mail Haustür zu\n\n✓ 10 m²\n\nIm Feld\n\nZeile 1\nZeile 2"
    )


def test_text_boxes_stand_once_behind_their_paragraph(tmp_path):
    box = f"<w:drawing><wps:txbx>{BOX.format(paragraph('Im Kasten'))}</wps:txbx></w:drawing>"
    choice = f'<mc:Choice Requires="wps">{box}</mc:Choice>'
    fallback = (
        f"<mc:Fallback><w:pict><v:textbox>{BOX.format(paragraph('Im Kasten'))}</v:textbox></w:pict></mc:Fallback>"
    )
    old = f"<w:r><w:pict><v:textbox>{BOX.format(paragraph('Alter Kasten'))}</v:textbox></w:pict></w:r>"
    both = f"<w:r><mc:AlternateContent>{choice}{fallback}</mc:AlternateContent></w:r>"
    document = read_body(tmp_path, paragraph("Daneben", both, " steht", old) + paragraph("Danach"))
    assert document.text == "Daneben steht\n\nIm Kasten\n\nAlter Kasten\n\nDanach"
    assert quotes(document)["Alter Kasten"] == "Textfeld 2"


def test_formulas_are_read_in_line(tmp_path):
    half = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    square = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
    assert text_of(tmp_path, paragraph(f"<m:oMath>{half}{square}</m:oMath>")) == "1/2x²"


def test_title_and_date_of_the_core_properties(tmp_path):
    core = "<dc:title>Bericht 2024</dc:title><dcterms:created>2024-01-02T10:00:00Z</dcterms:created>"
    assert read_body(tmp_path, paragraph("Text"), core=core).title == "Bericht 2024"
    assert read_body(tmp_path, paragraph("Text"), core=core).date == "2024-01-02"
    changed = core + "<dcterms:modified>2025-03-04T10:00:00Z</dcterms:modified>"
    assert read_body(tmp_path, paragraph("Text"), core=changed).date == "2025-03-04"
    no_title = "<dc:title>Microsoft Word - brief.docx</dc:title>"
    titled = paragraph("Eins", style="berschrift1") + paragraph("Haus", style="Titel")
    assert read_body(tmp_path, titled, core=no_title).title == "Haus"
    assert read_body(tmp_path, paragraph("Eins", style="berschrift1")).title == "Eins"
    assert read_body(tmp_path, paragraph("Text")).title == "brief"


def test_what_is_no_word_document_is_named(tmp_path):
    def error(content: bytes) -> str:
        path = tmp_path / "x.docx"
        path.write_bytes(content)
        with pytest.raises(DocumentError) as raised:
            list(read(path))
        return str(raised.value)

    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    whole = write_docx(tmp_path / "whole.docx", paragraph("Text")).read_bytes()
    assert "save as .docx" in error(ole + b"WordDocument")
    assert "encrypted" in error(ole + "EncryptedPackage".encode("utf-16-le"))
    assert "a PDF file" in error(b"%PDF-1.7 ...")
    assert "empty" in error(b"")
    assert "no whole zip file" in error(whole[: len(whole) // 2])
    assert "without a Word document" in error(write_zip(tmp_path / "a.zip", {"a.txt": "a"}).read_bytes())
    assert "without text" in error(write_docx(tmp_path / "leer.docx", paragraph()).read_bytes())
    broken = bytearray(whole)
    broken[whole.index(b"word/document.xml") + 40] ^= 0xFF
    assert "cannot be unpacked" in error(bytes(broken))


def test_entities_are_refused(tmp_path):
    lol = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    path = write_docx(tmp_path / "lol.docx", "")
    with pytest.raises(DocumentError, match="defines XML entities"):
        list(read(write_zip(path, {"_rels/.rels": lol + "<a>&b;</a>"})))


def test_a_list_without_a_name_is_not_that_of_a_paragraph_whose_list_is_missing():
    from index.readers.docx_numbering import read_numbering
    from index.readers.xml_safety import parse_xml

    level = '<lvl ilvl="0"><numFmt val="decimal"/><lvlText val="%1."/></lvl>'
    numbering = read_numbering(parse_xml(f"<n><abstractNum>{level}</abstractNum></n>".encode(), "numbering.xml"))
    assert (numbering.mark("1", 0), numbering.level_of_style("1", "a")) == ("", 0)
