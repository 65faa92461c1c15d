"""Reports of ``beleg eval answers`` -> how an answer's signals are weighed, and from which confidence on to answer.

The reports must be made with ``BELEG_LEAST_CONFIDENCE=0``, so that nothing was held back. The figures printed are
cross-validated: each question was judged by a model that had not seen it, nor its translation.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval.metrics import risk_coverage
from index.embedding import EMBEDDED_MODEL
from index.errors import BelegError
from index.weights import LLM_WEIGHTS
from rag.confidence import FITTED, as_german

BEFORE = ("late", "margin")
"""Signals known before a model writes; with cosine, dense and coverage beside them no more is told apart."""
SHIFTED = ("cosine", "dense", "late", "margin", "coverage", "support")
"""Signals that are lower where the question is English."""
AFTER = (*BEFORE, "refusal", "least", "support", "named")
MOST_REFUSED = 0.1
"""Share of the answerable questions that may be refused: decides from which confidence on to answer."""
MOST_CLEAR = 0.01
"""Share of them that may be refused without asking a model."""
_FOLDS = 5
_REGULARISATION = 0.1

Floats = np.ndarray[Any, np.dtype[np.float64]]


class CalibrationError(BelegError):
    """Reports that nothing can be fitted on."""


@dataclass(frozen=True)
class Case:
    """A question, whether the documents answer it, and the signals of what was answered.

    ``refused``: the model itself refused, or no sentence passed the checks.
    """

    dataset: str
    pair: str
    answerable: bool
    refused: bool
    signals: dict[str, float | None]


def read_cases(reports: Sequence[Path]) -> list[Case]:
    """Return the questions of the reports.

    Raises:
        CalibrationError: A report was made with answers held back, or is no report of answers.
    """
    return [case for report in reports for case in _cases(report)]


def _cases(path: Path) -> Iterator[Case]:
    report = json.loads(path.read_text("utf-8"))
    if report.get("kind") != "answers" or report["settings"].get("least_confidence") != 0:
        raise CalibrationError(f"{path}: expected a report of `beleg eval answers` made with BELEG_LEAST_CONFIDENCE=0")
    for row in report["questions"]:
        gold, answer = row["gold"], row["answer"]
        refused = answer["status"] == "abstained"
        yield Case(report["dataset"]["name"], gold["pair"], gold["answerable"], refused, answer["signals"])


def matrix(cases: Sequence[Case], names: Sequence[str]) -> Floats:
    """Return ``(cases, names)``; what is not known is 0."""
    return np.array([[case.signals.get(name) or 0.0 for name in names] for case in cases], np.float64)


def fit(cases: Sequence[Case], names: Sequence[str]) -> dict[str, Any]:
    """Fit one logistic regression with each set of questions counting alike, and so answerable ones and others.

    Returns:
        ``intercept`` and ``weights`` by name, for the signals as they are.
    """
    from sklearn.linear_model import LogisticRegression

    values, labels = matrix(cases, names), np.array([case.answerable for case in cases])
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    model = LogisticRegression(C=_REGULARISATION, class_weight="balanced", max_iter=1000)
    model.fit((values - mean) / scale, labels)
    weights = model.coef_[0] / scale
    intercept = float(model.intercept_[0] - weights @ mean)
    return {"intercept": round(intercept, 4), "weights": dict(zip(names, np.round(weights, 4).tolist(), strict=True))}


def predicted(cases: Sequence[Case], stage: dict[str, Any]) -> Floats:
    """Return the probability of each case."""
    scores = stage["intercept"] + matrix(cases, tuple(stage["weights"])) @ np.array([*stage["weights"].values()])
    probabilities: Floats = 1 / (1 + np.exp(-scores))
    return probabilities


def cross_validated(cases: Sequence[Case], names: Sequence[str]) -> Floats:
    """Return the probability of each case by a model fitted on the others; both forms of a question stay together."""
    pairs = sorted({case.pair for case in cases})
    np.random.default_rng(0).shuffle(pairs)
    fold_of = {pair: number % _FOLDS for number, pair in enumerate(pairs)}
    folds = np.array([fold_of[case.pair] for case in cases])
    found = np.zeros(len(cases))
    for fold in range(_FOLDS):
        seen = [case for case, other in zip(cases, folds, strict=True) if other != fold]
        held_out = [case for case, other in zip(cases, folds, strict=True) if other == fold]
        found[folds == fold] = predicted(held_out, fit(seen, names))
    return found


def threshold(probabilities: Floats, cases: Sequence[Case], most_refused: float) -> float:
    """Return from which probability on to answer, so that this share of the answerable questions is refused.

    >>> cases = [Case("a", str(n), True, False, {}) for n in range(10)]
    >>> threshold(np.arange(10) / 10, cases, 0.2)
    0.2
    """
    answerable = np.sort(probabilities[[case.answerable for case in cases]])
    return round(float(answerable[min(len(answerable) - 1, int(most_refused * len(answerable) + 1e-9))]), 4)


def area(probabilities: Floats, labels: Sequence[bool]) -> float:
    """Area under the ROC curve: how often an answerable question has the higher probability of two.

    >>> area(np.array([0.9, 0.4, 0.1]), [True, False, False])
    1.0
    """
    right, wrong = probabilities[np.array(labels)], probabilities[~np.array(labels)]
    above = (right[:, None] > wrong).mean() + 0.5 * (right[:, None] == wrong).mean()
    return float(above)


def figures(cases: Sequence[Case], answers: Sequence[bool]) -> dict[str, float]:
    """Return what answering these and refusing the others gives: the shares of the two mistakes, F1 of refusing."""
    unanswerable = [answered for case, answered in zip(cases, answers, strict=True) if not case.answerable]
    answerable = [answered for case, answered in zip(cases, answers, strict=True) if case.answerable]
    refused_right, refused_wrong = unanswerable.count(False), answerable.count(False)
    return {
        "n": len(cases),
        "answered_unanswerable": sum(unanswerable) / max(1, len(unanswerable)),
        "refused_answerable": refused_wrong / max(1, len(answerable)),
        "refusal_f1": 2 * refused_right / max(1, refused_right + refused_wrong + len(unanswerable)),
    }


def english_shift(cases: Sequence[Case]) -> dict[str, float]:
    """Return by how much the signals of German forms of answerable questions exceed those of their English forms.

    0 where no question is there in both languages.
    """
    forms: dict[str, dict[bool, Case]] = {}
    for case in cases:
        if case.answerable:
            forms.setdefault(case.pair, {})[bool(case.signals.get("english"))] = case
    both = [form for form in forms.values() if len(form) > 1]
    shift = {}
    for name in SHIFTED:
        pairs = [(form[False].signals.get(name), form[True].signals.get(name)) for form in both]
        known = [german - english for german, english in pairs if german is not None and english is not None]
        shift[name] = round(float(np.mean(known)), 4) if known else 0.0
    return shift | {"support": shift["support"] or shift["cosine"]}  # a cosine too, and known only of written answers


def calibrate(cases: Sequence[Case], most_refused: float = MOST_REFUSED) -> dict[str, Any]:
    """Fit both stages, choose their limits on cross-validated probabilities, and tell the figures these give."""
    shift = english_shift(cases)
    cases = [replace(case, signals=as_german(case.signals, shift)) for case in cases]
    written = [case for case in cases if case.signals.get("likelihood") is not None]
    before, after = cross_validated(cases, BEFORE), cross_validated(written, AFTER)
    retrieval = fit(cases, BEFORE) | {
        "least": threshold(before, cases, most_refused / 2),  # without a model nothing else speaks for an answer
        "clear": threshold(before, cases, MOST_CLEAR),
    }
    answer = fit(written, AFTER) | {"least": threshold(after, written, most_refused)}
    sure = {id(case): bool(p >= answer["least"]) for case, p in zip(written, after, strict=True)}
    clear = before < retrieval["clear"]
    answers = [
        not case.refused and not unclear and sure.get(id(case), True)
        for case, unclear in zip(cases, clear, strict=True)
    ]
    sets = sorted({case.dataset for case in cases})
    return {
        "english": shift,
        "retrieval": retrieval,
        "answer": answer,
        "auc": {
            "retrieval": area(before, [case.answerable for case in cases]),
            "answer": area(after, [case.answerable for case in written]),
        },
        "figures": {name: _of_set(name, cases, answers) for name in sets},
        "risk_coverage": _curve(after, written),
    }


def _curve(probabilities: Floats, cases: Sequence[Case]) -> list[tuple[float, float]]:
    """Return every tenth point of the share answered and the share of unanswerable questions among these."""
    judged = [(float(p), float(not case.answerable)) for p, case in zip(probabilities, cases, strict=True)]
    return [(round(coverage, 3), round(risk, 3)) for coverage, risk in risk_coverage(judged)[9::10]]


def _of_set(name: str, cases: Sequence[Case], answers: Sequence[bool]) -> dict[str, float]:
    chosen = [number for number, case in enumerate(cases) if case.dataset == name]
    return figures([cases[number] for number in chosen], [answers[number] for number in chosen])


app = typer.Typer(add_completion=False)


@app.command()
def main(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT...", help="Of beleg eval answers --json.")],
    most_refused: Annotated[float, typer.Option(help="Share of answerable questions that may be refused.")] = (
        MOST_REFUSED
    ),
    write: Annotated[bool, typer.Option("--write", help="Put the fitted model into use.")] = False,
) -> None:
    """Fit how answers are weighed, print cross-validated figures, and with --write put it into rag/confidence.json."""
    cases = read_cases(reports)
    fitted = calibrate(cases, most_refused)
    print(json.dumps(fitted, indent=2))  # noqa: T201
    if write:
        about = {
            "version": 4,
            "fitted": datetime.now(UTC).date().isoformat(),
            "questions": {name: sum(case.dataset == name for case in cases) for name in fitted["figures"]},
            "embedder": EMBEDDED_MODEL,
            "model": LLM_WEIGHTS.name,
        }
        FITTED.write_text(json.dumps(about | fitted, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    app()
