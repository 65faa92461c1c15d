"""The manifest against what was written, and against a clock too coarse for its stamp."""

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from index.manifest import (
    EmbedderIdentity,
    Manifest,
    SegmentEntry,
    StoreError,
    UnwritableError,
    _checksum,
    create_manifest,
    describe_segment,
    read_manifest,
    read_stamp,
    verify_segment,
    write_lock,
    write_manifest,
)

MANIFEST = Manifest(
    embedder=EmbedderIdentity("größe", "sha256:1", 384),
    segments=(SegmentEntry("a", {"x": "1", "y": "2"}, (3, 5)), SegmentEntry("b", {})),
)


def test_what_is_written_is_read_with_a_new_version(tmp_path: Path) -> None:
    versions = set()
    for _ in range(5):
        write_manifest(tmp_path, MANIFEST)
        read = read_manifest(tmp_path)
        versions.add(read.version)
        assert (read.embedder, read.segments) == (MANIFEST.embedder, MANIFEST.segments)
    assert len(versions) == 5
    assert os.listdir(tmp_path) == ["manifest.json"]  # noqa: PTH208


def test_each_commit_has_another_stamp(tmp_path: Path) -> None:
    stamp = read_stamp(tmp_path)
    assert stamp is None
    for _ in range(100):
        write_manifest(tmp_path, MANIFEST)
        assert read_stamp(tmp_path) != stamp
        stamp = read_stamp(tmp_path)


@pytest.mark.parametrize("key", ["embedder", "segments", "version", "checksum"])
def test_a_changed_field_is_noticed(tmp_path: Path, key: str) -> None:
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    fields = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**fields, key: "anders"}))
    with pytest.raises(StoreError, match=r"manifest\.json: does not match its own checksum"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"segments": [{"name": "a", "removed": [1]}]}, "segments.0.files: Field required"),
        ({"segments": [{"name": "../../a", "files": {}, "removed": []}]}, "segments.0.name: String should match"),
        ({"segments": [{"name": "a", "files": {"../b": "c"}}]}, "String should match"),
        ({"embedder": {"name": "a"}}, "embedder.fingerprint: Field required"),
        ({"version": None}, "version: Input should be a valid string"),
    ],
)
def test_a_manifest_that_somebody_else_wrote_with_a_right_checksum_is_looked_at(tmp_path: Path, changed, says) -> None:
    write_manifest(tmp_path, MANIFEST)
    path = tmp_path / "manifest.json"
    fields = {**json.loads(path.read_text("utf-8")), **changed}
    del fields["checksum"]
    path.write_text(json.dumps({**fields, "checksum": _checksum(fields)}))
    with pytest.raises(StoreError, match=says):
        read_manifest(tmp_path)


def test_a_write_that_fails_leaves_the_old_manifest(tmp_path: Path) -> None:
    write_manifest(tmp_path, MANIFEST)
    before = read_manifest(tmp_path)
    (tmp_path / "manifest.json.new").mkdir()
    with pytest.raises(IsADirectoryError):
        write_manifest(tmp_path, Manifest())
    assert read_manifest(tmp_path) == before


def test_creating_twice_keeps_the_first(tmp_path: Path) -> None:
    create_manifest(tmp_path / "ix")
    write_manifest(tmp_path / "ix", MANIFEST)
    create_manifest(tmp_path / "ix")
    assert read_manifest(tmp_path / "ix").segments == MANIFEST.segments


def test_an_index_that_appears_while_the_folder_is_looked_at_is_no_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Path.iterdir

    def meanwhile(path: Path) -> Iterator[Path]:
        monkeypatch.undo()
        (path / "segments" / "1").mkdir(parents=True)
        write_manifest(path, MANIFEST)
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", meanwhile)
    create_manifest(tmp_path)
    assert read_manifest(tmp_path).segments == MANIFEST.segments


def test_a_segment_is_what_it_was_described_as(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    entry = describe_segment(tmp_path)
    # FIPS 180-2, appendix B.1
    assert entry.files == {"a": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
    verify_segment(tmp_path, entry)
    (tmp_path / "a").write_bytes(b"abd")
    with pytest.raises(StoreError, match=r"/a: SHA-256 is .*, expected ba7816bf8f01…; the index is damaged"):
        verify_segment(tmp_path, entry)
    (tmp_path / "a").unlink()
    with pytest.raises(FileNotFoundError):
        verify_segment(tmp_path, entry)


def test_a_lock_that_cannot_be_made_is_an_error_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "datei").write_text("x")
    with pytest.raises(UnwritableError, match=r"datei: cannot write \("), write_lock(tmp_path / "datei"):
        pass


def test_an_error_inside_the_lock_stays_what_it_is_and_frees_it(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(TimeoutError, match="fremd"), write_lock(tmp_path):
            raise TimeoutError("fremd")


def test_who_waits_for_the_lock_is_served_before_one_who_comes_back_at_once(tmp_path: Path) -> None:
    order: list[str] = []
    done = threading.Event()

    def write_without_a_pause() -> None:
        while not done.is_set():
            with write_lock(tmp_path):
                order.append("busy")
                time.sleep(0.02)

    busy = threading.Thread(target=write_without_a_pause)
    busy.start()
    waited = []
    try:
        for _ in range(5):
            before = len(order)
            with write_lock(tmp_path):
                waited.append(len(order) - before)
    finally:
        done.set()
        busy.join()
    assert max(waited) <= 3
