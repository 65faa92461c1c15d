"""The embedded model, asked twice: the same figures."""

import pytest

from eval.goldset import SAMPLE
from eval.runs import evaluate_answers


def without_times(report):
    return [
        (row["id"], row["answer"]["text"], row["answer"]["signals"], row.get("ranking"), row["tokens"], row["trace"])
        for row in report.questions
    ]


@pytest.mark.llm
def test_a_second_run_with_the_same_seed_gives_the_same_answers():
    one, other = (evaluate_answers(SAMPLE, sample=5, seed=1) for _ in range(2))
    assert len(one.questions) == 10
    assert without_times(one) == without_times(other)
