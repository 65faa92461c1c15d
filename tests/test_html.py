import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from index.document import Document, DocumentError
from index.readers.html import read
from index.readers.html_metadata import iso_day

PAGE = """<!DOCTYPE html><html><head>{head}<title>Gebühren | Stadt Köln</title>
<style>.weg {{ display: none }} @media print {{ .druck {{ display: none }} }}</style></head><body>
<header><a href="/">Stadt Köln</a>
<nav><ul><li><a href="/a">Start</a></li><li><a href="/b">Ämter</a></li></ul></nav></header>
<div class="cookie-banner"><p>Wir verwenden Cookies.</p><button>Annehmen</button></div>
<main><h1 id="oben">Gebühren</h1>
<p>Die Gebühr für die Straßen&shy;nutzung beträgt 5&nbsp;€ je m<sup>2</sup>.<sup><a href="#fn1">1</a></sup></p>
<h2 id="tarif">Tarif<a class="headerlink" href="#tarif">¶</a></h2>
<table><caption>Preise</caption><tr><th>Art<th>Preis</tr><tr><td>Bus<td><p>12 €</p></tr>
<tr><td>Rad</td><td></td></tr></table>
<ul><li>erster <b>Punkt</b></li><li><p>zweiter</p><p>mit Absatz</p><ol start="3"><li>innen<li>weiter</ol></li></ul>
<dl><dt>Bürger</dt><dd>wer hier wohnt</dd></dl>
<pre>eins
  zwei</pre>
<p>Rathaus<br>50667 Köln</p><p class="druck">Öffnungs<wbr>zeiten</p>
</main><footer>Impressum</footer></body></html>"""
TEXT = (
    "# Gebühren\n\nDie Gebühr für die Straßennutzung beträgt 5 € je m².\n\n## Tarif\n\n"
    "Preise\n\nArt | Preis\nBus | 12 €\nRad\n\n- erster Punkt\n- zweiter\n\nmit Absatz\n3. innen\n4. weiter\n\n"
    "Bürger\nwer hier wohnt\n\neins\n  zwei\n\nRathaus\n50667 Köln\n\nÖffnungszeiten"
)


def read_page(tmp_path, markup: str | bytes) -> Document:
    path = tmp_path / "seite.html"
    path.write_bytes(markup if isinstance(markup, bytes) else markup.encode())
    [document] = read(path)
    return document


def text_of(tmp_path, body: str) -> str:
    return read_page(tmp_path, f"<html><body>{body}</body></html>").text


def test_a_page_is_read_whole_without_menu_banner_and_footer(tmp_path):
    document = read_page(tmp_path, PAGE.format(head='<meta charset="utf-8">'))
    assert document.text == TEXT
    assert document.title == "Gebühren"
    assert document.language == "de"


@pytest.mark.parametrize(
    ("encoding", "head", "mark"),
    [
        ("utf-8", "", b""),
        ("utf-8", '<meta charset="iso-8859-1">', b"\xef\xbb\xbf"),
        ("cp1252", "", b""),
        ("cp1252", '<meta charset="iso-8859-1">', b""),
        ("iso-8859-15", '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-15">', b""),
        ("mac-roman", '<meta charset="macintosh">', b""),
        ("utf-16-le", "", b"\xff\xfe"),
        ("utf-16-be", "", b"\xfe\xff"),
        ("utf-16-le", "", b""),
    ],
)
def test_encodings(tmp_path, encoding, head, mark):
    assert read_page(tmp_path, mark + PAGE.format(head=head).encode(encoding)).text == TEXT


def test_an_xml_declaration_names_the_encoding(tmp_path):
    markup = '<?xml version="1.0" encoding="iso-8859-2"?><html><body><p>Łódź liegt in Polen.</p></body></html>'
    assert read_page(tmp_path, markup.encode("iso-8859-2")).text == "Łódź liegt in Polen."


def test_places_lead_to_the_nearest_anchor_and_name_the_heading(tmp_path):
    document = read_page(tmp_path, PAGE.format(head=""))
    places = {document.text[place.start : place.end]: (place.name, place.target) for place in document.places}
    assert places["Bus | 12 €"] == ("Tarif", "#tarif")
    assert places["Die Gebühr für die Straßennutzung beträgt 5 € je m²."] == ("Gebühren", "#oben")
    assert places["# Gebühren"] == ("Gebühren", "#oben")


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="display:none">Psst</p>',
        "<p hidden>Psst</p>",
        '<p aria-hidden="true">Psst</p>',
        '<p style="color: #fff">Psst</p>',
        '<font color="#FFFFFF">Psst</font>',
        '<div style="background:#ffffff"><p style="color:white">Psst</p></div>',
        '<p style="font-size:0">Psst</p>',
        '<p style="position:absolute; left:-9999px">Psst</p>',
        '<p style="height:1px;overflow:hidden">Psst</p>',
        '<p style="opacity: 0">Psst</p>',
        '<p style="visibility:hidden">Psst</p>',
        '<p class="weg">Psst</p>',
        '<p style="font-size: 1px">Psst</p>',
        '<p style="font-size:.01em">Psst</p>',
        '<p style="color:#FDFDFE">Psst</p>',
        '<p style="color: rgb(250, 250, 250)">Psst</p>',
        '<p style="color: transparent">Psst</p>',
        '<p style="color: rgba(0,0,0,0.02)">Psst</p>',
        '<p style="opacity: 0.01">Psst</p>',
        '<p class="blass">Psst</p>',
        "<table><tr><td>a</td><td hidden>Psst</td></tr></table>",
    ],
)
def test_hidden_text_is_left_out_with_a_warning(tmp_path, caplog, hidden):
    with caplog.at_level(logging.WARNING):
        text = text_of(tmp_path, f"<style>.weg {{display:none}} .blass {{color:#0000}}</style><p>Sichtbar.</p>{hidden}")
    assert "Sichtbar." in text
    assert "Psst" not in text
    assert "1 hidden texts left out, the first: 'Psst'" in caplog.text


@pytest.mark.parametrize(
    "shown",
    [
        '<p style="font-size:0.8em; opacity:0.9">Da</p>',
        '<p style="font-size:1.2em; opacity:1">Da</p>',
        '<p style="font-size:7pt; color:#ddd">Da</p>',
        '<p style="color:#fff; background:#345 none">Da</p>',
        '<p style="background:#345; color:white"><span style="color:white">Da</span></p>',
        '<div style="background:navy"><p style="color:white">Da</p></div>',
        '<table class="kopf"><tr><th style="color:#fff">Da</th></tr></table>',
        '<p style="margin-left:-5px">Da</p>',
        '<p class="auf">Da</p>',
        '<p aria-hidden="false">Da</p>',
    ],
)
def test_what_can_be_seen_is_read(tmp_path, caplog, shown):
    style = "<style>.zu .auf {display:none} @media print {.auf {display:none}}</style>"
    assert text_of(tmp_path, style + shown) == "Da"
    assert not caplog.records


def test_scripts_templates_comments_and_noscript_are_no_text(tmp_path, caplog):
    unseen = "<script>x</script><style>y</style><noscript>n</noscript><template>t</template><!-- c -->"
    assert text_of(tmp_path, f"<p>Nur{unseen}<svg><text>s</text></svg> das</p>") == "Nur das"
    assert not caplog.records


def test_tables_that_place_text_are_no_rows(tmp_path):
    assert text_of(tmp_path, "<table><tr><td><h2>Kopf</h2><p>Eins.</p></td><td>Zwei.</td></tr></table>") == (
        "## Kopf\n\nEins.\n\nZwei."
    )


def test_a_page_whose_text_stands_in_its_menu_is_not_empty(tmp_path):
    assert text_of(tmp_path, "<nav><a href='a'>Kapitel 1</a></nav>") == "Kapitel 1"


def test_a_section_about_cookies_is_no_banner(tmp_path):
    section = "<section id='cookies'><h2>Cookies</h2><p>Wir setzen keine. <a href='x'>Mehr</a></p></section>"
    body = f"<p>Zuerst dies.</p>{section}"
    assert text_of(tmp_path, body) == "Zuerst dies.\n\n## Cookies\n\nWir setzen keine. Mehr"


@pytest.mark.parametrize("name", ["fehler-security-related", "related", "header", "menu-des-tages", "share"])
def test_a_chapter_is_no_menu_for_its_name(tmp_path, name):
    body = f"<p>Zuerst dies, das hier ist lang genug.</p><div id='{name}'><h2>Fehler</h2><p>Melden.</p></div>"
    assert text_of(tmp_path, body).endswith("## Fehler\n\nMelden.")


@pytest.mark.parametrize("name", ["menu", "mainNav", "sidebar", "docnav", "breadcrumb", "navfooter", "related"])
def test_a_list_of_links_with_the_name_of_a_menu_is_one(tmp_path, name):
    body = f"<p>Der Text der Seite.</p><div class='{name}'><ul><li><a href='a'>Weiter</a></li></ul></div>"
    assert text_of(tmp_path, body) == "Der Text der Seite."


@pytest.mark.parametrize("page", ["<nav><a>Start</a></nav>%s", "<nav>Start</nav>%s<main><p>Amt</p></main>"])
def test_control_characters_behind_a_menu_are_no_error(tmp_path, page):
    behind = "\x02Die Gebühr &#31;steht hier\ufffe."
    assert "Die Gebühr" in text_of(tmp_path, page % behind + "<footer>Impressum</footer>&#12;")


def test_entities_and_broken_markup(tmp_path):
    assert text_of(tmp_path, "<p>&Auml;&#8211;&euro; a &lt; b &amp; c <b>offen<p>und weiter</i>") == (
        "Ä–€ a < b & c offen\n\nund weiter"
    )


def test_deep_nesting_is_read_and_deeper_nesting_is_named(tmp_path):
    assert text_of(tmp_path, "<p>Anfang</p>" + "<div>" * 1000 + "tief" + "</div>" * 1000 + "<p>Ende</p>") == (
        "Anfang\n\ntief\n\nEnde"
    )
    with pytest.raises(DocumentError, match="nested too deeply"):
        text_of(tmp_path, "<div>" * 5000 + "tief")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"%PDF-1.7\n" + bytes(range(256)), "binary data"),
        (b"<html>" + b"\0\1\2" * 50, "binary data"),
        (b"<html><body><script>render()</script><img src='a.png'></body></html>", "without text"),
    ],
)
def test_what_is_no_page_is_named(tmp_path, raw, reason):
    with pytest.raises(DocumentError, match=reason):
        read_page(tmp_path, raw)


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ('<title>Seite</title><meta property="og:title" content="Die Satzung">', "Die Satzung"),
        ('<title>Die Satzung | Rhein</title><meta property="og:site_name" content="Rhein">', "Die Satzung"),
        ("<title>Die Satzung – Entwurf</title>", "Die Satzung – Entwurf"),
        ("", "Kopf"),
    ],
)
def test_titles(tmp_path, head, title):
    assert read_page(tmp_path, f"<html><head>{head}</head><body><h1>Kopf</h1><p>a</p></body></html>").title == title


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ('<meta property="article:published_time" content="2023-01-02T08:00:00+01:00">', "2023-01-02"),
        ('<meta name="date" content="2023-01-02"><meta name="dcterms.modified" content="2024-02-03">', "2024-02-03"),
        ('<meta name="DC.date" content="03.04.2022">', "2022-04-03"),
        ('<script type="application/ld+json">{"@graph":[{"datePublished":"2021-05-06"}]}</script>', "2021-05-06"),
        ('<script type="application/ld+json">{kaputt</script>', "2020-07-08"),
        ('<meta name="date" content="gestern">', "2020-07-08"),
    ],
)
def test_dates(tmp_path, head, day):
    body = '<p>Am <time datetime="2020-07-08">8. Juli</time></p>'
    assert read_page(tmp_path, f"<html><head>{head}</head><body>{body}</body></html>").date == day


def test_a_page_with_several_times_has_no_date(tmp_path):
    document = read_page(tmp_path, "<p><time datetime='2020-01-01'>1.</time> bis <time datetime='2020-01-03'>3.</time>")
    assert document.date == ""
    assert iso_day("2020-13-01") == ""


def test_nothing_is_fetched(tmp_path):
    asked: list[str] = []

    class Listens(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Listens) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        secret = tmp_path / "geheim.txt"
        secret.write_text("Geheimnis")
        markup = (
            f'<!DOCTYPE html SYSTEM "{base}/a.dtd" [<!ENTITY x SYSTEM "{secret.as_uri()}">]><html><head>'
            f'<base href="{base}"><link rel="stylesheet" href="{base}/b.css"><script src="{base}/c.js"></script></head>'
            f'<body><p>Text &x;</p><img src="{base}/d.png"><iframe src="{base}/e"></iframe></body></html>'
        )
        text = read_page(tmp_path, markup).text
        server.shutdown()
    assert "Text" in text
    assert "Geheimnis" not in text
    assert not asked
