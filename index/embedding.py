"""Texts to unit vectors: the embedded multilingual-e5-small, or any model that sentence-transformers can load.

The embedded model runs on torch alone: to import sentence-transformers takes three times as long as to import torch,
load the model and embed a question.
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
from index.weights import EMBEDDING_WEIGHTS, fetch, is_offline

# How often an OpenMP thread looks whether the others are done before it sleeps. Left alone it looks for milliseconds,
# and a question takes 0.2 s in place of 0.01 s while another process, or the language model, uses the CPU. 1000 is what
# libgomp takes by itself where threads outnumber CPUs. It reads this once, when the first library brings it along.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

    Affine = tuple[torch.Tensor, torch.Tensor]
    """The weight and the bias of a linear map or of a layer norm."""

EMBEDDED_MODEL = "multilingual-e5-small"

Vectors = NDArray[np.float32]
Role = Literal["query", "document"]
Encode = Callable[[list[str], Role], Vectors]
"""From n texts to (n, dimension) float32, of any length."""

_E5_PROMPTS: dict[Role, str] = {"query": "query: ", "document": "passage: "}
_E5_FORM = 1
"""Part of the fingerprint: raise it with every change that gives the embedded model other vectors."""
_BATCH_CHARACTERS = 6_000
_MOST_CHARACTERS = 2_500
"""About what the 512 tokens take that the embedded model reads of a text."""
_HUB_TIMEOUT_SECONDS = 5.0


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
        """Vectors may be compared where this is equal."""
        self.dimension = dimension
        self._encode = encode

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
    if name != EMBEDDED_MODEL:
        return _load_sentence_transformer(name)
    model = _MultilingualE5(fetch(EMBEDDING_WEIGHTS))
    return Embedder(name, embedded_fingerprint(), model.dimension, model)


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


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text.encode(errors="replace").decode()


# The embedded model: its network


class _MultilingualE5:
    """multilingual-e5-small (Wang et al. 2024, Multilingual E5 Text Embeddings), a BERT, on the CPU.

    The table of words, four fifths of the weights, stays in 4 bit, for a text needs few of its 250,037 rows.
    """

    def __init__(self, path: Path) -> None:
        file = _read_e5(path.read_bytes())
        self.dimension = file.hidden
        self._heads, self._epsilon = file.heads, file.epsilon
        self._tokenizer = _build_tokenizer(file)
        self._words = file.tensors["emb.word"].reshape(-1, file.hidden // _BLOCK_WEIGHTS)
        self._places = file.matrix("emb.pos") + file.matrix("emb.type")[0]
        self._norm = _affine(file, "emb.ln")
        self._layers = [_build_layer(file, number) for number in range(file.layers)]

    def __call__(self, texts: list[str], role: Role) -> Vectors:
        import torch

        encodings = self._tokenizer.encode_batch_fast([_E5_PROMPTS[role] + text for text in texts])
        ids = np.array([encoding.ids for encoding in encodings])
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool)
        with torch.inference_mode():
            return _mean(self._states(ids, mask[:, None, None, :]), mask).numpy()

    def _states(self, ids: NDArray[np.int64], mask: "torch.Tensor") -> "torch.Tensor":
        """Run the network: token ids (n, length) -> states (n, length, hidden)."""
        import torch

        words = torch.from_numpy(_floats(self._words[ids]) + self._places[: ids.shape[1]])
        states = _normalise(words.to(_number_format()), self._norm, self._epsilon)
        for layer in self._layers:
            states = layer(states, mask, self._heads, self._epsilon)
        return states


@dataclass(frozen=True)
class _Layer:
    """A layer of a BERT (Devlin et al. 2019): attention, then two linear maps, each added to its input, normalised."""

    query_key_value: "Affine"
    mix: "Affine"
    mix_norm: "Affine"
    widen: "Affine"
    narrow: "Affine"
    narrow_norm: "Affine"

    def __call__(self, states: "torch.Tensor", mask: "torch.Tensor", heads: int, epsilon: float) -> "torch.Tensor":
        """Map states (n, length, hidden) to states, attending only to tokens under the mask (n, 1, 1, length)."""
        from torch.nn import functional

        n, length, hidden = states.shape
        joined = functional.linear(states, *self.query_key_value)
        query, key, value = joined.view(n, length, 3, heads, hidden // heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        seen = seen.transpose(1, 2).reshape(n, length, hidden)
        states = _normalise(states + functional.linear(seen, *self.mix), self.mix_norm, epsilon)
        wide = functional.gelu(functional.linear(states, *self.widen))
        return _normalise(states + functional.linear(wide, *self.narrow), self.narrow_norm, epsilon)


def _normalise(states: "torch.Tensor", norm: "Affine", epsilon: float) -> "torch.Tensor":
    from torch.nn import functional

    return functional.layer_norm(states, states.shape[-1:], *norm, epsilon)


def _mean(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Average over the tokens under the mask: (n, length, hidden), (n, length) -> (n, hidden) float32."""
    kept = mask.unsqueeze(-1)
    return (states.float() * kept).sum(1) / kept.sum(1)


def _build_layer(file: "_E5File", number: int) -> _Layer:
    import torch

    weights, biases = zip(*(_affine(file, f"l{number}.{name}") for name in "qkv"), strict=True)
    others = (_affine(file, f"l{number}.{name}") for name in ("ao", "aln", "fi", "fo", "oln"))
    return _Layer((torch.cat(weights), torch.cat(biases)), *others)


def _affine(file: "_E5File", name: str) -> "Affine":
    """Return the weight, (out, in) for a linear map, and the bias in the number format that this CPU is best at."""
    import torch

    bias = torch.from_numpy(_floats(file.tensors[f"{name}.b"]))
    weight = torch.from_numpy(_floats(file.tensors[f"{name}.w"]))
    if not name.endswith("ln"):
        weight = weight.view(len(bias), -1)
    return weight.to(_number_format()), bias.to(_number_format())


@cache
def _number_format() -> "torch.dtype":
    """Return bfloat16 where the CPU computes in it, else float32."""
    import torch

    able = torch.cpu.get_capabilities()
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32


def _build_tokenizer(file: "_E5File") -> "Tokenizer":
    """Build XLM-R's SentencePiece tokenizer (Conneau et al. 2020): the likeliest pieces of the normalised text."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(file.pieces, unk_id=file.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", file.start), ("</s>", file.end)]
    )
    tokenizer.enable_truncation(file.positions)
    tokenizer.enable_padding(pad_id=file.padding)
    return tokenizer


# The embedded model: its file

_BLOCK_WEIGHTS = 32
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK_WEIGHTS // 2,))])


@dataclass(frozen=True)
class _E5File:
    """What ``e5-small-q4.bin`` holds; the tensors are flat, float32 or blocks of 32 weights in 4 bit."""

    hidden: int
    layers: int
    heads: int
    positions: int
    epsilon: float
    start: int
    end: int
    padding: int
    unknown: int
    pieces: list[tuple[str, float]]
    tensors: dict[str, NDArray[Any]]

    def matrix(self, name: str) -> Vectors:
        """Return a table of rows as wide as the states: (rows, hidden) float32."""
        return _floats(self.tensors[name]).reshape(-1, self.hidden)


def _read_e5(data: bytes) -> _E5File:
    fields = _Fields(data, at=8)
    hidden, layers, heads, _, _, positions, _ = fields.take("7i")
    epsilon, _ = fields.take("fi")
    count, start, end, padding, unknown = fields.take("5i")
    pieces = _read_pieces(fields, count)
    _, normalisation_bytes = fields.take("iI")
    fields.at += normalisation_bytes
    tensors = dict(_read_tensors(fields))
    return _E5File(hidden, layers, heads, positions, epsilon, start, end, padding, unknown, pieces, tensors)


def _read_pieces(fields: "_Fields", count: int) -> list[tuple[str, float]]:
    """Return the pieces of the vocabulary, in the order of their ids, with their log-probabilities."""
    (blob_bytes,) = fields.take("Q")
    offsets = fields.array("<u4", count + 1).tolist()
    scores = fields.array("<f4", count).tolist()
    blob = fields.array("u1", blob_bytes).tobytes()
    return [(blob[begin:end].decode(), score) for begin, end, score in zip(offsets, offsets[1:], scores, strict=False)]


def _read_tensors(fields: "_Fields") -> Iterator[tuple[str, NDArray[Any]]]:
    (count,) = fields.take("i")
    for _ in range(count):
        (length,) = fields.take("H")
        name = fields.array("u1", length).tobytes().decode()
        kind, weights, offset, _ = fields.take("BIQQ")
        form, items = (_BLOCK, weights // _BLOCK_WEIGHTS) if kind == 1 else (np.dtype("<f4"), weights)
        yield name, np.frombuffer(fields.data, form, items, offset)


@dataclass
class _Fields:
    """Little-endian fields, read one after the other.

    >>> _Fields(bytes([7, 0, 1, 2]), at=0).take("HBB")
    (7, 1, 2)
    """

    data: bytes
    at: int

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def array(self, form: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, form, count, self.at)
        self.at += values.nbytes
        return values


def _floats(values: NDArray[Any]) -> Vectors:
    """Return float32 as they are, and (…, n) blocks of 4-bit weights as (…, 32 n) float32: (nibble - 8) x scale.

    >>> block = np.array([(0.5, [0x9F] + [0x88] * 15)], dtype=_BLOCK)
    >>> _floats(block)[[0, 1, 16]].tolist()
    [3.5, 0.0, 0.5]
    """
    if values.dtype != _BLOCK:
        return values.astype(np.float32)
    nibbles = np.concatenate([values["nibbles"] & 15, values["nibbles"] >> 4], axis=-1, dtype=np.float32)
    weights = (nibbles - 8) * values["scale"].astype(np.float32)[..., None]
    return weights.reshape(*values.shape[:-1], -1)


# Other models


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
        name, local_files_only=here or is_offline(), trust_remote_code=False, model_kwargs={"dtype": _number_format()}
    )
    if _is_e5(name) and not any(model.prompts.values()):
        model.prompts = dict(_E5_PROMPTS)
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
