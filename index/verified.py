"""Which large files were found whole before, so that opening an index need not read all of it each time.

The small files of an index are read and compared with their SHA-256 at every opening. For one of ``LARGE`` bytes and
more that is remembered in the cache folder, with the file's stamp: device, inode, size, and the times at which its
contents and its inode last changed. What writes to the file, replaces or copies it changes the stamp, for the inode's
time cannot be set back (on Windows, which keeps none, the contents' time can). Two things no stamp tells, and each has
its rule: a change within the grain of the clock (nothing is remembered of a file that changed in the last two
seconds), and damage below the file system (after a week everything is read again).
"""

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from index.settings import index_settings

LARGE = 16 * 2**20
WEEK = 7 * 24 * 3600
_REST = 2

Stamp = list[int]
Seen = tuple[str, Stamp, float]
"""SHA-256, stamp, and when that was."""


def first_damage(folder: Path, files: dict[str, str]) -> tuple[str, str] | None:
    """Return name and SHA-256 of a file that is not what was expected of it; None where all are.

    Raises:
        OSError: A file is missing or cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a").write_bytes(b"abc")
    ...     first_damage(Path(folder), {"a": "9f86d081"})
    ('a', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    """
    remembered = _remembered(folder)
    known = {
        name: seen
        for name, seen in remembered.items()
        if name in files and seen[:2] == (files[name], _stamp(folder / name))
    }
    unknown = [name for name in files if name not in known]
    read = dict(zip(unknown, _look_at([folder / name for name in unknown]), strict=True))
    for name, (digest, _, _) in read.items():
        if digest != files[name]:
            return name, digest
    if lasting := {name: seen for name, seen in read.items() if _lasts(seen)}:
        _remember(folder, remembered | lasting)
    return None


def _look_at(paths: list[Path]) -> list[Seen]:
    """Read all of some files, in threads where that pays."""
    if all(path.stat().st_size < LARGE for path in paths):
        return list(map(_look, paths))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_look, paths))


def _look(path: Path) -> Seen:
    now, stamp = time.time(), _stamp(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), stamp, now


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _lasts(seen: Seen) -> bool:
    """Whether to remember what was seen of a file: it is large, and would have another stamp if it changed now."""
    _, (_, _, size, *changed), now = seen
    return size >= LARGE and max(changed) < (now - _REST) * 1e9


def _remembered(folder: Path) -> dict[str, Seen]:
    """Return what was seen in the last week; nothing where that cannot be read."""
    try:
        rows = json.loads(_file(folder).read_bytes())
        seen = {name: (digest, stamp, at) for name, (digest, stamp, at) in rows.items()}
        return {name: one for name, one in seen.items() if 0 <= time.time() - one[2] < WEEK}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(folder: Path, seen: dict[str, Seen]) -> None:
    """Write it, where the cache folder can be written, and drop what is older than a week, of merged segments too."""
    path = _file(folder)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.iterdir():
            if time.time() - old.stat().st_mtime >= WEEK:
                old.unlink(missing_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(seen), "utf-8")
        temporary.replace(path)


def _file(folder: Path) -> Path:
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:24]
    return index_settings().cache / "verified" / f"{place}.json"
