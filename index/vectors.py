"""Unit vectors on disk and their inner-product search (FAISS)."""

from pathlib import Path
from typing import Any

import numpy as np

from index.errors import BelegError

Floats = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


class VectorsError(BelegError):
    """A vector file that FAISS cannot read."""


class Vectors:
    """Read-only rows of unit length, numbered from 0, memory-mapped."""

    def __init__(self, path: Path) -> None:
        import faiss

        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            path.stat()  # a writer may have merged it away: then a FileNotFoundError
            raise VectorsError(f"{path}: FAISS cannot read it ({error}); rebuild the index") from error

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, query: Floats, k: int, allowed: Mask | None = None) -> tuple[Ints, Floats]:
        """Return the rows nearest to a ``(dim,)`` unit vector and their cosines, best first, at most ``k``.

        Args:
            query: ``(dim,)`` float32, unit length.
            k: How many rows; more than there are gives all.
            allowed: ``(rows,)`` bool; only these rows are searched.
        """
        import faiss

        parameters = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(allowed), faiss.swig_ptr(bits))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        k = min(k, len(self))
        if k == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        scores, rows = self._index.search(query[np.newaxis], k, params=parameters)
        found = rows[0] >= 0  # FAISS fills up with -1
        return rows[0][found], scores[0][found]

    def rows(self, numbers: Ints) -> Floats:
        """Return the ``(n, dim)`` vectors of these rows."""
        vectors: Floats = self._index.reconstruct_batch(np.asarray(numbers, np.int64))
        return vectors


def write_vectors(path: Path, vectors: Floats) -> None:
    """Write ``(n, dim)`` float32 unit rows as a flat inner-product index.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_vectors(Path(folder, "v"), np.eye(3, dtype=np.float32))
    ...     rows, cosines = Vectors(Path(folder, "v")).search(np.array([0, 1, 0], np.float32), k=1)
    >>> rows.tolist(), cosines.tolist()
    ([1], [1.0])
    """
    import faiss

    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors, np.float32))
    # Through Python's own file, so that a full disk is an OSError.
    path.write_bytes(faiss.serialize_index(flat).tobytes())
