"""The second run: what is read again, and what of the index has no file any more."""

import json
import os
from pathlib import Path

import pytest

from index import Changes, Index
from index.loading import Loader
from index.sources import Sources
from tests.conftest import WordEmbedder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "akten"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"Text {name}.", "utf-8")
    rows = [json.dumps({"id": f"zeile {number}", "text": f"Zeile {number}."}) for number in range(3)]
    (folder / "d.jsonl").write_text("\n".join(rows), "utf-8")
    return folder


def run(files: Path, *, force: bool = False) -> tuple[Changes, list[str], Sources]:
    """Add the folder as the command does: what changed, which documents were read, the sources."""
    index = Index.open(files.parent / "ix", embedder=WordEmbedder())
    sources = Sources(index.folder, index.content_hash, force=force)
    read: list[str] = []
    documents = Loader(on_failure=lambda _: None, sources=sources).load([files])

    def noted():
        for document in documents:
            if hasattr(document, "text"):
                read.append(document.text)
            yield document

    changes = index.add(noted())
    sources.save()
    return changes, read, sources


def test_the_second_run_reads_nothing(files: Path) -> None:
    first, read, _ = run(files)
    assert len(read) == len(first.added) == 6
    second, read, _ = run(files)
    assert read == []
    assert sorted(second.unchanged) == sorted(first.added)
    assert len(run(files, force=True)[1]) == 6


def test_what_changed_is_read(files: Path) -> None:
    run(files)
    (files / "b.txt").write_text("Text b, neu.", "utf-8")
    (files / "e.txt").write_text("Text e.", "utf-8")
    changes, read, _ = run(files)
    assert read == ["Text b, neu.", "Text e."]
    assert (len(changes.updated), len(changes.added), len(changes.unchanged)) == (1, 1, 5)


def test_a_new_time_alone_is_read_and_found_unchanged(files: Path) -> None:
    run(files)
    os.utime(files / "a.txt", (1, 1))
    changes, read, _ = run(files)
    assert (read, len(changes.unchanged)) == (["Text a."], 6)


def test_what_the_index_does_not_hold_is_read_again(files: Path) -> None:
    changes, _, _ = run(files)
    Index.open(files.parent / "ix", embedder=WordEmbedder()).remove(changes.added[:1])
    changes, read, _ = run(files)
    assert (read, len(changes.added)) == (["Text a."], 1)


def test_a_file_with_a_failure_is_read_and_named_again(files: Path) -> None:
    with (files / "d.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n{")
    run(files)
    assert run(files)[1] == ["Zeile 0.", "Zeile 1.", "Zeile 2."]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 99}', '{"format": 1, "sources": {"a": {}}}'])
def test_a_damaged_list_costs_a_reading(files: Path, damage: str) -> None:
    run(files)
    (files.parent / "ix" / "sources.json").write_text(damage)
    changes, read, _ = run(files)
    assert (len(read), len(changes.unchanged)) == (6, 6)


def test_an_id_that_two_files_give_is_settled_as_if_all_were_read(files: Path) -> None:
    run(files)
    (files / "a.jsonl").write_text(json.dumps({"id": "zeile 1", "text": "Andere Zeile."}), "utf-8")
    for _ in range(3):
        changes, _, _ = run(files)
        assert Index.open(files.parent / "ix", embedder=WordEmbedder()).document("zeile 1").text == "Andere Zeile."
        [failure] = changes.failed
        assert "zeile 1" in failure.reason


def test_what_has_no_file_any_more_is_named(files: Path) -> None:
    changes, _, _ = run(files)
    (files / "a.txt").unlink()
    (files / "d.jsonl").write_text(json.dumps({"id": "zeile 1", "text": "Zeile 1."}), "utf-8")
    _, _, sources = run(files)
    gone = sources.gone([files])
    assert gone == [changes.added[0], "zeile 0", "zeile 2"]
    assert sources.gone([files.parent / "anderswo"]) == []
    index = Index.open(files.parent / "ix", embedder=WordEmbedder())
    index.remove(gone)
    _, _, sources = run(files)
    assert sources.gone([files]) == []
    assert "a.txt" not in (files.parent / "ix" / "sources.json").read_text()


def test_an_id_that_another_file_gives_now_is_not_gone(files: Path) -> None:
    run(files)
    (files / "d.jsonl").rename(files / "neu.jsonl")
    _, _, sources = run(files)
    assert sources.gone([files]) == []
