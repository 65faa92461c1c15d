"""Headings, and how they travel with the chunks under them."""

import pytest

from index import Document, Index
from index.chunking import Chunk, split_document
from index.headings import find_headings
from index.sentences import split_sentences


def found(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in find_headings(text, split_sentences(text, "de"))]


def chunks_of(text: str, size: int = 120) -> list[Chunk]:
    return list(split_document(Document("d", "Satzung", text), size))


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# Satzung\n\nText steht hier.", [(1, "Satzung")]),
        ("### Beiträge ###\nText steht hier.", [(3, "Beiträge")]),
        ("Text davor.\n\nBeiträge und Fristen\nText steht hier.", [(7, "Beiträge und Fristen")]),
        ("§ 3 Beiträge\n\nText steht hier.", [(7, "§ 3 Beiträge")]),
        ("Text davor.\nBeiträge und Fristen\nText steht hier.", []),  # no blank line: a line of a list
        ("Text davor.\n\nNoch ein Satz.\nUnd noch einer.", []),
        ("Text davor.\n\nSehr geehrte Damen und Herren,\nes folgt Text.", []),
        ("Text davor.\n\nMit freundlichen Grüßen", []),  # nothing after it
        ("#hashtag steht hier\nText steht hier.", []),
        ("", []),
    ],
)
def test_headings_are_lines_that_stand_alone(text: str, headings: list[tuple[int, str]]) -> None:
    assert found(text) == headings


def test_chunks_know_the_headings_above_them() -> None:
    due, children, end = "Der Beitrag ist fällig. " * 8, "Kinder zahlen die Hälfte. " * 8, "Der Verein endet. " * 12
    text = f"# Satzung\n\n## Beiträge\n\n{due}\n\n### Kinder\n\n{children}\n\n## Ende\n\n{end}"
    chunks = chunks_of(text)
    assert {chunk.heading for chunk in chunks if "fällig" in chunk.text[-40:]} == {"", "Beiträge"}  # "" begins with it
    assert {chunk.heading for chunk in chunks if chunk.text.startswith("Kinder")} == {"Beiträge – Kinder"}
    assert {chunk.heading for chunk in chunks if chunk.text.startswith("Der Verein")} == {"Ende"}
    assert chunks[-1].searchable == f"Satzung\nEnde\n{chunks[-1].text}"


def test_a_heading_begins_a_chunk_unless_the_one_before_is_small() -> None:
    long = "Der Beitrag ist im Januar fällig. " * 2 + "\n\n## Ende\n\nDer Verein wird aufgelöst."
    assert [chunk.text.startswith("## Ende") for chunk in chunks_of(long)] == [False, True]
    assert len(chunks_of("Kurz ist es.\n\n## Ende\n\nDer Verein wird aufgelöst.")) == 1


def test_headings_are_kept_by_the_index_and_offsets_stay(tmp_path, embedder) -> None:
    text = "## Beiträge\n\n" + "Der Beitrag ist im Januar fällig, sagt die Satzung. " * 40
    document = Document("d", "Satzung", text)
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([document])
    for one in split_document(document):
        assert document.text[one.start : one.end] == one.text
    reopened = Index.open(tmp_path / "index", embedder=embedder)
    kept = reopened.search(embedder.embed_query("Januar"), candidates=99).hits(["januar"])
    assert {(one.chunk.start, one.chunk.heading) for one in kept} == {
        (one.start, one.heading) for one in split_document(document)
    }
    assert reopened.document("d") == document
