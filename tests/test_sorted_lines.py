"""Sorted lines against a set."""

import random
from pathlib import Path

import pytest

from index.sorted_lines import SortedLines, write_lines


def lines_of(words: list[str], folder: Path) -> SortedLines:
    write_lines(folder, "words", words)
    return SortedLines(folder, "words")


@pytest.mark.parametrize("size", [0, 1, 2, 3, 1000])
def test_a_line_is_found_among_others_that_are_like_it(tmp_path: Path, size: int) -> None:
    chance = random.Random(size)
    words = sorted({"".join(chance.choices("aäz\U0001f600\ufffd", k=chance.randint(0, 5))) for _ in range(size)})
    lines = lines_of(words, tmp_path)
    others = {word + "a" for word in words} | {word[:-1] for word in words} | {"", "\U0010ffff", "\ud800"}
    assert {line: lines.number(line) for line in words} == {line: number for number, line in enumerate(words)}
    assert {lines.number(line) for line in others - set(words)} <= {None}


@pytest.mark.parametrize("words", [[], [""], ["", "a"], ["a" * 100_000, "\ud800", "\U0001f600"]])
def test_lines_come_back_as_they_were_written(tmp_path: Path, words: list[str]) -> None:
    lines = lines_of(words, tmp_path)
    assert list(lines) == words
    assert len(lines) == len(words)
