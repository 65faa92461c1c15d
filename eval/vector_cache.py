"""Vectors and tokens of passages kept between evaluations: only a new or changed passage is embedded again."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from index.e5 import Role
from index.embedding import Embedder
from index.language import Language
from index.late_interaction import Bits, Tokens
from index.settings import index_settings
from index.vectors import Floats

_TABLE = "create table if not exists passages (key blob primary key, vector blob, width integer, tokens blob)"


class CachedPassages:
    """An embedder's passages, looked up in a file before they are embedded."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self._path = path

    def encode_question(self, text: str, language: Language) -> tuple[Floats, Tokens]:
        """Leave questions to the embedder."""
        return self._embedder.embed_question(text, language)

    def encode_passages(self, texts: list[str]) -> tuple[Floats, list[Bits]]:
        """Return the vectors and the packed tokens."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        with _opened(self._path) as table:
            known = {key: kept for key in keys if (kept := _kept(table, key))}
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            if missing:
                new = dict(zip(missing, self._embed(list(missing.values())), strict=True))
                table.executemany("insert or ignore into passages values (?, ?, ?, ?)", map(_row, new, new.values()))
                known |= new
        return np.stack([known[key][0] for key in keys]), [known[key][1] for key in keys]

    def _embed(self, texts: Sequence[str]) -> Iterator[tuple[Floats, Bits]]:
        return zip(*self._embedder.embed_passages(texts), strict=True)


def with_cache(embedder: Embedder, folder: Path | None = None) -> Embedder:
    """Return an embedder that gives the same and keeps passages in ``folder``, by default one of beleg's cache.

    One file a fingerprint, so that no vector of another model or form is ever taken.

    >>> import tempfile
    >>> def encode(texts: list[str], role: Role) -> Floats:
    ...     print("encoding", texts)
    ...     return np.ones((len(texts), 1), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     embedder = with_cache(Embedder("ones", "1", 1, encode), Path(folder))
    ...     _ = embedder.embed_passages(["ab", "c"]), embedder.embed_passages(["c", "d"])
    encoding ['ab', 'c']
    encoding ['d']
    """
    folder = folder or index_settings().cache / "eval" / "vectors"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(embedder.fingerprint.encode()).hexdigest()[:16]}.sqlite"

    def encode(texts: list[str], role: Role) -> Floats:
        return embedder.embed_queries(texts) if role == "query" else embedder.embed_documents(texts)

    passages = CachedPassages(embedder, path)
    form = embedder.question_fingerprint.removeprefix(embedder.fingerprint).strip()
    return Embedder(embedder.name, embedder.fingerprint, embedder.dimension, encode, passages, adapter=form)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    table = sqlite3.connect(path, timeout=60)
    try:
        with table:
            table.execute(_TABLE)
            yield table
    finally:
        table.close()


def _row(key: bytes, passage: tuple[Floats, Bits]) -> tuple[bytes, bytes, int, bytes]:
    vector, tokens = passage
    return key, vector.astype("<f4").tobytes(), tokens.shape[1], tokens.tobytes()


def _kept(table: sqlite3.Connection, key: bytes) -> tuple[Floats, Bits] | None:
    row = table.execute("select vector, width, tokens from passages where key = ?", (key,)).fetchone()
    if row is None:
        return None
    vector, width, tokens = row
    return np.frombuffer(vector, "<f4"), np.frombuffer(tokens, np.uint8).reshape(-1, width)
