"""Remembered files against changed ones; time is moved by the files' stamps and the clock."""

import json
import os
import time
from pathlib import Path

import pytest

from index import verified
from index.settings import index_settings
from index.verified import WEEK, first_damage

# FIPS 180-2, appendix B.1
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
FILES = {"a": ABC, "b": ABC}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(index_settings(), "cache", tmp_path / "cache")
    return tmp_path / "cache" / "verified"


@pytest.fixture(autouse=True)
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read; files of a byte are large, and rest at once."""
    names: list[str] = []

    def look(path: Path) -> verified.Seen:
        names.append(path.name)
        return original(path)

    original = verified._look
    monkeypatch.setattr(verified, "_look", look)
    monkeypatch.setattr(verified, "LARGE", 1)
    monkeypatch.setattr(verified, "_REST", -1)
    return names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "segment"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(b"abc")
    return folder


def test_what_was_whole_is_not_read_again(folder: Path, read: list[str]) -> None:
    assert first_damage(folder, FILES) is None
    assert sorted(read) == ["a", "b"]
    assert first_damage(folder, FILES) is None
    assert len(read) == 2


def test_files_of_one_folder_that_are_asked_for_apart_are_remembered_together(folder: Path, read: list[str]) -> None:
    for _ in range(2):
        for name in FILES:
            assert first_damage(folder, {name: ABC}) is None
    assert read == ["a", "b"]


def test_small_files_are_read_each_time(folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "LARGE", 4)
    for _ in range(2):
        assert first_damage(folder, FILES) is None
    assert read == ["a", "b", "a", "b"]


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_changed_byte_is_noticed_whatever_its_date(folder: Path, keep_times: bool) -> None:
    assert first_damage(folder, FILES) is None
    before = (folder / "b").stat()
    (folder / "b").write_bytes(b"abd")
    if keep_times:
        os.utime(folder / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
    damage = first_damage(folder, FILES)
    assert damage
    assert damage[0] == "b"
    assert first_damage(folder, FILES) == damage


def test_a_file_in_place_of_another_is_read(folder: Path, read: list[str]) -> None:
    assert first_damage(folder, FILES) is None
    (folder / "neu").write_bytes(b"abd")
    (folder / "neu").replace(folder / "a")
    damage = first_damage(folder, FILES)
    assert damage
    assert damage[0] == "a"
    assert read == ["a", "b", "a"]


def test_another_expectation_is_not_met_by_what_is_remembered(folder: Path) -> None:
    assert first_damage(folder, FILES) is None
    assert first_damage(folder, {**FILES, "a": "0" * 64}) == ("a", ABC)


def test_a_missing_file_is_an_error_though_it_is_remembered(folder: Path) -> None:
    assert first_damage(folder, FILES) is None
    (folder / "a").unlink()
    with pytest.raises(FileNotFoundError):
        first_damage(folder, FILES)


def test_what_changed_just_now_is_not_remembered(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "_REST", 2)
    for _ in range(2):
        assert first_damage(folder, FILES) is None
    assert len(read) == 4


@pytest.mark.parametrize(("later", "times"), [(WEEK - 60, 2), (WEEK + 60, 4), (-60, 4)])
def test_after_a_week_or_with_a_clock_put_back_all_is_read_again(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, later: float, times: int
) -> None:
    assert first_damage(folder, FILES) is None
    now = time.time() + later
    monkeypatch.setattr(verified.time, "time", lambda: now)
    assert first_damage(folder, FILES) is None
    assert len(read) == times


def test_a_copy_is_read(folder: Path, read: list[str], tmp_path: Path) -> None:
    assert first_damage(folder, FILES) is None
    folder.rename(tmp_path / "anderswo")
    assert first_damage(tmp_path / "anderswo", FILES) is None
    assert len(read) == 4


def test_what_is_older_than_a_week_is_dropped(folder: Path, cache: Path) -> None:
    cache.mkdir(parents=True)
    (cache / "alt.json").write_text("{}")
    os.utime(cache / "alt.json", (time.time() - WEEK - 60,) * 2)
    assert first_damage(folder, FILES) is None
    [left] = cache.iterdir()
    assert set(json.loads(left.read_text())) == set(FILES)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"a": 1}', b'{"a": ["x", [1], "y"]}', b"\xff"])
def test_a_broken_memory_is_none(folder: Path, read: list[str], cache: Path, raw: bytes) -> None:
    assert first_damage(folder, FILES) is None
    [memory] = cache.iterdir()
    memory.write_bytes(raw)
    assert first_damage(folder, FILES) is None
    assert len(read) == 4


def test_without_a_cache_folder_all_is_read_each_time(folder: Path, read: list[str], cache: Path) -> None:
    cache.parent.write_text("in the way")
    for _ in range(2):
        assert first_damage(folder, FILES) is None
    assert len(read) == 4
