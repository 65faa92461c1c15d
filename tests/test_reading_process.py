"""Reading in another process, against readers that crash, hang, grow, end and print."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.document import Document, DocumentError, Failure
from index.formats import READERS
from index.loading import load_documents
from index.place import Place
from index.reading_process import ReadingProcess, resident_bytes

READER = """
import ctypes, logging, os, re, subprocess, sys
from index.document import Document, DocumentError
from index.place import Place

def read(path):
    word = path.read_text("utf-8")
    if word == "crash":
        ctypes.string_at(0)
    if word == "hang":
        while True:
            pass
    if word == "hang in a child":
        subprocess.run(["sleep", f"987{os.getppid()}"])  # which tests at the same time can tell apart
    if word == "hold the interpreter":
        re.match(r"(a+)+b", "a" * 60)
    if word == "grow":
        blocks = []
        while True:
            blocks.append(bytearray(10_000_000))
    if word == "end":
        os._exit(0)
    if word == "raise":
        raise KeyError("Kapitel 7")
    if word == "refuse":
        raise DocumentError(f"{path}: encrypted; save it without a password")
    if word == "unfold":
        while True:
            yield Document("a", "", "x" * 1_000_000)
    if word == "input":
        word = sys.stdin.read() + "nothing to hear"
    print("noise")
    os.write(1, b'["document", {}]\\n')
    logging.getLogger("index.readers.wild").warning("%s: odd", path)
    yield Document(path.stem, "Titel", word, "de", str(path), "2024-05-03", (Place(0, 2, 1, (0.5, 1, 2, 3), "n", "t"),))
"""


@pytest.fixture(autouse=True)
def wild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files with the ending .wild are read by the reader above."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "wild_reader.py").write_text(READER, "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setitem(READERS, ".wild", "wild_reader")


def file(folder: Path, word: str, name: str = "a") -> Path:
    path = folder / f"{name}.wild"
    path.write_text(word, "utf-8")
    return path


def reason(process: ReadingProcess, path: Path) -> str:
    with pytest.raises(DocumentError) as raised:
        list(process.read(path, ".wild"))
    assert str(raised.value).startswith(f"{path}: ")
    return str(raised.value)


def test_a_document_comes_back_whole_and_noise_stays_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = file(tmp_path, "Grüße \ud83d\ude00\u2028\n".encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    with ReadingProcess() as process:
        [document] = process.read(path, ".wild")
    places = (Place(0, 2, 1, (0.5, 1, 2, 3), "n", "t"),)
    assert document == Document("a", "Titel", path.read_text("utf-8"), "de", str(path), "2024-05-03", places)
    assert caplog.messages == [f"{path}: odd"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("crash", "crashed (signal 11, SIGSEGV)"),
        ("end", "ended in the middle of the file (status 0)"),
        ("raise", "the reader failed (KeyError: 'Kapitel 7')"),
        ("refuse", "encrypted; save it without a password"),
        ("unfold", "unfolds to over 30 million characters"),
        ("hang", "took longer than 2 s; split the file, or allow more: BELEG_READING_SECONDS=6"),
        ("hang in a child", "took longer than 2 s"),
        ("hold the interpreter", "took longer than 2 s"),
    ],
)
def test_a_bad_file_is_named_and_the_next_one_is_read(tmp_path: Path, word: str, says: str) -> None:
    with ReadingProcess(seconds=2) as process:
        assert says in reason(process, file(tmp_path, word))
        [document] = process.read(file(tmp_path, "Ein Text.", "b"), ".wild")
        assert document.text == "Ein Text."
    assert not running(f"sleep 987{os.getpid()}")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of the address space")
def test_memory_is_limited_and_the_next_file_has_all_of_it(tmp_path: Path) -> None:
    with ReadingProcess(memory=200_000_000) as process:
        assert "more than 191 MB of memory" in reason(process, file(tmp_path, "grow"))
        [document] = process.read(file(tmp_path, "Ein Text.", "b"), ".wild")
        assert document.text == "Ein Text."


def test_a_reader_hears_nothing(tmp_path: Path) -> None:
    with ReadingProcess(seconds=10) as process:
        [document] = process.read(file(tmp_path, "input"), ".wild")
        assert document.text == "nothing to hear"


def test_one_process_reads_many_files_and_a_clear_error_does_not_end_it(tmp_path: Path) -> None:
    with ReadingProcess() as process:
        pids = []
        for number, word in enumerate(["Eins.", "refuse", "Drei."]):
            with pytest.raises(DocumentError) if word == "refuse" else open(os.devnull):  # noqa: PTH123
                list(process.read(file(tmp_path, word, str(number)), ".wild"))
            pids.append(process._process.pid)
        assert len(set(pids)) == 1
        os.kill(pids[0], signal.SIGTERM)  # between two files
        time.sleep(0.2)
        assert [document.text for document in process.read(file(tmp_path, "Vier."), ".wild")] == ["Vier."]


def test_only_waiting_counts_as_time(tmp_path: Path) -> None:
    with ReadingProcess(seconds=1) as process:
        documents = process.read(file(tmp_path, "Ein Text."), ".wild")
        next(documents)
        time.sleep(1.5)
        assert list(documents) == []


def test_a_reading_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    documents = load_documents([file(tmp_path, "Eins.", "a"), file(tmp_path, "Zwei.", "b")])
    next(documents)
    documents.close()
    assert not running(str(tmp_path / "modules"))


def test_all_of_a_batch_but_the_bad_is_read(tmp_path: Path) -> None:
    words = {"a": "Eins.", "b": "crash", "c": "Drei.", "d": "refuse", "e": "end", "f": "Sechs."}
    for name, word in words.items():
        file(tmp_path, word, name)
    failures: list[Failure] = []
    documents = [document.text for document in load_documents([tmp_path], on_failure=failures.append)]
    assert documents == ["Eins.", "Drei.", "Sechs."]
    assert [Path(failure.source).stem for failure in failures] == ["b", "d", "e"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("how", "word"), [(signal.SIGKILL, "hang"), (signal.SIGINT, "hang"), (signal.SIGTERM, "Text.")]
)
def test_the_process_ends_with_the_one_that_asks(tmp_path: Path, how: signal.Signals, word: str) -> None:
    path = file(tmp_path, word)
    code = (
        f"import sys, time; sys.path[:] = {sys.path!r}; from pathlib import Path\n"
        "from index.formats import READERS; READERS['.wild'] = 'wild_reader'\n"
        "from index.reading_process import ReadingProcess\n"
        "with ReadingProcess() as process:\n"
        f"    print(list(process.read(Path({str(path)!r}), '.wild')))\n"
        "    time.sleep(60)"
    )
    asking = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    modules = str(tmp_path / "modules")
    wait_for(lambda: len(running(modules)) == 2)
    time.sleep(0.5)
    asking.send_signal(how)
    asking.wait()
    wait_for(lambda: not running(modules))


def wait_for(condition) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def running(words: str) -> list[str]:
    """Processes whose command holds these words, this one left out; a zombie has no command."""
    lines = subprocess.run(
        ["ps", "-eww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in lines if words in line and int(line.split()[0]) != os.getpid()]


def test_memory_is_seen_from_outside() -> None:
    assert 5e6 < resident_bytes(os.getpid()) < 1e11
    assert resident_bytes(2**22 + 1) == 0
