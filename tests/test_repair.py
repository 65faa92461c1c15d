"""Damage: each is refused by the file's name, and what the documents' text gives is rebuilt from it."""

import json
import random
import shutil
from pathlib import Path

import pytest

from index import Document, Index
from index.manifest import StoreError
from index.repair import Lost, Repaired, repair
from tests.conftest import WordEmbedder
from tests.test_store import assert_no_litter, assert_same_as_fresh, contents, document

TEXT_FILES = {"documents.jsonl", "texts.bin", "places.jsonl", "document_offsets.bin"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of several segments, one document updated and one removed in them."""
    folder = tmp_path / "ix"
    index = Index.open(folder, embedder=WordEmbedder())
    for first in (0, 3, 6):
        index.add(document(number, sentences=12) for number in range(first, first + 3))
    index.add([document(4, edition=1, sentences=12)])
    index.remove(["d1"])
    return folder


def whole(folder: Path) -> dict[str, Document]:
    return contents(Index.open(folder, embedder=WordEmbedder()))


def files_of(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]


def flip(path: Path, position: int, bits: int = 0xFF) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= bits
    path.write_bytes(raw)


def segment_file(folder: Path, name: str, document_id: str) -> Path:
    """Return a file of the segment in which a document lives."""
    for entry in json.loads((folder / "manifest.json").read_text())["segments"]:
        segment = folder / "segments" / entry["name"]
        ids, _ = json.loads((segment / "ids.json").read_text())
        if document_id in ids and ids.index(document_id) not in entry["removed"]:
            return segment / name
    raise AssertionError(document_id)


def test_a_whole_index_is_left_as_it_is(folder: Path) -> None:
    before = {path: path.read_bytes() for path in files_of(folder)}
    assert repair(folder, embedder=WordEmbedder()) == Repaired()
    assert {path: path.read_bytes() for path in files_of(folder)} == before


def damaged_and_repaired(folder: Path, trial: int, scratch: Path) -> None:
    """Flip some bits of one byte; the index is refused by the file's name, then mended without a wrong document."""
    chance = random.Random(trial)
    before = whole(folder)
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(folder, scratch)
    path = chance.choice(files_of(scratch))
    flip(path, chance.randrange(path.stat().st_size), chance.randint(1, 255))
    with pytest.raises(StoreError) as refused:
        Index.open(scratch, embedder=WordEmbedder())
    assert str(refused.value).startswith(f"{path}: ")
    repaired = repair(scratch, embedder=WordEmbedder())
    assert repaired.damaged[0] == str(path.relative_to(scratch))
    after = whole(scratch)
    lost = {one.id for one in repaired.lost}
    if path.name == "manifest.json":
        assert repaired.guessed
        assert before.items() <= after.items()
        assert set(after) <= {*before, "d1"}
    else:
        assert after == {name: one for name, one in before.items() if name not in lost}
        assert len(lost) <= (2 if path.name == "document_offsets.bin" else 1)
        assert not lost or path.name in TEXT_FILES
    assert_no_litter(scratch)
    assert not (scratch / "repair.new").exists()


def test_one_byte_in_any_file(folder: Path, tmp_path: Path) -> None:
    for trial in range(12):
        damaged_and_repaired(folder, trial, tmp_path / "scratch")


@pytest.mark.slow
def test_one_byte_in_any_file_three_hundred_times(folder: Path, tmp_path: Path) -> None:
    for trial in range(300):
        damaged_and_repaired(folder, 1000 + trial, tmp_path / "scratch")


@pytest.mark.parametrize(
    "name", ["vectors.faiss", "chunks.bin", "sentences.bin", "ids.json", "document_offsets.bin", "texts.bin"]
)
@pytest.mark.parametrize("how", ["missing", "cut", "empty", "zeros"])
def test_a_file_that_is_not_there_or_not_whole(folder: Path, tmp_path: Path, name: str, how: str) -> None:
    before = whole(folder)
    path = segment_file(folder, name, "d4")
    raw = path.read_bytes()
    path.unlink()
    if how != "missing":
        path.write_bytes({"cut": raw[: len(raw) // 2], "empty": b"", "zeros": bytes(len(raw))}[how])
    repaired = repair(folder, embedder=WordEmbedder())
    assert repaired.damaged == (str(path.relative_to(folder)),)
    lost = {one.id for one in repaired.lost}
    assert lost == set() or name in {"document_offsets.bin", "texts.bin"}
    assert whole(folder) == {key: one for key, one in before.items() if key not in lost}
    assert_same_as_fresh(Index.open(folder, embedder=WordEmbedder()), tmp_path / "fresh")


def test_a_document_whose_text_is_damaged_is_named_with_its_source_and_can_be_added_again(folder: Path) -> None:
    before = whole(folder)
    path = segment_file(folder, "texts.bin", "d4")
    flip(path, 5)
    repaired = repair(folder, embedder=WordEmbedder())
    assert repaired.lost == (Lost("d4", "4.txt"),)
    Index.open(folder, embedder=WordEmbedder()).add([document(4, edition=1, sentences=12)])
    assert whole(folder) == before


def test_the_newest_of_a_document_is_taken_where_the_manifest_is_lost(folder: Path) -> None:
    before = whole(folder)
    (folder / "manifest.json").unlink()
    repaired = repair(folder, embedder=WordEmbedder())
    assert (repaired.damaged[0], repaired.guessed) == ("manifest.json", True)
    after = whole(folder)
    assert {name: one for name, one in after.items() if name != "d1"} == before


def test_a_repair_that_fails_leaves_the_damaged_index_and_can_be_done_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = whole(folder)
    path = segment_file(folder, "chunks.bin", "d4")
    flip(path, 0)
    raw = {one: one.read_bytes() for one in files_of(folder)}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("index.repair.write_manifest", full)
        with pytest.raises(StoreError, match="No space left"):
            repair(folder, embedder=WordEmbedder())
    assert {one: one.read_bytes() for one in files_of(folder)} == raw
    repair(folder, embedder=WordEmbedder())
    assert whole(folder) == before


def test_there_is_nothing_to_repair_where_no_index_is(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no index there to repair"):
        repair(tmp_path)


def test_another_format_is_no_damage(folder: Path) -> None:
    fields = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**fields, "format": 99}))
    with pytest.raises(StoreError, match="format version 99"):
        repair(folder, embedder=WordEmbedder())
