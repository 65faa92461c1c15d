"""Texts to unit vectors: the embedded multilingual-e5-small, or any model that sentence-transformers can load.

The embedded model runs on torch alone, because importing sentence-transformers takes longer than everything else that
a question needs; its weights stay in the 4 bit they are published in until they are used.
"""

import hashlib
import os
import re
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from index.errors import BelegError
from index.settings import index_settings
from index.weights import EMBEDDING_WEIGHTS, fetch

if TYPE_CHECKING:
    import torch

EMBEDDED_MODEL = "multilingual-e5-small"

Vectors = NDArray[np.float32]
Role = Literal["query", "document"]
Encode = Callable[[list[str], Role], Vectors]
"""From a batch of n texts to (n, dimension) float32."""

_E5_PROMPTS: dict[Role, str] = {"query": "query: ", "document": "passage: "}
_E5_FORM = 1
"""Part of the fingerprint: raise it with every change that gives the embedded model other vectors."""
_MAX_TOKENS = 512
_BATCH_CHARACTERS = 6_000
_LONGEST_CHARACTERS = 2_500
"""About what 512 tokens of German take; the model reads no further."""


class EmbeddingError(BelegError):
    """An embedding model cannot be had."""


class Embedder:
    """A model that turns texts into unit vectors; threads may share it.

    >>> def encode(texts: list[str], role: Role) -> Vectors:
    ...     return np.array([[len(text), 4] for text in texts], dtype=np.float32)
    >>> embedder = Embedder("lengths", "1", 2, encode)
    >>> embedder.embed_query("Uhr")
    array([0.6, 0.8], dtype=float32)
    >>> embedder.embed_documents(["Uhr", ""]).shape
    (2, 2)
    """

    def __init__(self, name: str, fingerprint: str, dimension: int, encode: Encode) -> None:
        self.name = name
        self.fingerprint = fingerprint
        """Equal where the vectors are comparable."""
        self.dimension = dimension
        self._encode = encode

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question: (dimension,) float32, of length 1."""
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of questions: (n, dimension) float32, unit rows, in the order of the texts."""
        return self._embed(texts, "query", None)

    def embed_documents(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> Vectors:
        """Return the vectors of passages: (n, dimension) float32, unit rows, in the order of the texts.

        ``progress(done, total)`` counts texts.
        """
        return self._embed(texts, "document", progress)

    def _embed(self, texts: Sequence[str], role: Role, progress: Callable[[int, int], None] | None) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        done = 0
        for rows in _batches([len(text) for text in texts]):
            batch = self._encode([_encodable(texts[row]) for row in rows], role)
            vectors[rows] = batch / np.maximum(np.linalg.norm(batch, axis=1, keepdims=True), 1e-12)
            done += len(rows)
            if progress:
                progress(done, len(texts))
        return vectors


def load_embedder(name: str | None = None) -> Embedder:
    """Return the embedder of that name; it is loaded once a process.

    Args:
        name: ``multilingual-e5-small`` (embedded), a local folder or a hub name; by default the one of the settings.

    Raises:
        EmbeddingError: the model cannot be had.
        WeightsError: the weights of the embedded model cannot be had.
    """
    with _loading:
        return _load(name or index_settings().embedding_model)


_loading = threading.Lock()


@cache
def _load(name: str) -> Embedder:
    if name == EMBEDDED_MODEL:
        model = _MultilingualE5(fetch(EMBEDDING_WEIGHTS))
        return Embedder(name, embedded_fingerprint(), model.dimension, model)
    return _load_foreign(name)


def embedded_fingerprint() -> str:
    """Return the fingerprint of the embedded model; needs neither torch nor the weights.

    >>> embedded_fingerprint()[:15]
    'sha256:1571fc98'
    """
    return f"sha256:{EMBEDDING_WEIGHTS.sha256}/{_E5_FORM}"


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group the positions of texts of like length, the longest first; a padded batch holds about 1,500 tokens.

    >>> list(_batches([2_000, 10, 2_000, 2_000, 2_000, 20]))
    [[0, 2, 3], [4, 5, 1]]
    """
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        longest = min(lengths[batch[0]] if batch else lengths[row], _LONGEST_CHARACTERS)
        if batch and (len(batch) + 1) * max(longest, 1) > _BATCH_CHARACTERS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode(errors="replace").decode()


# The embedded model


class _MultilingualE5:
    """multilingual-e5-small (Wang et al. 2024, Multilingual E5 Text Embeddings), a BERT of 12 layers, on the CPU."""

    def __init__(self, path: Path) -> None:
        contents = _read_e5(path.read_bytes())
        self.dimension = contents.hidden
        self._tokenizer = _build_tokenizer(contents)
        self._words = contents.tensors["emb.word"].reshape(-1, contents.hidden // _BLOCK_WEIGHTS)
        self._encoder = _Encoder(contents)

    def __call__(self, texts: list[str], role: Role) -> Vectors:
        encodings = self._tokenizer.encode_batch_fast([_E5_PROMPTS[role] + text for text in texts])
        ids = np.array([encoding.ids for encoding in encodings])
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=bool)
        return self._encoder(_dequantise(self._words[ids]), mask)


class _Encoder:
    """The layers of a BERT, in bfloat16 where the CPU computes it natively, else in float32."""

    def __init__(self, contents: "_E5") -> None:
        import torch

        self._heads = contents.heads
        self._epsilon = contents.epsilon
        self._dtype = torch.bfloat16 if _computes_bfloat16() else torch.float32
        floats = {
            name: torch.from_numpy(_floats(values)) for name, values in contents.tensors.items() if name != "emb.word"
        }
        self._positions = floats["emb.pos"].view(-1, contents.hidden) + floats["emb.type"][: contents.hidden]
        self._tensors = {name: values.to(self._dtype) for name, values in floats.items()}
        self._join_query_key_value(contents.layers)

    def __call__(self, words: Vectors, mask: NDArray[np.bool_]) -> Vectors:
        """Return the mean over the tokens under the mask: (n, length, hidden), (n, length) -> (n, hidden)."""
        import torch
