"""The model as a judge: what it is asked, what its answer means, how its agreement is counted."""

from contextlib import closing
from dataclasses import replace

import pytest
from openai import OpenAI

from eval.formats.rows import GoldSetError
from eval.goldset import GoldSet, Question
from eval.judge import (
    JUDGED,
    Judged,
    Label,
    agreement,
    judge_prompt,
    judge_right,
    load_judge,
    load_labels,
    run_judge,
)
from eval.measures import figure
from eval.records import Record
from eval.runs import evaluate_answers
from eval.tables import report_tables
from index import Document, Index
from rag import Assistant
from rag.endpoint import EndpointLLM
from rag.llm import load_llm
from tests.scripted_llm import KEY, ScriptedLLM, probabilities, status, writes


@pytest.fixture
def server():
    with ScriptedLLM() as scripted:
        yield scripted


@pytest.fixture
def llm(server):
    with closing(EndpointLLM(OpenAI(base_url=server.url, api_key=KEY), "scripted")) as model:
        yield model


@pytest.mark.parametrize(("yes", "right"), [(0.9, True), (0.6, True), (0.3, False)])
def test_the_likelier_word_decides(server, llm, yes, right):
    server.judgement = probabilities(Ja=yes, Nein=1 - yes)
    assert judge_right("Wer?", ["Koch"], "Robert Koch", llm) is right


@pytest.mark.parametrize(("said", "right"), [("Ja.", True), ("ja, stimmt", True), ("Nein", False), ("", False)])
def test_an_endpoint_without_probabilities_is_asked_for_a_word(server, llm, said, right):
    server.judgement = status(400)
    server.replies = [writes(said)]
    assert judge_right("Wer?", ["Koch"], "Robert Koch", llm) is right


def test_nothing_said_is_wrong_without_asking(server, llm):
    assert not judge_right("Wer?", ["Koch"], " ", llm)
    assert server.requests == []


def test_the_judge_sees_question_gold_and_answer_last():
    *before, last = judge_prompt("Wer war es?", ["Koch", "Robert Koch"], "Das war\nKoch.")
    assert last["content"] == "Frage: Wer war es?\nRichtig: Koch / Robert Koch\nAntwort des Schülers: Das war Koch."
    assert before == judge_prompt("Wann?", ["1882"], "1882")[:-1]


def test_agreement_is_counted_against_the_labels(server, llm):
    labels = [Label("Wer?", ("Koch",), "Koch", "de", right=True), Label("Wer?", ("Koch",), "Cohn", "de", right=False)]
    server.judgement = probabilities(Ja=0.9, Nein=0.1)
    found = agreement(labels, llm)
    assert (found.n, found.judge_agreement, found.judge_kappa) == (2, 0.5, 0)
    assert (found.judge_too_kind, found.judge_too_strict) == (1, 0)
    assert found.f1_kappa == 1


def test_our_labels_are_of_both_kinds_and_languages():
    labels = load_labels()
    assert {(label.language, label.right) for label in labels} == {(a, b) for a in ("de", "en") for b in (True, False)}
    assert min(sum(label.right for label in labels), sum(not label.right for label in labels)) >= 20
    assert len({(label.question, label.answer) for label in labels}) == len(labels) >= 50


def test_a_label_that_breaks_the_form_is_named(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text('{"question": "Wer?"}\n', encoding="utf-8")
    with pytest.raises(GoldSetError, match=r"labels\.jsonl:1: lacks 'answers'"):
        load_labels(path)


class Answered:
    """A system that knows its answers by heart."""

    name = "by heart"

    def __init__(self, **texts):
        self.texts = texts

    def ask(self, question):
        text = self.texts[question.id]
        status = "answered" if text else "abstained"
        return {"id": question.id, "seconds": 0.1, "answer": {"text": text, "status": status}}


def test_a_judged_run_counts_the_judges_word_apart(server, llm):
    server.judgement = probabilities(Ja=0.9, Nein=0.1)
    koch = Question("koch", "p", "Wer?", "de", True, ("Robert Koch",))
    silent, unknown = replace(koch, id="silent"), Question("unknown", "u", "Wo?", "de", False)
    system = Judged(Answered(koch="Koch [1]", silent="", unknown="Berlin"), llm)
    records = [Record(question, system.ask(question)) for question in (koch, silent, unknown)]
    assert [record.row.get("judged") for record in records] == [True, False, None]
    assert figure(JUDGED["judge_right"], records) == 0.5
    assert len(server.requests) == 1


@pytest.mark.slow
def test_a_report_says_what_the_judges_word_is_worth(server, llm, embedder, tmp_path):
    server.judgement = probabilities(Ja=0.9, Nein=0.1)
    server.replies = [writes("Robert Koch [1]")]
    koch = Question("koch", "p", "Wer entdeckte den Erreger?", "de", True, ("Robert Koch",))
    gold = GoldSet("koch", (Document("koch", "", "Robert Koch entdeckte den Erreger."),), (koch,))
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(gold.documents)
    report = evaluate_answers(gold, Assistant(index, llm), judge=llm)
    assert report.languages["de"]["judge_right"] == 1
    assert (report.result["judge"]["model"], report.result["judge"]["n"]) == (llm.name, len(load_labels()))
    assert any(table.title.startswith("the judge") for table in report_tables(report.result))


def test_the_judge_may_be_another_endpoint(server, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    monkeypatch.setenv("BELEG_JUDGE_MODEL", "richter")
    with pytest.raises(GoldSetError, match="go together"):
        load_judge()
    monkeypatch.setenv("BELEG_JUDGE_BASE_URL", server.url)
    with closing(load_judge()) as judge:
        assert judge.name == "richter"


def test_without_a_model_nobody_judges(monkeypatch):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    with pytest.raises(GoldSetError, match="a model must judge"):
        run_judge()


@pytest.mark.llm
def test_the_embedded_model_judges_better_than_chance():
    llm = load_llm()
    found = agreement(load_labels(), llm)
    assert found.judge_kappa > 0.2
