"""Milvus for ``index.vectorstore``, through langchain-milvus: a cluster by its URL, or a file (milvus-lite).

``milvus://user:password@host:19530/database?collection=name``, with ``&secure=true`` for TLS;
``milvus:///folder/file.db?collection=name`` for a file.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.documents import Document as Entry

from index.address import StoreURL
from index.embedding import Embedder
from index.manifest import StoreError
from index.vectors import Floats
from index.vectorstore import KeptEmbeddings, VectorStoreIndex

CONNECTING_SECONDS = 5.0
_BATCH = 500
_SHORT = ["pk", "document", "hash", "number", "chunks"]
_INDEX = {"index_type": "HNSW", "metric_type": "IP", "params": {"M": 16, "efConstruction": 200}}
_SEARCH = {"metric_type": "IP", "params": {"ef": 1000}}
"""More than any search asks for, which a smaller one would refuse."""


class MilvusIndex:
    """Opens an index in Milvus."""

    @classmethod
    def open(cls, url: StoreURL, *, embedder: Embedder | None = None, must_exist: bool = False) -> VectorStoreIndex:
        """Open a collection; where there is none, and it need not exist, it is made by the first documents.

        Raises:
            StoreError: No server answers, it lets us not in, or the collection's name is not one of Milvus'.
        """
        from langchain_milvus import Milvus

        name = _collection(url)
        if must_exist and not cls.exists(url):
            raise StoreError(f"{url}: no collection {name!r} there; make it: beleg index add PATH --index URL")
        kept = KeptEmbeddings()
        with _failing(url):
            store = Milvus(
                kept,
                name,
                connection_args=_connection(url),
                index_params=_INDEX,
                search_params=_SEARCH,
                consistency_level="Strong",
            )
        return VectorStoreIndex(url, store, _Entries(url, store), kept, embedder)

    @staticmethod
    def exists(url: StoreURL) -> bool:
        """Whether the collection is there."""
        from pymilvus import MilvusClient

        with _failing(url):
            client = MilvusClient(**_connection(url))
            try:
                return bool(client.has_collection(_collection(url)))
            finally:
                client.close()


class _Entries:
    """The entries of a collection."""

    def __init__(self, url: StoreURL, store: Any) -> None:
        self._url, self._store = url, store
        self._collection = _collection(url)

    def failing(self) -> AbstractContextManager[None]:
        """Turn what Milvus or its client says into ``StoreError``."""
        return _failing(self._url)

    def entries(self, *, documents: Sequence[str] | None, number: int | None, short: bool) -> Iterator[Entry]:
        """Yield entries, some at a time."""
        if self._store.col is None:  # nothing was added yet
            return
        conditions = ["number >= 0" if number is None else f"number == {number}"]
        if documents is not None:
            conditions.append("document in {documents}")
        fields = _SHORT if short else [*_SHORT, "text", "data", "tokens"]
        wanted = {"filter": _filled(" and ".join(conditions), documents), "output_fields": fields}
        if documents is not None and number is not None:  # one of each document at most
            yield from _read(self._store.client.query(self._collection, **wanted))
            return
        rows = self._store.client.query_iterator(self._collection, batch_size=_BATCH, **wanted)
        try:
            while batch := rows.next():
                yield from _read(batch)
        finally:
            rows.close()

    def vectors(self, ids: Sequence[str]) -> Floats:
        """Return the vectors of entries, in the order of their ids."""
        rows = self._store.client.get(self._collection, ids=list(ids), output_fields=["pk", "vector"])
        found = {row["pk"]: row["vector"] for row in rows}
        return np.array([found[one] for one in ids], np.float32)

    def only(self, documents: Sequence[str] | None) -> Mapping[str, Any]:
        """Return the expression that finds chunks of these documents alone."""
        also = "" if documents is None else " and document in {documents}"
        return {"expr": _filled(f"number >= 0{also}", documents)}


def _read(rows: Iterable[dict[str, Any]]) -> Iterator[Entry]:
    yield from (Entry(row.get("text", ""), metadata=dict(row)) for row in rows)


def _filled(expression: str, documents: Sequence[str] | None) -> str:
    r"""Put the ids, as strings of Milvus, in their place.

    >>> print(_filled("document in {documents}", ['a"b', "c\\"]))
    document in ["a\"b","c\\"]
    """
    quoted = (one.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for one in documents or ())
    return expression.replace("{documents}", "[" + ",".join(f'"{one}"' for one in quoted) + "]")


def _collection(url: StoreURL) -> str:
    name = url.option("collection", "beleg")
    if not re.fullmatch(r"[A-Za-z_]\w{0,254}", name, re.ASCII):
        raise StoreError(f"{url}: {name!r} is no name of a collection; take letters, digits and _")
    return name


def _connection(url: StoreURL) -> dict[str, Any]:
    if url.place.startswith("/"):
        file = Path(url.place)
        if not file.parent.is_dir():
            raise StoreError(f"{url}: there is no folder {file.parent}; make it, or give another")
        # It warns at each list of entries that a file has no clock of a cluster's.
        logging.getLogger("pymilvus.client.iterator.query_iterator").setLevel(logging.ERROR)
        return {"uri": str(file)}
    host, _, database = url.place.partition("/")
    scheme = "https" if url.option("secure") == "true" else "http"
    given = {"user": url.user, "password": url.password, "token": url.option("token"), "db_name": database}
    return {
        "uri": f"{scheme}://{host if ':' in host else f'{host}:19530'}",
        "timeout": CONNECTING_SECONDS,
        **{name: value for name, value in given.items() if value},
    }


@contextmanager
def _failing(url: StoreURL) -> Iterator[None]:
    """Put what Milvus or its client says in words of ours."""
    from grpc import RpcError
    from pymilvus.exceptions import MilvusException

    try:
        yield
    except (MilvusException, RpcError, ConnectionError, OSError) as error:
        said = url.hidden(str(getattr(error, "message", "") or error).strip().splitlines()[0])
        raise StoreError(
            f"{url}: {said}; check that Milvus runs, its host and port, user and password; the next try connects again"
        ) from error
