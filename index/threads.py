"""One thread for small computations: to wait for a second one takes longer than to answer one question.

And BLAS's second thread goes on spinning for 20 ms, on a core that the next question's embedding needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Let FAISS use one thread for what this thread asks of it, and numpy's BLAS for what any thread does.

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
