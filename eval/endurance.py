"""Hours of asking, adding and removing: memory, open files and latency of the server must stay level, without an error.

``python -m eval.endurance --minutes 120`` with a scripted endpoint, ``--embedded`` with the embedded model. The server
is ``beleg serve``; this process asks it in several threads, and adds and removes documents of the same index.
"""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Annotated

import typer

from eval.goldset import SAMPLE, load_goldset
from eval.load import endpoint
from index import Document, Index, load_documents

ASKING = 4
CHANGE_SECONDS = 5.0
SAMPLES = 60
MOST_GROWTH = 0.10  # of memory and of open files, from the second third to the last one
MOST_SLOWER = 1.5
_START_SECONDS = 180.0


@dataclass(frozen=True)
class Sample:
    """The server at a moment: memory in MB, open files, threads, mean seconds of the answers since the last sample."""

    seconds: float
    memory: float
    files: int
    threads: int
    latency: float


@dataclass
class Run:
    """What happened."""

    samples: list[Sample] = field(default_factory=list)
    answers: int = 0
    changes: int = 0
    errors: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def is_level(values: Sequence[float], figure: Callable[[Sequence[float]], float], most: float = MOST_GROWTH) -> bool:
    """Whether the last third lies no more than a share above the second one, by a figure of each.

    >>> is_level([1, 5, 9, 10, 10, 10, 10, 10, 10], fmean), is_level([1, 2, 3, 4, 5, 6, 7, 8, 9], max)
    (True, False)
    """
    third = len(values) // 3
    if not third:
        return True
    return figure(values[-third:]) <= figure(values[-2 * third : -third]) * (1 + most)


def verdict(run: Run) -> dict[str, bool]:
    """Return what held; open files go up and down with the segments of the index, so their peaks are compared."""
    latencies = [sample.latency for sample in run.samples if sample.latency]
    return {
        "no errors": not run.errors,
        "memory level": is_level([sample.memory for sample in run.samples], max),
        "open files level": is_level([float(sample.files) for sample in run.samples], max),
        "threads level": is_level([float(sample.threads) for sample in run.samples], max),
        "latency level": is_level(latencies, fmean, MOST_SLOWER - 1),
    }


def endure(minutes: float, *, embedded: bool = False, told: Callable[[Sample], None] = lambda _: None) -> Run:
    """Let a server work for so many minutes; ``told`` is given each sample."""
    run, ended = Run(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        index = Index.open(Path(folder, "index"))
        index.add(load_documents([SAMPLE / "documents.jsonl"]))
        model = nullcontext(None) if embedded else endpoint()
        with model as scripted, _server(index.folder, scripted.url if scripted else "") as (url, pid):
            work = [threading.Thread(target=_ask, args=(url, run, ended, number)) for number in range(ASKING)]
            work.append(threading.Thread(target=_change, args=(index, run, ended)))
            for thread in work:
                thread.start()
            started, pause = time.monotonic(), minutes * 60 / SAMPLES
            for _ in range(SAMPLES):
                time.sleep(pause)
                run.samples.append(_sample(pid, time.monotonic() - started, run))
                told(run.samples[-1])
            ended.set()
            for thread in work:
                thread.join()
    return run


def _ask(url: str, run: Run, ended: threading.Event, number: int) -> None:
    questions = [question.question for question in load_goldset(SAMPLE).questions]
    chance = random.Random(number)  # noqa: S311
    while not ended.is_set():
        body = json.dumps({"question": chance.choice(questions), "stream": chance.random() < 0.5}).encode()
        request = urllib.request.Request(f"{url}/answer", body, {"Content-Type": "application/json"})  # noqa: S310
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=_START_SECONDS) as response:  # noqa: S310 - our own URL
                if chance.random() < 0.05:
                    response.read(10)  # leaves amid the answer
                    continue
                text = response.read().decode()
            if '"error"' in text or "incomplete" in text:
                run.errors.append(text[-300:])
        except OSError as error:
            run.errors.append(f"asking: {error}")
        run.latencies.append(time.monotonic() - began)
        run.answers += 1


def _change(index: Index, run: Run, ended: threading.Event) -> None:
    """Add, update and remove documents all the time, so that their number stays about the same."""
    chance, held = random.Random(0), list[str]()  # noqa: S311
    while not ended.wait(CHANGE_SECONDS):
        try:
            if len(held) > 20:
                index.remove([held.pop(chance.randrange(len(held)))])
            else:
                number = chance.randrange(40)
                text = " ".join(f"Der Verein {number} zählt {chance.randrange(999)} Mitglieder." for _ in range(30))
                index.add([Document(f"verein-{number}", f"Verein {number}", text)])
                held = list(dict.fromkeys([*held, f"verein-{number}"]))
            run.changes += 1
        except Exception as error:  # noqa: BLE001 - any error is what this looks for
            run.errors.append(f"changing: {type(error).__name__}: {error}")


def _sample(pid: int, seconds: float, run: Run) -> Sample:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
    latencies, run.latencies = run.latencies, []
    return Sample(
        seconds=round(seconds),
        memory=int(status["RssAnon"].split()[0]) / 1000,
        files=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208
        threads=int(status["Threads"]),
        latency=fmean(latencies) if latencies else 0.0,
    )


@contextmanager
def _server(index: Path, model_url: str) -> Iterator[tuple[str, int]]:
    """Run ``beleg serve`` until the block ends; give its URL and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"BELEG_LLM_MODEL": "scripted", "BELEG_LLM_BASE_URL": model_url, "BELEG_LLM_API_KEY": "none"}
    command = [sys.executable, "-m", "ui.cli", "serve", "--index", str(index), "--port", str(port)]
    server = subprocess.Popen(command, env={**os.environ, **(settings if model_url else {})})  # noqa: S603
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/ready", server)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10):  # noqa: S310 - our own URL
                return
        except OSError:
            if time.monotonic() > end or server.poll() is not None:
                raise
            time.sleep(0.2)


def main(
    minutes: Annotated[float, typer.Option(help="How long")] = 120.0,
    embedded: Annotated[bool, typer.Option("--embedded", help="With the model of the settings")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the samples to this file")] = None,
) -> None:
    """Let a server work for hours and print whether it stayed level; exit status 1 where it did not."""

    def told(sample: Sample) -> None:
        typer.echo(
            f"{sample.seconds:7.0f} s {sample.memory:8.0f} MB {sample.files:4} files {sample.threads:4} threads "
            f"{sample.latency:6.2f} s"
        )

    run = endure(minutes, embedded=embedded, told=told)
    held = verdict(run)
    typer.echo(f"{run.answers} answers, {run.changes} changes, {len(run.errors)} errors {run.errors[:3]}")
    for name, holds in held.items():
        typer.echo(f"{name}: {'yes' if holds else 'NO'}")
    if json_file:
        json_file.write_text(json.dumps([asdict(sample) for sample in run.samples]), "utf-8")
    if not all(held.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
