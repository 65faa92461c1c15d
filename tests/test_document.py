"""Readers against files that Python's own codecs, gzip and json write."""

import gzip
import json
import logging
import os
from pathlib import Path

import docx
import pytest

from index.document import Document, DocumentError, Failure
from index.formats import true_format
from index.loading import load_documents

GERMAN = "Die Straße ist für Fußgänger gesperrt. Das gilt über Nacht.\n"


def read(path: Path) -> Document:
    [document] = load_documents([path])
    return document


def failures_of(path: Path) -> list[Failure]:
    failures: list[Failure] = []
    assert list(load_documents([path], on_failure=failures.append)) == []
    return failures


# What is read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_text_is_read_from_each_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "Haus_Ordnung.txt"
    path.write_bytes(GERMAN.encode(encoding))
    document = read(path)
    assert document.text == GERMAN
    assert document.title == "Haus Ordnung"
    assert document.language == "de"
    assert document.source == str(path)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_become_newlines(tmp_path: Path, newline: str) -> None:
    path = tmp_path / "brief.txt"
    path.write_bytes(f"Erste Zeile{newline}{newline}Zweite Zeile{newline}".encode())
    assert read(path).text == "Erste Zeile\n\nZweite Zeile\n"


def test_unusual_characters_are_kept(tmp_path: Path) -> None:
    text = "Familie 👩‍👩‍👧 e\u0301 \u00ad \u200b \u2028 \x0c \x1b 中文 𝔊"
    path = tmp_path / "zeichen.txt"
    path.write_bytes(text.encode())
    assert read(path).text == text


def test_windows_1252_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "alt.txt"
    path.write_bytes(GERMAN.encode("cp1252"))
    with caplog.at_level(logging.WARNING):
        read(path)
    assert caplog.messages == [f"{path}: not UTF-8 (byte 8), read as Windows-1252"]


def test_utf8_is_not_worth_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "neu.txt"
    path.write_bytes(GERMAN.encode())
    read(path)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Satzung des Vereins #\n\nText.", "Satzung des Vereins"),
        ("Vorwort\n\n## § 1 Name\n", "§ 1 Name"),
        ("Kein Titel hier, #hashtag auch nicht.", "mein dokument"),
        ("# #\n\nText.", "mein dokument"),
    ],
)
def test_markdown_takes_its_title_from_the_first_heading(tmp_path: Path, text: str, title: str) -> None:
    path = tmp_path / "mein_dokument.md"
    path.write_bytes(text.encode())
    assert (read(path).title, read(path).text) == (title, text)


def test_language_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("The tenant must give notice three months before the end of the contract.")
    assert read(path).language == "en"


@pytest.mark.parametrize("name", ["documents.jsonl", "documents.jsonl.gz", "DOCUMENTS.JSONL.GZ"])
def test_a_gold_set_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    rows = [
        {"id": "a", "title": "A", "text": "Erste Zeile\r\nZweite \ud83d\ude00", "language": "de", "more": 1},
        {"id": "b", "text": "Only text", "language": "en"},
        {"id": "c", "text": "Ohne Titel", "title": None},
    ]
    raw = "\n\n".join(json.dumps(row) for row in rows).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.lower().endswith("gz") else raw)
    source = str(tmp_path / name)
    assert list(load_documents([tmp_path])) == [
        Document("a", "A", "Erste Zeile\r\nZweite 😀", "de", source),
        Document("b", "", "Only text", "en", source),
        Document("c", "", "Ohne Titel", "de", source),
    ]


def test_folders_are_searched_without_hidden_files_questions_and_unknown_formats(tmp_path: Path) -> None:
    names = ["b.txt", "a.md", "unter/c.TXT", ".versteckt.txt", ".git/d.txt", "questions.jsonl", "bild.png"]
    for name in names:
        path = tmp_path / "mappe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Ein Text.")
    found = [Path(document.source).name for document in load_documents([tmp_path / "mappe"])]
    assert found == ["a.md", "b.txt", "c.TXT"]


def test_a_hidden_folder_that_the_user_names_is_searched(tmp_path: Path) -> None:
    path = tmp_path / ".notizen" / "a.txt"
    path.parent.mkdir()
    path.write_text("Ein Text.")
    assert [document.title for document in load_documents([path.parent])] == ["a"]


def test_ids_are_stable_and_differ_for_files_of_one_name(tmp_path: Path) -> None:
    for folder in ("eins", "zwei"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Übersicht 2024.txt").write_text("Ein Text.")
    ids = [document.id for document in load_documents([tmp_path])]
    assert len(set(ids)) == 2
    assert all(document_id.startswith("übersicht-2024-") for document_id in ids)
    assert ids == [document.id for document in load_documents([tmp_path])]


def test_a_file_name_of_any_bytes_is_read(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe.txt"))
    path.write_text("Ein Text.")
    [document] = load_documents([tmp_path])
    assert document.text == "Ein Text."
    assert document.content_hash


def test_the_content_hash_tells_every_field() -> None:
    documents = [
        Document("a", "b", "c"),
        Document("a", "bc", ""),
        Document("ab", "", "c"),
        Document("a", "b", "c", "en"),
        Document("a", "b", "c", "de", "s"),
        Document("a", "b", "\ud800"),
    ]
    assert len({document.content_hash for document in documents}) == len(documents)


# What cannot be read


@pytest.mark.parametrize("name", ["fehlt.txt", "x" * 300 + ".txt", "nul\0.txt"])
def test_a_missing_path_stops_before_anything_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "da.txt").write_text("Ein Text.")
    with pytest.raises(DocumentError, match="no such file or folder"):
        next(load_documents([tmp_path / "da.txt", tmp_path / name], on_failure=lambda failure: None))


@pytest.mark.parametrize("ending", [".docm", ".dotx", ".dotm"])
def test_word_documents_with_macros_and_templates_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"vorlage{ending}"
    docx.Document().save(path)
    made = docx.Document(str(path))
    made.add_paragraph("Die Frist endet am Freitag.")
    made.save(path)
    [document] = load_documents([tmp_path])
    assert isinstance(document, Document)
    assert document.text == "Die Frist endet am Freitag."


def test_an_unknown_format_is_named_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "bild.png").write_bytes(b"x")
    with pytest.raises(DocumentError, match=r"bild\.png: unknown format '\.png'; known are \.txt, \.md"):
        list(load_documents([tmp_path / "bild.png"]))


def test_a_folder_without_documents_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="holds no file of a known format"):
        list(load_documents([tmp_path]))


@pytest.mark.parametrize("raw", [b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("ending", [".txt", ".md"])
def test_an_empty_file_is_named(tmp_path: Path, raw: bytes, ending: str) -> None:
    path = tmp_path / f"leer{ending}"
    path.write_bytes(raw)
    assert failures_of(path) == [Failure(str(path), f"{path}: the file is empty; nothing to index")]


@pytest.mark.parametrize("name", ["leer.jsonl", "leer.jsonl.gz"])
def test_an_empty_gold_set_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"") if name.endswith("gz") else b"")
    [failure] = failures_of(path)
    assert "the file is empty" in failure.reason


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a.txt", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "named .txt, but looks like a PNG picture"),
        ("a.md", gzip.compress(b"Text", mtime=0), "looks like a gzip file"),
        ("a.txt", b"Text\0Text", "binary data"),
        ("a.pdf", b"PK\x03\x04" + bytes(40), "looks like a zip archive"),
        ("a.pdf", b"Sehr geehrte Damen", "looks like plain text; name it .txt"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "one with a password"),
        ("a.docx", b"\0\1\2", "may be damaged"),
        ("a.epub", rb"{\rtf1 Text}", "looks like RTF"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, raw: bytes, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    [failure] = failures_of(path)
    assert failure.source == str(path)
    assert failure.reason.startswith(f"{path}: ")
    assert says in failure.reason


@pytest.mark.parametrize(
    ("raw", "ending"),
    [
        (b"%PDF-1.7\n", ".pdf"),
        (b'\xef\xbb\xbf <?xml version="1.0"?>\n<!-- a --><!-- b -->\n<!DOCTYPE html>', ".html"),
        (b"<HTML><body>", ".html"),
        (b"<!-- " + b"<!---->" * 500, ".txt"),  # linear, and no page
        (b"<p>Ein Absatz", ".txt"),
        (b"Die Zeile %PDF-1.7 steht am Anfang jeder PDF-Datei", ".txt"),
    ],
)
def test_a_page_or_pdf_is_read_as_what_it_is(raw: bytes, ending: str) -> None:
    assert true_format(Path("falsch.txt"), raw) == ending


def test_what_is_neither_utf8_nor_windows_1252_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "kaputt.txt"
    path.write_bytes("Grüße ".encode() + b"\x81\x8d")
    [failure] = failures_of(path)
    assert failure.reason == f"{path}: neither UTF-8 (byte 8) nor Windows-1252 (byte 8); save it as UTF-8"


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "a"}',
        b'{"id": "a", "text": " "}',
        b'{"id": 7, "text": "x"}',
        b'["a", "b"]',
        b"null",
        b"{",
        b'{"id": "a", "text": "\xff"}',
        b"[" * 200_000,
    ],
    ids=["no text", "blank text", "number", "list", "null", "cut", "encoding", "deep"],
)
def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "documents.jsonl"
    good = [json.dumps({"id": name, "text": "Ein Text."}).encode() for name in "bc"]
    path.write_bytes(b"\n".join([good[0], line, good[1]]))
    failures: list[Failure] = []
    assert [document.id for document in load_documents([path], on_failure=failures.append)] == ["b", "c"]
    [failure] = failures
    assert failure.source == str(path)
    assert failure.reason.startswith(f"{path}:2: ")
    with pytest.raises(DocumentError, match=r"documents\.jsonl:2: "):
        list(load_documents([path]))


@pytest.mark.parametrize("damage", ["cut", "not gzip", "flipped"])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, damage: str) -> None:
    rows = "\n".join(json.dumps({"id": str(number), "text": f"Text {number * 7919}."}) for number in range(2000))
    raw = gzip.compress(rows.encode())
    path = tmp_path / "documents.jsonl.gz"
    middle = len(raw) // 2
    flipped = raw[:middle] + bytes(byte ^ 0xFF for byte in raw[middle : middle + 40]) + raw[middle + 40 :]
    path.write_bytes({"cut": raw[:middle], "not gzip": rows.encode(), "flipped": flipped}[damage])
    failures: list[Failure] = []
    list(load_documents([path], on_failure=failures.append))
    assert "not a whole gzip file" in failures[-1].reason


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "b.txt").write_text("Ein Text.")
    (tmp_path / "c.txt").write_bytes(b"\0")
    failures: list[Failure] = []
    assert [document.title for document in load_documents([tmp_path], on_failure=failures.append)] == ["b"]
    assert [Path(failure.source).name for failure in failures] == ["a.txt", "c.txt"]


def test_without_a_listener_the_first_bad_file_raises(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    with pytest.raises(DocumentError, match=r"a\.txt: the file is empty"):
        list(load_documents([tmp_path]))


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text("Ein Text.")
    failures: list[Failure] = []
    documents = load_documents([tmp_path], on_failure=failures.append)
    next(documents)
    (tmp_path / "b.txt").unlink()
    assert [document.title for document in documents] == ["c"]
    assert failures == [Failure(str(tmp_path / "b.txt"), f"{tmp_path / 'b.txt'}: No such file or directory")]


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jsonl", "a.jsonl.gz"])
def test_progress_ends_with_all_bytes_of_all_files(tmp_path: Path, name: str) -> None:
    rows = "\n".join(json.dumps({"id": f"{name} {number}", "text": f"Text {number * 7919}."}) for number in range(5000))
    for path in (tmp_path / name, tmp_path / f"b{name}"):
        path.write_bytes(gzip.compress(rows.encode()) if name.endswith("gz") else rows.encode())
    total = sum(path.stat().st_size for path in tmp_path.iterdir())
    told: list[tuple[int, int]] = []
    documents = list(load_documents([tmp_path], progress=lambda *step: told.append(step)))
    assert len(told) == len(documents) >= 2
    assert told == sorted(told)
    assert {of for _, of in told} == {total}
    assert told[-1][0] == total
    assert name.endswith((".txt", ".md")) or len({position for position, _ in told}) > 4


def test_progress_counts_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\0" * 100)
    (tmp_path / "b.txt").write_text("Ein Text.")
    told: list[tuple[int, int]] = []
    list(load_documents([tmp_path], on_failure=lambda _: None, progress=lambda *step: told.append(step)))
    assert told == [(100, 109), (109, 109)]
