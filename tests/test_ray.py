"""Real workers of Ray: the same index as in one process, and a worker that is killed in the middle."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from index import Changes, Index
from index.carried import CarriedEmbedder, settled_identity
from index.cluster.ray_data import on_ray, started
from index.cluster.reading import ClusterError
from index.embedding import Embedder, Vectors, load_embedder
from index.late_interaction import Bits
from index.loading import Loader
from index.manifest import identity
from index.sources import Sources
from tests.test_cluster import add, assert_same, files
from tests.test_postgres import TokenEmbedder
from tests.test_store import document

__all__ = ["files"]

pytestmark = [
    pytest.mark.slow,
    # Of Ray itself.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::FutureWarning"),
]
WORKERS = 2
ROOT = Path(__file__).parents[1]


class NotedEmbedder(TokenEmbedder):
    """Notes in a file each text that it embeds, on whatever worker."""

    def __init__(self, notes: Path) -> None:
        super().__init__()
        self._notes = notes

    def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
        with self._notes.open("a", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(text)}\n" for text in texts)
        return super().encode_passages(texts)


class BrokenEmbedder(TokenEmbedder):
    def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
        raise ClusterError("the model is gone; fetch it again")


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[list[psutil.Process]]:
    """Ray, started once for these tests; gives its processes at the start."""
    before = set(psutil.Process().children(recursive=True))
    with started(WORKERS):
        yield [process for process in psutil.Process().children(recursive=True) if process not in before]


def add_on_ray(
    paths: Path,
    folder: Path,
    load: Callable[[], Embedder] = TokenEmbedder,
    progress: Callable[[int], None] | None = None,
    sources: Sources | None = None,
) -> Changes:
    embedder = CarriedEmbedder(identity(TokenEmbedder()))
    index = Index.open(folder, embedder=embedder)
    reading = on_ray(WORKERS, embedder, index.content_hashes, load=load, progress=progress)
    loader = Loader(on_failure=lambda _: None, sources=sources, reading=reading)
    return index.add(loader.load([paths]))


def ray_workers(name: str) -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if name in process.name():
                found.append(process)
    return found


def test_ray_makes_the_same_index(files: Path, tmp_path: Path) -> None:
    alone, _ = add(files, tmp_path / "alone")
    told: list[int] = []
    assert add_on_ray(files, tmp_path / "ray", progress=told.append) == alone
    assert_same(tmp_path / "ray", tmp_path / "alone")
    assert told == sorted(told)
    assert told[-1] >= Index.open(tmp_path / "ray", embedder=TokenEmbedder()).chunk_count


def test_a_second_run_embeds_nothing(files: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    first = add_on_ray(files, tmp_path / "ix", partial(NotedEmbedder, notes))
    texts = notes.read_text("utf-8").splitlines()
    assert len(texts) >= len(first.added)
    (files / "neu.txt").write_text("Ein neuer Text.", "utf-8")
    second = add_on_ray(files, tmp_path / "ix", partial(NotedEmbedder, notes))
    new = notes.read_text("utf-8").splitlines()[len(texts) :]
    assert len(second.added) == 1
    assert second.unchanged == first.added
    assert {json.loads(text) for text in new} == {"neu\nEin neuer Text.", "Zeile 9."}  # an id that was refused


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "akten"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number:02}.txt").write_text(document(number, sentences=60).text, "utf-8")
    rows = [json.dumps({"id": f"z{number}", "text": document(number, 1, 20).text}) for number in range(600)]
    (folder / "zeilen.jsonl").write_text("\n".join(rows), "utf-8")
    killed: list[str] = []

    def kill(chunks: int) -> None:
        for name in ("EmbeddingWorker", "_read"):
            if name not in killed and (workers := ray_workers(name)):
                workers[0].kill()
                killed.append(name)

    changes = add_on_ray(folder, tmp_path / "ray", progress=kill)
    assert "EmbeddingWorker" in killed
    assert add(folder, tmp_path / "alone")[0] == changes
    assert_same(tmp_path / "ray", tmp_path / "alone")


def test_what_a_killed_run_had_committed_is_gone_on_from(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.store.GROUP_CHUNKS", 16)

    told: list[int] = []

    def stop(chunks: int) -> None:
        told.append(chunks)
        if len(told) == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_on_ray(files, tmp_path / "ray", progress=stop)
    committed = {one.id for one in Index.open(tmp_path / "ray", embedder=TokenEmbedder()).documents()}
    assert committed
    changes = add_on_ray(files, tmp_path / "ray")
    assert set(changes.unchanged) == committed
    add(files, tmp_path / "alone")
    assert_same(tmp_path / "ray", tmp_path / "alone")


def test_an_error_of_a_worker_is_told_in_one_sentence(files: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"^the model is gone; fetch it again$"):
        add_on_ray(files, tmp_path / "ix", BrokenEmbedder)
    with pytest.raises(ClusterError, match=r"^Ray gave up \(TypeError: .*str.*\); .*run the same again"):
        add_on_ray(files, tmp_path / "ix", "no function")  # type: ignore[arg-type]


def test_ray_listens_on_this_machine_alone_and_tells_nobody(cluster: list[psutil.Process]) -> None:
    listening = set()
    for process in cluster:
        with suppress(psutil.NoSuchProcess):
            found = [one for one in process.net_connections() if one.status == psutil.CONN_LISTEN]
            listening |= {one.laddr.ip.removeprefix("::ffff:") for one in found}
    assert listening == {"127.0.0.1"}
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert os.environ["RAY_AUTH_MODE"] == "token"


def test_the_command_makes_the_same_index_with_the_embedded_model(files: Path, tmp_path: Path) -> None:
    (files / "05.txt").unlink()  # long
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    told = []
    for name, options in {"alone": [], "ray": ["--workers", "2"]}.items():
        command = [sys.executable, "-m", "ui.cli", "index", "add", str(files), "--index", str(tmp_path / name)]
        ran = subprocess.run(
            [*command, "--json", *options],
            check=False,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ran.returncode == 1, ran.stderr  # what cannot be read is named
        assert "Traceback" not in ran.stderr
        told.append(json.loads(ran.stdout))
    assert told[0] == told[1]
    one, other = (Index.open(tmp_path / name, embedder=load_embedder()) for name in ("alone", "ray"))
    assert one.built_with == other.built_with == settled_identity()
    names = [name for name, _ in one.content_hashes()]
    assert names == [name for name, _ in other.content_hashes()]
    for first, second in zip(one.stored(names), other.stored(names), strict=True):
        assert (first.vectors * second.vectors).sum(axis=1) == pytest.approx(1, abs=2e-3)
