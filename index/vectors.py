"""Unit vectors on disk and their inner-product search (FAISS): flat, and by clusters where flat would be slow.

Rows are float16: half the disk, the memory and the time of float32, and a cosine of e5-small is off by 0.00004 at most.
Up to ``CLUSTERED_ROWS`` a question is compared with all of them. Above, an inverted file of codes of four bits for two
dimensions (Jégou et al. 2011, Product Quantization for Nearest Neighbor Search; André et al. 2015, Cache Locality Is
Not Enough) proposes ``PROPOSED`` rows for each one wanted, and their exact cosines decide. For 500,000 rows that takes
2.5 ms in place of 16 on one core, and finds 0.996 of the nearest 100. An inverted file of whole rows would have to read
half of them, for questions lie far from passages; HNSW would have to compare 2,000, and takes minutes to build.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import chain
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import BelegError

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

Floats = np.ndarray[Any, np.dtype[np.float32]]
Halves = np.ndarray[Any, np.dtype[np.float16]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]

CLUSTERED_ROWS = 100_000
"""The flat search of so many takes 3 ms on one core."""
RECALL = 0.995
"""Of the nearest 100, measured on stand-ins for questions; questions then reach 0.99."""
PROPOSED = 20
_NEAREST = 100
_STAND_INS = 256
_TRAINING_ROWS = 64  # for each cluster
_BLOCK_ROWS = 16_384
_SEED = 1


class VectorsError(BelegError):
    """A vector file that FAISS cannot read."""


class Vectors:
    """Read-only rows of unit length, numbered from 0; threads may share them.

    On disk: ``vectors.faiss``, a flat index, memory-mapped; ``clusters.faiss`` where the rows are many, in memory (112
    bytes a row of 384 dimensions).
    """

    def __init__(self, folder: Path) -> None:
        import faiss

        self.folder = folder
        self.flat = _read(folder / "vectors.faiss")
        self.halves = _mapped_rows(folder / "vectors.faiss", len(self), self.flat.d)
        self._clusters: Any = _read(folder / "clusters.faiss") if (folder / "clusters.faiss").exists() else None
        self._refined = faiss.IndexRefine(self._clusters, self.flat) if self._clusters else None

    def __len__(self) -> int:
        return int(self.flat.ntotal)

    def search(self, query: Floats, k: int, allowed: Mask | None = None) -> tuple[Ints, Floats]:
        """Return the rows nearest to a ``(dim,)`` unit vector and their cosines, best first, at most ``k``.

        Args:
            query: ``(dim,)`` float32, unit length.
            k: How many rows; more than there are gives all.
            allowed: ``(rows,)`` bool; only these rows are searched: all of them, where few are near the question.
        """
        k = min(k, len(self))
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        with one_thread():
            if self._clusters and self._proposes_enough(query, k, allowed):
                return self._by_clusters(query, k, allowed)
            return self._by_all(query, k, allowed)

    def _proposes_enough(self, query: Floats, k: int, allowed: Mask | None) -> bool:
        """Whether the clusters propose fewer rows than there are, and of those near the question half are allowed."""
        proposed = _proposed(k)
        if proposed >= len(self) or allowed is None:
            return proposed < len(self)
        [rows] = self._clusters.search(query[np.newaxis], proposed)[1]
        return 2 * int(allowed[rows[rows >= 0]].sum()) >= proposed

    def _by_clusters(self, query: Floats, k: int, allowed: Mask | None) -> tuple[Ints, Floats]:
        import faiss

        probing: Any = faiss.SearchParametersIVF
        refining: Any = faiss.IndexRefineSearchParameters
        in_lists = probing(sel=_selector(allowed), nprobe=self._clusters.nprobe)
        return _found(self._refined, query, k, refining(k_factor=_proposed(k) / k, base_index_params=in_lists))

    def _by_all(self, query: Floats, k: int, allowed: Mask | None) -> tuple[Ints, Floats]:
        import faiss

        parameters: Any = faiss.SearchParameters
        return _found(self.flat, query, k, parameters(sel=_selector(allowed)))

    def rows(self, numbers: Ints) -> Floats:
        """Return the ``(n, dim)`` vectors of these rows."""
        return self.halves[numbers].astype(np.float32)


def _proposed(k: int) -> int:
    """How many rows the clusters propose for ``k``; the few nearest alone would often not be among them."""
    return PROPOSED * max(k, _NEAREST)


def _read(path: Path) -> Any:
    import faiss

    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        path.stat()  # a writer may have merged it away: then a FileNotFoundError
        raise VectorsError(f"{path}: FAISS cannot read it ({error}); rebuild the index") from error


def _mapped_rows(path: Path, rows: int, dimension: int) -> Halves:
    """Map the codes with which the file ends: ``(rows, dim)``."""
    if not rows:
        return np.empty((0, dimension), np.float16)
    return np.memmap(path, "<f2", "r", path.stat().st_size - 2 * rows * dimension, (rows, dimension))


def _selector(allowed: Mask | None) -> Any:
    import faiss

    bitmap: Any = faiss.IDSelectorBitmap  # keeps the array, as its types do not say
    return None if allowed is None else bitmap(np.packbits(allowed, bitorder="little"))


def _found(index: Any, query: Floats, k: int, parameters: Any) -> tuple[Ints, Floats]:
    scores, rows = index.search(query[np.newaxis], k, params=parameters)
    found = rows[0] >= 0  # FAISS fills up with -1
    return rows[0][found], scores[0][found]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let FAISS use one thread for what this thread asks of it, and numpy's BLAS for what any thread does.

    To wait for a second one takes longer than to answer one question; and BLAS's goes on spinning for 20 ms, on a core
    that the next question's embedding needs.

    >>> import faiss
    >>> with one_thread():
    ...     faiss.omp_get_max_threads()
    1
    """
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with _blas().limit(limits=1, user_api="blas"):
            yield
    finally:
        faiss.omp_set_num_threads(before)


@cache
def _blas() -> "ThreadpoolController":
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


# Writing


def write_vectors(folder: Path, blocks: Iterable[Floats | Halves]) -> None:
    """Write blocks of ``(n, dim)`` unit rows, at least one, which may be empty; they pass through memory one by one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_vectors(Path(folder), [np.eye(3, dtype=np.float32)])
    ...     rows, cosines = Vectors(Path(folder)).search(np.array([0, 1, 0], np.float32), k=1)
    >>> rows.tolist(), cosines.tolist()
    ([1], [1.0])
    """
    waiting = iter(blocks)
    first = next(waiting)
    rows, dimension = 0, first.shape[1]
    with (folder / "vectors.faiss").open("wb") as file:
        file.write(_head(rows, dimension))
        for block in chain([first], waiting):
            file.write(block.astype("<f2").tobytes())
            rows += len(block)
        file.seek(0)
        file.write(_head(rows, dimension))
    if rows > CLUSTERED_ROWS:
        _write_clusters(folder)


def _head(rows: int, dimension: int) -> bytes:
    """Return what FAISS writes of a flat index before its codes; it ends in their number of bytes."""
    import faiss

    flat = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    flat.ntotal = rows
    head: bytes = faiss.serialize_index(flat).tobytes()[:-8]
    return head + struct.pack("<Q", 2 * rows * dimension)


def _write_clusters(folder: Path) -> None:
    """Write ``clusters.faiss``, unless the codes do not suit these vectors: then all searches stay flat."""
    import faiss

    written = Vectors(folder)
    if written.halves.shape[1] % 2:
        return
    clusters = _trained(written.halves)
    for start in range(0, len(written), _BLOCK_ROWS):
        clusters.add(written.halves[start : start + _BLOCK_ROWS].astype(np.float32))
    if _choose_probes(clusters, written):
        # Through Python's own file, so that a full disk is an OSError.
        (folder / "clusters.faiss").write_bytes(faiss.serialize_index(clusters).data)


def _trained(halves: Halves) -> Any:
    """Return an empty inverted file with as many lists as a list will have rows, trained on a sample."""
    import faiss

    dimension, lists = halves.shape[1], isqrt(len(halves))
    centres = faiss.IndexFlatIP(dimension)
    clusters = faiss.IndexIVFPQFastScan(centres, dimension, lists, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
    clusters.by_residual = True
    clusters.cp.seed, clusters.cp.niter, clusters.cp.max_points_per_centroid = _SEED, 8, _TRAINING_ROWS
    clusters.train(_sample(halves, min(len(halves), lists * _TRAINING_ROWS)))
    return clusters


def _choose_probes(clusters: Any, written: Vectors) -> bool:
    """Set how many lists a search reads, so that it finds ``RECALL`` of what flat search finds; False: it cannot.

    Stand-ins for questions are the middles between two passages: they need as many lists as questions, or some more;
    passages with noise, the usual choice, need a third of that.
    """
    import faiss

    middles = _sample(written.halves, 2 * _STAND_INS).reshape(2, _STAND_INS, -1).sum(0)
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-9)
    nearest, _ = written.flat.search(middles, _NEAREST)
    refined = faiss.IndexRefine(clusters, written.flat)
    refined.k_factor = PROPOSED
    for sixteenths in range(1, 17):
        clusters.nprobe = max(1, clusters.nlist * sixteenths // 16)
        if recall(nearest, refined.search(middles, _NEAREST)[0]) >= RECALL:
            return True
    return False


def recall(nearest: Floats, found: Floats) -> float:
    """Share of the nearest rows that were found, in [0, 1]; of rows equally near it does not matter which.

    Args:
        nearest: ``(questions, k)`` cosines of the nearest rows, best first.
        found: ``(questions, k or fewer)`` cosines of the rows found.

    >>> recall(np.array([[0.9, 0.8], [0.7, 0.7]]), np.array([[0.9, 0.5], [0.7, 0.7]]))
    0.75
    """
    return float(np.sum(found >= nearest[:, -1:] - 1e-6) / nearest.size)


def _sample(halves: Halves, count: int) -> Floats:
    """Return so many different rows by chance, the same in every run."""
    chosen = np.random.default_rng(_SEED).choice(len(halves), count, replace=False)
    return halves[chosen].astype(np.float32)
