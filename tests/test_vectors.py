"""FAISS on disk against brute force in numpy, flat and by clusters."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest

from index import vectors as module
from index.vectors import Floats, Mask, Vectors, VectorsError, recall, write_vectors


def unit_rows(seed: int, n: int, dimension: int) -> Floats:
    """Rows that float16 holds exactly, and of unit length as far as it can."""
    rows = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def passages(seed: int, n: int, dimension: int = 64) -> Floats:
    """Rows as text embeddings lie: all in one direction, topics around it, passages around their topic."""
    chance = np.random.default_rng(seed)
    topics = 3 * chance.standard_normal(dimension) + chance.standard_normal((40, dimension))
    rows = topics[chance.integers(40, size=n)] + 0.7 * chance.standard_normal((n, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


@pytest.fixture
def rows() -> Floats:
    return unit_rows(1, 500, 24)


@pytest.fixture
def vectors(rows: Floats, tmp_path: Path) -> Vectors:
    return written(tmp_path, rows)


def written(folder: Path, rows: Floats) -> Vectors:
    write_vectors(folder, [rows])
    return Vectors(folder)


def brute_force(rows: Floats, query: Floats, k: int, allowed: Mask | None = None) -> Floats:
    """Return the cosines of the nearest, best first."""
    cosines = rows @ query
    nearest: Floats = np.sort(cosines if allowed is None else cosines[allowed])[::-1][:k]
    return nearest


@pytest.mark.parametrize("k", [1, 7, 499, 500, 501, 10_000])
def test_search_finds_what_brute_force_finds(rows: Floats, vectors: Vectors, k: int) -> None:
    for query in unit_rows(2, 5, 24):
        expected = np.argsort(-(rows @ query), kind="stable")[:k]
        numbers, cosines = vectors.search(query, k)
        assert numbers.tolist() == expected.tolist()
        np.testing.assert_allclose(cosines, rows[expected] @ query, atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.02, 0.0])
@pytest.mark.parametrize("k", [5, 600])
def test_a_mask_leaves_only_its_rows(rows: Floats, vectors: Vectors, share: float, k: int) -> None:
    allowed = np.random.default_rng(3).random(len(rows)) < share
    for query in unit_rows(4, 5, 24):
        expected = [number for number in np.argsort(-(rows @ query)) if allowed[number]][:k]
        assert vectors.search(query, k, allowed)[0].tolist() == expected


def test_a_mask_of_the_last_row_alone(vectors: Vectors) -> None:
    allowed = np.zeros(500, np.bool_)
    allowed[-1] = True
    assert vectors.search(unit_rows(5, 1, 24)[0], 3, allowed)[0].tolist() == [499]


def test_cosines_of_rows_that_float16_does_not_hold_are_right_to_a_thousandth(tmp_path: Path) -> None:
    rows = np.random.default_rng(6).standard_normal((300, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = written(tmp_path, rows)
    for query in rows[:5]:
        numbers, cosines = vectors.search(query, 300)
        np.testing.assert_allclose(cosines, rows[numbers] @ query, atol=1e-4)
        np.testing.assert_allclose(vectors.rows(numbers) @ query, cosines, atol=1e-6)


def test_rows_come_back_in_the_order_asked(rows: Floats, vectors: Vectors) -> None:
    numbers = np.array([499, 0, 17, 17])
    assert len(vectors) == 500
    assert np.array_equal(vectors.rows(numbers), rows[numbers])
    assert vectors.rows(np.empty(0, np.int64)).shape == (0, 24)


@pytest.mark.parametrize("sizes", [[500], [0, 500], [1, 0, 499], [100] * 5, [0]])
def test_the_file_is_the_one_that_faiss_writes_however_the_rows_are_divided(tmp_path: Path, sizes: list[int]) -> None:
    rows = unit_rows(7, sum(sizes), 24)
    write_vectors(tmp_path, np.split(rows, np.cumsum(sizes)[:-1]))
    flat = faiss.IndexScalarQuantizer(24, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    flat.add(rows)
    assert (tmp_path / "vectors.faiss").read_bytes() == faiss.serialize_index(flat).tobytes()
    assert not (tmp_path / "clusters.faiss").exists()


def test_an_empty_file_finds_nothing(tmp_path: Path) -> None:
    numbers, cosines = written(tmp_path, np.empty((0, 8), np.float32)).search(np.ones(8, np.float32), 3)
    assert (numbers.tolist(), cosines.tolist()) == ([], [])


def test_an_open_file_stays_readable_after_its_name_is_gone(rows: Floats, vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "vectors.faiss").unlink()
    assert np.array_equal(vectors.rows(np.arange(500)), rows)
    assert len(vectors.search(rows[0], 5)[0]) == 5


@pytest.mark.parametrize("name", ["vectors.faiss", "clusters.faiss"])
def test_what_faiss_cannot_read_is_named(tmp_path: Path, rows: Floats, name: str) -> None:
    write_vectors(tmp_path, [rows])
    (tmp_path / name).write_bytes(b"keine Vektoren")
    with pytest.raises(VectorsError, match=f"/{name}: FAISS cannot read it"):
        Vectors(tmp_path)
    with pytest.raises(FileNotFoundError):
        Vectors(tmp_path / "fehlt")


# Clusters

MANY = 6_000


@pytest.fixture(scope="module")
def many() -> Floats:
    return passages(8, MANY)


@pytest.fixture(scope="module")
def clustered(many: Floats, tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    folder = tmp_path_factory.mktemp("clustered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CLUSTERED_ROWS", 5_000)
        write_vectors(folder, np.split(many, [1000, 1000, 4321]))
    assert (folder / "clusters.faiss").exists()
    return Vectors(folder)


def questions(many: Floats) -> Floats:
    """Away from the passages, as questions are: half of one, a bit of a second, some noise."""
    chance = np.random.default_rng(9)
    rows = many[chance.integers(len(many), size=60)] + 0.5 * many[chance.integers(len(many), size=60)]
    rows += 0.4 * unit_rows(10, 60, many.shape[1])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("k", [1, 10, 100])
def test_clusters_find_what_brute_force_finds(many: Floats, clustered: Vectors, k: int) -> None:
    expected = np.array([brute_force(many, query, k) for query in questions(many)])
    found = [clustered.search(query, k) for query in questions(many)]
    assert recall(expected, np.array([cosines for _, cosines in found])) >= 0.99
    for query, (numbers, cosines) in zip(questions(many), found, strict=True):
        assert len(set(numbers.tolist())) == k
        assert sorted(cosines, reverse=True) == cosines.tolist()
        np.testing.assert_allclose(cosines, many[numbers] @ query, atol=1e-5)


def test_a_search_by_clusters_reads_fewer_lists_than_there_are(clustered: Vectors) -> None:
    clusters = faiss.read_index(str(clustered.folder / "clusters.faiss"))
    assert 0 < clusters.nprobe < clusters.nlist


@pytest.mark.parametrize("k", [300, MANY - 1, MANY, MANY + 1])
def test_a_search_for_many_rows_compares_all(many: Floats, clustered: Vectors, k: int) -> None:
    for query in questions(many)[:5]:
        _, cosines = clustered.search(query, k)
        np.testing.assert_allclose(cosines, brute_force(many, query, k), atol=1e-5)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.3, 0.001, 0])
def test_a_mask_over_clusters_leaves_only_its_rows(many: Floats, clustered: Vectors, share: float) -> None:
    allowed = np.random.default_rng(11).random(MANY) < share
    expected, found = [], []
    for query in questions(many):
        numbers, cosines = clustered.search(query, 20, allowed)
        assert allowed[numbers].all()
        assert len(numbers) == min(20, allowed.sum())
        expected.append(brute_force(many, query, 20, allowed))
        found.append(cosines)
    if share:
        assert recall(np.array(expected), np.array(found)) >= (0.99 if share > 0.5 else 1)


def test_a_mask_that_hides_all_that_is_near_costs_no_recall(many: Floats, clustered: Vectors) -> None:
    for query in questions(many)[:10]:
        cosines = many @ query
        allowed = cosines < np.median(cosines)
        found = clustered.search(query, 20, allowed)[1]
        np.testing.assert_allclose(found, brute_force(many, query, 20, allowed), atol=1e-5)


def test_rows_of_a_clustered_file_come_back_bit_for_bit(many: Floats, clustered: Vectors) -> None:
    assert np.array_equal(clustered.rows(np.arange(MANY)), many)
    assert np.array_equal(clustered.halves, many.astype(np.float16))


def test_threads_share_clusters(many: Floats, clustered: Vectors) -> None:
    alone = [clustered.search(query, 10)[0].tolist() for query in questions(many)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda query: clustered.search(query, 10)[0].tolist(), questions(many))) == alone


def test_vectors_that_no_code_suits_stay_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLUSTERED_ROWS", 400)
    monkeypatch.setattr(module, "RECALL", 1.01)
    assert len(written(tmp_path, unit_rows(12, 600, 16))) == 600
    assert not (tmp_path / "clusters.faiss").exists()


def test_an_odd_number_of_dimensions_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLUSTERED_ROWS", 400)
    rows = unit_rows(13, 600, 15)
    assert written(tmp_path, rows).search(rows[7], 1)[0].tolist() == [7]
    assert not (tmp_path / "clusters.faiss").exists()


def test_many_equal_rows_are_no_loss_of_recall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLUSTERED_ROWS", 3_000)
    rows = np.repeat(passages(14, 40), 100, axis=0)
    vectors = written(tmp_path, rows)
    assert (tmp_path / "clusters.faiss").exists()
    for query in rows[::400]:
        np.testing.assert_allclose(vectors.search(query, 50)[1], brute_force(rows, query, 50), atol=1e-3)
