"""Rows of numbers on disk, without a header, memory-mapped.

Not ``.npy``: numpy parses its header with ``ast``, which fails in threads before Python 3.11.8 (CPython issue 106905).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def write_array(path: Path, values: "np.ndarray[Any, Any]", dtype: DTypeLike) -> None:
    """Write the values in row order.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_array(Path(folder, "a"), np.array([[1, 2], [3, 4]]), "<i4")
    ...     Path(folder, "a").stat().st_size, read_array(Path(folder, "a"), "<i4").tolist()
    (16, [1, 2, 3, 4])
    """
    path.write_bytes(values.astype(dtype).tobytes())


def read_array(path: Path, dtype: DTypeLike) -> "np.ndarray[tuple[int], Any]":
    """Map what ``write_array`` wrote as one row, read-only."""
    if path.stat().st_size == 0:  # which cannot be mapped
        return np.empty(0, dtype)
    return np.asarray(np.memmap(path, dtype, "r"))  # of numpy's own type, which is sliced three times as fast
