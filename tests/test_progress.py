"""The bar of an indexing: what it shows, and the end that it estimates from the bytes read."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from index import Document, Index, load_documents
from tests.conftest import WordEmbedder
from ui.progress import IndexingProgress, indexing_progress
from ui.texts import texts


def shown(steps: list[tuple[int, int] | tuple[int, int, int]]) -> IndexingProgress:
    """Two numbers are bytes read, three are what is done."""
    progress = IndexingProgress(Progress(disable=True), "Aufnahme", "{documents} {chunks} {rate:.0f}")
    for step in steps:
        progress.read(*step) if len(step) == 2 else progress.done(*step)
    return progress


@pytest.mark.parametrize(
    ("steps", "total"),
    [
        ([(100, 100), (0, 4, 30)], 30),  # all is read: known
        ([(25, 100), (0, 4, 30)], 120),  # a quarter is read, and holds 30
        ([(25, 100), (7, 30, 30), (50, 100), (7, 31, 90)], 180),  # the second quarter holds more
        ([(0, 3)], None),
        ([(0, 0)], None),
        ([(0, 4, 30)], None),  # not from files: unknown
    ],
)
def test_the_total_is_what_the_bytes_read_say(steps: list[tuple[int, int]], total: float | None) -> None:
    assert shown(steps).task.total == total


def test_what_is_done_is_shown_in_words() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=140)
    columns = Progress.get_default_columns()
    with Progress(*columns, console=console) as bar:
        progress = IndexingProgress(bar, "Aufnahme", texts("de").indexed)
        progress.read(1, 2)
        progress.done(3, 40, 80)
        assert (progress.task.completed, progress.task.total) == (40, 160)
        assert progress.task.fields["done"].startswith("3 Dokumente · 40 Abschnitte · ")


def test_an_index_tells_the_bar_all_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_text(f"Satz Nummer {number}. " * 50, "utf-8")
    with indexing_progress("Aufnahme", texts("de").indexed) as progress:
        index = Index.open(tmp_path / "ix", embedder=WordEmbedder())
        index.add(load_documents([tmp_path], progress=progress.read), progress=progress.done)
        assert progress.task.completed == progress.task.total == index.chunk_count
    assert capsys.readouterr().out == ""


def test_what_is_embedded_but_not_stored_counts() -> None:
    progress = shown([(1, 4), (3, 40, 80)])
    progress.embedded(100)
    assert (progress.task.completed, progress.task.total) == (100, 400)
    assert progress.task.fields["done"].startswith("3 100 ")


def test_nothing_is_lost_where_nothing_is_told(tmp_path: Path) -> None:
    index = Index.open(tmp_path / "ix", embedder=WordEmbedder())
    assert index.add([Document("a", "A", "Ein Satz.")]).added == ["a"]
