"""What stands beside the conversation: source, documents, feedback, exports, and the routes to them."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from index import Document, Index
from index.place import Place
from rag import Answer, Citation
from tests.test_chat import HOSTILE, _Tags
from ui.conversation import Turn, stored
from ui.documents import MOST_LISTED, documents_html
from ui.export import markdown, word
from ui.feedback import FeedbackError, keep_feedback
from ui.shelf import Entry, Shelf, file_name
from ui.source import places_of, source_html
from ui.texts import DE, EN

QUOTE = "Das Rathaus öffnet um acht Uhr."
TEXT = "Davor. " * 400 + QUOTE + " Danach." * 400
START = TEXT.index(QUOTE)


@pytest.fixture
def index(tmp_path: Path, embedder: Any) -> Index:
    made = Index.open(tmp_path / "index", embedder=embedder)
    made.add([Document("stadt", "Stadt", TEXT, source="/daten/stadt.txt", date="2024-10-03")])
    return made


def citation(marker: int = 1, **changes: Any) -> Citation:
    fields: dict[str, Any] = {"quote": QUOTE, "document_id": "stadt", "title": "Stadt", "start": START, "page": 12}
    fields |= changes
    return Citation(marker=marker, end=fields["start"] + len(fields["quote"]), **fields)


def answer(**changes: Any) -> Answer:
    fields: dict[str, Any] = {"text": "Um acht [1].", "language": "de", "status": "answered"}
    return Answer("Wann öffnet es?", **{**fields, "citations": (citation(),), **changes})


# Source


def test_the_quote_is_marked_in_its_context_under_title_and_date(index: Index) -> None:
    page = source_html(index, "stadt", START, START + len(QUOTE), DE, before=100, after=100)
    assert page.count("<mark") == 1
    assert _Tags(page.split("<mark", 1)[1].split(">", 1)[1].split("</mark>")[0]).text == QUOTE
    shown = _Tags(page).text
    assert "Stadt3. Oktober 2024 · stadt.txt" in shown
    assert shown.count("Davor.") in range(12, 16)
    assert DE.source_before in shown
    assert DE.source_after in shown


def test_all_of_a_document_leaves_no_more_to_show(index: Index) -> None:
    shown = _Tags(source_html(index, "stadt", START, START + len(QUOTE), EN, before=9_999, after=9_999)).text
    assert TEXT in shown
    assert EN.source_before not in shown
    assert EN.source_after not in shown


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_document_stays_text_in_the_source_pane(tmp_path: Path, embedder: Any, hostile: str) -> None:
    index = Index.open(tmp_path / "index", embedder=embedder)
    place = Place(0, len(hostile), name=hostile)
    index.add([Document("<b>", hostile, hostile, hostile, hostile, hostile, (place,))])
    page = _Tags(source_html(index, "<b>", 0, len(hostile), DE))
    assert {tag for tag, _ in page.tags} <= {"div", "h3", "p", "mark", "strong", "span"}
    assert hostile in page.text


def test_a_document_that_is_gone_or_shorter_now_is_named_as_such(index: Index) -> None:
    assert DE.source_gone in _Tags(source_html(index, "weg", 0, 1, DE)).text
    assert DE.source_changed in _Tags(source_html(index, "stadt", 0, len(TEXT) + 1, DE)).text


def test_places_are_those_that_overlap() -> None:
    places = tuple(Place(10 * n, 10 * n + 8, page=n) for n in range(5))
    document = Document("a", "", "x" * 50, places=places)
    for start in range(50):
        for end in range(start + 1, 51):
            expected = [place for place in places if place.start < end and start < place.end]
            assert places_of(document, start, end) == expected


# Documents


def entry(**changes: Any) -> Entry:
    fields = {"id": "a", "title": "A", "name": "a.txt", "date": "", "characters": 1234, "pages": 0, "collection": ""}
    return Entry(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_stays_text_in_the_list(hostile: str) -> None:
    page = _Tags(documents_html([entry(id=hostile, title=hostile, name=hostile, collection=hostile)], DE))
    assert {tag for tag, _ in page.tags} <= {"div", "label", "input", "span", "ul", "li", "button"}
    assert page.text.count(hostile) == 3


def test_collections_come_first_and_a_long_list_is_cut() -> None:
    entries = [entry(id="x", title="Zuletzt"), entry(id="y", title="Mit", collection="Recht")]
    text = _Tags(documents_html(entries, DE)).text
    assert text.index("Recht") < text.index("Mit") < text.index(DE.documents_no_collection) < text.index("Zuletzt")
    many = documents_html([entry(id=str(n)) for n in range(MOST_LISTED + 7)], EN)
    assert many.count("<li") == MOST_LISTED
    assert EN.documents_more.format(count=7) in _Tags(many).text


def test_an_upload_is_indexed_named_and_removed_with_its_file(index: Index) -> None:
    shelf = Shelf(index)
    shelf.uploads().mkdir()
    path = shelf.uploads() / "Satzung.txt"
    path.write_text("Der Verein heißt Harmonie.", "utf-8")

    told: list[tuple[int, int]] = []
    added = shelf.add(path, "Vereine", lambda done, read: told.append((done, read))).added

    assert told[-1][0] == 1
    assert [found.id for found in shelf.entries("vereine satz")] == list(added)
    assert shelf.add(path).unchanged == added
    path.write_text("Der Verein heißt Eintracht.", "utf-8")
    assert shelf.add(path).updated == added
    assert shelf.remove(added) == 1
    assert not path.exists()
    assert shelf.collections() == {}
    assert [found.id for found in shelf.entries()] == ["stadt"]


def test_a_file_that_cannot_be_read_says_why_and_is_not_kept(index: Index) -> None:
    shelf = Shelf(index)
    shelf.uploads().mkdir()
    for name, content, reason in [
        ("a.txt", b"\0\1", "binary"),
        ("b.exe", b"MZ", "unknown format"),
        ("c.txt", b"", "empty"),
    ]:
        path = shelf.uploads() / name
        path.write_bytes(content)
        uploaded = shelf.add(path)
        assert len(uploaded.failures) == 1
        assert reason in uploaded.failures[0]
        assert str(shelf.uploads()) not in uploaded.failures[0], "tells where the server keeps its files"
        assert not path.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/..", "...", "a" * 300, "\ud800", "\x00", "x/\x1b"])
def test_names_that_cannot_be_stored(name: str) -> None:
    assert file_name(name) == ""


@pytest.mark.parametrize("name", ["../a.txt", "C:\\b\\a.txt", "/etc/a.txt", ".a.txt", "a\x00.txt", " a.txt "])
def test_names_lose_their_folders_and_what_hides(name: str) -> None:
    assert file_name(name) == "a.txt"


# Feedback


def test_feedback_is_a_line_with_a_gold_question_where_the_verdict_makes_one(tmp_path: Path) -> None:
    keep_feedback(tmp_path, answer(), "good")
    keep_feedback(tmp_path, answer(), "should_refuse", "steht nicht da")
    keep_feedback(tmp_path, answer(), "wrong_quote")
    keep_feedback(tmp_path, answer(status="abstained", citations=()), "good")

    good, refuse, quote, silent = map(json.loads, (tmp_path / "feedback.jsonl").read_text("utf-8").splitlines())

    assert good["gold"]["answers"] == ["Um acht."]
    assert good["gold"]["evidence"] == [{"document_id": "stadt", "start": START, "end": START + len(QUOTE)}]
    assert TEXT[START : START + len(QUOTE)] == QUOTE
    assert (refuse["gold"]["answerable"], refuse["comment"]) == (False, "steht nicht da")
    assert quote["gold"] is None
    assert silent["gold"]["answerable"] is False
    assert quote["answer"]["citations"][0]["quote"] == QUOTE


def test_gold_questions_of_feedback_are_read_as_a_gold_set(tmp_path: Path) -> None:
    from eval.goldset import load_goldset

    line = keep_feedback(tmp_path, answer(), "good")
    (tmp_path / "questions.jsonl").write_text(json.dumps(line["gold"]), "utf-8")
    document = {"id": "stadt", "title": "Stadt", "text": TEXT, "language": "de"}
    (tmp_path / "documents.jsonl").write_text(json.dumps(document), "utf-8")
    assert load_goldset(tmp_path).questions[0].answers == ("Um acht.",)


def test_an_unknown_reason_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="'meh' is unknown; expected one of good, wrong_quote"):
        keep_feedback(tmp_path, answer(), "meh")


# Export


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_of_hostile_texts_has_no_markup_but_ours(hostile: str) -> None:
    from markdown_it import MarkdownIt

    cited = citation(quote=hostile, title=hostile, start=0)
    turn = Turn(hostile, answer=answer(text=f"{hostile} [1]", citations=(cited,)))
    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown([turn], DE))
    assert {tag for tag, _ in _Tags(rendered).tags} <= {"h1", "h2", "p"}


def test_word_has_a_real_footnote_for_each_marker() -> None:
    import docx

    second = citation(2, quote="Danach < & \x00 >.", start=0, page=None)
    turn = Turn(
        "Wann <öffnet> es?",
        answer=answer(text="Um acht [1]. Nicht [7]. Danach [2][1].", citations=(citation(), second)),
    )
    made = word([turn], DE)

    document = docx.Document(io.BytesIO(made))
    assert [paragraph.text for paragraph in document.paragraphs] == [
        DE.export_title,
        "Wann <öffnet> es?",
        "Um acht. Nicht [7]. Danach.",
    ]
    space = {"w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main"}
    name = f"{{{space['w']}}}id"
    with zipfile.ZipFile(io.BytesIO(made)) as parts:
        body, notes = (ElementTree.fromstring(parts.read(f"word/{part}.xml")) for part in ("document", "footnotes"))
        assert "/word/footnotes.xml" in parts.read("[Content_Types].xml").decode()
    assert [reference.get(name) for reference in body.iterfind(".//w:footnoteReference", space)] == ["1", "2", "3"]
    texts = {note.get(name): "".join(note.itertext()).strip() for note in notes.iterfind("w:footnote", space)}
    assert texts["1"] == texts["3"] == f"„{QUOTE}“ – Stadt, S. 12"
    assert texts["2"] == "„Danach < & \ufffd >.“ – Stadt"


# Routes


@pytest.fixture
def client(index: Index) -> Iterator[Any]:
    import fastapi
    from fastapi.testclient import TestClient

    from ui.routes import routes

    app = fastapi.FastAPI()
    app.include_router(routes(index))
    with TestClient(app) as made:
        yield made


OURS = {"X-Beleg": "1"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "documents?name=a.txt"),
        ("DELETE", "documents?id=stadt"),
        ("POST", "feedback"),
        ("POST", "collections"),
        ("POST", "export"),
    ],
)
def test_another_sites_page_changes_nothing(client: Any, index: Index, method: str, path: str) -> None:
    assert client.request(method, f"/beleg/{path}", content=b"Text").status_code == 403
    assert len(index) == 1
    assert not (index.folder / "uploads").exists()


def test_a_file_is_sent_listed_and_removed(client: Any, index: Index) -> None:
    sent = client.put("/beleg/documents?name=Verein.md&language=en", content=b"# Harmonie\n\nEin Verein.", headers=OURS)
    assert json.loads(sent.text.splitlines()[-1]) == {"done": EN.documents_added, "failed": ""}
    listed = client.get("/beleg/documents?search=harmonie").json()
    assert "Harmonie" in listed["html"]
    (new,) = set(listed["ids"]) - {"stadt"}
    client.post("/beleg/collections", json={"ids": [new], "name": " Mein  Verein "}, headers=OURS)
    assert client.get("/beleg/documents").json()["collections"] == ["Mein Verein"]
    assert client.delete(f"/beleg/documents?id={new}", headers=OURS).json() == {"removed": 1}
    assert client.delete(f"/beleg/documents?id={new}", headers=OURS).status_code == 422


@pytest.mark.parametrize("name", ["..", "", "a.exe"])
def test_a_file_that_cannot_be_taken_is_refused_in_words(client: Any, index: Index, name: str) -> None:
    sent = client.put("/beleg/documents", params={"name": name}, content=b"Text", headers=OURS)
    last = json.loads(sent.text.splitlines()[-1])
    assert last.get("error") or last["failed"]
    assert not list((index.folder / "uploads").glob("*")) if (index.folder / "uploads").exists() else True


def test_too_large_a_file_leaves_nothing(client: Any, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.routes.UPLOAD_BYTES", 10)
    sent = client.put("/beleg/documents?name=a.txt", content=b"x" * 11, headers=OURS)
    assert sent.status_code == 422
    assert list((index.folder / "uploads").iterdir()) == []


def test_feedback_and_exports_take_turns_as_the_page_keeps_them(client: Any, index: Index) -> None:
    turn = json.loads(stored(Turn("Wann öffnet es?", answer=answer())))
    assert client.post("/beleg/feedback", json={"turn": turn, "reason": "good"}, headers=OURS).status_code == 200
    assert (index.folder / "feedback.jsonl").read_text("utf-8").count("\n") == 1
    assert client.post("/beleg/feedback", json={"turn": turn, "reason": "x"}, headers=OURS).status_code == 422
    made = client.post("/beleg/export?form=md", json={"turns": [turn]}, headers=OURS)
    assert f"[^1-1]: „{QUOTE}“" in made.text.replace("\\", "")
    assert client.post("/beleg/export?form=docx", json={"turns": [turn]}, headers=OURS).content[:2] == b"PK"
    assert client.post("/beleg/export", content=b"{", headers=OURS).status_code == 422
