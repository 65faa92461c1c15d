"""Merged postings against those of the same chunks written at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from index import postings_merge
from index.postings import Postings
from index.postings_merge import merge_postings
from tests.postings_corpora import compound_corpus, corpus, postings_of


@pytest.mark.parametrize("block", [1, 7, 1_000_000])
@pytest.mark.parametrize("words", [corpus, compound_corpus])
def test_merged_postings_are_those_of_the_chunks_that_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, words: Callable[[int], list[list[str]]]
) -> None:
    monkeypatch.setattr(postings_merge, "_BLOCK", block)
    parts = [words(1)[:60], words(2)[:1], [], words(3)[:80]]
    stay = [np.random.default_rng(number).random(len(part)) < 0.5 for number, part in enumerate(parts)]
    kept = [
        (postings_of(part, tmp_path / str(number)), np.flatnonzero(mask))
        for number, (part, mask) in enumerate(zip(parts, stay, strict=True))
    ]
    (tmp_path / "merged").mkdir()
    merge_postings(tmp_path / "merged", kept)
    chunks = [
        chunk for part, mask in zip(parts, stay, strict=True) for chunk, alive in zip(part, mask, strict=True) if alive
    ]
    postings_of(chunks, tmp_path / "fresh")
    for file in (tmp_path / "fresh").iterdir():
        assert (tmp_path / "merged" / file.name).read_bytes() == file.read_bytes(), file.name


def test_nothing_is_merged_from_nothing(tmp_path: Path) -> None:
    empty = postings_of([["a"]], tmp_path / "s")
    (tmp_path / "merged").mkdir()
    merge_postings(tmp_path / "merged", [(empty, np.empty(0, np.int64))])
    assert list(Postings(tmp_path / "merged").terms) == []
