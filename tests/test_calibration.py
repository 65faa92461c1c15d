"""Calibration against scikit-learn's own figures, and reports that nothing can be fitted on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eval.calibration import (
    AFTER,
    BEFORE,
    CalibrationError,
    Case,
    area,
    calibrate,
    cross_validated,
    english_shift,
    figures,
    fit,
    predicted,
    read_cases,
    threshold,
)
from rag.confidence import probability


def cases(n: int = 200) -> list[Case]:
    """Answerable questions have the higher cosine, mostly."""
    chance = np.random.default_rng(1)
    found = []
    for number in range(n):
        answerable = number % 3 > 0
        signals = dict.fromkeys((*AFTER, "likelihood", "cosine"), 0.0) | {
            "late": float(chance.normal(0.8 + 0.1 * answerable, 0.05))
        }
        found.append(Case("a" if number % 2 else "b", f"p{number // 2}", answerable, refused=False, signals=signals))
    return found


def test_the_area_is_scikit_learns() -> None:
    labels = [case.answerable for case in cases()]
    values = np.array([case.signals["late"] for case in cases()])
    assert area(values, labels) == pytest.approx(roc_auc_score(labels, values))


def test_a_fitted_stage_gives_the_same_probabilities_in_use() -> None:
    stage = fit(cases(), BEFORE)
    assert [probability(stage, case.signals) for case in cases()] == pytest.approx(predicted(cases(), stage).tolist())
    assert stage["weights"]["late"] > 0


def test_both_forms_of_a_question_are_held_out_together() -> None:
    """A model that had seen the one would know the other: here each pair has a signal of its own."""
    alone = [Case("a", f"p{n // 2}", n % 4 < 2, refused=False, signals={"late": float(n // 2)}) for n in range(40)]
    found = cross_validated(alone, ("late",))
    assert found[::2].tolist() == found[1::2].tolist()


def test_figures_are_those_of_counting() -> None:
    some = [Case("a", str(n), n < 4, refused=False, signals={}) for n in range(10)]
    counted = figures(some, [True, True, True, False, True, False, False, False, False, False])
    assert counted["answered_unanswerable"] == pytest.approx(1 / 6)
    assert counted["refused_answerable"] == pytest.approx(1 / 4)
    assert counted["refusal_f1"] == pytest.approx(2 * 5 / (6 + 6))


def test_no_more_answerable_questions_are_refused_than_allowed() -> None:
    values = np.array([case.signals["late"] for case in cases()])
    least = threshold(values, cases(), 0.1)
    assert (
        np.mean([value < least - 1e-4 for value, case in zip(values, cases(), strict=True) if case.answerable]) <= 0.1
    )


def test_calibrating_gives_what_is_used(tmp_path: Path) -> None:
    fitted = calibrate(cases())
    assert {"intercept", "weights", "least", "clear"} == set(fitted["retrieval"])
    assert set(fitted["answer"]["weights"]) == set(AFTER)
    assert fitted["retrieval"]["clear"] <= fitted["retrieval"]["least"]
    assert set(fitted["figures"]) == {"a", "b"}
    assert fitted["auc"]["answer"] > 0.8
    assert fitted["risk_coverage"][0][1] < fitted["risk_coverage"][-1][1]


@pytest.mark.parametrize("report", [{"kind": "retrieval"}, {"kind": "answers", "settings": {"least_confidence": None}}])
def test_a_report_with_answers_held_back_is_refused(tmp_path: Path, report: dict[str, object]) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report), "utf-8")
    with pytest.raises(CalibrationError, match=r"report\.json: expected a report .* BELEG_LEAST_CONFIDENCE=0"):
        read_cases([path])


def test_an_english_question_is_judged_as_its_german_form_would_be() -> None:
    german = [replace(case, pair=f"q{number}") for number, case in enumerate(cases())]
    english = [
        replace(case, signals=case.signals | {"late": (case.signals["late"] or 0) - 0.03, "english": 1.0})
        for case in german
    ]
    shift = english_shift([*german, *english])
    assert shift["late"] == pytest.approx(0.03)
    assert shift["cosine"] == 0
    assert english_shift(german)["late"] == 0
