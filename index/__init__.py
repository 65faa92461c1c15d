"""German files -> searchable index."""

from index.chunking import Chunk
from index.document import Document, Failure
from index.errors import BelegError
from index.loading import load_documents
from index.opening import open_index
from index.protocol import AnyIndex
from index.search import Hit
from index.store import Changes, Index

__all__ = [
    "AnyIndex",
    "BelegError",
    "Changes",
    "Chunk",
    "Document",
    "Failure",
    "Hit",
    "Index",
    "load_documents",
    "open_index",
]
