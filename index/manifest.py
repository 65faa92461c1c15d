"""The manifest names an index's segments and the SHA-256 of each of their files; replacing it is the commit."""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from index.errors import BelegError
from index.settings import index_settings
from index.verified import first_damage

if TYPE_CHECKING:
    from index.embedding import Embedder

FORMAT = 5
LOCK_SECONDS = 5.0

REBUILD = "the index is damaged; run: beleg index repair, or delete its folder and run again: beleg index add …"

Stamp = tuple[int, int, int]
_FileName = Annotated[str, Field(pattern=r"^\w[\w.-]*$")]  # so that no manifest leads out of its folder


class StoreError(BelegError):
    """An index folder that cannot be opened, read or written."""


class UnwritableError(StoreError):
    """An index folder that has no room or must not be written."""


@dataclass(frozen=True)
class EmbedderIdentity:
    """Which embedder made the vectors; only vectors of the same one can be compared."""

    name: str
    fingerprint: str
    dimension: int

    def __str__(self) -> str:
        return f"{self.name!r} (dim {self.dimension}, {self.fingerprint[:19]})"

    def check(self, embedder: "Embedder | None", address: object) -> None:
        """Compare with the embedder in use; where none is loaded yet, with the name in the settings.

        Raises:
            StoreError: It is another one.
        """
        if embedder is None:
            same, wanted = self.name == index_settings().embedding_model, repr(index_settings().embedding_model)
        else:
            same, wanted = self == identity(embedder), str(identity(embedder))
        if not same:
            raise StoreError(
                f"index at {address} was built with {self}, the embedder is {wanted}; "
                f"set BELEG_EMBEDDING_MODEL={self.name}, or build a new index: beleg index add … --index DIR"
            )


def identity(embedder: "Embedder") -> EmbedderIdentity:
    """Return which embedder this is."""
    return EmbedderIdentity(embedder.name, embedder.fingerprint, embedder.dimension)


@dataclass(frozen=True)
class SegmentEntry:
    """A segment's folder, the SHA-256 of its files by name, and the numbers of its removed documents."""

    name: _FileName
    files: dict[_FileName, str]
    removed: tuple[int, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What an index consists of; ``version`` changes with every commit."""

    embedder: EmbedderIdentity | None = None
    segments: tuple[SegmentEntry, ...] = ()
    version: str = ""


def create_manifest(folder: Path) -> None:
    """Make an empty index in a folder that is new, empty, or left by a process that was killed doing this.

    Raises:
        StoreError: The folder holds something else, or cannot be written.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"{folder}: not a folder; give another")
        if _holds_something_else(folder):
            raise StoreError(f"{folder}: not an index (no manifest.json), and not empty; give another folder")
        (folder / "segments").mkdir(parents=True, exist_ok=True)
        with write_lock(folder):
            if not (folder / "manifest.json").exists():  # else another process was faster
                write_manifest(folder, Manifest())
    except OSError as error:
        raise StoreError(f"{folder}: cannot create an index ({error.strerror}); give another folder") from error


def _holds_something_else(folder: Path) -> bool:
    if not folder.exists():
        return False
    unknown = {path.name for path in folder.iterdir()} - {"segments", "turn.lock", "write.lock", "manifest.json.new"}
    foreign = bool(unknown) or ((folder / "segments").is_dir() and any((folder / "segments").iterdir()))
    return foreign and not (folder / "manifest.json").exists()  # asked last: another thread may just have made it


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step by this one with a new version.

    Raises:
        OSError: It could not be written; the old one still counts.
    """
    fields = {"format": FORMAT, **asdict(replace(manifest, version=uuid.uuid4().hex[:12]))}
    fields["checksum"] = _checksum(fields)
    temporary = folder / "manifest.json.new"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(fields, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / "manifest.json")
    sync_folder(folder)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest.

    Raises:
        StoreError: It is missing, damaged or of another format version.
    """
    path = folder / "manifest.json"
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        found_format, checksum = fields.pop("format"), fields.pop("checksum")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{path}: not readable ({type(error).__name__}: {error}); {REBUILD}") from error
    if found_format != FORMAT:
        raise StoreError(
            f"{path}: format version {found_format}, this beleg reads {FORMAT}; "
            "use the beleg that wrote it, or build a new index: beleg index add …"
        )
    if checksum != _checksum({"format": found_format, **fields}):
        raise StoreError(f"{path}: does not match its own checksum; {REBUILD}")
    try:
        return _manifests().validate_python(fields)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise StoreError(f"{path}: {where}: {error.errors()[0]['msg']}; {REBUILD}") from error


@cache
def _manifests() -> TypeAdapter[Manifest]:
    return TypeAdapter(Manifest)


def _checksum(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def read_stamp(folder: Path) -> Stamp | None:
    """Tell one manifest from the next without reading it; None where there is none."""
    try:
        status = (folder / "manifest.json").stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def describe_segment(folder: Path) -> SegmentEntry:
    """Force a written segment to the disk and return its entry."""
    paths = sorted(folder.iterdir())
    with ThreadPoolExecutor(4) as pool:  # a file system forces several files in little more time than one
        hashes = list(pool.map(_force, paths))
    sync_folder(folder)
    sync_folder(folder.parent)
    return SegmentEntry(folder.name, {path.name: sha256 for path, sha256 in zip(paths, hashes, strict=True)})


def _force(path: Path) -> str:
    """Force a file to the disk and return its SHA-256."""
    with path.open("rb+") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return sha256


def verify_segment(folder: Path, entry: SegmentEntry) -> None:
    """Check the SHA-256 of every file of a segment; ``index.verified`` says which are known and not read again.

    Raises:
        StoreError: A file's contents are not those that were written.
        OSError: A file is missing or cannot be read.
    """
    if damage := first_damage(folder, entry.files):
        name, seen = damage
        expected = entry.files[name]
        raise StoreError(f"{folder / name}: SHA-256 is {seen[:12]}…, expected {expected[:12]}…; {REBUILD}")


def sync_folder(folder: Path) -> None:
    """Force the folder's list of names to the disk (not possible, nor needed, on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the right to write; it falls back when the process ends, however it ends.

    Raises:
        StoreError: Another process holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    # Who waits holds the turn: no writer that comes back at once is served before it.
    turn, lock = FileLock(folder / "turn.lock"), FileLock(folder / "write.lock")
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        with turn.acquire(timeout=LOCK_SECONDS):
            lock.acquire(timeout=max(0.0, deadline - time.monotonic()))
    except Timeout as error:
        message = f"{folder}: another process is writing to this index; wait until it is done and try again"
        raise StoreError(message) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def unwritable(folder: Path, error: OSError) -> UnwritableError:
    """Name what keeps the folder from being written."""
    reason = error.strerror or str(error)
    return UnwritableError(
        f"{folder}: cannot write ({reason}); what the index held is safe; "
        "make room or make the folder writable, and try again"
    )
