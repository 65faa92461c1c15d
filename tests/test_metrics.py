"""The metrics against ir-measures, numpy and arithmetic."""

import collections
import math
import random
import re
import string

import ir_measures
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from eval.goldset import Evidence
from eval.metrics import (
    answered_unanswerable,
    area_under_risk_coverage,
    citation_precision,
    citation_recall,
    cohen_kappa,
    evidence_recall_at_k,
    exact_match,
    f1,
    language_gap,
    mean,
    mrr_at_k,
    ndcg_at_k,
    normalise_answer,
    percentile,
    quote_valid,
    recall_at_k,
    refusal_f1,
    refused_answerable,
    risk_coverage,
    verdict_shares,
)
from rag.grounding import Verdict

EXACT = {"rel": 0, "abs": 1e-9}


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
    assert ours == pytest.approx([oracle[measure] for measure in measures], **EXACT)


def test_ranking_metrics_by_hand():
    relevant, ranked = {"a", "b", "c"}, ["x", "a", "y", "b"]
    assert recall_at_k(relevant, ranked, 3) == 1 / 3
    assert mrr_at_k(relevant, ranked, 10) == 1 / 2
    assert mrr_at_k(relevant, ranked, 1) == 0
    best = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg_at_k(relevant, ranked, 10) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / best, **EXACT)


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
    assert f1(["Karl Marx"], "es war wohl Karl Marx") == pytest.approx(
        2 * precision * recall / (precision + recall), **EXACT
    )
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
        assert percentile(values, q) == pytest.approx(float(np.percentile(values, q)), **EXACT)


def test_f1_of_refusing_is_scikit_learns() -> None:
    chance = random.Random(3)
    outcomes = [(chance.random() < 0.6, chance.random() < 0.4) for _ in range(200)]
    unanswerable, refused = [not answerable for answerable, _ in outcomes], [abstained for _, abstained in outcomes]
    assert refusal_f1(outcomes) == pytest.approx(f1_score(unanswerable, refused), **EXACT)
    assert refusal_f1([(True, True)]) is None


# The published evaluation script of SQuAD v1.1, written again from its description.


def squad_normalised(text):
    lowered = "".join(char for char in text.lower() if char not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", lowered).split())


def squad_f1(gold, answer):
    wanted, given = squad_normalised(gold).split(), squad_normalised(answer).split()
    shared = sum((collections.Counter(wanted) & collections.Counter(given)).values())
    if shared == 0:
        return 0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


_PIECES = [
    *"the The a an A An die der Normans 10th-century don't U.S. $5 42% theory Anna".split(),
    " ",
    ",",
    ".",
    "--",
    "  ",
]


@pytest.mark.parametrize("seed", range(200))
def test_english_answers_are_judged_as_by_the_published_script(seed):
    draw = random.Random(seed)
    first, second = (" ".join(draw.choices(_PIECES, k=draw.randint(1, 8))) for _ in range(2))
    gold = [f"{first} Normans", f"Anna {second}"]
    answer = " ".join(draw.choices(_PIECES, k=draw.randint(1, 8)))
    assert normalise_answer(answer, "en") == squad_normalised(answer)
    assert exact_match(gold, answer, "en") == max(squad_normalised(text) == squad_normalised(answer) for text in gold)
    assert f1(gold, answer, "en") == pytest.approx(max(squad_f1(text, answer) for text in gold), **EXACT)


def test_each_language_keeps_the_words_of_the_other():
    assert normalise_answer("das Ende der Reise", "de") == "ende reise"
    assert normalise_answer("the man who must die", "en") == "man who must die"
    assert exact_match(["a"], "the", "de") == 0
    assert normalise_answer("the die") == ""


@pytest.mark.parametrize("seed", range(20))
def test_risk_and_coverage_equal_numpy(seed):
    draw = np.random.default_rng(seed)
    confidence, loss = draw.permutation(50) / 50, draw.random(50)
    ordered = loss[np.argsort(-confidence)]
    risks = np.cumsum(ordered) / np.arange(1, 51)
    curve = risk_coverage(list(zip(confidence.tolist(), loss.tolist(), strict=True)))
    assert [coverage for coverage, _ in curve] == pytest.approx((np.arange(1, 51) / 50).tolist(), **EXACT)
    assert [risk for _, risk in curve] == pytest.approx(risks.tolist(), **EXACT)
    area = area_under_risk_coverage(list(zip(confidence.tolist(), loss.tolist(), strict=True)))
    assert area == pytest.approx(float(risks.mean()), **EXACT)


def test_ties_are_worth_the_mean_over_all_their_orders():
    import itertools

    judged = [(0.9, 0), (0.5, 1), (0.5, 0), (0.5, 0), (0.1, 1)]
    orders = [(judged[0], *middle, judged[4]) for middle in itertools.permutations(judged[1:4])]
    areas = [np.mean([sum(loss for _, loss in order[:i]) / i for i in range(1, 6)]) for order in orders]
    assert area_under_risk_coverage(judged) == pytest.approx(float(np.mean(areas)), **EXACT)


def test_confidence_that_tells_right_from_wrong_has_the_least_area():
    losses = [0, 0, 0, 1]
    best = area_under_risk_coverage([(1 - loss, loss) for loss in losses])
    worst = area_under_risk_coverage([(loss, loss) for loss in losses])
    assert (best, worst) == ((0 + 0 + 0 + 1 / 4) / 4, pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, **EXACT))
    assert area_under_risk_coverage([]) is None


def test_the_gap_between_the_languages_is_that_of_the_pairs():
    scored = [
        ("1", "de", 0.9),
        ("1", "en", 0.4),
        ("2", "de", 0.2),
        ("2", "en", 0.5),
        ("3", "de", 1.0),
        ("4", "en", 0.0),
    ]
    gap = language_gap(scored)
    assert (gap.n, gap.german_better, gap.english_better) == (2, 1, 1)
    assert gap.difference == pytest.approx(((0.9 - 0.4) + (0.2 - 0.5)) / 2, **EXACT)
    assert (gap.german, gap.english) == pytest.approx((1.1 / 2, 0.9 / 2), **EXACT)
    assert language_gap([("1", "de", 1.0), ("2", "en", 1.0)]) is None


def test_shares_of_verdicts_add_up():
    kinds = ["", "", "", "number", "number", "name", ""]
    shares = verdict_shares(Verdict("x", supported=not kind, kind=kind) for kind in kinds)
    assert shares == {"supported": 4 / 7, "number": 2 / 7, "name": 1 / 7}
    assert verdict_shares([Verdict("x", supported=False)]) == {"other": 1}
    assert verdict_shares([]) == {}


@pytest.mark.parametrize("seed", range(20))
def test_kappa_is_scikit_learns(seed):
    draw = random.Random(seed)
    one, other = ([draw.choice("abc") for _ in range(40)] for _ in range(2))
    assert cohen_kappa(one, other) == pytest.approx(cohen_kappa_score(one, other), **EXACT)


def test_kappa_at_its_ends():
    assert cohen_kappa([], []) is None
    assert cohen_kappa([True, True], [True, True]) == 1
    assert cohen_kappa([True, False], [False, True]) == -1
