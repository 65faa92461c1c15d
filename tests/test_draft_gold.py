"""Proposed questions: what of a model's reply holds, that none counts unasked, and a person's decisions."""

import json
from contextlib import closing

import pytest
from openai import OpenAI

import eval.draft
from eval.draft import Passage, draft_pair, draft_prompt, draw_passages, run_draft
from eval.formats.rows import GoldSetError
from eval.goldset import load_goldset
from eval.review import run_review
from index.document import Document
from rag.endpoint import EndpointLLM
from tests.scripted_llm import KEY, ScriptedLLM, breaks_off, writes

OPENS = "Das Freibad der Stadt Altenrode öffnet in diesem Jahr schon am 10. Mai."
COSTS = "Eine Tageskarte für Erwachsene kostet in dieser Saison 4,20 Euro, mit Ermäßigung 2,50 Euro."
BATH = Document("bad", "Freibad", f"{OPENS} {COSTS} Kurz.")
PASSAGE = Passage(BATH, 0, len(OPENS))


def reply(question="Wann öffnet das Freibad Altenrode?", answer="am 10. Mai", english="When does the pool open?"):
    return f"Frage: {question}\nAntwort: {answer}\nQuestion: {english}\nAnswer: on 10 May"


@pytest.fixture
def server():
    with ScriptedLLM() as scripted:
        yield scripted


@pytest.fixture
def llm(server):
    with closing(EndpointLLM(OpenAI(base_url=server.url, api_key=KEY), "scripted")) as model:
        yield model


def test_a_pair_stands_on_its_sentence_and_is_only_proposed(server, llm):
    server.replies = [writes(reply())]
    german, english = draft_pair(PASSAGE, llm)
    assert (german["question"], german["answers"]) == ("Wann öffnet das Freibad Altenrode?", ["am 10. Mai"])
    assert (english["question"], english["language"]) == ("When does the pool open?", "en")
    assert german["pair"] == english["pair"]
    assert german["evidence"] == english["evidence"]
    (span,) = german["evidence"]
    assert BATH.text[span["start"] : span["end"]] == span["quote"] == OPENS
    assert german["status"] == english["status"] == "proposed"
    assert OPENS in server.prompts[0]


@pytest.mark.parametrize(
    "said",
    [
        reply(answer="am 11. Mai"),
        reply(answer="im Mai des Jahres"),
        reply(question="Öffnet das Freibad am 10. Mai?"),
        reply(
            question="Wie heißt das städtische Freibad Altenrode der Stadt?", answer="das Freibad der Stadt Altenrode"
        ),
        reply(answer=OPENS),
        reply(question="When does the pool open?"),
        reply(english="Wann öffnet das Bad?"),
        "Frage: Wann öffnet das Freibad?\nAntwort: am 10. Mai",
        "Ich kann dazu keine Frage stellen.",
    ],
)
def test_a_reply_that_does_not_hold_is_dropped(server, llm, said):
    server.replies = [writes(said)]
    assert draft_pair(PASSAGE, llm) == []


def test_a_reply_that_breaks_off_is_dropped(server, llm):
    server.replies = [breaks_off("Frage: Wann", how="end")]
    assert draft_pair(PASSAGE, llm) == []


def test_what_is_the_same_for_all_sentences_comes_first():
    first, second = draft_prompt(PASSAGE), draft_prompt(Passage(BATH, len(OPENS) + 1, len(OPENS) + 1 + len(COSTS)))
    assert first[:-1] == second[:-1]
    assert first[-1] != second[-1]


def test_the_seed_alone_draws_and_every_document_has_its_turn():
    many = [Document(f"d{i}", "", " ".join(f"Satz Nummer {j} über {i}: {OPENS}" for j in range(9))) for i in range(4)]
    drawn = draw_passages(many, 8, seed=1)
    assert [passage.document.id for passage in drawn] == ["d0", "d1", "d2", "d3"] * 2
    assert draw_passages(many, 8, seed=1) == drawn != draw_passages(many, 8, seed=2)
    assert all(passage.document.text[passage.start : passage.end] == passage.text for passage in drawn)


@pytest.fixture
def drafted(tmp_path, server, llm, monkeypatch):
    """A file of two proposed pairs; a double and a reply that does not hold were dropped."""
    monkeypatch.setattr(eval.draft, "load_llm", lambda: llm)
    text = " ".join([OPENS, COSTS, f"Damals hieß es: {OPENS}", f"Damals hieß es: {COSTS}"])
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "bad.txt").write_text(text, encoding="utf-8")
    by_sentence = {
        OPENS: reply(),
        COSTS: reply("Was kostet eine Tageskarte?", "4,20 Euro", "What does a day ticket cost?"),
    }

    def answers(request):
        asked = server.requests[-1]["messages"][-1]["content"]
        writes("Nein." if "Damals" in asked else by_sentence[asked.partition("Satz: ")[2]])(request)

    server.replies = [answers] * 9
    out = tmp_path / "out" / "draft.jsonl"
    counts = run_draft([docs], out, 3)
    return docs, out, counts


def test_a_draft_is_written_and_counts_only_where_a_person_accepts(drafted):
    docs, out, counts = drafted
    assert (counts.pairs, counts.dropped) == (2, 2)
    with pytest.raises(GoldSetError, match="accept some"):
        load_goldset(out, docs)
    shown = []
    typed = iter(["x", "a", "r"])
    assert run_review(out, lambda _: next(typed), shown.append) == {"accepted": 2, "rejected": 2, "proposed": 0}
    assert len(shown) == 2
    assert OPENS in shown[0] + shown[1]
    goldset = load_goldset(out, docs)
    assert {question.language for question in goldset.questions} == {"de", "en"}
    assert len({question.pair for question in goldset.questions}) == 1
    assert goldset.questions[0].evidence


def test_quitting_keeps_what_was_decided(drafted):
    _, out, _ = drafted
    typed = iter(["a", "q"])
    assert run_review(out, lambda _: next(typed), lambda _: None) == {"accepted": 2, "rejected": 0, "proposed": 2}
    typed = iter([""])
    assert run_review(out, lambda _: next(typed), lambda _: None) == {"accepted": 2, "rejected": 0, "proposed": 2}
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_decisions_are_never_overwritten(drafted):
    docs, out, _ = drafted
    before = out.read_bytes()
    with pytest.raises(GoldSetError, match="is there already"):
        run_draft([docs], out, 3)
    assert out.read_bytes() == before


def test_without_a_model_nothing_is_drafted(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    with pytest.raises(GoldSetError, match="BELEG_LLM_MODEL is 'none'"):
        run_draft([tmp_path], tmp_path / "draft.jsonl", 3)


def test_a_file_that_is_no_draft_is_named(tmp_path):
    path = tmp_path / "draft.jsonl"
    path.write_text(json.dumps({"status": "proposed"}) + "\n[1]\n", encoding="utf-8")
    with pytest.raises(GoldSetError, match=r"draft\.jsonl:2: holds \[1\]"):
        run_review(path, lambda _: "a", lambda _: None)
