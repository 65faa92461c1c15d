"""The metrics against ir-measures, numpy and arithmetic."""

import math
import random

import ir_measures
import numpy as np
import pytest
from sklearn.metrics import f1_score

from eval.goldset import Evidence
from eval.metrics import (
    answered_unanswerable,
    citation_precision,
    citation_recall,
    evidence_recall_at_k,
    exact_match,
    f1,
    mean,
    mrr_at_k,
    ndcg_at_k,
    normalise_answer,
    percentile,
    quote_valid,
    recall_at_k,
    refusal_f1,
    refused_answerable,
)


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("k", [1, 5, 10])
def test_ranking_metrics_equal_ir_measures(seed, k):
    draw = random.Random(seed)
    documents = [f"d{i}" for i in range(30)]
    relevant = set(draw.sample(documents, draw.randint(1, 15)))
    ranked = draw.sample(documents, draw.randint(0, 30))

    qrels = [ir_measures.Qrel("q", document, 1) for document in sorted(relevant)]
    run = [ir_measures.ScoredDoc("q", document, -float(rank)) for rank, document in enumerate(ranked)]
    measures = [ir_measures.R @ k, ir_measures.RR @ k, ir_measures.nDCG @ k]
    oracle = ir_measures.calc_aggregate(measures, qrels, run)

    ours = [metric(relevant, ranked, k) for metric in (recall_at_k, mrr_at_k, ndcg_at_k)]
    assert ours == pytest.approx([oracle[measure] for measure in measures])


def test_ranking_metrics_by_hand():
    relevant, ranked = {"a", "b", "c"}, ["x", "a", "y", "b"]
    assert recall_at_k(relevant, ranked, 3) == 1 / 3
    assert mrr_at_k(relevant, ranked, 10) == 1 / 2
    assert mrr_at_k(relevant, ranked, 1) == 0
    best = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(relevant, ranked, 10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best)


def test_nothing_found_scores_zero():
    assert [metric({"a"}, [], 10) for metric in (recall_at_k, mrr_at_k, ndcg_at_k)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("start", "end", "found"), [(0, 10, 0), (0, 11, 1), (12, 14, 1), (5, 30, 1), (19, 25, 1), (20, 25, 0)]
)
def test_half_open_spans_overlap_by_a_character(start, end, found):
    assert evidence_recall_at_k([Evidence("a", 10, 20)], [Evidence("a", start, end)], k=5) == found


def test_the_same_place_in_another_document_is_no_evidence():
    assert evidence_recall_at_k([Evidence("a", 10, 20)], [Evidence("b", 10, 20)], k=5) == 0


def test_citations_over_several_gold_lines():
    gold = [Evidence("a", 0, 10), Evidence("a", 10, 20), Evidence("a", 20, 30), Evidence("b", 0, 5)]
    citations = [Evidence("a", 5, 15), Evidence("a", 0, 3), Evidence("c", 0, 5)]
    assert citation_precision(gold, citations) == 2 / 3
    assert citation_recall(gold, citations) == 2 / 4
    assert citation_recall(gold, []) == 0


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("  Die\tGroße  Mauer. ", "grosse mauer"),
        ("„1.200,50 €“", "120050 €"),
        ("The Normans", "normans"),
        ("U\u0308bergang", "übergang"),
        ("Derby", "derby"),
        ("des Nord-Ostsee-Kanals", "nordostseekanals"),
        ("der", ""),
    ],
)
def test_normalisation(text, normalised):
    assert normalise_answer(text) == normalised


def test_exact_match_takes_any_gold_answer():
    assert exact_match(["am 3. Mai", "3. Mai"], "Der 3. Mai!") == 1
    assert exact_match(["3. Mai"], "am 3. Mai") == 0


def test_f1_counts_a_word_as_often_as_both_have_it():
    assert f1(["ja ja nein"], "ja ja ja") == 2 * 2 / (3 + 3)
    precision, recall = 2 / 5, 2 / 2
    assert f1(["Karl Marx"], "es war wohl Karl Marx") == pytest.approx(2 * precision * recall / (precision + recall))
    assert f1(["Karl Marx", "Marx"], "Marx") == 1


def test_f1_without_words():
    assert f1(["Marx"], "") == 0
    assert f1(["die"], "der") == 1


@pytest.mark.parametrize(
    ("quote", "start", "end", "valid"),
    [
        ("frei", 17, 21, True),
        ("frei", 16, 20, False),
        ("Frei", 17, 21, False),
        ("", 3, 3, False),
        (" ", 3, 4, False),
        ("frei.", 17, 99, False),
        ("frei.", -5, 22, False),
    ],
)
def test_quote_valid(quote, start, end, valid):
    assert quote_valid(quote, "Der Eintritt ist frei.", start, end) is valid


def test_refusals():
    outcomes = [(True, True), (True, False), (True, False), (False, True), (False, False)]
    assert answered_unanswerable(outcomes) == 1 / 2
    assert refused_answerable(outcomes) == 1 / 3


def test_nothing_to_count_is_none():
    assert mean([]) is None
    assert percentile([], 95) is None
    assert answered_unanswerable([(True, False)]) is None
    assert refused_answerable([(False, False)]) is None


@pytest.mark.parametrize("q", [0, 37.5, 50, 95, 100])
def test_percentile_equals_numpy(q):
    draw = random.Random(7)
    for n in (1, 2, 3, 20, 101):
        values = [draw.expovariate(1) for _ in range(n)]
        assert percentile(values, q) == pytest.approx(float(np.percentile(values, q)))


def test_f1_of_refusing_is_scikit_learns() -> None:
    chance = random.Random(3)
    outcomes = [(chance.random() < 0.6, chance.random() < 0.4) for _ in range(200)]
    unanswerable, refused = [not answerable for answerable, _ in outcomes], [abstained for _, abstained in outcomes]
    assert refusal_f1(outcomes) == pytest.approx(f1_score(unanswerable, refused))
    assert refusal_f1([(True, True)]) is None
