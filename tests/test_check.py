"""``beleg eval check``: each kind of fault is found, and a sound gold set has none."""

import json
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from eval.check import check_goldset, run_check
from eval.doubles import LEAST_ALIKE, near_doubles
from eval.goldset import SAMPLE
from eval.looks_answerable import Passages
from index.document import Document

TEXT = "Der Eintritt ins Freibad kostet 3 Euro. Kinder unter 6 Jahren zahlen nichts. Ab 9 Uhr ist geöffnet."
DOCUMENT = {"id": "bad", "title": "Freibad", "text": TEXT, "language": "de"}
GERMAN = {
    "id": "1-de",
    "pair": "1",
    "question": "Was kostet der Eintritt für Erwachsene?",
    "language": "de",
    "answerable": True,
    "answers": ["3 Euro"],
    "evidence": [{"document_id": "bad", "start": 0, "end": TEXT.index(" Kinder")}],
}
ENGLISH = {**GERMAN, "id": "1-en", "question": "What does admission cost for adults?", "language": "en"}
ENGLISH["answers"] = ["3 euros"]


def problems(tmp_path, *questions, documents=(DOCUMENT,)):
    for name, rows in (("documents", documents), ("questions", questions)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return [(problem.id, problem.kind, problem.text) for problem in check_goldset(tmp_path).problems]


def test_a_sound_set_has_no_problems(tmp_path):
    assert problems(tmp_path, GERMAN, ENGLISH) == []


def test_our_own_sets_are_sound():
    assert check_goldset(SAMPLE).problems == ()
    assert check_goldset(SAMPLE.parent / "off_topic", SAMPLE / "documents.jsonl").problems == ()


NO_ANSWER = {"answerable": False, "answers": [], "evidence": []}


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        ({"evidence": [{"document_id": "bad", "start": 0, "end": 999}]}, "form", "0 <= start < end <= "),
        ({"evidence": [{"document_id": "weg", "start": 0, "end": 9}]}, "form", "expected the id of a document"),
        ({"evidence": [{"document_id": "bad", "start": 1, "end": 12}]}, "evidence", "cut amid a word"),
        ({"evidence": [{"document_id": "bad", "start": 0, "end": 13}]}, "evidence", "white space at an end"),
        ({"evidence": [{"quote": "Der Eintritt ist frei."}]}, "evidence", "no document says 'Der Eintritt ist frei.'"),
        ({"evidence": [{"document_id": "bad", "start": 4, "end": 9, "quote": "3 Euro"}]}, "evidence", "not at 4"),
        ({"answers": [], "evidence": []}, "answer", "neither an answer nor evidence"),
        ({"answers": ["…"]}, "answer", "an answer without words"),
        ({"answerable": False, "evidence": []}, "answer", "its answer is '3 Euro'"),
        ({"question": "What does it cost for an adult?"}, "language", "stated as 'de'"),
        ({"answers": ["It is 3 euros for an adult"]}, "language", "its answer reads"),
        ({"status": "vielleicht"}, "form", "'status' is 'vielleicht'"),
        ({**NO_ANSWER, "question": "Wie viel kostet im Freibad der Eintritt?"}, "answerable", "kostet 3 Euro"),
    ],
)
def test_a_fault_is_named(tmp_path, change, kind, text):
    found = problems(tmp_path, {**GERMAN, **change})
    assert [(name, fault) for name, fault, _ in found] == [("1-de", kind)]
    assert text in found[0][2]


def test_what_a_person_has_looked_at_is_left_alone(tmp_path):
    row = {**GERMAN, **NO_ANSWER, "question": "Wie viel kostet im Freibad der Eintritt?"}
    assert problems(tmp_path, row)
    assert problems(tmp_path, {**row, "checked": ["answerable"]}) == []
    assert problems(tmp_path, {**row, "checked": ["double"]})


@pytest.mark.parametrize(
    ("second", "text"),
    [
        ({"id": "2-de", "pair": "2"}, "asks the same as '1-de'"),
        ({"id": "2-de", "pair": "2", "question": "Was kostet der Eintritt für die Erwachsenen?"}, "asks nearly"),
        ({"id": "2-de", "pair": "2", "question": "was KOSTET Eintritt für die Erwachsene"}, "asks the same as"),
    ],
)
def test_doubles_are_named(tmp_path, second, text):
    (found,) = problems(tmp_path, GERMAN, {**GERMAN, **second})
    assert found[:2] == ("2-de", "double")
    assert text in found[2]


def test_a_question_after_another_conversation_is_no_double(tmp_path):
    history = [{"question": "Wo kann ich schwimmen?", "answer": "Im Freibad."}]
    assert problems(tmp_path, GERMAN, {**GERMAN, "id": "2", "pair": "2", "history": history}) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"pair": "2"}, "pair '2' has en"),
        (NO_ANSWER, "'answerable' differs"),
        ({"evidence": [{"document_id": "bad", "start": 0, "end": 12}]}, "'evidence' differs"),
        ({"sort": "amount"}, "'sort' differs"),
    ],
)
def test_pairs_that_are_not_whole_are_named(tmp_path, change, text):
    whole = [
        {**row, "id": f"0-{row['language']}", "pair": "0", "question": f"{row['question']} (0)"}
        for row in (GERMAN, ENGLISH)
    ]
    found = problems(tmp_path, *whole, GERMAN, {**ENGLISH, **change})
    assert any(text in problem[2] for problem in found if problem[1] == "pair")


def test_a_set_of_one_language_needs_no_pairs(tmp_path):
    assert problems(tmp_path, GERMAN) == []


def test_documents_that_are_there_twice_are_named(tmp_path):
    found = problems(tmp_path, GERMAN, ENGLISH, documents=(DOCUMENT, {**DOCUMENT, "id": "bad-2"}))
    assert found == [("bad-2", "document", "has the text of 'bad'; leave one out")]


def test_all_problems_are_told_in_the_order_of_the_rows(tmp_path):
    found = problems(tmp_path, {**GERMAN, "language": "fr"}, {**GERMAN, "id": "2", "answers": ["…"]})
    assert [(name, kind) for name, kind, _ in found] == [("1-de", "form"), ("2", "answer")]


def test_the_command_tells_by_its_status_and_as_json(tmp_path, capsys):
    problems(tmp_path, GERMAN, {**ENGLISH, "answers": []})
    assert run_check(tmp_path, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["right"], told["questions"], told["problems"]) == (True, 2, [])
    problems(tmp_path, GERMAN)
    (tmp_path / "questions.jsonl").write_text(json.dumps({**GERMAN, "answers": ["…"]}), encoding="utf-8")
    command = [sys.executable, "-c", "from ui.cli import main; main()", "eval", "check", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1-de: answer: ['…'] holds an answer without words" in done.stdout
    assert done.stdout.rstrip().endswith("1 documents, 1 questions: 1 problems")


def test_near_doubles_are_all_that_comparing_each_with_each_finds():
    draw = random.Random(0)
    words = "wer wie was wann kostet öffnet Freibad Rathaus Bücherei heute morgen Eintritt Montag".split()
    questions = [" ".join(draw.choices(words, k=draw.randint(2, 6))) for _ in range(300)]

    def pieces(question):
        text = f" {question.casefold()} "
        return {text[i : i + 4] for i in range(max(1, len(text) - 3))}

    sets = [pieces(question) for question in questions]
    expected = {
        (i, j) for j in range(300) for i in range(j) if len(sets[i] & sets[j]) / len(sets[i] | sets[j]) >= LEAST_ALIKE
    }
    found = {(first, second) for first, second, _ in near_doubles(questions)}
    assert expected
    assert found == expected


def test_other_numbers_make_another_question():
    assert list(near_doubles(["Wie viele Schiffe fuhren 2018?", "Wie viele Schiffe fuhren 2021?"])) == []


def test_only_the_searched_documents_and_the_own_language_answer():
    document = Document("bad", "Freibad", TEXT)
    question = "Wie viel kostet im Freibad der Eintritt?"
    assert Passages([document]).answer_to(question, "de").text.endswith("3 Euro.")
    assert Passages([document]).answer_to(question, "de", ["anderes"]) is None
    assert Passages([replace(document, language="en")]).answer_to(question, "de") is None
    assert Passages([document]).answer_to("Wie viel kostet im Freibad die Umkleide?", "de") is None
