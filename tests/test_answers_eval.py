"""Answer figures: a scripted assistant, figures by arithmetic."""

from dataclasses import asdict, dataclass, field
from types import SimpleNamespace

import pytest

from eval.answers import BelegAnswers
from eval.goldset import Evidence, GoldSet, Question
from eval.measures import ANSWERS, Metric, language_right
from eval.runs import Way, evaluate_answers
from index import Document
from rag import Answer
from rag.llm import LLMError
from rag.writer import AnswerSentence

TEXT = "Der Eintritt ist frei. Am Montag ist das Bad geschlossen."
FREE, CLOSED = (13, 21), (23, 57)


@dataclass(frozen=True)
class Cited:
    quote: str
    start: int
    end: int
    document_id: str = "bad"


@dataclass(frozen=True)
class Answered:
    text: str
    citations: list = field(default_factory=list)
    status: str = "answered"
    model: str = "scripted"

    def to_dict(self):
        return asdict(self)


REFUSED = Answered("Dazu sagen die Dokumente nichts.", status="abstained")


class Scripted:
    """Gives the answer written down for a question and keeps what it was asked."""

    llm = None
    index = SimpleNamespace(embedder=SimpleNamespace(name="scripted", fingerprint="sha256:0", dimension=3))
    retriever = SimpleNamespace(retrieve=lambda question, k, documents=None: [])

    def __init__(self, answers):
        self.answers = answers
        self.calls = []

    def stream(self, question, *, language=None, documents=None, history=()):
        self.calls.append((question, language, documents))
        if self.answers[question].status != "abstained":
            yield AnswerSentence(self.answers[question].text, ())
        yield self.answers[question]


def cite(span, document_id="bad"):
    return Cited(TEXT[slice(*span)], *span, document_id)


def asked(name, *spans, language="de", answers=("frei",), documents=None):
    evidence = tuple(Evidence("bad", *span) for span in spans)
    return Question(name, name, name, language, bool(spans), answers if spans else (), evidence, documents)


def figures(*cases, language="de"):
    """Cases are pairs (question, answer)."""
    questions = [question for question, _ in cases]
    gold = GoldSet("probe", (Document("bad", "Freibad", TEXT),), tuple(questions))
    assistant = Scripted({question.question: answer for question, answer in cases})
    return evaluate_answers(gold, assistant).languages[language]


def test_f1_and_exact_match_leave_markers_out_and_a_refusal_scores_zero():
    found = figures(
        (asked("a", FREE), Answered("Frei [1].")),
        (asked("b", FREE), Answered("Der Eintritt ist frei [1][2].")),
        (asked("c", FREE), REFUSED),
        (asked("d"), REFUSED),
    )
    assert found["n"] == 4
    assert found["exact_match"] == (1 + 0 + 0) / 3
    assert found["f1"] == pytest.approx((1 + 2 * 1 / (1 + 3) + 0) / 3)


def test_a_refusal_scores_zero_even_where_its_words_are_the_gold_answer():
    found = figures((asked("a", FREE, answers=(REFUSED.text,)), REFUSED))
    assert (found["f1"], found["exact_match"], found["citation_recall"]) == (0, 0, 0)


def test_an_incomplete_answer_is_an_answer():
    cut = Answered("Frei", status="incomplete")
    found = figures((asked("a", FREE), cut), (asked("b"), cut))
    assert (found["exact_match"], found["refused_answerable"], found["answered_unanswerable"]) == (1, 0, 1)
    assert found["status"] == {"incomplete": 2}


def test_citations_are_judged_by_the_gold_spans():
    found = figures(
        (asked("a", FREE, CLOSED), Answered("…", [cite(FREE), cite((0, 12))])),
        (asked("b", FREE), Answered("…", [cite(FREE)])),
        (asked("uncited", FREE), Answered("…")),
        (asked("refused", FREE), REFUSED),
        (asked("unanswerable"), Answered("…", [cite(CLOSED)])),
    )
    assert found["citation_precision"] == (1 / 2 + 1) / 2
    assert found["citation_recall"] == (1 / 2 + 1 + 0 + 0) / 4


def test_quotes_are_looked_up_in_the_gold_sets_own_text():
    quotes = [cite(FREE), cite(FREE, "unknown"), Cited("ist Frei", *FREE), Cited("ist frei", 12, 20)]
    found = figures((asked("a", FREE), Answered("…", quotes[:2])), (asked("b"), Answered("…", quotes[2:])))
    assert found["quote_valid"] == 1 / 4


def test_refusals_are_counted_each_over_its_own_questions():
    found = figures(
        (asked("a", FREE), REFUSED),
        (asked("b", FREE), Answered("Frei")),
        (asked("c", FREE), Answered("Frei")),
        (asked("d"), REFUSED),
        (asked("e"), Answered("Frei")),
    )
    assert found["refused_answerable"] == 1 / 3
    assert found["answered_unanswerable"] == 1 / 2
    assert found["status"] == {"abstained": 2, "answered": 3}


def test_the_language_of_what_was_answered():
    right = Answered("It is free and you do not have to pay [1].")
    wrong = Answered("Der Eintritt ist für alle frei [1].")
    found = figures(
        (asked("a", FREE, language="en"), right),
        (asked("b", FREE, language="en"), wrong),
        (asked("c", FREE, language="en"), REFUSED),
        language="en",
    )
    assert found["language_right"] == 1 / 2


def test_a_name_is_right_in_either_language():
    assert language_right("Karl Marx", "en")
    assert language_right("Karl Marx", "de")


def test_nothing_to_count_is_none():
    only_refused = figures((asked("a"), REFUSED))
    for name in ("f1", "exact_match", "quote_valid", "citation_precision", "citation_recall", "language_right"):
        assert only_refused[name] is None
    assert only_refused["refused_answerable"] is None
    assert only_refused["answered_unanswerable"] == 0


def test_answerable_without_gold_answers_or_evidence_counts_for_refusals_only():
    bare = Question("a", "a", "a", "de", answerable=True, documents=("bad",))
    found = figures((bare, Answered("Frei", [cite(FREE)])))
    assert (found["f1"], found["citation_precision"], found["refused_answerable"]) == (None, None, 0)


def test_questions_are_asked_as_a_user_would_with_their_filter_and_kept_with_their_gold():
    german, english = asked("wo?", FREE, documents=("bad",)), asked("where?", language="en")
    gold = GoldSet("probe", (Document("bad", "Freibad", TEXT),), (german, english))
    assistant, seen = Scripted({"wo?": Answered("Frei", [cite(FREE)]), "where?": REFUSED}), []
    run = evaluate_answers(gold, assistant, way=Way(progress=lambda *step: seen.append(step)))
    assert assistant.calls == [("wo?", None, ("bad",)), ("where?", None, None)]
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert list(run.languages) == ["de", "en"]
    record = run.questions[0]
    assert record["gold"]["answers"] == ["frei"]
    assert record["answer"]["citations"][0]["quote"] == "ist frei"
    german, english = run.languages["de"], run.languages["en"]
    assert 0 <= german["seconds_first_p50"] == record["first_seconds"] <= german["seconds_p50"] == record["seconds"] < 1
    assert english["seconds_first_p50"] is None


def test_a_metric_of_your_own_is_counted_with_its_interval_and_shown():
    words = Metric(lambda record: len(record.text.split()), better="")
    question = asked("a", FREE)
    gold = GoldSet("probe", (Document("bad", "Freibad", TEXT),), (question,))
    assistant = Scripted({"a": Answered("Der Eintritt ist frei [1].")})
    report = evaluate_answers(gold, assistant, metrics={**ANSWERS, "words": words})
    assert report.languages["de"]["words"] == 4
    assert report.result["intervals"]["de"]["words"] == [4, 4]
    assert report.questions[0]["values"]["words"] == 4
    assert "<td>words</td><td>4" in report._repr_html_()


def test_grounded_counts_the_sentences_that_the_check_let_pass():
    verdicts = [{"supported": True}, {"supported": True}, {"supported": False}]

    class Judged(Answered):
        def to_dict(self):
            return super().to_dict() | {"verdicts": verdicts}

    found = figures((asked("a", FREE), Judged("Frei")), (asked("b", FREE), Answered("Frei")))
    assert found["grounded"] == 2 / 3


def test_quotes_in_the_place_of_a_lost_model_are_not_measured():
    lost = Answer("Wer?", "Tan Wenkan [1]", "de", "answered", model="extractive", notice="cannot be reached")
    with pytest.raises(LLMError, match="cannot be reached"):
        BelegAnswers(SimpleNamespace(stream=lambda *_, **__: [lost], llm=object())).ask(asked("a"))
