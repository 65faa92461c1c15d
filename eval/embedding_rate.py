"""Chunks embedded a second, beside what sentence-transformers' default call does with the same weights.

Ours and theirs run in turn, each time in a process of its own: what else the machine does slows both alike.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from index import Document
from index.chunking import split_document
from index.e5 import PROMPTS, E5File, Vectors, build_tokenizer, floats, read_e5
from index.weights import EMBEDDING_WEIGHTS, fetch

TOKENS = 190
CHUNKS = 128
_CHUNK_CHARACTERS = 750  # about 190 tokens of German

_OURS = """
import json, sys, time
from index.embedding import load_embedder
texts, _ = json.load(sys.stdin)
embedder = load_embedder("multilingual-e5-small")
embedder.embed_passages(texts[:16])
started = time.perf_counter()
embedder.embed_passages(texts)
print(len(texts) / (time.perf_counter() - started))
"""
_THEIRS = """
import json, sys, time
from sentence_transformers import SentenceTransformer
texts, folder = json.load(sys.stdin)
model = SentenceTransformer(folder, device="cpu")
model.encode(texts[:16])
started = time.perf_counter()
model.encode(texts)
print(len(texts) / (time.perf_counter() - started))
"""


def measure_rate(documents: Iterable[Document], folder: Path, runs: int) -> dict[str, float]:
    """Return chunks a second: ours, theirs, and how many times as fast ours is; medians.

    Args:
        documents: Whose text is embedded, in chunks of about ``TOKENS`` tokens.
        folder: New; the weights are written there in the form that sentence-transformers reads, in float32.
        runs: How often both are run.
    """
    file = read_e5(fetch(EMBEDDING_WEIGHTS).read_bytes())
    tokenizer = build_tokenizer(file)
    tokenizer.no_padding()
    texts = passages(documents, lambda text: len(tokenizer.encode(text).ids))
    write_sentence_transformer(file, folder)
    rates = [(_run(_OURS, texts, folder), _run(_THEIRS, texts, folder)) for _ in range(runs)]
    ours, theirs = (median(column) for column in zip(*rates, strict=True))
    return {
        "embed_tokens_per_chunk": sum(len(tokenizer.encode(text).ids) for text in texts) / len(texts),
        "embed_chunks_per_second": ours,
        "sentence_transformers_chunks_per_second": theirs,
        "embed_speedup": median(mine / other for mine, other in rates),
    }


def passages(documents: Iterable[Document], tokens: Callable[[str], int]) -> list[str]:
    """Return up to ``CHUNKS`` texts within a fifth of ``TOKENS`` tokens, whole sentences."""
    return [text for text in _chunks(documents) if 0.8 * TOKENS <= tokens(text) <= 1.2 * TOKENS][:CHUNKS]


def _chunks(documents: Iterable[Document]) -> Iterator[str]:
    for document in documents:
        for chunk in split_document(document, _CHUNK_CHARACTERS):
            yield chunk.text


def _run(script: str, texts: list[str], folder: Path) -> float:
    told = json.dumps([[PROMPTS["document"] + text for text in texts] if script is _THEIRS else texts, str(folder)])
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, input=told, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return float(done.stdout.splitlines()[-1])


# The weights in the form of sentence-transformers

_BERT_NAMES = {
    "emb.word": "embeddings.word_embeddings",
    "emb.pos": "embeddings.position_embeddings",
    "emb.type": "embeddings.token_type_embeddings",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def write_sentence_transformer(file: E5File, folder: Path) -> None:
    """Write BERT in float32, its tokenizer, and what follows: the mean over the tokens, scaled to unit length."""
    from safetensors.numpy import save_file

    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "2_Normalize").mkdir()
    weights = {bert_name(name): _matrix(file, name) for name in file.tensors}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    build_tokenizer(file).save(str(folder / "tokenizer.json"))
    parts = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (name, path) in enumerate(parts)
    ]
    pooling = {"word_embedding_dimension": file.hidden, "pooling_mode_mean_tokens": True}
    tokens = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "model_max_length": file.positions}
    for name, content in (
        ("config.json", _bert_config(file, rows=len(weights["embeddings.word_embeddings.weight"]))),
        ("modules.json", modules),
        ("1_Pooling/config.json", pooling),
        ("tokenizer_config.json", tokens),
        ("sentence_bert_config.json", {"max_seq_length": file.positions, "do_lower_case": False}),
    ):
        (folder / name).write_text(json.dumps(content), "utf-8")


def bert_name(name: str) -> str:
    """Return transformers' name of a tensor.

    >>> bert_name("emb.word"), bert_name("l11.aln.b")
    ('embeddings.word_embeddings.weight', 'encoder.layer.11.attention.output.LayerNorm.bias')
    """
    stem, kind = name.removesuffix(".w").removesuffix(".b"), "bias" if name.endswith(".b") else "weight"
    if stem in _BERT_NAMES:
        return f"{_BERT_NAMES[stem]}.{kind}"
    layer, part = stem.split(".")
    return f"encoder.layer.{layer[1:]}.{_BERT_NAMES[part]}.{kind}"


def _matrix(file: E5File, name: str) -> Vectors:
    """Return a tensor in its shape: a table of rows as wide as the states, (out, in), or a vector."""
    values = floats(file.tensors[name])
    if name in {"emb.word", "emb.pos", "emb.type"}:
        return values.reshape(-1, file.hidden)
    if name.endswith(".w") and not name.endswith("ln.w"):
        return values.reshape(len(file.tensors[f"{name[:-1]}b"]), -1)
    return values


def _bert_config(file: E5File, rows: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": rows,
        "hidden_size": file.hidden,
        "num_hidden_layers": file.layers,
        "num_attention_heads": file.heads,
        "intermediate_size": len(file.tensors["l0.fi.b"]),
        "max_position_embeddings": file.positions,
        "layer_norm_eps": file.epsilon,
        "pad_token_id": file.padding,
        "dtype": "float32",
    }
