"""The benchmark of indexing with workers: its figures, and what it counts as memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from eval import ingestion
from index.document import DocumentError
from index.embedding import load_embedder
from tests.conftest import WordEmbedder
from tests.test_store import document


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "akten"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.txt").write_text(document(number).text, "utf-8")
    monkeypatch.setattr("index.store.load_embedder", WordEmbedder)
    return folder


def test_every_figure_of_one_process(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingestion, "SAMPLED_SECONDS", 0.001)
    figures = ingestion.ingest([corpus], 0, tmp_path / "ix")
    assert figures["chunks"] == ingestion.Index.open(tmp_path / "ix", embedder=WordEmbedder()).chunk_count
    assert 0 < figures["start_seconds"] <= figures["seconds"]
    assert figures["peak_mb"] > 20 or sys.platform != "linux"


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "leer.txt").touch()
    with pytest.raises(DocumentError, match="no document can be read"):
        ingestion.ingest([tmp_path / "leer.txt"], 0, tmp_path / "ix")


def test_a_wrong_number_of_workers_is_named() -> None:
    with pytest.raises(typer.BadParameter, match="'two' is no number of workers"):
        ingestion._numbers("0,two")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_of_a_child_counts() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", f"print(flush=True); {nested}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        while len(family := ingestion._family(child.pid)) < 2:
            pass
        assert set(family) <= set(ingestion._family(os.getpid()))
        assert ingestion._memory(child.pid) > 1_000_000
        child.stdin.close()
    assert ingestion._memory(child.pid) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_every_figure_of_a_worker(corpus: Path) -> None:
    load_embedder()  # fetches the weights
    figures = ingestion.measure([corpus], 1)
    assert figures["workers"] == 1
    assert 0 < figures["start_seconds"] <= figures["seconds"]
    assert figures["chunks"] > 9
