"""What the workers of a cluster do, done here: the same index as in one process, and what can go wrong on the way."""

import json
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import Changes, Document, Index, open_index
from index.carried import CarriedEmbedder
from index.cluster import ray_data
from index.cluster.reading import ClusterError, ClusterReading, Run
from index.cluster.rows import (
    Embeddings,
    Row,
    packed_embeddings,
    read_value,
    rows_of,
    table_of,
    table_of_files,
    unpacked_embeddings,
)
from index.cluster.stages import (
    PASSAGES,
    EmbeddingWorker,
    digests_of,
    holds,
    read_files,
    rows_of_document,
)
from index.document import Failure
from index.embedding import Embedder, EmbeddingError, Vectors
from index.late_interaction import Bits
from index.loading import Loader
from index.manifest import identity
from index.place import Place
from tests.conftest import WordEmbedder
from tests.test_postgres import TokenEmbedder, server, url
from tests.test_store import QUESTIONS, contents, document, results

__all__ = ["server", "url"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Some texts, a long one among them, rows of which one is broken, an empty file, an id twice."""
    folder = tmp_path / "akten"
    folder.mkdir()
    for number in range(12):
        text = document(number, sentences=300 if number == 5 else 20).text
        (folder / f"{number:02}.txt").write_text(text, "utf-8")
    (folder / "03.txt").write_bytes("Grüße aus Köln.".encode("cp1252"))
    (folder / "04.txt").write_text("Ein Satz.\u202eDas sieht niemand.", "utf-8")
    (folder / "leer.txt").touch()
    rows = [json.dumps({"id": f"z{number % 9}", "text": f"Zeile {number}."}) for number in range(10)]
    (folder / "zeilen.jsonl").write_text("\n".join([*rows, "{kaputt"]), "utf-8")
    return folder


@contextmanager
def here(files: Sequence[Path], held: Sequence[str] = (), embedder: Embedder | None = None) -> Iterator[Iterator[Row]]:
    """Do in this process what Ray's workers do, a table after the other."""
    worker = EmbeddingWorker(lambda: embedder or TokenEmbedder())
    tables = read_files(table_of_files(enumerate(files)), digests_of(held))
    yield iter([row for table in tables for row in rows_of(worker(table))])


def add(files: Path, address: Path | str, run: Run | None = None) -> tuple[Changes, list[Failure]]:
    """Add a folder as the command does; without ``run`` in one process."""
    failures: list[Failure] = []
    embedder = CarriedEmbedder(identity(TokenEmbedder())) if run else TokenEmbedder()
    reading = ClusterReading(run, embedder) if run and isinstance(embedder, CarriedEmbedder) else None
    loader = Loader(on_failure=failures.append, reading=reading)
    return open_index(address, embedder=embedder).add(loader.load([files])), failures


def assert_same(first: Path, second: Path) -> None:
    """Texts, vectors, tokens and what searches find are the same, and in the same order."""
    one, other = (Index.open(folder, embedder=TokenEmbedder()) for folder in (first, second))
    assert list(contents(one).items()) == list(contents(other).items())
    ids = [name for name, _ in one.content_hashes()]
    for stored, expected in zip(one.stored(ids), other.stored(ids), strict=True):
        assert stored.passages == expected.passages
        np.testing.assert_allclose(stored.vectors, expected.vectors, atol=1e-3)
        assert all(map(np.array_equal, stored.tokens, expected.tokens))
    for question in QUESTIONS:
        assert results(one, question) == results(other, question)


def test_workers_make_the_same_index_and_tell_the_same(
    files: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alone = add(files, tmp_path / "alone")
    told_alone = [record.getMessage() for record in caplog.records]
    caplog.clear()
    assert add(files, tmp_path / "cluster", here) == alone
    assert [record.getMessage() for record in caplog.records] == told_alone
    assert len(told_alone) == 2
    changes, failures = alone
    assert [Path(failure.source).name for failure in failures] == ["leer.txt", "zeilen.jsonl"]
    assert [failure.reason[:7] for failure in changes.failed] == ["id 'z0'"]
    assert_same(tmp_path / "cluster", tmp_path / "alone")


@pytest.mark.postgres
def test_workers_fill_another_store_as_one_process_does(
    files: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.address.user_data_path", lambda *_, **__: tmp_path / "data")
    assert add(files, url, here) == add(files, tmp_path / "alone")
    store, alone = (open_index(one, embedder=TokenEmbedder()) for one in (url, tmp_path / "alone"))
    assert contents(store) == contents(alone)
    for question in QUESTIONS:
        assert results(store, question) == results(alone, question)


def test_failures_name_the_path_as_it_was_given(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    relative = files.relative_to(tmp_path)
    assert add(relative, tmp_path / "cluster", here)[1] == add(relative, tmp_path / "alone")[1]


def test_what_the_index_holds_is_not_embedded_again(files: Path, tmp_path: Path) -> None:
    first, _ = add(files, tmp_path / "ix", here)
    index = Index.open(tmp_path / "ix", embedder=TokenEmbedder())
    held = [content_hash for _, content_hash in index.content_hashes()]
    with here(list(files.glob("*.txt")), held) as rows:
        kinds = [row.kind for row in rows]
    assert (kinds.count("known"), "document" in kinds, "passages" in kinds) == (12, False, False)
    second, _ = add(files, tmp_path / "ix", lambda paths: here(paths, held))
    assert second.unchanged == first.added
    assert not second.added


def test_a_long_document_is_embedded_in_parts() -> None:
    long = document(1, sentences=2000)
    rows = list(rows_of_document(0, 1, long, digests_of([])))
    assert [row.kind for row in rows[-2:]] == ["passages", "document"]
    assert {len(row.value) for row in rows[:-2]} == {PASSAGES}


def test_documents_arrive_whole() -> None:
    odd = Document("a\0", "Titel\ud800", "Text \udfff 👩‍👧", places=(Place(0, 4, 2, (0.0, 0.5, 1.0, 0.75)),))
    rows = [*rows_of_document(0, 1, odd, digests_of([]))]
    assert read_value(next(rows_of(table_of(rows[-1:])))) == odd


def test_nothing_is_started_where_nothing_is_to_be_read() -> None:
    def run(_: Sequence[Path]) -> None:
        raise AssertionError

    with ClusterReading(run, CarriedEmbedder(identity(WordEmbedder())))([]) as read:  # type: ignore[arg-type]
        [(error, _)] = read(Path("neu.txt"))
    assert "add it again" in str(error)


def test_rows_that_end_too_early_are_an_error(files: Path, tmp_path: Path) -> None:
    @contextmanager
    def run(paths: Sequence[Path]) -> Iterator[Iterator[Row]]:
        with here(paths) as rows:
            yield (row for row in rows if row.file < 7)

    with pytest.raises(ClusterError, match=r"07\.txt: the workers ended in the middle"):
        add(files, tmp_path / "ix", run)


def test_another_embedder_of_a_worker_is_an_error(files: Path, tmp_path: Path) -> None:
    other = WordEmbedder(fingerprint="sha256:other")
    with pytest.raises(ClusterError, match=r"a worker embeds with sha256:other, .* install the same beleg"):
        add(files, tmp_path / "ix", lambda paths: here(paths, embedder=other))


def test_an_error_of_a_worker_ends_it(files: Path, tmp_path: Path) -> None:
    class Broken(TokenEmbedder):
        def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
            raise EmbeddingError("the model is gone; fetch it again")

    with pytest.raises(ClusterError, match=r"^the model is gone; fetch it again$"):
        add(files, tmp_path / "ix", lambda paths: here(paths, embedder=Broken()))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_data, "find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"pip install 'beleg\[ray\]'"):
        ray_data.on_ray(2, CarriedEmbedder(identity(WordEmbedder())), tuple)


def test_a_cluster_that_does_not_answer_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ClusterError, match=rf"RAY_ADDRESS=127\.0\.0\.1:{port}: nothing answers .* unset RAY_ADDRESS"):
        ray_data._of_a_cluster(f"127.0.0.1:{port}")


def test_workers_of_a_cluster_get_settings_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_READING_SECONDS", "60")
    monkeypatch.setenv("BELEG_LLM_API_KEY", "geheim")
    given = ray_data._of_a_cluster("auto")["runtime_env"]["env_vars"]
    assert given["BELEG_READING_SECONDS"] == "60"
    assert "geheim" not in given.values()


def test_warnings_are_not_told_twice(files: Path, caplog: pytest.LogCaptureFixture) -> None:
    with here([files / "03.txt"]) as rows:
        kinds = [row.kind for row in rows]
    assert kinds.count("warning") == 1
    assert logging.getLogger("index").handlers == []


@given(st.lists(st.binary(min_size=32, max_size=32)), st.binary(min_size=32, max_size=32))
def test_digests_hold_what_was_put_in(raw: list[bytes], other: bytes) -> None:
    digests = digests_of([one.hex() for one in raw])
    assert all(holds(digests, one.hex()) for one in raw)
    assert holds(digests, other.hex()) == (other in raw)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(1, 6))
def test_embeddings_arrive_as_they_were(counts: list[int], width: int) -> None:
    chance = np.random.default_rng(1)
    vectors = chance.normal(size=(len(counts), 16)).astype(np.float32)
    tokens = [chance.integers(256, size=(count, width), dtype=np.uint8) for count in counts]
    there = unpacked_embeddings(packed_embeddings(Embeddings("sha256:ä\n", vectors, tokens)))
    assert there.fingerprint == "sha256:ä\n"
    assert np.array_equal(there.vectors, vectors)
    assert [one.shape for one in there.tokens] == [one.shape for one in tokens]
    assert all(map(np.array_equal, there.tokens, tokens))
