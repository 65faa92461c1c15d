"""multilingual-e5-small out of ``e5-small-q4.bin``, run on torch alone.

A BERT of twelve layers. To import sentence-transformers or transformers takes three times as long as to import torch,
load this and embed a question, and every command waits for that; the tests compare the vectors with transformers'.
"""

import re
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from index.language import Language
from index.late_interaction import Bits, Tokens, packed
from index.question_adapter import LAYERS as ADAPTED_LAYERS
from index.question_adapter import QUESTION_ADAPTER, read_changes
from index.stop_words import STOP_WORDS

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer

    Affine = tuple[torch.Tensor, torch.Tensor]
    """The weight and the bias of a linear map or of a layer norm."""

Vectors = NDArray[np.float32]
Role = Literal["query", "document"]

PROMPTS: dict[Role, str] = {"query": "query: ", "document": "passage: "}
TOKEN_MEANS = Path(__file__).with_name("e5_token_means.f32")
"""Mean of the unit token states of German passages, German questions, English questions: ``(3, hidden)`` float32,
measured on ``rag/parallel_questions.jsonl``. All states share it, and it hides in what they differ."""
_MEAN_OF = {"de": 1, "en": 2}
_WORD = re.compile(r"\w+")


class MultilingualE5:
    """multilingual-e5-small (Wang et al. 2024, Multilingual E5 Text Embeddings), a BERT, on the CPU.

    The table of words, four fifths of the weights, stays in 4 bit, for a text needs few of its 250,037 rows.

    Args:
        path: Of ``e5-small-q4.bin``.
        adapter: What its upper layers do otherwise where they read questions; ``None``: nothing.
    """

    def __init__(self, path: Path, adapter: Path | None = QUESTION_ADAPTER) -> None:
        file = read_e5(path.read_bytes())
        self.dimension = file.hidden
        self.heads, self.epsilon = file.heads, file.epsilon
        self._tokenizer = build_tokenizer(file)
        self._words = file.tensors["emb.word"].reshape(-1, file.hidden // _BLOCK_WEIGHTS)
        self._places = file.matrix("emb.pos") + file.matrix("emb.type")[0]
        self._norm = _rounded(_affine(file, "emb.ln"))
        changes = read_changes(adapter) if adapter else []
        first = file.layers - len(changes)
        layers = [build_layer(file, number) for number in range(file.layers)]
        self._layers = [layer.rounded() for layer in layers]
        self._question_layers = self._layers[:first] + [
            layer.changed(change).rounded() for layer, change in zip(layers[first:], changes, strict=True)
        ]
        self._means = np.fromfile(TOKEN_MEANS, "<f4").reshape(3, -1)

    def __call__(self, texts: list[str], role: Role) -> Vectors:
        """Encode texts in a role: (n, hidden) float32, not yet of unit length."""
        encodings = self._tokenizer.encode_batch_fast([PROMPTS[role] + text for text in texts])
        states, mask = self._states(encodings, role)
        return _mean(states, mask).numpy()

    def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
        """Encode German passages, with the packed tokens of each."""
        vectors, tokens = self._encode_tokens(texts, "document", self._means[0])
        return vectors, [packed(of_text) for of_text in tokens]

    def encode_question(self, text: str, language: Language) -> tuple[Vectors, Tokens]:
        """Encode a question, (hidden,), with its tokens."""
        vectors, tokens = self._encode_tokens([text], "query", self.question_mean(language))
        return vectors[0], tokens[0]

    def question_mean(self, language: Language) -> Vectors:
        """Return what all tokens of questions in a language share, (hidden,)."""
        mean: Vectors = self._means[_MEAN_OF[language]]
        return mean

    def begin_question(self, text: str) -> tuple["torch.Tensor", NDArray[np.int64]]:
        """Return what the adapted layers read of a question, (length, hidden), and the tokens of it that count."""
        import torch

        [encoding] = self._tokenizer.encode_batch([PROMPTS["query"] + text])
        with torch.inference_mode():
            states = self._first_states(np.array([encoding.ids]))
            for layer in self._layers[:-ADAPTED_LAYERS]:
                states = layer(states, None, self.heads, self.epsilon)
        return states[0].clone(), _counting(text, np.array(encoding.offsets) - len(PROMPTS["query"]))

    def token_mean(self, texts: list[str], role: Role) -> Vectors:
        """Return the mean of the unit states of the texts' own tokens, (hidden,): a row of ``TOKEN_MEANS``."""
        kept: list[Vectors] = []
        for text in texts:
            encodings = self._tokenizer.encode_batch([PROMPTS[role] + text])
            states, _ = self._states(encodings, role)
            own = [first >= len(PROMPTS[role]) and first < last for first, last in encodings[0].offsets]
            kept.append(_unit(states[0].float().numpy()[own]))
        mean: Vectors = np.concatenate(kept).mean(axis=0)
        return mean

    def _encode_tokens(self, texts: list[str], role: Role, mean: Vectors) -> tuple[Vectors, list[Tokens]]:
        encodings = self._tokenizer.encode_batch([PROMPTS[role] + text for text in texts])
        states, mask = self._states(encodings, role)
        tokens = [
            self._tokens(text, len(PROMPTS[role]), encoding, of_text, mean)
            for text, encoding, of_text in zip(texts, encodings, states.float().numpy(), strict=True)
        ]
        return _mean(states, mask).numpy(), tokens

    def _tokens(self, text: str, prompt: int, encoding: "Encoding", states: Vectors, mean: Vectors) -> Tokens:
        """Keep the tokens that count, less what all tokens share."""
        offsets = np.array(encoding.offsets) - prompt
        kept = _counting(text, offsets)
        starts = [first + text[first : first + 1].isspace() for first in np.maximum(offsets[kept, 0], 0).tolist()]
        return Tokens(_unit(_unit(states[kept]) - mean), np.array(starts, np.int64))

    def _states(self, encodings: "list[Encoding]", role: Role) -> "tuple[torch.Tensor, torch.Tensor]":
        """Run the network: states (n, length, hidden), and the mask (n, length) of what is no padding."""
        import torch

        ids = np.array([encoding.ids for encoding in encodings])
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], dtype=torch.bool)
        with torch.inference_mode():
            states = self._first_states(ids)
            for layer in self._question_layers if role == "query" else self._layers:
                states = layer(states, mask[:, None, None, :], self.heads, self.epsilon)
        return states, mask

    def _first_states(self, ids: NDArray[np.int64]) -> "torch.Tensor":
        """Token ids (n, length) -> what the lowest layer reads (n, length, hidden)."""
        import torch

        words = torch.from_numpy(floats(self._words[ids]) + self._places[: ids.shape[1]])
        return _normalise(words.to(number_format()), self._norm, self.epsilon)


@dataclass(frozen=True)
class Layer:
    """A layer of a BERT (Devlin et al. 2019): attention, then two linear maps, each added to its input, normalised."""

    query_key_value: "Affine"
    mix: "Affine"
    mix_norm: "Affine"
    widen: "Affine"
    narrow: "Affine"
    narrow_norm: "Affine"

    def __call__(
        self, states: "torch.Tensor", mask: "torch.Tensor | None", heads: int, epsilon: float
    ) -> "torch.Tensor":
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

    def changed(self, change: Mapping[str, "Vectors | torch.Tensor"]) -> "Layer":
        """Return the layer with other weights of its linear maps."""
        import torch

        maps: dict[str, Affine] = {name: getattr(self, name) for name in change}
        return replace(
            self,
            **{name: (weight + torch.as_tensor(change[name]), bias) for name, (weight, bias) in maps.items()},
        )

    def rounded(self) -> "Layer":
        """Return the layer in the number format that this CPU is best at."""
        return Layer(*(_rounded(affine) for affine in vars(self).values()))


def _counting(text: str, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the tokens of content words, or all of the text's where there are none, by their offsets in it."""
    within = (offsets[:, 0] < offsets[:, 1]) & (offsets[:, 1] > 0)
    content = within & _content(text)[np.clip(offsets[:, 1] - 1, 0, max(0, len(text) - 1))]
    return np.flatnonzero(content if content.any() else within)


def _content(text: str) -> NDArray[np.bool_]:
    """Mark the characters of words that are no stop words.

    >>> "".join("x" if mark else "." for mark in _content("Wo ist Köln?"))
    '.......xxxx.'
    """
    marks = np.zeros(max(1, len(text)), np.bool_)
    for word in _WORD.finditer(text):
        marks[word.start() : word.end()] = word[0].casefold() not in STOP_WORDS
    return marks


def _unit(rows: Vectors) -> Vectors:
    length: Vectors = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows / length


def _normalise(states: "torch.Tensor", norm: "Affine", epsilon: float) -> "torch.Tensor":
    from torch.nn import functional

    return functional.layer_norm(states, states.shape[-1:], *norm, epsilon)


def _mean(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Average over the tokens under the mask: (n, length, hidden), (n, length) -> (n, hidden) float32."""
    kept = mask.unsqueeze(-1)
    return (states.float() * kept).sum(1) / kept.sum(1)


def build_layer(file: "E5File", number: int) -> Layer:
    """Build a layer in float32."""
    import torch

    weights, biases = zip(*(_affine(file, f"l{number}.{name}") for name in "qkv"), strict=True)
    mix, mix_norm, widen, narrow, narrow_norm = (
        _affine(file, f"l{number}.{name}") for name in ("ao", "aln", "fi", "fo", "oln")
    )
    return Layer((torch.cat(weights), torch.cat(biases)), mix, mix_norm, widen, narrow, narrow_norm)


def _rounded(affine: "Affine") -> "Affine":
    """Return weight and bias in the number format that this CPU is best at."""
    weight, bias = affine
    return weight.to(number_format()), bias.to(number_format())


def _affine(file: "E5File", name: str) -> "Affine":
    """Return the weight, (out, in) for a linear map, and the bias."""
    import torch

    bias = torch.from_numpy(floats(file.tensors[f"{name}.b"]))
    weight = torch.from_numpy(floats(file.tensors[f"{name}.w"]))
    if not name.endswith("ln"):
        weight = weight.view(len(bias), -1)
    return weight, bias


@cache
def number_format() -> "torch.dtype":
    """Return bfloat16 where the CPU computes in it and is clearly faster so, as not all that can are, else float32."""
    import torch

    able = torch.cpu.get_capabilities()
    if not (able.get("avx512_bf16") or able.get("amx_bf16")):
        return torch.float32
    faster = _seconds_of_a_layer(torch.bfloat16) < _CLEARLY * _seconds_of_a_layer(torch.float32)
    return torch.bfloat16 if faster else torch.float32


_CLEARLY = 0.8


def _seconds_of_a_layer(form: "torch.dtype") -> float:
    """Return the least time that 64 tokens take through a layer as large as the encoder's widest."""
    import torch

    words, weights = torch.ones(64, 384, dtype=form), torch.ones(1536, 384, dtype=form)
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        torch.nn.functional.linear(words, weights)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def build_tokenizer(file: "E5File") -> "Tokenizer":
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


# The file

_BLOCK_WEIGHTS = 32
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK_WEIGHTS // 2,))])


@dataclass(frozen=True)
class E5File:
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
        return floats(self.tensors[name]).reshape(-1, self.hidden)


def read_e5(data: bytes) -> E5File:
    """Read the whole file: sizes, tokenizer, tensors (little-endian, after eight bytes of magic and version)."""
    fields = _Fields(data, at=8)
    hidden, layers, heads, _, _, positions, _ = fields.take("7i")
    epsilon, _ = fields.take("fi")
    count, start, end, padding, unknown = fields.take("5i")
    pieces = _read_pieces(fields, count)
    _, normalisation_bytes = fields.take("iI")
    fields.at += normalisation_bytes
    tensors = dict(_read_tensors(fields))
    return E5File(hidden, layers, heads, positions, epsilon, start, end, padding, unknown, pieces, tensors)


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


def floats(values: NDArray[Any]) -> Vectors:
    """Return float32 as they are, and (…, n) blocks of 4-bit weights as (…, 32 n) float32: (nibble - 8) x scale.

    >>> block = np.array([(0.5, [0x9F] + [0x88] * 15)], dtype=_BLOCK)
    >>> floats(block)[[0, 1, 16]].tolist()
    [3.5, 0.0, 0.5]
    """
    if values.dtype != _BLOCK:
        return values.astype(np.float32)
    nibbles = np.concatenate([values["nibbles"] & 15, values["nibbles"] >> 4], axis=-1, dtype=np.float32)
    weights = (nibbles - 8) * values["scale"].astype(np.float32)[..., None]
    return weights.reshape(*values.shape[:-1], -1)
