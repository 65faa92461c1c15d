"""Gold sets of other people's forms: SQuAD, tables, LangChain, Ragas, feedback, proposals."""

import json
import logging

import pytest

from eval.formats.locate import Locator
from eval.goldset import Evidence, GoldSetError, load_goldset

BATH = "Der Eintritt ins Freibad kostet 3 Euro. Kinder unter 6 Jahren zahlen nichts. Geöffnet ist ab 9 Uhr."
SPAN = (BATH.index("Kinder"), BATH.index(" Geöffnet"))


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def bath(tmp_path):
    return write_rows(tmp_path / "baths.jsonl", [{"id": "bad", "title": "Freibad", "text": BATH, "language": "de"}])


def quoted(goldset, question):
    texts = {document.id: document.text for document in goldset.documents}
    return [texts[span.document_id][span.start : span.end] for span in question.evidence]


# SQuAD


def squad(tmp_path, answers, **more):
    asked = {"id": "q1", "question": "Was kostet der Eintritt?", "answers": answers, **more}
    content = {"version": "v2.0", "data": [{"title": "Frei_bad", "paragraphs": [{"context": BATH, "qas": [asked]}]}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_squad_contexts_become_documents(tmp_path):
    goldset = load_goldset(squad(tmp_path, [{"text": "3 Euro", "answer_start": BATH.index("3 Euro")}]))
    (document,), (question,) = goldset.documents, goldset.questions
    assert (document.id, document.title, document.text, document.language) == ("Frei_bad#1", "Frei bad", BATH, "de")
    assert (question.id, question.language, question.answerable, question.answers) == ("q1", "de", True, ("3 Euro",))
    assert quoted(goldset, question) == ["3 Euro"]
    assert goldset.notices == ()


def test_a_squad_question_that_is_impossible_is_not_answerable(tmp_path):
    plausible = [{"text": "9 Uhr", "answer_start": BATH.index("9 Uhr")}]
    (question,) = load_goldset(squad(tmp_path, [], is_impossible=True, plausible_answers=plausible)).questions
    assert (question.answerable, question.answers, question.evidence) == (False, (), ())


def test_a_wrong_offset_of_squad_is_put_right_and_told(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        goldset = load_goldset(squad(tmp_path, [{"text": "3 Euro", "answer_start": 5}]))
    assert quoted(goldset, goldset.questions[0]) == ["3 Euro"]
    assert "'3 Euro' stands at 32, not at 5" in goldset.notices[0]
    assert "beleg eval check" in caplog.text


def test_an_answer_of_squad_that_stands_nowhere_is_told(tmp_path):
    goldset = load_goldset(squad(tmp_path, [{"text": "4 Euro", "answer_start": 5}]))
    assert goldset.questions[0].evidence == ()
    assert "'4 Euro' does not stand at 5" in goldset.notices[0]


def test_the_span_that_most_annotators_gave_counts(tmp_path):
    kinder, nichts = BATH.index("Kinder"), BATH.index("nichts")
    answers = [("Kinder", kinder), ("nichts", nichts), ("nichts", nichts)]
    goldset = load_goldset(squad(tmp_path, [{"text": text, "answer_start": start} for text, start in answers]))
    assert quoted(goldset, goldset.questions[0]) == ["nichts"]
    assert goldset.questions[0].answers == ("Kinder", "nichts")


def test_squad_takes_no_other_documents(tmp_path, bath):
    with pytest.raises(GoldSetError, match="leave --documents out"):
        load_goldset(squad(tmp_path, []), bath)


# Tables


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(
    "table",
    [
        "Frage;Antwort;Beleg\nWer zahlt nichts?;Kinder unter 6;Kinder unter 6 Jahren zahlen nichts.\n",
        "question,answer,context\nWer zahlt nichts?,Kinder unter 6,Kinder unter 6 Jahren zahlen nichts.\n",
        (
            "question\tground_truth\tcontexts\n"
            'Wer zahlt nichts?\tKinder unter 6\t"[""Kinder unter 6 Jahren zahlen nichts.""]"\n'
        ),
    ],
)
def test_a_table_over_documents(tmp_path, bath, table, encoding):
    path = tmp_path / "fragen.csv"
    path.write_bytes(table.encode(encoding))
    goldset = load_goldset(path, bath)
    (question,) = goldset.questions
    assert (question.question, question.language, question.answers) == ("Wer zahlt nichts?", "de", ("Kinder unter 6",))
    assert question.evidence == (Evidence("bad", *SPAN),)


def test_contexts_are_the_documents_where_none_are_given(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text(
        f'question,answer,context\nWas kostet es?,3 Euro,"{BATH}"\nWann?,9 Uhr,"{BATH}"\n', encoding="utf-8"
    )
    goldset = load_goldset(path)
    assert [document.text for document in goldset.documents] == [BATH]
    assert all(quoted(goldset, question) == [BATH] for question in goldset.questions)
    assert [question.id for question in goldset.questions] == ["row-2", "row-3"]


def test_columns_say_language_pair_filter_and_that_nothing_answers(tmp_path, bath):
    row = "id,pair,question,language,answerable,documents\n1-en,1,How deep is it?,English,nein,bad\n"
    path = tmp_path / "gold.csv"
    path.write_text(row, encoding="utf-8")
    (question,) = load_goldset(path, bath).questions
    assert (question.id, question.pair, question.language) == ("1-en", "1", "en")
    assert (question.answerable, question.documents) == (False, ("bad",))


def test_a_table_without_contexts_needs_documents(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("question,answer\nWas kostet es?,3 Euro\n", encoding="utf-8")
    with pytest.raises(GoldSetError, match="--documents FILE"):
        load_goldset(path)


def test_a_row_without_a_question_is_named_by_its_line(tmp_path, bath):
    path = tmp_path / "gold.csv"
    path.write_text("text,answer\nWas kostet es?,3 Euro\n", encoding="utf-8")
    with pytest.raises(GoldSetError, match=r"gold\.csv:2: 'question' is None"):
        load_goldset(path, bath)


def test_documents_may_be_a_folder_of_any_files(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "freibad.txt").write_text(BATH, encoding="utf-8")
    path = write_rows(
        tmp_path / "g.jsonl", [{"question": "Was kostet es?", "answer": "3 Euro", "evidence": "kostet 3 Euro"}]
    )
    goldset = load_goldset(path, tmp_path / "docs")
    assert quoted(goldset, goldset.questions[0]) == ["kostet 3 Euro"]
    assert goldset.files == (tmp_path / "docs" / "freibad.txt", path)


# LangChain and Ragas


@pytest.mark.parametrize(
    "row",
    [
        {"inputs": {"question": "Was kostet es?"}, "outputs": {"answer": "3 Euro"}},
        {"inputs": {"input": "Was kostet es?"}, "outputs": {"output": "3 Euro"}, "metadata": {"split": "base"}},
        {"inputs": "Was kostet es?", "outputs": "3 Euro"},
        {"query": "Was kostet es?", "answer": "3 Euro"},
        {"user_input": "Was kostet es?", "reference": "3 Euro", "response": "4 Euro"},
        {"question": "Was kostet es?", "answer": "4 Euro", "ground_truth": "3 Euro", "contexts": ["ab 9 Uhr"]},
    ],
)
@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_rows_of_other_tools(tmp_path, bath, row, ending):
    path = tmp_path / f"rows.{ending}"
    path.write_text(json.dumps(row if ending == "jsonl" else {"examples": [row]}), encoding="utf-8")
    (question,) = load_goldset(path, bath).questions
    assert (question.question, question.answers, question.evidence) == ("Was kostet es?", ("3 Euro",), ())


def test_what_ragas_retrieved_is_searched_but_is_no_evidence(tmp_path):
    other = "Die Bücherei öffnet um 10 Uhr."
    row = {"user_input": "Was kostet es?", "reference": "3 Euro", "reference_contexts": [BATH]}
    path = write_rows(tmp_path / "ragas.jsonl", [row | {"retrieved_contexts": [other, BATH]}])
    goldset = load_goldset(path)
    assert [document.text for document in goldset.documents] == [BATH, other]
    assert quoted(goldset, goldset.questions[0]) == [BATH]


def test_the_last_message_of_a_conversation_is_the_question(tmp_path, bath):
    said = [("human", "Was kostet es?"), ("ai", "3 Euro"), ("human", "Und für Kinder?")]
    row = {"user_input": [{"type": role, "content": text} for role, text in said], "reference": "nichts"}
    (question,) = load_goldset(write_rows(tmp_path / "r.jsonl", [row]), bath).questions
    assert (question.question, question.history) == ("Und für Kinder?", (("Was kostet es?", "3 Euro"),))


def test_squad_as_hubs_give_it_out(tmp_path):
    answers = {"text": ["3 Euro"], "answer_start": [BATH.index("3 Euro")]}
    rows = [{"id": "1", "title": "Bad", "context": BATH, "question": "Was kostet es?", "answers": answers}]
    rows.append(
        {"id": "2", "context": BATH, "question": "Wie tief ist es?", "answers": {"text": [], "answer_start": []}}
    )
    goldset = load_goldset(write_rows(tmp_path / "hub.jsonl", rows))
    assert [question.answerable for question in goldset.questions] == [True, False]
    assert quoted(goldset, goldset.questions[0]) == ["3 Euro"]
    assert len(goldset.documents) == 1


# Evidence


def test_a_quote_is_found_however_it_is_set(tmp_path):
    locator = Locator({"a": "Die Messe.", "b": "Er sagte: „Die Versiche-\nrung gilt.“"})
    place = locator.find('Er sagte: "Die Versicherung gilt."')
    assert place == {"document_id": "b", "start": 0, "end": 36}
    assert locator.find("Die Versicherung galt.") is None


def test_a_quote_that_moved_is_told(tmp_path):
    spans = [{"document_id": "bad", "start": 3, "end": 9, "quote": "3 Euro"}]
    found, problems = Locator({"bad": BATH}).located(spans)
    assert found == [{"document_id": "bad", "start": 32, "end": 38}]
    assert problems == ["'3 Euro' stands in 'bad' at 32, not at 3"]


def test_evidence_that_stands_nowhere_is_left_out_and_told(tmp_path, bath):
    row = {"question": "Was kostet es?", "answer": "3 Euro", "evidence": ["kostet 3 Euro", "kostet 4 Euro"]}
    goldset = load_goldset(write_rows(tmp_path / "g.jsonl", [row]), bath)
    assert quoted(goldset, goldset.questions[0]) == ["kostet 3 Euro"]
    assert "no document says 'kostet 4 Euro'" in goldset.notices[0]


def test_our_own_form_names_evidence_by_quote_too(tmp_path, bath):
    gold = {"id": "1", "pair": "1", "question": "Was kostet es?", "language": "de", "answerable": True}
    history = [{"question": "Wo kann ich schwimmen?", "answer": "Im Freibad."}]
    row = gold | {"answers": ["3 Euro"], "evidence": [{"quote": "kostet 3 Euro"}], "sort": "amount", "history": history}
    bath.rename(tmp_path / "documents.jsonl")
    write_rows(tmp_path / "questions.jsonl", [row])
    (question,) = load_goldset(tmp_path).questions
    start = BATH.index("kostet")
    assert question.evidence == (Evidence("bad", start, start + len("kostet 3 Euro")),)
    assert (question.sort, question.history) == ("amount", (("Wo kann ich schwimmen?", "Im Freibad."),))


# Proposals and feedback


def test_proposals_count_only_when_accepted(tmp_path, bath):
    row = {"question": "Was kostet es?", "answer": "3 Euro"}
    rows = [{**row, "id": status, "status": status} for status in ("proposed", "accepted", "rejected")]
    goldset = load_goldset(write_rows(tmp_path / "draft.jsonl", rows), bath)
    assert [question.id for question in goldset.questions] == ["accepted"]
    assert goldset.notices[0].startswith("2 rows are only proposed or rejected")
    with pytest.raises(GoldSetError, match="accept some: beleg eval review"):
        load_goldset(write_rows(tmp_path / "draft.jsonl", rows[:1]), bath)
    with pytest.raises(GoldSetError, match="'status' is 'maybe', expected one of proposed, accepted, rejected"):
        load_goldset(write_rows(tmp_path / "draft.jsonl", [{**row, "status": "maybe"}]), bath)


def feedback(reason, status="answered", question="Wer zahlt nichts?"):
    start, end = SPAN
    citation = {"marker": 1, "quote": BATH[start:end], "document_id": "bad", "start": start, "end": end, "page": None}
    citations = [citation] if status == "answered" else []
    answer = {"question": question, "text": "Kinder unter 6 [1]", "status": status, "citations": citations}
    return {"question": question, "answer": answer, "reason": reason, "time": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (feedback("good"), (True, ("Kinder unter 6",), (Evidence("bad", *SPAN),))),
        (feedback("good", "abstained"), (False, (), ())),
        (feedback("should have refused"), (False, (), ())),
        (feedback("wrong_quote"), (True, ("Kinder unter 6",), ())),
        (feedback("Wrong language"), (True, (), (Evidence("bad", *SPAN),))),
    ],
)
def test_feedback_becomes_gold_as_far_as_it_tells(tmp_path, bath, said, expected):
    (question,) = load_goldset(write_rows(tmp_path / "feedback.jsonl", [said]), bath).questions
    assert (question.answerable, question.answers, question.evidence) == expected


@pytest.mark.parametrize(
    ("reason", "status"), [("wrong answer", "answered"), ("odd", "answered"), ("wrong quote", "abstained")]
)
def test_feedback_that_tells_no_right_answer_waits_for_a_person(tmp_path, bath, reason, status):
    rows = [feedback(reason, status), feedback("good", question="Was kostet es?")]
    goldset = load_goldset(write_rows(tmp_path / "feedback.jsonl", rows), bath)
    assert [question.question for question in goldset.questions] == ["Was kostet es?"]


def test_the_last_word_on_a_question_counts(tmp_path, bath):
    rows = [feedback("wrong answer"), feedback("good")]
    (question,) = load_goldset(write_rows(tmp_path / "feedback.jsonl", rows), bath).questions
    assert question.answers == ("Kinder unter 6",)


# Files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gold.xlsx", "", "unknown form '.xlsx'"),
        ("gold.json", "{", "cannot be read as JSON"),
        ("gold.json", '{"a": 1}', "expected SQuAD's form, a list of rows"),
        ("gold.json", "[1]", "holds 1, expected a JSON object"),
        ("gold.csv", "question,answer\n", "is empty"),
        ("gold.csv", "\x00\x00", "cannot be read"),
        ("fehlt.csv", None, "no such file"),
    ],
)
def test_a_file_that_is_no_gold_set_is_named(tmp_path, bath, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(GoldSetError, match=f"{name}.*{message}"):
        load_goldset(path, bath)
