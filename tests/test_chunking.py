"""Chunks against the document that they are cut from."""

import random
import time
from itertools import pairwise

import pytest

from index.chunking import CHUNK_CHARACTERS, Chunk, split_document
from index.document import Document

GERMAN = "Der Verein heißt „Rhein“. Er sitzt in Köln, z. B. am Dom. Die Frist endet am 6. Juli. Danach ist Schluss. "


def chunks_of(text: str, size: int = CHUNK_CHARACTERS) -> list[Chunk]:
    return list(split_document(Document("d", "Titel", text), size))


def without_space(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("seed", range(60))
def test_chunks_are_exact_in_order_within_size_and_leave_nothing_out(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        "Wort",
        "ein-sehr-langes-Wort" * 9,
        "Ende.",
        "Was?",
        "6.",
        "Juli",
        "„",
        "“",
        " ",
        " ",
        "\n",
        "\n\n",
        "\r\n",
    ]
    pieces += ["\t", "\u00a0", "👩‍👩‍👧", "e\u0301", "\ud800", "\x00", "# ", "- ", "z. B."]
    text = "".join(chance.choices(pieces, k=chance.randrange(1500)))
    size = chance.choice([1, 7, 50, 700])
    chunks = chunks_of(text, size)
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        assert len(chunk.text) <= size
        assert (chunk.start, chunk.end) == (chunk.sentences[0][0], chunk.sentences[-1][1])
        for start, end in chunk.sentences:
            assert text[start:end] == text[start:end].strip() != ""
    spans = [span for chunk in chunks for span in chunk.sentences]
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert without_space("".join(chunk.text for chunk in chunks)) == without_space(text)
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_whole_sentences_are_packed_as_full_as_they_fit() -> None:
    text = GERMAN * 30
    chunks = chunks_of(text)
    assert all(chunk.text.endswith((".", "“")) for chunk in chunks)
    assert all(len(a.text) + len(b.text[: b.sentences[0][1] - b.start]) + 1 > 700 for a, b in pairwise(chunks))


def test_a_sentence_longer_than_a_chunk_is_cut_at_white_space() -> None:
    text = "Und " + "dann kam noch\tein Wort\u00a0und " * 100 + "Schluss."
    chunks = chunks_of(text)
    assert len(chunks) > 3
    assert " ".join(chunk.text for chunk in chunks).split() == text.split()


def test_a_word_longer_than_a_chunk_is_cut_at_its_size() -> None:
    assert [len(chunk.text) for chunk in chunks_of("x" * 1500)] == [700, 700, 100]


def test_the_title_is_searched_and_not_quoted() -> None:
    [chunk] = chunks_of("Ein Satz.")
    assert (chunk.searchable, chunk.text) == ("Titel\nEin Satz.", "Ein Satz.")
    [untitled] = split_document(Document("d", "", "Ein Satz."))
    assert untitled.searchable == "Ein Satz."


def test_no_text_no_chunk() -> None:
    assert chunks_of("") == chunks_of(" \n\t ") == []


@pytest.mark.parametrize("word", ["wort ", "x", "wort\n", "Wort, und\tnoch "], ids=["words", "one", "lines", "tabs"])
def test_half_a_million_characters_without_a_full_stop_are_quick(word: str) -> None:
    text = word * (500_000 // len(word))
    began = time.process_time()
    chunks_of(text[: len(text) // 4])
    between = time.process_time()
    chunks = chunks_of(text)
    seconds = time.process_time() - between
    assert seconds < 0.5 + 8 * (between - began)  # 16 times where each piece looks at all the others
    assert seconds < 20
    assert without_space("".join(chunk.text for chunk in chunks)) == without_space(text)
