"""Gold sets: what is read, what is refused, what is drawn."""

import gzip
import json
import random
from collections import Counter

import pytest

from eval.goldset import SAMPLE, Evidence, GoldSetError, Question, load_goldset, sample

DOCUMENT = {"id": "bad", "title": "Freibad", "text": "Der Eintritt ist frei.", "language": "de"}
QUESTION = {
    "id": "1-en",
    "pair": "1",
    "question": "What does it cost?",
    "language": "en",
    "answerable": True,
    "answers": ["nothing"],
    "evidence": [{"document_id": "bad", "start": 13, "end": 21}],
    "documents": None,
}


def write(folder, documents=(DOCUMENT,), questions=(QUESTION,)):
    for name, rows in (("documents", documents), ("questions", questions)):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def test_a_gold_set_is_read_as_it_is(tmp_path):
    goldset = load_goldset(write(tmp_path / "."))
    assert goldset.name == tmp_path.name
    (document,) = goldset.documents
    assert (document.id, document.title, document.text, document.language) == tuple(DOCUMENT.values())
    (question,) = goldset.questions
    assert question == Question(
        "1-en", "1", "What does it cost?", "en", True, ("nothing",), (Evidence("bad", 13, 21),), None
    )
    span = question.evidence[0]
    assert document.text[span.start : span.end] == "ist frei"


def test_compressed_documents(tmp_path):
    write(tmp_path)
    plain = tmp_path / "documents.jsonl"
    (tmp_path / "documents.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    expected = load_goldset(tmp_path)
    plain.unlink()
    assert load_goldset(tmp_path) == expected


def test_a_broken_gzip_file_is_named(tmp_path):
    write(tmp_path)
    raw = gzip.compress((tmp_path / "documents.jsonl").read_bytes())
    (tmp_path / "documents.jsonl").unlink()
    (tmp_path / "documents.jsonl.gz").write_bytes(raw[:-12])
    with pytest.raises(GoldSetError, match=r"documents\.jsonl\.gz: cannot be read"):
        load_goldset(tmp_path)


def test_answers_and_evidence_may_be_unknown_and_the_search_limited(tmp_path):
    row = {**QUESTION, "answers": [], "evidence": [], "documents": ["bad"]}
    (question,) = load_goldset(write(tmp_path, questions=[row])).questions
    assert (question.answerable, question.answers, question.evidence, question.documents) == (True, (), (), ("bad",))


@pytest.mark.parametrize("missing", ["documents.jsonl", "questions.jsonl"])
def test_a_missing_file_is_named_with_the_remedy(tmp_path, missing):
    write(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(GoldSetError, match=rf"{missing}.*; (give|add)"):
        load_goldset(tmp_path)


def test_a_gold_set_needs_questions(tmp_path):
    with pytest.raises(GoldSetError, match=r"questions\.jsonl: is empty"):
        load_goldset(write(tmp_path, questions=[]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ""}, "'id' is ''"),
        ({"id": 7}, "'id' is 7"),
        ({"question": " "}, "'question' is ' '"),
        ({"language": "fr"}, "'language' is 'fr', expected one of de, en"),
        ({"answerable": "yes"}, "'answerable' is 'yes'"),
        ({"answers": "nothing"}, "'answers' is 'nothing', expected a list"),
        ({"answers": [1]}, r"'answers' is \[1\]"),
        ({"answerable": False}, "'evidence' is .* expected none"),
        ({"evidence": [{"document_id": "x", "start": 0, "end": 1}]}, "expected the id of a document"),
        ({"evidence": [{"document_id": ["bad"], "start": 0, "end": 1}]}, "expected the id of a document"),
        ({"evidence": ["bad"]}, "expected the id of a document"),
        ({"evidence": [{"document_id": "bad", "start": 0, "end": 23}]}, "0 <= start < end <= 22"),
        ({"evidence": [{"document_id": "bad", "start": 4, "end": 4}]}, "0 <= start < end <= 22"),
        ({"evidence": [{"document_id": "bad", "start": -1, "end": 4}]}, "0 <= start < end <= 22"),
        ({"evidence": [{"document_id": "bad", "start": "0", "end": 4}]}, "0 <= start < end <= 22"),
        ({"documents": ["x"]}, r"'documents' is \['x'\]"),
        ({"documents": []}, r"'documents' is \[\]"),
    ],
)
def test_a_line_that_breaks_the_form_is_named(tmp_path, change, message):
    rows = [QUESTION, {**QUESTION, "id": "1-de", **change}]
    with pytest.raises(GoldSetError, match=rf"questions\.jsonl:2: .*{message}.*; correct the line"):
        load_goldset(write(tmp_path, questions=rows))


@pytest.mark.parametrize("name", ["documents", "questions"])
def test_an_id_that_occurs_twice_is_named(tmp_path, name):
    row = DOCUMENT if name == "documents" else QUESTION
    with pytest.raises(GoldSetError, match=rf"{name}\.jsonl:2: 'id' is '{row['id']}'"):
        load_goldset(write(tmp_path, **{name: [row, row]}))


@pytest.mark.parametrize("line", [b"{", b"[1]", b'{"id": "\xff"}'])
def test_a_line_that_is_no_object_is_named_by_its_number_in_the_file(tmp_path, line):
    write(tmp_path)
    path = tmp_path / "questions.jsonl"
    path.write_bytes(path.read_bytes() + b"\n" + line)
    with pytest.raises(GoldSetError, match=r"questions\.jsonl:3: "):
        load_goldset(tmp_path)


def test_the_built_in_sample_is_a_gold_set_in_both_languages():
    questions = load_goldset(SAMPLE).questions
    assert {(question.language, question.answerable) for question in questions} == {
        ("de", True),
        ("de", False),
        ("en", True),
        ("en", False),
    }


def test_the_off_topic_questions_are_two_halves_of_the_same_kinds():
    folder = SAMPLE.parent / "off_topic"
    questions = load_goldset(folder, SAMPLE / "documents.jsonl").questions  # which refuses an id that occurs twice
    assert len({question.question for question in questions}) == 60
    assert not any(question.answerable or question.documents for question in questions)
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter((row["half"], row["language"]) for row in rows) == Counter(
        {(half, language): 15 for half in ("fit", "test") for language in ("de", "en")}
    )
    assert set(Counter((row["half"], row["language"], row["kind"]) for row in rows).values()) == {1}
    assert all(row["id"] == f"{row['half']}-{row['kind']}-{row['language']}" == row["pair"] for row in rows)


def pairs(n, unanswerable, languages=("de", "en")):
    return [
        Question(f"{i}-{language}", str(i), "?", language, i >= unanswerable)
        for i in range(n)
        for language in languages
    ]


def test_a_sample_keeps_pairs_and_proportions_and_the_order():
    questions = pairs(100, unanswerable=25)
    drawn = sample(questions, n=20, seed=3)
    strata = Counter((question.language, question.answerable) for question in drawn)
    assert strata == {("de", True): 15, ("en", True): 15, ("de", False): 5, ("en", False): 5}
    assert set(Counter(question.pair for question in drawn).values()) == {2}
    assert drawn == [question for question in questions if question in drawn]


def test_the_seed_alone_decides_the_sample():
    questions = pairs(100, unanswerable=25)
    shuffled = random.Random(0).sample(questions, len(questions))
    first = {question.id for question in sample(questions, 10, seed=1)}
    assert {question.id for question in sample(shuffled, 10, seed=1)} == first
    assert {question.id for question in sample(questions, 10, seed=2)} != first


def test_every_question_is_drawn_as_often_as_any_other():
    questions = pairs(10, unanswerable=0, languages=("de",))
    counts = Counter(question.id for seed in range(1000) for question in sample(questions, 3, seed))
    expected, deviation = 1000 * 3 / 10, (1000 * 0.3 * 0.7) ** 0.5
    assert all(abs(counts[question.id] - expected) < 4 * deviation for question in questions)


def test_pairs_stay_together_where_there_are_enough():
    alone = [Question(f"x{i}", f"x{i}", "?", "de", True) for i in range(50)]
    drawn = sample([*alone, *pairs(10, unanswerable=0)], n=10, seed=0)
    assert set(Counter(question.pair for question in drawn).values()) == {2}
    more = sample([*alone, *pairs(10, unanswerable=0)], n=15, seed=0)
    assert Counter(question.language for question in more) == {"de": 15, "en": 10}


def test_a_sample_larger_than_the_set_is_the_set():
    questions = pairs(5, unanswerable=2)
    assert sample(questions, n=50, seed=0) == questions


def test_an_empty_sample_is_refused():
    with pytest.raises(GoldSetError, match="sample of 0"):
        sample(pairs(3, unanswerable=0), n=0, seed=0)


def test_documents_may_lie_elsewhere(tmp_path):
    for name in ("elsewhere", "gold"):
        (tmp_path / name).mkdir()
        gold = write(tmp_path / name)
    (gold / "documents.jsonl").unlink()
    elsewhere = tmp_path / "elsewhere" / "documents.jsonl"
    loaded = load_goldset(gold, elsewhere)
    assert loaded.documents
    assert loaded.files == (elsewhere, gold / "questions.jsonl")
    with pytest.raises(GoldSetError, match=r"--documents FILE"):
        load_goldset(gold)
    with pytest.raises(GoldSetError, match=r"gibtesnicht: no such file"):
        load_goldset(gold, tmp_path / "gibtesnicht")
