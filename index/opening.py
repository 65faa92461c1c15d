"""Address -> index: the one place that knows which stores there are."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from index.address import Address, StoreURL, parse_address
from index.embedding import Embedder
from index.manifest import StoreError
from index.protocol import AnyIndex
from index.settings import index_settings
from index.store import Index

# Scheme -> module and class that opens it, the package it needs, and the extra that brings it.
_STORES: dict[str, tuple[str, str, str, str]] = {
    "postgresql": ("index.postgres.store", "PostgresIndex", "psycopg", "postgres"),
    "postgres": ("index.postgres.store", "PostgresIndex", "psycopg", "postgres"),
    "milvus": ("index.milvus", "MilvusIndex", "langchain_milvus", "milvus"),
}


def open_index(
    address: str | Path | StoreURL | None = None, *, embedder: Embedder | None = None, must_exist: bool = False
) -> AnyIndex:
    """Open the index at an address (default: ``BELEG_INDEX``); where none is, create an empty one.

    Args:
        address: A folder, or the URL of a store: ``postgresql://user:password@host/database?collection=name``.
        embedder: Of its vectors; by default the one of the settings.
        must_exist: Whether to fail where no index is.

    Raises:
        StoreError: There is something else, no server answers, or it does not let us in; or nothing is there, and
            ``must_exist`` is set.
    """
    where = parse_address(address or index_settings().index)
    if isinstance(where, Path):
        return Index.open(where, embedder=embedder, must_exist=must_exist)
    opened: AnyIndex = _store(where).open(where, embedder=embedder, must_exist=must_exist)
    return opened


def index_exists(address: Address) -> bool:
    """Whether an index is there."""
    return Index.exists(address) if isinstance(address, Path) else bool(_store(address).exists(address))


def _store(url: StoreURL) -> Any:
    if url.scheme not in _STORES:
        known = ", ".join(f"{scheme}://…" for scheme in _STORES)
        raise StoreError(f"{url}: no index is kept in {url.scheme!r}; give a folder or {known}")
    module, name, needed, extra = _STORES[url.scheme]
    if find_spec(needed) is None:
        raise StoreError(f"{url}: needs another package; install it: pip install 'beleg[{extra}]'")
    return getattr(import_module(module), name)
