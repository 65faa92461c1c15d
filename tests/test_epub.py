import logging

import pytest

from index.document import Document, DocumentError
from index.readers.epub import read
from tests.office_files import chapter, write_epub, write_zip

NAMES = "Der Wald;Die Stadt;Das Meer;Der Berg".split(";")


def twenty() -> dict[str, str]:
    return {
        f"k{n}.xhtml": chapter(
            f"<h1>{n}. {NAMES[n % 4]}</h1><p>Im Kapitel {n} stehen &uuml;ber 100 B&auml;ume.<br/></p>"
            f"<h2 id='zwei'>Mehr</h2><ul><li>Punkt {n}</li></ul><table><tr><td>a</td><td>{n}</td></tr></table>"
        )
        for n in range(1, 21)
    }


def text_of_twenty() -> str:
    return "\n\n".join(
        f"# {n}. {NAMES[n % 4]}\n\nIm Kapitel {n} stehen über 100 Bäume.\n\n## Mehr\n\n- Punkt {n}\n\na | {n}"
        for n in range(1, 21)
    )


def read_book(path) -> Document:
    [document] = read(path)
    return document


def nav(entries: str) -> str:
    return chapter(
        f'<nav epub:type="toc"><ol>{entries}</ol></nav><nav epub:type="landmarks"><a href="k1.xhtml">L</a></nav>'
    )


def navigation() -> str:
    return nav("".join(f'<li><a href="k{n}.xhtml">Kapitel {n}: {NAMES[n % 4]}</a></li>' for n in range(1, 21)))


def ncx() -> str:
    points = "".join(
        f"<navPoint><navLabel><text>Kapitel {n}: {NAMES[n % 4]}</text></navLabel><content src='k{n}.xhtml'/></navPoint>"
        for n in range(1, 21)
    )
    return f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'


@pytest.mark.parametrize(("old", "table"), [(False, navigation()), (True, ncx())])
def test_a_book_of_twenty_chapters(tmp_path, old, table):
    document = read_book(write_epub(tmp_path / "buch.epub", twenty(), table=table, old=old))
    assert document.text == text_of_twenty()
    assert document.title == "Das Buch"
    assert document.language == "de"
    places = {document.text[place.start : place.end]: place for place in document.places}
    assert len(places) == 100 - 19  # "## Mehr" stands in each
    assert (places["Im Kapitel 3 stehen über 100 Bäume."].name) == "Kapitel 3: Der Berg"
    assert places["Im Kapitel 3 stehen über 100 Bäume."].target == "OEBPS/k3.xhtml"
    assert places["a | 17"].target == "OEBPS/k17.xhtml#zwei"
    assert places["a | 17"].name == "Kapitel 17: Die Stadt"


def test_a_table_of_contents_may_name_parts_of_a_file(tmp_path):
    table = nav('<li><a href="k1.xhtml">Eins</a><ol><li><a href="k1.xhtml#zwei">Eins, zweiter Teil</a></li></ol></li>')
    document = read_book(write_epub(tmp_path / "buch.epub", {"k1.xhtml": twenty()["k1.xhtml"]}, table=table))
    names = {document.text[place.start : place.end]: place.name for place in document.places}
    assert names["Im Kapitel 1 stehen über 100 Bäume."] == "Eins"
    assert names["- Punkt 1"] == "Eins, zweiter Teil"


def test_without_a_table_headings_name_the_chapters(tmp_path):
    chapters = {"a.xhtml": chapter("<h1>Wald</h1><p>Eins.</p>"), "b.xhtml": chapter("<p>Geht weiter.</p>")}
    document = read_book(write_epub(tmp_path / "buch.epub", chapters, table=chapter("")))
    assert [place.name for place in document.places] == ["Wald"] * 3


def test_cover_contents_and_what_is_not_linear_are_left_out(tmp_path):
    chapters = {
        "cover.xhtml": chapter("<p>Einband</p>"),
        "toc.xhtml": chapter("<p>Inhalt</p>"),
        "anhang.xhtml": chapter("<p>Daneben</p>"),
        "k1.xhtml": chapter("<p>Das Kapitel.</p>"),
    }
    path = write_epub(tmp_path / "buch.epub", chapters, table=navigation(), not_linear="anhang.xhtml")
    assert read_book(path).text == "Das Kapitel."


def test_an_empty_chapter_and_a_broken_table_cost_only_themselves(tmp_path, caplog):
    chapters = {"k0.xhtml": "", "k1.xhtml": chapter("<p>Text</p>")}
    with caplog.at_level(logging.WARNING):
        assert read_book(write_epub(tmp_path / "b.epub", chapters, table="")).text == "Text"
    assert "names of the chapters" in caplog.text


def test_metadata(tmp_path):
    metadata = (
        "<dc:title> Der  Wald </dc:title><dc:date>2019</dc:date><dc:date>2020-01-02</dc:date>"
        '<meta property="dcterms:modified">2021-03-04T00:00:00Z</meta>'
    )
    document = read_book(write_epub(tmp_path / "b.epub", {"k.xhtml": chapter("<p>Text</p>")}, metadata=metadata))
    assert (document.title, document.date) == ("Der Wald", "2021-03-04")
    untitled = read_book(write_epub(tmp_path / "mein_buch.epub", {"k.xhtml": chapter("<p>Text</p>")}, metadata=""))
    assert (untitled.title, untitled.date) == ("mein buch", "")


def test_chapters_that_are_no_xml_are_read_as_html(tmp_path, caplog):
    chapters = {"k.xhtml": "<html><body><p>Eins<p>Zwei &nbsp;<br>drei<p hidden>Psst</body></html>"}
    with caplog.at_level(logging.WARNING):
        assert read_book(write_epub(tmp_path / "b.epub", chapters, table=chapter(""))).text == "Eins\n\nZwei\ndrei"
    assert "1 hidden texts left out" in caplog.text


def encryption(method: str) -> str:
    return (
        f'<encryption xmlns="urn:c"><EncryptedData><EncryptionMethod Algorithm="{method}"/><CipherData>'
        '<CipherReference URI="OEBPS/k1.xhtml"/></CipherData></EncryptedData></encryption>'
    )


def test_protected_books_are_named_and_hidden_fonts_are_no_protection(tmp_path):
    def book(method: str):
        more = {"META-INF/encryption.xml": encryption(method)}
        return write_epub(tmp_path / "b.epub", {"k1.xhtml": chapter("<p>Text</p>")}, table=chapter(""), more=more)

    assert read_book(book("http://www.idpf.org/2008/embedding")).text == "Text"
    with pytest.raises(DocumentError, match="protected against copying"):
        read_book(book("http://www.w3.org/2001/04/xmlenc#aes128-cbc"))


def test_what_is_no_book_is_named(tmp_path):
    path = tmp_path / "x.epub"
    path.write_bytes(b"")
    with pytest.raises(DocumentError, match="empty"):
        read_book(path)
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(DocumentError, match="no whole zip file"):
        read_book(path)
    with pytest.raises(DocumentError, match="without a book in it"):
        read_book(write_zip(path, {"a.txt": "a"}))
    with pytest.raises(DocumentError, match=r"lacks its part 'OEBPS/content\.opf'"):
        read_book(write_zip(path, {"META-INF/container.xml": "<c><rootfile full-path='OEBPS/content.opf'/></c>"}))
    with pytest.raises(DocumentError, match="without text"):
        read_book(write_epub(path, {"k.xhtml": chapter("<img src='a'/>")}, table=chapter("")))
    entities = chapter("<p>&b;</p>").replace("<!DOCTYPE html", '<!DOCTYPE html [<!ENTITY b "ha">]><!DOCTYPE html')
    with pytest.raises(DocumentError, match="defines XML entities"):
        read_book(write_epub(path, {"k.xhtml": entities}, table=chapter("")))


def test_what_a_style_sheet_of_the_book_hides_is_left_out(tmp_path, caplog):
    head = '<link rel="stylesheet" href="../Styles/buch.css"/><link rel="stylesheet" href="../Styles/fehlt.css"/>'
    path = write_epub(
        tmp_path / "a.epub",
        {"Text/k1.xhtml": chapter('<p>Eins</p><p class="weg">Psst</p>', head)},
        table=chapter(""),
        more={"OEBPS/Styles/buch.css": ".weg { visibility: hidden }"},
    )
    (document,) = read(path)
    assert document.text == "Eins"
    assert "1 hidden texts left out, the first: 'Psst'" in caplog.text
