"""FAISS on disk against brute force in numpy."""

from pathlib import Path

import numpy as np
import pytest

from index.vectors import Floats, Vectors, VectorsError, write_vectors


def unit_rows(seed: int, n: int, dimension: int) -> Floats:
    rows = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def rows() -> Floats:
    return unit_rows(1, 500, 24)


@pytest.fixture
def vectors(rows: Floats, tmp_path: Path) -> Vectors:
    write_vectors(tmp_path / "vectors.faiss", rows)
    return Vectors(tmp_path / "vectors.faiss")


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


def test_rows_come_back_bit_for_bit_in_the_order_asked(rows: Floats, vectors: Vectors) -> None:
    numbers = np.array([499, 0, 17, 17])
    assert len(vectors) == 500
    assert np.array_equal(vectors.rows(numbers), rows[numbers])
    assert vectors.rows(np.empty(0, np.int64)).shape == (0, 24)


def test_an_empty_file_finds_nothing(tmp_path: Path) -> None:
    write_vectors(tmp_path / "v", np.empty((0, 8), np.float32))
    assert vectors_found(Vectors(tmp_path / "v"), 8) == []


def vectors_found(vectors: Vectors, dimension: int) -> list[int]:
    found: list[int] = vectors.search(np.ones(dimension, np.float32), 3)[0].tolist()
    return found


def test_an_open_file_stays_readable_after_its_name_is_gone(rows: Floats, vectors: Vectors, tmp_path: Path) -> None:
    (tmp_path / "vectors.faiss").unlink()
    assert np.array_equal(vectors.rows(np.arange(500)), rows)


def test_what_faiss_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"keine Vektoren")
    with pytest.raises(VectorsError, match=r"/v: FAISS cannot read it"):
        Vectors(tmp_path / "v")
    with pytest.raises(FileNotFoundError):
        Vectors(tmp_path / "fehlt")
