"""Runs that are cut off, run side by side, and started with other settings."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval.goldset import Evidence, GoldSet, Question
from eval.journal import Journal, JournalError
from eval.progress import progress_bar
from eval.runs import Way, evaluate_answers
from index import Document
from tests.scripted_llm import ScriptedLLM, writes

ROOT = Path(__file__).parents[1]
TEXT = "Der Eintritt kostet vier Euro."
SECONDS = 120


def goldset(n=6):
    questions = tuple(
        Question(f"q{i}", f"q{i}", f"Frage {i}?", "de", True, ("vier Euro",), (Evidence("bad", 0, 30),))
        for i in range(n)
    )
    return GoldSet("probe", (Document("bad", "Freibad", TEXT),), questions)


@dataclass
class Said:
    text: str
    status: str = "answered"
    model: str = "scripted"

    def to_dict(self):
        return {"text": self.text, "status": self.status, "citations": [], "confidence": 0.1 * len(self.text)}


class Assistant:
    """Answers each question in its own way; breaks down, as an endpoint does, where it is told to."""

    llm = None
    index = SimpleNamespace(embedder=SimpleNamespace(name="scripted", fingerprint="sha256:0", dimension=3))
    retriever = SimpleNamespace(retrieve=lambda question, k, documents=None: [])

    def __init__(self, breaks_at=None):
        self.breaks_at = breaks_at
        self.asked = []

    def stream(self, question, documents=None, history=()):
        if question == self.breaks_at:
            raise ConnectionError(question)
        self.asked.append(question)
        yield Said("vier Euro" if "1" in question or "4" in question else "fünf")


def figures(report):
    """All that a report says but its times."""
    kept = {name: value for name, value in report.result.items() if name not in {"date", "gap"}}
    without = json.loads(json.dumps(kept))
    for row in without["questions"]:
        row.pop("seconds")
        row.pop("first_seconds", None)
        row["values"] = {name: value for name, value in row["values"].items() if "seconds" not in name}
    for name in ("languages", "intervals"):
        of = without[name]["de"]
        without[name]["de"] = {metric: value for metric, value in of.items() if "seconds" not in metric}
    return without


def test_a_run_that_broke_goes_on_and_gives_the_same_figures(tmp_path):
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(ConnectionError):
        evaluate_answers(goldset(), Assistant(breaks_at="Frage 3?"), way=Way(journal))
    with journal.open("ab") as file:
        file.write(b'{"system": "beleg", "row": {"id": "q3", "sec')  # killed while it wrote

    again, seen = Assistant(), []
    resumed = evaluate_answers(goldset(), again, way=Way(journal, progress=lambda *step: seen.append(step)))
    assert again.asked == ["Frage 3?", "Frage 4?", "Frage 5?"]
    assert seen == [(3, 6), (4, 6), (5, 6), (6, 6)]
    assert figures(resumed) == figures(evaluate_answers(goldset(), Assistant()))
    assert resumed.languages["de"]["f1"] == 2 / 6

    unasked = Assistant()
    evaluate_answers(goldset(), unasked, way=Way(journal))
    assert unasked.asked == []
    evaluate_answers(goldset(), unasked, way=Way(journal, restart=True))
    assert len(unasked.asked) == 6


def test_a_journal_of_other_settings_is_refused_by_what_differs(tmp_path, monkeypatch):
    journal = tmp_path / "journal.jsonl"
    evaluate_answers(goldset(), Assistant(), way=Way(journal))
    monkeypatch.setenv("BELEG_LEAST_CONFIDENCE", "0.25")
    with pytest.raises(JournalError, match=r"least_confidence was null, is 0.25.*--restart"):
        evaluate_answers(goldset(), Assistant(), way=Way(journal))
    monkeypatch.undo()
    with pytest.raises(JournalError, match="content_sha256"):
        evaluate_answers(goldset(5), Assistant(), way=Way(journal))
    with pytest.raises(JournalError, match="questions"):
        evaluate_answers(goldset(), Assistant(), sample=2, way=Way(journal))


@pytest.mark.parametrize("content", [b'{"a": 1}\n', b"no JSON\n", b'{"identity": {}}\n[]\n'])
def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "answers.jsonl"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="--restart"):
        Journal(path, {})
    assert path.read_bytes() == content


def test_a_row_is_on_the_disk_when_it_is_kept(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    journal = Journal(tmp_path / "journal.jsonl", {})
    journal.append("beleg", {"id": "a"})
    assert synced[-1] == journal.path.stat().st_size > synced[0]


def test_workers_ask_side_by_side_and_give_the_same_figures():
    both = threading.Barrier(3, timeout=20)

    class SideBySide(Assistant):
        def stream(self, question, documents=None, history=()):
            both.wait()  # only three at a time get on
            yield from super().stream(question, documents)

    report = evaluate_answers(goldset(), SideBySide(), way=Way(workers=3))
    assert report.result.pop("workers") == 3
    alone = evaluate_answers(goldset(), Assistant())
    assert alone.result.pop("workers") == 1
    assert [row["id"] for row in report.questions] == [f"q{i}" for i in range(6)]
    assert figures(report) == figures(alone)


def test_an_error_of_a_worker_ends_the_run_and_keeps_what_is_done(tmp_path):
    journal = tmp_path / "journal.jsonl"
    with pytest.raises(ConnectionError):
        evaluate_answers(goldset(40), Assistant(breaks_at="Frage 9?"), way=Way(journal, workers=2))
    again = Assistant()
    report = evaluate_answers(goldset(40), again, way=Way(journal, workers=2))
    assert len(again.asked) < 40
    assert report.languages["de"]["n"] == 40


def test_the_same_seed_draws_the_same_questions_and_intervals():
    one, same, other = (evaluate_answers(goldset(30), Assistant(), sample=8, seed=seed) for seed in (1, 1, 2))
    assert figures(one) == figures(same)
    assert [row["id"] for row in one.questions] != [row["id"] for row in other.questions]
    assert one.result["sample"] == {"n": 8, "seed": 1}


def test_a_bar_says_how_fast_and_how_long(capsys):
    with progress_bar("Asking") as progress:
        progress(2, 4)
        time.sleep(0.1)
        progress(3, 4)
        time.sleep(0.1)
        progress(4, 4)
    shown = capsys.readouterr().err
    assert "Asking" in shown
    assert "4/4" in shown
    assert "/s" in shown or "/min" in shown


@pytest.fixture
def folder(tmp_path):
    """A gold set of twelve questions over three documents."""
    subjects = {"Bad": "vier", "Zoo": "neun", "Museum": "sieben"}
    documents, questions = [], []
    for name, price in subjects.items():
        text = f"Der Eintritt in das {name} kostet {price} Euro. Montags ist das {name} geschlossen."
        documents.append({"id": name, "title": name, "text": text, "language": "de"})
        evidence = [{"document_id": name, "start": 0, "end": text.index(".") + 1}]
        for i, asked in enumerate((f"Was kostet das {name}?", f"Wie teuer ist der Eintritt in das {name}?")):
            row = {"id": f"{name}{i}", "question": asked, "language": "de", "answerable": True}
            questions.append(row | {"answers": [f"{price} Euro"], "evidence": evidence})
        for i in range(2):
            asked = f"Wer leitet das {name} seit {2000 + i}?"
            questions.append({"id": f"{name}n{i}", "question": asked, "language": "de", "answerable": False})
    for file, rows in (("documents", documents), ("questions", questions)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (tmp_path / f"{file}.jsonl").write_text(lines, "utf-8")
    return tmp_path


class Endless(list):
    """Replies that never run out: the price in the evidence, after a while."""

    def pop(self, place=-1):
        def reply(request):
            time.sleep(0.3)
            prompt = request.server.script.requests[-1]["messages"][-1]["content"]
            price = next((word for word in ("vier", "neun", "sieben") if f"kostet {word}" in prompt), "zwei")
            writes(f"{price} Euro [1]", logprob=-0.1)(request)

        return reply


def run_answers(folder, report, url):
    command = [sys.executable, "-m", "ui.cli", "eval", "answers", str(folder), "--json", str(report)]
    environment = os.environ | {
        "BELEG_LLM_BASE_URL": url,
        "BELEG_LLM_MODEL": "scripted",
        "BELEG_LLM_API_KEY": "none",
        "BELEG_LEAST_CONFIDENCE": "0",
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return out


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_gives_the_figures_of_an_unbroken_run(folder):
    with ScriptedLLM() as llm:
        llm.replies = Endless()
        finished(run_answers(folder, folder / "whole.json", llm.url))
        asked_in_all = len(llm.prompts)

        journal = folder / "report.json.journal.jsonl"
        process = run_answers(folder, folder / "report.json", llm.url)
        end = time.monotonic() + SECONDS
        while not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (folder / "report.json").exists()

        before = len(llm.prompts)
        finished(run_answers(folder, folder / "report.json", llm.url))
        assert len(llm.prompts) - before < asked_in_all

    whole, resumed = (
        SimpleNamespace(result=json.loads((folder / name).read_text("utf-8"))) for name in ("whole.json", "report.json")
    )
    for report in (whole, resumed):
        for row in report.result["questions"]:
            row["answer"].pop("seconds")
    assert not journal.exists()
    assert whole.result["languages"]["de"]["f1"] > 0.4
    assert figures(resumed) == figures(whole)
