"""The process that reads files for another one: paths come in on standard input, documents go out as JSON lines.

It is started by ``index.reading_process``. Whatever a reader or a library prints goes to standard error, so that only
answers are on the pipe. It ends when its standard input does, which is when the process that started it ends, however
that ends; where a library holds the interpreter for good, the limit of processor time ends it.
"""

import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from index.clean_text import left_out
from index.document import DocumentError
from index.formats import reader_in
from index.invisible import hidden_kinds
from index.readers import waiting

_log = logging.getLogger("index.readers.worker")  # as a script, it is called something else

MOST_CHARACTERS = 30_000_000
"""Of all documents of one file: 10,000 pages."""
MOST_PLACES = 2_000_000


def serve() -> None:
    """Read one file after the other until standard input ends."""
    questions, answers = _take_pipes()
    waiting.listen(lambda seconds: _send(answers, "wait", seconds))
    logging.basicConfig(handlers=[_Told(answers)], level=logging.WARNING, force=True)
    asked: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=[questions, asked], daemon=True).start()
    while True:
        question = asked.get()
        _limit(question["seconds"], question["memory"])
        _answer(answers, question)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output away from everything else in this process and in those that it starts."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return questions, answers


def _listen(questions: BinaryIO, asked: "SimpleQueue[dict[str, Any]]") -> None:
    for line in questions:
        asked.put(json.loads(line))
    os._exit(0)  # nobody is there any more


def _answer(answers: BinaryIO, question: dict[str, Any]) -> None:
    state = "ready"
    try:
        _read(answers, Path(question["path"]), question["module"])
    except DocumentError as error:
        _send(answers, "error", str(error))
    except MemoryError:
        state = "spent"
        _send(answers, "memory", "")
    except OSError as error:
        _send(answers, "error", f"{question['path']}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - whatever a library raises is one bad file's
        state = "spent"
        _send(answers, "failed", f"{type(error).__name__}: {error}")
    _send(answers, "end", state)


def _read(answers: BinaryIO, path: Path, module: str) -> None:
    characters = 0
    left_out.clear()
    for document in reader_in(module)(path):
        characters += len(document.text)
        if characters > MOST_CHARACTERS or len(document.places) > MOST_PLACES:
            raise DocumentError(
                f"{path}: unfolds to over {MOST_CHARACTERS // 10**6} million characters; split it into smaller files"
            )
        _send(answers, "document", document)
    if kinds := hidden_kinds(left_out):
        _log.warning("%s: characters that nobody sees left out (%s)", path, ", ".join(kinds))


def _send(answers: BinaryIO, kind: str, value: object) -> None:
    try:
        answers.write(json.dumps([kind, value], default=vars).encode() + b"\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(0)


class _Told(logging.Handler):
    """Sends warnings to the process that asked."""

    def __init__(self, answers: BinaryIO) -> None:
        super().__init__(logging.WARNING)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("index."):  # what a library complains of helps nobody
            _send(self._answers, "warning", record.getMessage())


def _limit(seconds: float, memory: int) -> None:
    """Let the system end this process where it uses far more processor time than it may, or more memory."""
    if sys.platform == "win32":
        return
    signal.setitimer(signal.ITIMER_PROF, 2 * seconds)
    if sys.platform == "linux":
        import resource

        addressed, resident = map(int, Path("/proc/self/statm").read_text("ascii").split()[:2])
        most = (addressed - resident) * resource.getpagesize() + memory
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        with suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
