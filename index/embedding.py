"""Texts to unit vectors: the embedded multilingual-e5-small, or any model that sentence-transformers can load."""

import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from index.e5 import PROMPTS, MultilingualE5, Role, Vectors, number_format
from index.encodings import encodable
from index.errors import BelegError
from index.language import Language
from index.late_interaction import NO_TOKENS, Bits, Tokens, packed
from index.question_adapter import QUESTION_ADAPTER
from index.question_adapter import fingerprint as adapter_fingerprint
from index.settings import index_settings
from index.weights import EMBEDDING_WEIGHTS, fetch, is_offline

# How often an OpenMP thread looks whether the others are done before it sleeps. Left alone it looks for milliseconds,
# and a question takes 0.2 s in place of 0.01 s while another process, or the language model, uses the CPU. 1000 is what
# libgomp takes by itself where threads outnumber CPUs. It reads this once, when the first library brings it along.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

EMBEDDED_MODEL = "multilingual-e5-small"
EMBEDDED_DIMENSION = 384

Encode = Callable[[list[str], Role], Vectors]
"""From n texts to (n, dimension) float32, of any length."""

_E5_FORM = 2
"""Part of the fingerprint: raise it with every change that gives the embedded model other vectors."""
_BATCH_CHARACTERS = 6_000
_MOST_CHARACTERS = 2_500
"""About what the 512 tokens take that the embedded model reads of a text."""
_HUB_TIMEOUT_SECONDS = 5.0
_MOST_REMEMBERED = 20_000
"""Vectors of sentences, 1.5 kB each with 384 dimensions."""


class EmbeddingError(BelegError):
    """An embedding model cannot be had."""


class TokenEncoder(Protocol):
    """A model that gives the vectors of a text's tokens beside its own; not yet of unit length."""

    def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
        """Return ``(n, dimension)``, and the packed tokens of each text."""

    def encode_question(self, text: str, language: Language) -> tuple[Vectors, Tokens]:
        """Return ``(dimension,)``, and the tokens."""


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

    def __init__(
        self,
        name: str,
        fingerprint: str,
        dimension: int,
        encode: Encode,
        tokens: TokenEncoder | None = None,
        *,
        adapter: str = "",
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        """Vectors of passages may be compared where this is equal."""
        self.question_fingerprint = f"{fingerprint} {adapter}".strip()
        """Changes also with what only questions are read by."""
        self.dimension = dimension
        self._encode = encode
        self._tokens = tokens
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()
        """Vectors of sentences, the one that was asked for last at the end."""
        self._remembering = threading.Lock()
        self._embedding_sentences = threading.Lock()

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question: (dimension,) float32, of length 1."""
        vector: Vectors = self.embed_queries([text])[0]
        return vector

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of questions: (n, dimension) float32, unit rows, in the order of the texts."""
        return self._embed(texts, "query", None)

    def embed_documents(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Return the vectors of passages: (n, dimension) float32, unit rows, in the order of the texts.

        ``progress(done, total)`` counts texts.
        """
        return self._embed(texts, "document", progress)

    def embed_sentences(self, texts: Sequence[str]) -> Vectors:
        """Return what ``embed_documents`` returns, for texts that are asked for again: the newest are remembered."""
        found = self._recall(texts)
        if len(found) < len(set(texts)):
            with self._embedding_sentences:  # who asks at the same time often wants the same ones: they come but once
                found = self._recall(texts)
                new = [text for text in dict.fromkeys(texts) if text not in found]
                found |= zip(new, self.embed_documents(new), strict=True)
                self._remember(found)
        return np.stack([found[text] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    def _recall(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of those sentences that are remembered."""
        with self._remembering:
            found = {text: self._remembered[text] for text in texts if text in self._remembered}
            for text in found:
                self._remembered.move_to_end(text)
        return found

    def _remember(self, vectors: dict[str, Vectors]) -> None:
        """Keep the vectors of sentences; the ones that were not asked for longest go."""
        with self._remembering:
            for text, vector in vectors.items():
                self._remembered[text] = vector
                self._remembered.move_to_end(text)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)

    def embed_passages(
        self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Vectors, list[Bits]]:
        """Return what ``embed_documents`` returns, and each text's packed tokens, none where the model has none."""
        if self._tokens is None:
            return self.embed_documents(texts, progress=progress), [packed(NO_TOKENS)] * len(texts)
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        bits = [packed(NO_TOKENS)] * len(texts)
        for rows, batch in _batched(texts, progress):
            encoded, tokens = self._tokens.encode_passages(batch)
            vectors[rows] = _unit(encoded)
            for row, of_text in zip(rows, tokens, strict=True):
                bits[row] = of_text
        return vectors, bits

    def embed_question(self, text: str, language: Language) -> tuple[Vectors, Tokens]:
        """Return the vector of a question, as ``embed_query`` does, and its tokens."""
        if self._tokens is None:
            return self.embed_query(text), NO_TOKENS
        vector, tokens = self._tokens.encode_question(encodable(text), language)
        return _unit(vector), tokens

    def _embed(self, texts: Sequence[str], role: Role, progress: Callable[[int, int], None] | None) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for rows, batch in _batched(texts, progress):
            vectors[rows] = _unit(self._encode(batch, role))
        return vectors


def _unit(vectors: Vectors) -> Vectors:
    length: Vectors = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return vectors / length


def _batched(
    texts: Sequence[str], progress: Callable[[int, int], None] | None
) -> Iterator[tuple[list[int], list[str]]]:
    """Yield the rows and the texts of each batch; ``progress`` is told when it is done."""
    done = 0
    for rows in _batches([len(text) for text in texts]):
        yield rows, [encodable(texts[row]) for row in rows]
        done += len(rows)
        if progress:
            progress(done, len(texts))


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
    if name != EMBEDDED_MODEL:
        return _load_sentence_transformer(name)
    return embedded(QUESTION_ADAPTER)


def embedded(adapter: Path | None) -> Embedder:
    """Return the embedded model, its way of reading questions changed by the file of an adapter, or as published.

    Raises:
        WeightsError: the weights cannot be had.
    """
    model = MultilingualE5(fetch(EMBEDDING_WEIGHTS), adapter)
    form = adapter_fingerprint(adapter) if adapter else ""
    return Embedder(EMBEDDED_MODEL, embedded_fingerprint(), model.dimension, model, model, adapter=form)


def embedded_fingerprint() -> str:
    """Return the fingerprint of the embedded model; takes neither torch nor the weights.

    >>> embedded_fingerprint()[:15]
    'sha256:1571fc98'
    """
    return f"sha256:{EMBEDDING_WEIGHTS.sha256}/{_E5_FORM}"


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group the positions of texts of like length, the longest first, up to about 1,500 tokens with the padding.

    >>> list(_batches([2_000, 10, 2_000, 2_000, 2_000, 20]))
    [[0, 2, 3], [4, 5, 1]]
    """
    batch: list[int] = []
    longest = 1
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and (len(batch) + 1) * longest > _BATCH_CHARACTERS:
            yield batch
            batch = []
        if not batch:
            longest = min(max(lengths[row], 1), _MOST_CHARACTERS)
        batch.append(row)
    if batch:
        yield batch


def _load_sentence_transformer(name: str) -> Embedder:
    try:
        model = _open_sentence_transformer(name)
    except Exception as error:  # whatever the HTTP client, the hub's client, torch or the files raise
        reason = str(error).strip().splitlines()[:1]
        raise EmbeddingError(
            f"embedding model {name!r} cannot be loaded ({type(error).__name__}: {''.join(reason)}); give a local "
            f"folder, the full name of a model on a hub that is reached, or {EMBEDDED_MODEL!r}"
        ) from error
    fingerprint = _folder_fingerprint(Path(name)) if Path(name).is_dir() else _hub_fingerprint(name)
    return Embedder(name, fingerprint, model.get_embedding_dimension(), _locked_encode(model))


def _open_sentence_transformer(name: str) -> Any:
    """Load a model without running code from it, and without asking the hub where its files are here already."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import HfApi, try_to_load_from_cache
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    here = Path(name).is_dir() or isinstance(try_to_load_from_cache(name, "modules.json"), str)
    if not here and not is_offline():
        HfApi().model_info(name, timeout=_HUB_TIMEOUT_SECONDS)  # fails at once where loading would try for a minute
    model = SentenceTransformer(
        name, local_files_only=here or is_offline(), trust_remote_code=False, model_kwargs={"dtype": number_format()}
    )
    if _is_e5(name) and not any(model.prompts.values()):
        model.prompts = dict(PROMPTS)
    return model


def _is_e5(name: str) -> bool:
    """Tell a model of the E5 family that takes the prompts ``query:`` and ``passage:``.

    >>> [_is_e5(f"intfloat/{name}") for name in ("e5-base-v2", "multilingual-e5-large-instruct")]
    [True, False]
    """
    return re.search(r"(^|-)e5-(?!.*instruct)", Path(name).name.lower()) is not None


def _locked_encode(model: Any) -> Encode:
    """Return its ``encode`` for one thread at a time, as its tokenizer does not take two."""
    lock = threading.Lock()

    def encode(texts: list[str], role: Role) -> Vectors:
        run = model.encode_query if role == "query" else model.encode_document
        with lock:
            vectors = run(texts, batch_size=len(texts), show_progress_bar=False, convert_to_tensor=True)
        return vectors.float().cpu().numpy()  # type: ignore[no-any-return]

    return encode


def _hub_fingerprint(name: str) -> str:
    """Return the commit that the hub's files here are of."""
    from huggingface_hub import snapshot_download

    return f"hub:{name}@{Path(snapshot_download(name, local_files_only=True)).name}"


def _folder_fingerprint(folder: Path) -> str:
    """Return the SHA-256 over the names and the contents of a folder's files."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return f"sha256:{digest.hexdigest()}"
