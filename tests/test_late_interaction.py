import numpy as np
import pytest

from index.late_interaction import NO_TOKENS, Tokens, TokenTable, late_scores, packed, sentence_scores, write_tokens


def tokens(vectors, starts=None):
    rows = np.asarray(vectors, np.float32)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return Tokens(rows, np.arange(len(rows)) if starts is None else np.asarray(starts))


def random_tokens(seed, n, dimension=40):
    return tokens(np.random.default_rng(seed).normal(size=(n, dimension)))


def late_by_hand(question, passage):
    """MaxSim with the passage's vectors replaced by the signs of their dimensions."""
    signs = np.where(passage.vectors > 0, 1, -1) / np.sqrt(passage.vectors.shape[1])
    return np.mean([max(float(row @ sign) for sign in signs) for row in question.vectors])


def test_scores_are_the_mean_of_each_tokens_best_match():
    question, passages = random_tokens(0, 5), [random_tokens(seed, seed) for seed in (1, 7, 30)]
    expected = [late_by_hand(question, passage) for passage in passages]
    assert late_scores(question, [packed(passage) for passage in passages]) == pytest.approx(expected, abs=1e-5)


def test_signs_keep_the_order_of_cosines():
    question, near, far = random_tokens(0, 1, 384), random_tokens(0, 1, 384), random_tokens(1, 1, 384)
    near = tokens(near.vectors + 0.5 * far.vectors)
    assert list(np.argsort(late_scores(question, [packed(far), packed(near)]))) == [0, 1]


@pytest.mark.parametrize("dimension", [8, 12, 384])
def test_a_dimension_that_fills_no_byte_is_kept(dimension):
    question, passage = random_tokens(3, 4, dimension), random_tokens(4, 6, dimension)
    assert late_scores(question, [packed(passage)]) == pytest.approx([late_by_hand(question, passage)], abs=1e-5)


def test_without_tokens_there_is_no_score():
    some, none = packed(random_tokens(0, 3)), packed(NO_TOKENS)
    assert late_scores(random_tokens(1, 2), [none, some, none])[[0, 2]].tolist() == [0, 0]
    assert late_scores(NO_TOKENS, [some, none]).tolist() == [0, 0]
    assert late_scores(random_tokens(1, 2), []).tolist() == []


def test_sentences_are_scored_by_their_own_tokens():
    question = random_tokens(0, 3)
    passage = tokens(random_tokens(5, 6).vectors, starts=[0, 4, 10, 14, 20, 30])
    parts = [Tokens(passage.vectors[2:5], passage.starts[2:5]), Tokens(passage.vectors[5:], passage.starts[5:])]
    expected = [*(late_by_hand(question, part) for part in parts), 0]
    assert sentence_scores(question, packed(passage), [10, 25, 40]) == pytest.approx(expected, abs=1e-5)
    assert sentence_scores(question, packed(NO_TOKENS), [0, 5]).tolist() == [0, 0]


def test_a_table_gives_back_what_was_written(tmp_path):
    chunks = [packed(random_tokens(seed, seed)) for seed in (3, 0, 2)]
    write_tokens(tmp_path, iter(chunks))
    read = list(TokenTable(tmp_path).of(np.array([2, 0, 1])))
    assert [rows.tolist() for rows in read] == [chunks[number].tolist() for number in (2, 0)] + [[]]


def test_a_table_of_an_embedder_without_tokens(tmp_path):
    write_tokens(tmp_path, [packed(NO_TOKENS)] * 2)
    assert [len(rows) for rows in TokenTable(tmp_path).of(np.array([0, 1]))] == [0, 0]
