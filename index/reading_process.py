"""Files -> documents in a process of their own, so that a bad file costs its own failure and nothing else.

The process reads one file after the other (``index.readers.worker``). One that crashes, takes too long or too
much memory is ended, together with what it started, and the next file gets a new one.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from index.document import Document, DocumentError
from index.formats import READERS
from index.place import Place

_log = logging.getLogger(__name__)

MEMORY = 2**30
"""Bytes that the reading of one file may take."""
MOST_ANSWER_BYTES = 512 * 2**20
MOST_FILES = 500
"""Read by one process: what libraries leak stays bounded."""
SECONDS_A_MEGABYTE = 10.0
"""An honest book of 5,000 pages has 5 MB and more; a bomb is small."""
_WATCH_SECONDS = 0.25

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from index.readers.worker import serve; serve()"
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ReadingProcess:
    """Reads files in another process, which is started by the first file; a context manager that ends it.

    Args:
        seconds: How long the reading of a small file may take; a large one has ``SECONDS_A_MEGABYTE``.
        memory: How many bytes the process may take (on Windows there is no limit).
        waiting_seconds: How much longer the reading of a file may take while it waits for text recognition.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, ReadingProcess() as process:
    ...     path = Path(folder, "brief.txt")
    ...     _ = path.write_text("Sehr geehrte Damen und Herren", encoding="utf-8")
    ...     [document.text for document in process.read(path, ".txt")]
    ['Sehr geehrte Damen und Herren']
    """

    def __init__(self, seconds: float = 30.0, memory: int = MEMORY, waiting_seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.memory = memory
        self.waiting_seconds = waiting_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._is_idle = True

    def __enter__(self) -> "ReadingProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and what it started; the next file starts another."""
        process, self._process, self._files = self._process, None, 0
        if process is not None:
            _kill(process)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                _close(cast("BinaryIO", pipe))

    def read(self, path: Path, ending: str) -> Iterator[Document]:
        """Yield the documents of a file by the reader of a format.

        Raises:
            DocumentError: The reader says so, crashes, or takes too much time or memory.
        """
        self._is_idle = False
        try:
            seconds = max(self.seconds, path.stat().st_size / 1e6 * SECONDS_A_MEGABYTE)
            process = self._asked(path, ending, seconds)
            yield from self._documents(process, path, seconds)
        finally:
            self._files += 1
            if not self._is_idle or self._files >= MOST_FILES:
                self.close()

    def _asked(self, path: Path, ending: str, seconds: float) -> "subprocess.Popen[bytes]":
        """Return the process that reads the file now; one that ended while it waited is replaced."""
        if self._process is not None and self._process.poll() is not None:
            self.close()
        if self._process is None:
            self._process = _started(path)
        question = {
            "path": os.fspath(path.absolute()),
            "module": READERS[ending],
            "seconds": seconds + self.waiting_seconds,
            "memory": self.memory,
        }
        stdin = cast("BinaryIO", self._process.stdin)
        with suppress(BrokenPipeError):  # it has ended: its answer will say how
            stdin.write(json.dumps(question).encode() + b"\n")
            stdin.flush()
        return self._process

    def _documents(self, process: "subprocess.Popen[bytes]", path: Path, seconds: float) -> Iterator[Document]:
        failure: DocumentError | None = None
        watch = _Watch(process, seconds, self.memory, self.waiting_seconds)
        while True:
            with watch:
                line = cast("BinaryIO", process.stdout).readline(MOST_ANSWER_BYTES)
            if not line.endswith(b"\n"):
                raise DocumentError(f"{path}: {watch.verdict or _ending(process, line, self.memory)}")
            kind, value = json.loads(line)
            if kind == "document":
                yield document_of(value)
            elif kind == "wait":
                watch.allow(value)
            elif kind == "warning":
                _log.warning("%s", value)
            elif kind == "end":
                self._is_idle = value == "ready"
                break
            else:
                failure = DocumentError(_reason(kind, value, path, self.memory))
        if failure is not None:
            raise failure


def _started(path: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", _START, json.dumps(sys.path)]
    try:
        return subprocess.Popen(  # noqa: S603 - our own code
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,  # Ctrl-C is for the process that asks, which ends this one and what it started
        )
    except OSError as error:
        raise DocumentError(f"{path}: no process can be started to read it ({error.strerror}); try again") from error


class _Watch:
    """Ends a process that keeps us waiting too long or grows too large while we wait; ``verdict`` says which it was.

    Only waiting counts: while documents are embedded, their file's time stands still.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", seconds: float, memory: int, waiting: float = 0.0) -> None:
        self.verdict = ""
        self._waiting = waiting
        self._process = process
        self._seconds = seconds
        self._left = seconds
        self._memory = memory

    def allow(self, seconds: float) -> None:
        """Give the process more time, or take some back, as long as there is any to give."""
        given = min(seconds, self._waiting)
        self._waiting -= given
        self._left += given

    def __enter__(self) -> None:
        self._begun = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._left -= time.monotonic() - self._begun

    def _look(self) -> None:
        end = self._begun + self._left
        while not self._done.wait(min(_WATCH_SECONDS, max(0.01, end - time.monotonic()))):
            if time.monotonic() >= end:
                self.verdict = _too_long(self._seconds)
            elif sys.platform == "darwin" and resident_bytes(self._process.pid) > 2 * self._memory:
                self.verdict = _too_large(self._memory)
            if self.verdict:
                _kill(self._process)
                return


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds, as ``ps`` says; 0 where it says nothing."""
    ps = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603, S607
    return int(ps.stdout.strip() or 0) * 1024


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started (on Windows itself alone)."""
    if sys.platform == "win32":
        process.kill()
    elif process.returncode is None:  # else its number may be another's by now
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()


def _close(pipe: BinaryIO) -> None:
    with suppress(BrokenPipeError):  # a question that was never taken
        pipe.close()


def _ending(process: "subprocess.Popen[bytes]", line: bytes, memory: int) -> str:
    """Say how a process ended in the middle of a file."""
    if len(line) >= MOST_ANSWER_BYTES:
        return f"unfolds to over {MOST_ANSWER_BYTES // 2**20} MB; split it into smaller files"
    status = process.wait()
    if status >= 0:
        return f"the reader ended in the middle of the file (status {status}); open and save it anew, or convert it"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else ""
    if name == "SIGPROF":
        return "reading took too long; split the file, or convert it"
    if name in ("SIGABRT", "SIGTRAP", "SIGILL"):  # what libraries in C++ do where they get no memory
        return (
            f"the reader gave up (signal {-status}, {name}): the file unfolds to more than {memory / 2**20:.0f} MB of "
            "memory, or is damaged; print or save it anew"
        )
    if name == "SIGKILL":
        return "the reader was ended by the system, mostly for lack of memory; split the file, or free memory"
    return (
        f"the reader crashed (signal {-status}, {name}); the file may be damaged: open and save it anew, or convert it"
    )


def _reason(kind: str, value: str, path: Path, memory: int) -> str:
    if kind == "error":
        return value
    if kind == "memory":
        return f"{path}: {_too_large(memory)}"
    return f"{path}: the reader failed ({value}); the file may be damaged: open and save it anew, or convert it"


def _too_long(seconds: float) -> str:
    more = f"BELEG_READING_SECONDS={max(1, 3 * seconds):.0f}"
    return f"reading took longer than {seconds:.0f} s; split the file, or allow more: {more}"


def _too_large(memory: int) -> str:
    return f"reading takes more than {memory / 2**20:.0f} MB of memory; split the file, or convert it"


def document_of(fields: dict[str, Any]) -> Document:
    """Return the document whose fields came as JSON."""
    places = tuple(
        Place(**{**place, "box": tuple(place["box"]) if place["box"] else None}) for place in fields.pop("places")
    )
    return Document(**fields, places=places)
