"""Passages that were embedded once are not embedded again, and come back the same."""

import numpy as np

from eval.vector_cache import with_cache
from index.embedding import Embedder
from index.late_interaction import NO_TOKENS, Tokens, packed


class CountingEncoder:
    """Vectors and tokens by the length of a text, and a list of what was encoded."""

    def __init__(self):
        self.encoded = []

    def __call__(self, texts, role):
        return np.array([[len(text), 1] for text in texts], np.float32)

    def encode_passages(self, texts):
        self.encoded += texts
        rows = [np.full((len(text), 2), -1.0 if len(text) % 2 else 1.0, np.float32) for text in texts]
        return self(texts, "document"), [packed(Tokens(row, np.arange(len(row)))) for row in rows]

    def encode_question(self, text, language):
        return self([text], "query")[0], NO_TOKENS


def cached(encoder, folder, fingerprint="1"):
    return with_cache(Embedder("counting", fingerprint, 2, encoder, encoder), folder)


def test_passages_come_back_the_same_and_are_encoded_once(tmp_path):
    encoder, texts = CountingEncoder(), ["ab", "", "abcde", "ab"]
    plain = Embedder("counting", "1", 2, encoder, encoder).embed_passages(texts)
    encoder.encoded.clear()
    first, again = (cached(encoder, tmp_path).embed_passages(texts) for _ in range(2))
    assert sorted(encoder.encoded) == ["", "ab", "abcde"]
    for vectors, tokens in (first, again):
        np.testing.assert_allclose(vectors, plain[0], atol=1e-6)
        assert [rows.tolist() for rows in tokens] == [rows.tolist() for rows in plain[1]]


def test_another_model_gets_nothing_of_it(tmp_path):
    encoder = CountingEncoder()
    for fingerprint in ("1", "2"):
        cached(encoder, tmp_path, fingerprint).embed_passages(["ab"])
    assert encoder.encoded == ["ab", "ab"]


def test_questions_are_not_kept(tmp_path):
    embedder = cached(CountingEncoder(), tmp_path)
    assert embedder.embed_question("abc", "de")[0].tolist() == embedder.embed_query("abc").tolist()
