"""The usual recipe: its chunks against LangChain's own, its search against numpy, its answers from a scripted model."""

import numpy as np
import pytest
from langchain_text_splitters import RecursiveCharacterTextSplitter

from eval.baseline import BaselineAnswers, BaselineRetrieval, Recipe, recipe_of, split
from eval.goldset import Evidence, GoldSet, Question
from eval.measures import ANSWERS, figure
from eval.records import Record
from eval.runs import evaluate_answers, evaluate_retrieval
from index import Document, Index
from index.embedding import EMBEDDED_MODEL, embedded, load_embedder
from index.errors import BelegError
from rag import Assistant, Retriever
from rag.llm import LLMSettings, load_llm
from tests.scripted_llm import ScriptedLLM, breaks_off, writes

POOL = "Das Freibad am See öffnet im Mai. Der Eintritt kostet vier Euro.\n\n" * 30
ZOO = "Der Zoo liegt im Norden der Stadt. Elefanten und Giraffen leben dort seit 1950.\n\n" * 20


@pytest.fixture
def documents():
    return [Document("bad", "Freibad", POOL), Document("zoo", "Zoo", ZOO)]


@pytest.fixture
def llm():
    with ScriptedLLM() as server:
        model = load_llm(LLMSettings(llm_base_url=server.url, llm_model="scripted", llm_api_key="none"))
        yield server, model
        model.close()


def asked(text="Was kostet der Eintritt in das Freibad?", documents=None):
    return Question("q", "q", text, "de", True, ("vier Euro",), (Evidence("bad", 34, 64),), documents)


def test_the_chunks_are_langchains_at_their_place(documents):
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    for document in documents:
        chunks = list(split(document))
        assert [chunk.text for chunk in chunks] == splitter.split_text(document.text)
        assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
        assert len(chunks) > 1


def test_the_search_is_the_cosine_alone(documents, embedder):
    recipe = Recipe(documents, embedder)
    texts = [chunk.text for document in documents for chunk in split(document)]
    cosines = embedder.embed_documents(texts) @ embedder.embed_query("Elefanten im Zoo?")
    hits = recipe.retrieve("Elefanten im Zoo?")
    assert len(hits) == 5
    assert [hit.score for hit in hits] == pytest.approx(np.sort(cosines)[::-1][:5])
    assert {hit.chunk.document_id for hit in recipe.retrieve("Elefanten?", documents=("bad",))} == {"bad"}


def test_an_answer_cites_its_chunks_and_a_refusal_nothing(documents, embedder, llm):
    server, model = llm
    server.replies = [writes("Vier ", "Euro."), writes("Ich weiß es nicht.")]
    system = BaselineAnswers(Recipe(documents, embedder, model))
    row = system.ask(asked())
    texts = {document.id: document.text for document in documents}
    record = Record(asked(), row, texts)
    assert (row["answer"]["status"], row["answer"]["text"]) == ("answered", "Vier Euro.")
    assert len(record.citations) == 5
    assert figure(ANSWERS["quote_valid"], [record]) == 1
    assert figure(ANSWERS["citation_recall"], [record]) == 1
    assert figure(ANSWERS["f1"], [record]) == 1
    [exchange] = row["trace"]["exchanges"]
    assert exchange["text"] == "Vier Euro."
    assert all(hit["text"] in exchange["prompt"] for hit in row["answer"]["hits"])
    assert asked().question in exchange["prompt"]

    refused = system.ask(asked())["answer"]
    assert (refused["status"], refused["citations"]) == ("abstained", [])


def test_an_answer_that_breaks_off_is_incomplete(documents, embedder, llm):
    server, model = llm
    server.replies = [breaks_off("Vier Euro", how="close")]
    answer = Recipe(documents, embedder, model).answer("Was kostet das Freibad?")
    assert (answer.status, answer.text) == ("incomplete", "Vier Euro")
    assert "broke off" in answer.notice


def test_without_a_model_it_says_what_to_change(documents, embedder):
    with pytest.raises(BelegError, match="BELEG_LLM_MODEL"):
        Recipe(documents, embedder).answer("Was?")


def test_both_are_measured_in_one_run_and_the_report_shows_the_difference(documents, embedder, tmp_path):
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(documents)
    gold = GoldSet("probe", tuple(documents), (asked(),))
    report = evaluate_retrieval(gold, Retriever(index), baseline=True)
    row = BaselineRetrieval(Recipe(documents, embedder)).ask(asked())
    assert report.result["baseline"]["questions"][0]["ranking"] == row["ranking"]
    assert report.result["baseline"]["languages"]["de"]["recall@5"] == 1
    assert "usual recipe" in report._repr_html_()
    assert report.result["system"] == "beleg"


def test_the_recipe_alone_makes_a_report_of_its_own(documents, embedder, tmp_path, llm):
    server, model = llm
    server.replies = [writes("Vier Euro.")]
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(documents)
    gold = GoldSet("probe", tuple(documents), (asked(),))
    report = evaluate_answers(gold, Assistant(index, model), beleg=False)
    assert report.result["system"] == "baseline"
    assert report.languages["de"]["f1"] == 1
    assert report.result["llm"] == {"name": "scripted"}


def test_beleg_tells_its_draft_what_it_searched_and_its_tokens(documents, embedder, tmp_path, llm):
    server, model = llm

    def counted(request):
        request.begin_stream()
        request.delta("Vier Euro [1]", "stop")
        usage = {"prompt_tokens": 300, "completion_tokens": 5, "total_tokens": 305}
        request.event(
            '{"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [], "usage": '
            + str(usage).replace("'", '"')
            + "}"
        )
        request.end_stream()

    server.replies = [counted]
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(documents)
    report = evaluate_answers(GoldSet("probe", tuple(documents), (asked(),)), Assistant(index, model))
    [row] = report.questions
    judged, draft = row["trace"]["exchanges"]
    assert row["trace"]["search"] == asked().question
    assert (judged["text"], draft["text"]) == ("", "Vier Euro [1]")
    assert (draft["prompt_tokens"], draft["completion_tokens"]) == (300, 5)
    assert row["tokens"] is None  # the request for probabilities was not counted
    streamed = next(body for body in server.requests if body.get("stream"))
    assert streamed["stream_options"] == {"include_usage": True}
    assert row["gold_quotes"][0]["text"] == POOL[34:64]


@pytest.mark.slow
def test_the_recipe_reads_questions_as_the_embedder_was_published(documents):
    question = "Was kostet der Eintritt?"
    published, ours = embedded(None), load_embedder(EMBEDDED_MODEL)
    [best, *_] = recipe_of(GoldSet("set", tuple(documents), (asked(),)), ours).retrieve(question)
    vector = published.embed_documents([best.chunk.text])[0]
    assert best.score == pytest.approx(float(vector @ published.embed_query(question)), abs=1e-3)
    assert best.score != pytest.approx(float(vector @ ours.embed_query(question)), abs=1e-3)
