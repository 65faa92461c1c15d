"""Two runs compared: differences by arithmetic, intervals against scipy's formula and by counting, exit status."""

import json
import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.compare import against_baseline, compare
from eval.goldset import Evidence, GoldSet, Question
from eval.intervals import difference, interval
from eval.limits import Limit, LimitError, read_limits, require_limits
from eval.measures import ANSWERS, Metric, p50, p95, pooled, ratio
from eval.metrics import mean, refusal_f1
from eval.report import Report, ReportError, write_report
from eval.runs import evaluate_answers
from eval.tables import comparison_tables, markdown_table
from index import Document

MEAN = Metric(lambda record: None)


class Assistant:
    """Is right in the questions whose number is below a limit."""

    llm = None
    index = SimpleNamespace(embedder=SimpleNamespace(name="scripted", fingerprint="sha256:0", dimension=3))
    retriever = SimpleNamespace(retrieve=lambda question, k, documents=None: [])

    def __init__(self, right):
        self.right = right

    def stream(self, question, documents=None, history=()):
        text = "vier Euro" if int(question) < self.right else "weiß <b>nicht</b>"
        yield SimpleNamespace(
            model="scripted", to_dict=lambda: {"text": text, "status": "answered", "citations": [], "verdicts": []}
        )


def run(right, n=40):
    questions = tuple(
        Question(f"q{i}", f"q{i}", f"{i}", "de", True, ("vier Euro",), (Evidence("bad", 0, 4),)) for i in range(n)
    )
    return evaluate_answers(GoldSet("probe", (Document("bad", "Bad", "Vier Euro."),), questions), Assistant(right))


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    paths = []
    for right in (30, 20, 29):
        paths.append(tmp_path_factory.mktemp("reports") / f"{right}.json")
        write_report(paths[-1], run(right).result)
    return paths


def test_an_interval_is_that_of_the_mean_where_the_mean_is_nearly_normal():
    values = np.random.default_rng(3).normal(0.5, 0.2, 400).tolist()
    low, high = interval(MEAN, values)
    half = 1.959964 * np.std(values) / math.sqrt(400)
    assert (low, high) == pytest.approx((np.mean(values) - half, np.mean(values) + half), abs=0.002)


def test_what_is_drawn_together_is_compared_together():
    """Hard and easy questions blur each run's figure, and not the difference, the same for every question."""
    before = [0.0, 0.9] * 50
    after = [value + 0.1 for value in before]
    found = difference(MEAN, before, after)
    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    low, high = interval(MEAN, before)
    assert high - low > 0.15


@pytest.mark.parametrize(
    ("pool", "values"),
    [
        (mean, [0.0, 1.0, 1.0, None] * 9),
        (ratio, [[1, 2], [0, 1], None, [3, 3]] * 9),
        (refusal_f1, [[True, False], [False, True], [False, False], [True, True]] * 9),
        (refusal_f1, [[True, False]] * 9 + [[False, True]]),  # many a resample has nothing to find
        (p50, [1.0, 2.5, 7.0, None, 0.3] * 9),
        (p95, [1.0, 2.5, 7.0, 0.3] * 9),
    ],
)
def test_many_resamples_at_a_time_are_pooled_as_one_by_one(pool, values):
    one_by_one = Metric(MEAN.value, partial(pool))
    quick = interval(Metric(MEAN.value, pool), values)
    assert quick == pytest.approx(interval(one_by_one, values), abs=1e-12)
    assert quick[0] <= pooled(one_by_one, values) <= quick[1]


def test_nothing_to_count_has_no_interval():
    assert interval(MEAN, [None] * 9) is None


def test_lower_is_better_is_worse_where_it_rises():
    lower = Metric(MEAN.value, better="lower")
    found = difference(lower, [0.0] * 50, [1.0] * 50)
    assert (found.worse, found.better) == (True, False)
    neither = difference(Metric(MEAN.value, better=""), [0.0] * 50, [1.0] * 50)
    assert (neither.worse, neither.better) == (False, False)


def test_a_comparison_counts_and_lists_what_changed(reports):
    found = compare(Report.read(reports[0]), Report.read(reports[1]))
    f1 = found.languages["de"]["f1"]
    assert (f1.before, f1.after) == (30 / 40, 20 / 40)
    assert f1.value == -10 / 40
    assert f1.worse
    assert f1.low < -10 / 40 < f1.high < 0
    assert {changed.id for changed in found.changed} == {f"q{i}" for i in range(20, 30)}
    assert found.changed[0].values["f1"] == (1.0, 0.0)
    assert found.changed[0].change == -2  # f1 and exact_match
    assert found.settings == []
    assert found.languages["de"]["citation_precision"].value is None


def test_one_question_fewer_is_chance(reports):
    assert compare(Report.read(reports[0]), Report.read(reports[2]), strict=True).worse() == []
    assert "de:f1" in compare(Report.read(reports[0]), Report.read(reports[1]), strict=True).worse()


def test_strict_intervals_are_wider(reports):
    one, other = map(Report.read, reports[:2])
    loose, strict = (compare(one, other, strict=strict).languages["de"]["f1"] for strict in (False, True))
    assert strict.low < loose.low
    assert loose.high < strict.high


def test_only_questions_that_both_have_are_compared(reports):
    found = compare(run(30, n=40), run(30, n=10))
    assert found.n == {"de": 10}
    assert any("content_sha256" in told for told in found.settings)
    with pytest.raises(ReportError, match="no question in common"):
        compare(run(1, n=1), Report({**run(1).result, "questions": run(40).questions[5:]}))
    with pytest.raises(ReportError, match="'retrieval' and 'answers'"):
        compare(Report({**run(1, n=1).result, "kind": "retrieval"}), run(1, n=1))


def test_a_report_with_the_recipe_shows_the_difference():
    both = Report({**run(30).result, "baseline": {name: run(20).result[name] for name in ("languages", "questions")}})
    assert against_baseline(both.result).languages["de"]["f1"].value == 10 / 40
    assert "usual recipe" in both._repr_html_()
    assert against_baseline(run(3).result) is None


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ([], 0, ""),
        (["--fail-if-worse"], 1, "de:f1"),
        (["--fail-under", "f1=0.5"], 0, ""),
        (["--fail-under", "de:f1=0.51"], 1, "de:f1 is 0.500, expected at least 0.51"),
        (["--fail-over", "refused_answerable=0"], 0, ""),
        (["--fail-under", "citation_precision=0.1"], 1, "is nothing"),
        (["--fail-under", "f2=0.5"], 1, "no figure 'f2'"),
        (["--fail-under", "f1"], 1, "expected METRIC=VALUE"),
        (["--fail-under", "en:f1=0"], 1, "for these questions"),
    ],
)
def test_the_exit_status_fails_a_build(reports, tmp_path, options, status, told):
    before, after = map(str, reports[:2])
    result = CliRunner().invoke(app, ["compare", before, after, "--json", str(tmp_path / "c.json"), *options])
    assert result.exit_code == status
    if status:
        assert isinstance(result.exception, LimitError)
        assert told in str(result.exception)
    else:
        assert json.loads((tmp_path / "c.json").read_text())["languages"]["de"]["f1"]["difference"] == -0.25


def test_a_better_run_does_not_fail(reports):
    result = CliRunner().invoke(app, ["compare", str(reports[1]), str(reports[0]), "--fail-if-worse"])
    assert result.exit_code == 0
    assert "10 questions changed" in result.output


def test_a_file_that_is_no_report_is_named(tmp_path, reports):
    for content in ("[]", "{}", "no"):
        (tmp_path / "other.json").write_text(content)
        result = CliRunner().invoke(app, ["compare", str(tmp_path / "other.json"), str(reports[0])])
        assert isinstance(result.exception, ReportError)
        assert "other.json" in str(result.exception)


def test_limits_name_every_figure_that_is_broken():
    languages = {"de": {"f1": 0.4, "recall@5": 0.9}, "en": {"f1": 0.3, "recall@5": None}}
    with pytest.raises(LimitError, match=r"de:f1 is 0.400.*; en:f1 is 0.300.*; en:recall@5 is nothing"):
        require_limits(read_limits(["f1=0.5", "recall@5=0.5"]), languages)
    assert Limit("f1", 0.4, "de").broken(languages) == []


def test_what_a_model_says_stays_text_in_markdown(reports):
    *_, changed = comparison_tables(compare(Report.read(reports[0]), Report.read(reports[1])))
    assert changed.title.startswith("10 questions changed")
    text = markdown_table(changed)
    assert "<b>" not in text
    assert "weiß &lt;b&gt;nicht" in text


def test_each_metric_says_which_way_is_better():
    lower = {name for name, metric in ANSWERS.items() if metric.better == "lower"}
    seconds = {"seconds_first_p50", "seconds_p50", "seconds_p95"}
    assert lower == {"answered_unanswerable", "refused_answerable", "aurc", "tokens"} | seconds
