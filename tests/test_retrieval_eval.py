"""Retrieval figures: a scripted retriever, figures by arithmetic."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from eval.cli import app
from eval.goldset import Evidence, GoldSet, GoldSetError, Question
from eval.report import ReportError, code_hash, describe, require_writable, write_report
from eval.retrieval import index_folder, index_goldset, rank_documents
from eval.runs import Way
from eval.runs import evaluate_retrieval as evaluate
from eval.tables import print_tables, report_tables
from index import Chunk, Document, Hit, Index
from index.errors import BelegError

TEXT = "x" * 1000


def hit(document_id, start=0, end=10, dense=0.5, lexical=0.0):
    return Hit(Chunk(document_id, "", TEXT[start:end], start, end, ()), 0.5, dense, lexical)


class Scripted:
    """Gives the hits written down for a question and keeps what it was asked."""

    index = SimpleNamespace(embedder=SimpleNamespace(name="scripted", fingerprint="sha256:0", dimension=3))

    def __init__(self, rankings):
        self.rankings = rankings
        self.calls = []

    def retrieve(self, question, k=5, *, language=None, documents=None):
        self.calls.append((question, k, language, documents))
        return self.rankings[question][:k]

    def embed(self, question):
        return question

    def candidates(self, question, *, documents=None):
        return self.rankings[question]


def evaluate_retrieval(gold, retriever, **arguments):
    return evaluate(gold, retriever, **arguments).languages


def question(name, language, *spans, documents=None):
    return Question(name, name, name, language, bool(spans), (), tuple(Evidence(*span) for span in spans), documents)


def goldset(*questions):
    return GoldSet("probe", tuple(Document(f"d{i}", "", TEXT) for i in range(20)), questions)


def test_figures_by_hand():
    gold = goldset(
        question("first", "de", ("d0", 0, 5)),
        question("third of two", "de", ("d0", 0, 5), ("d1", 0, 5)),
        question("eighth", "en", ("d9", 100, 105)),
    )
    retriever = Scripted(
        {
            "first": [hit("d0"), hit("d1")],
            # d0's second chunk does not count again: d1 is third
            "third of two": [hit("d2"), hit("d2", 50, 60), hit("d3"), hit("d2", 70, 80), hit("d2", 90, 99), hit("d1")],
            "eighth": [hit(f"d{i}") for i in range(1, 8)] + [hit("d9", 101, 103)],
        }
    )
    languages = evaluate_retrieval(gold, retriever)

    german, english = languages["de"], languages["en"]
    assert list(languages) == ["de", "en"]
    assert (german["n"], english["n"]) == (2, 1)
    assert german["recall@1"] == (1 + 0) / 2
    assert german["recall@5"] == (1 + 1 / 2) / 2
    assert german["mrr@10"] == pytest.approx((1 + 1 / 3) / 2)
    best = 1 + 1 / math.log2(3)
    assert german["ndcg@10"] == pytest.approx((1 + (1 / math.log2(4)) / best) / 2)
    assert german["evidence_recall@5"] == (1 + 0) / 2  # the chunk of d1 is the sixth
    assert (english["recall@5"], english["recall@10"], english["mrr@10"]) == (0, 1, 1 / 8)
    assert 0 <= german["seconds_p50"] <= german["seconds_p95"] < 1


def test_each_part_of_the_search_is_ranked_alone():
    hits = [hit("d0", dense=0.7, lexical=3.0), hit("d1", dense=0.9, lexical=0.0), hit("d2", dense=0.8, lexical=5.0)]
    figures = evaluate_retrieval(goldset(question("q", "de", ("d0", 0, 5))), Scripted({"q": hits}))["de"]
    assert figures["ndcg@10"] == 1
    assert figures["dense_ndcg@10"] == pytest.approx(1 / math.log2(1 + 3))
    assert figures["lexical_ndcg@10"] == pytest.approx(1 / math.log2(1 + 2))


def test_a_chunk_of_the_right_page_beside_the_evidence_is_found_but_no_evidence():
    figures = evaluate_retrieval(goldset(question("q", "de", ("d0", 500, 510))), Scripted({"q": [hit("d0", 0, 500)]}))
    assert (figures["de"]["recall@1"], figures["de"]["evidence_recall@5"]) == (1, 0)


def test_questions_without_evidence_are_not_asked_and_a_filter_is_kept():
    limited = question("limited", "de", ("d0", 0, 5), documents=("d0", "d1"))
    retriever = Scripted({"limited": [hit("d0")]})
    languages = evaluate_retrieval(goldset(question("unanswerable", "de"), limited), retriever)
    assert languages["de"]["n"] == 1
    assert {call[0] for call in retriever.calls} == {"limited"}
    assert {call[2:] for call in retriever.calls} == {(None, ("d0", "d1"))}


def test_a_set_without_any_evidence_gives_none_and_not_zero():
    languages = evaluate_retrieval(goldset(question("q", "de")), Scripted({}))
    assert languages["de"].pop("n") == 0
    assert set(languages["de"].values()) == {None}


def test_the_search_widens_until_ten_documents_are_seen():
    hits = [hit("d0", i, i + 1) for i in range(120)] + [hit(f"d{i}") for i in range(1, 15)]
    retriever = Scripted({"q": hits})
    ranking = rank_documents(retriever, question("q", "de", ("d9", 0, 5)))
    assert [call[1] for call in retriever.calls] == [50, 100, 200]
    assert ranking.documents == tuple(f"d{i}" for i in range(15))


def test_progress_counts_the_questions():
    seen = []
    gold = goldset(question("a", "de", ("d0", 0, 5)), question("b", "de", ("d0", 0, 5)))
    evaluate_retrieval(gold, Scripted({"a": [], "b": []}), way=Way(progress=lambda *step: seen.append(step)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_the_folder_of_the_index_follows_the_documents(tmp_path):
    one = GoldSet("probe", (Document("a", "", "Bonn"),), ())
    other = GoldSet("probe", (Document("a", "", "Berlin"),), ())
    assert index_folder(one) == index_folder(GoldSet("probe", one.documents, (question("q", "de"),)))
    assert index_folder(one) != index_folder(other)
    assert index_folder(one).name.startswith("probe-")


def test_a_document_that_cannot_be_indexed_ends_the_run(tmp_path):
    with pytest.raises(GoldSetError, match="leer"):
        index_goldset(GoldSet("probe", (Document("leer", "", " \n "),), ()), tmp_path / "index")


class Embedder:
    name, fingerprint, dimension = "scripted", "sha256:0", 3


def test_the_report_tells_what_decides_the_figures(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_LLM_API_KEY", "sk-geheim")
    monkeypatch.setenv("BELEG_LLM_MODEL", "large-model")
    (tmp_path / "documents.jsonl").write_bytes(b"documents")
    (tmp_path / "questions.jsonl").write_bytes(b"abc")
    files = tmp_path / "documents.jsonl", tmp_path / "questions.jsonl"
    told = describe(replace(goldset(question("q", "de")), files=files), Embedder)
    # NIST FIPS 180-2, appendix B.1
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert told["dataset"]["sha256"]["questions.jsonl"] == abc
    assert told["dataset"]["questions"] == 1
    assert told["embedder"] == {"name": "scripted", "fingerprint": "sha256:0", "dimension": 3}
    assert told["cpus"] == os.cpu_count()
    assert told["settings"]["llm_model"] == "large-model"
    assert json.loads(json.dumps(told)) == told
    assert "sk-geheim" not in json.dumps(told)


def test_the_code_hash_tells_packages_apart():
    assert code_hash(["index"]) == code_hash(["index"]) != code_hash(["eval"])


def test_a_report_is_json_with_null_for_nothing_to_count(tmp_path):
    write_report(tmp_path / "report.json", {"languages": {"de": {"n": 0, "f1": None}}, "text": "Größe"})
    raw = (tmp_path / "report.json").read_text(encoding="utf-8")
    assert json.loads(raw)["languages"]["de"] == {"n": 0, "f1": None}
    assert "Größe" in raw


def test_a_report_that_cannot_be_written_is_refused_beforehand(tmp_path):
    with pytest.raises(ReportError, match="--json"):
        require_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(BelegError, match="--json"):
        require_writable(tmp_path / "file" / "report.json")
    require_writable(tmp_path / "new" / "report.json")
    assert not (tmp_path / "new" / "report.json").exists()


def test_the_table_has_a_column_a_language(capsys):
    figures = {"n": 2, "recall@1": 0.5, "seconds_p50": None}
    languages = {"de": figures, "en": {**figures, "recall@1": 1 / 3}}
    bounds = {"de": {"recall@1": [0.4, 0.6]}}
    print_tables(report_tables({"dataset": {"name": "probe"}, "languages": languages, "intervals": bounds}))
    lines = capsys.readouterr().out.splitlines()
    assert any("German question" in line and "English question" in line for line in lines)
    assert any("recall@1" in line and "0.500 (0.400–0.600)" in line and "0.333" in line for line in lines)
    assert any("seconds_p50" in line and "–" in line for line in lines)


@pytest.mark.parametrize("command", ["retrieval", "answers"])
def test_the_command_passes_errors_on_to_the_edge(tmp_path, command):
    result = CliRunner().invoke(app, [command, str(tmp_path)])
    assert isinstance(result.exception, GoldSetError)


def test_the_command_loads_nothing_heavy_before_it_is_called():
    program = "import sys, eval.cli; print({'numpy', 'torch', 'openai', 'rag', 'index'} & set(sys.modules))"
    command, root = [sys.executable, "-c", program], Path(__file__).parent.parent
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.slow
def test_a_real_index_is_measured_and_not_embedded_twice(tmp_path):
    from rag import Retriever

    documents = (
        Document("bad", "Freibad", "Der Eintritt ins Freibad ist am Sonntag frei."),
        Document("müll", "Müll", "Die Mülltonnen werden am Dienstag geleert."),
    )
    questions = (question("Was kostet das Freibad?", "de", ("bad", 30, 45)),)
    gold = GoldSet("probe", documents, questions)
    index = index_goldset(gold, tmp_path / "index")
    assert evaluate_retrieval(gold, Retriever(index))["de"]["evidence_recall@5"] == 1
    assert len(Index.open(tmp_path / "index").add(documents).unchanged) == 2
