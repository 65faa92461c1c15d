"""LangChain's forms inside LCEL chains, over a real index and a scripted model."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from index import Document, Index
from index.settings import index_settings
from index.store import StoreError
from rag import Assistant, Retriever
from rag.assistant import ABSTENTION, AssistantError
from rag.langchain import AnswerRunnable, BelegRetriever
from rag.llm import LLMError, LLMSettings, load_llm
from tests.scripted_llm import KEY, ScriptedLLM, probabilities, status, writes

TEXT = "Tan Wenkan ist Direktor der Messe. Auf der Messe zählte man 1.234 Besucher."
QUESTION = "Wer ist Tan Wenkan von der Messe?"
DRAFT = ("Tan Wenkan ist Direktor [1]. ", "Man zählte ", "1.234 Besucher [2].")
SENTENCES = ["Tan Wenkan ist Direktor. [1]", " Man zählte 1.234 Besucher. [2]"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def index(tmp_path, embedder) -> Index:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add(
        [Document("messe", "Messe", TEXT, source="/archiv/messe.txt"), Document("rhein", "", "Der Rhein fließt.")]
    )
    return index


@pytest.fixture
def server() -> Iterator[ScriptedLLM]:
    with ScriptedLLM() as scripted:
        scripted.judgement = probabilities(Die=0.999, KEINE=0.001)
        scripted.replies = [writes(*DRAFT)]
        yield scripted


@pytest.fixture
def runnable(index, server) -> Iterator[AnswerRunnable]:
    llm = load_llm(LLMSettings(llm_base_url=server.url, llm_model="eule", llm_api_key=KEY, llm_timeout=5))
    with closing(llm):
        yield AnswerRunnable(Assistant(index, llm))


# The retriever


def test_the_retriever_gives_documents_with_their_place(index):
    first, *_ = BelegRetriever(retriever=Retriever(index)).invoke(QUESTION)
    start, end = first.metadata["start"], first.metadata["end"]
    assert index.document("messe").text[start:end] == first.page_content
    score = first.metadata.pop("score")
    assert first.metadata == {
        "document_id": "messe",
        "title": "Messe",
        "start": 0,
        "end": len(TEXT),
        "source": "/archiv/messe.txt",
    }
    assert first.id == f"messe#0-{len(TEXT)}"
    assert score == Retriever(index).retrieve(QUESTION)[0].score


def test_the_retrievers_settings(index):
    assert len(BelegRetriever(retriever=Retriever(index), k=1).invoke(QUESTION)) == 1
    [only] = BelegRetriever(retriever=Retriever(index), documents=("rhein",), language="en").invoke(QUESTION)
    assert only.metadata["document_id"] == "rhein"
    with pytest.raises(StoreError, match="no document 'mosel'"):
        BelegRetriever(retriever=Retriever(index), documents=("mosel",)).invoke(QUESTION)


def test_the_retriever_without_waiting(index):
    retriever = BelegRetriever(retriever=Retriever(index))
    assert asyncio.run(retriever.ainvoke(QUESTION)) == retriever.invoke(QUESTION)


def test_the_retriever_in_a_chain(index):
    seen = []
    join = RunnableLambda(lambda documents: "\n".join(document.page_content for document in documents))
    prompt = ChatPromptTemplate.from_template("Belege: {context}\nFrage: {question}")
    model = RunnableLambda(lambda value: seen.append(value.to_string()) or AIMessage("Direktor."))
    context = BelegRetriever(retriever=Retriever(index), k=1) | join
    chain = {"context": context, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()
    assert chain.invoke(QUESTION) == "Direktor."
    assert seen == [f"Human: Belege: {TEXT}\nFrage: {QUESTION}"]


# The answer


def test_a_chain_answers(runnable):
    chain = {"question": RunnablePassthrough()} | runnable | StrOutputParser()
    assert chain.invoke(QUESTION) == "".join(SENTENCES)


def test_a_chain_streams_checked_sentences(runnable):
    chain = {"question": RunnablePassthrough()} | runnable | StrOutputParser()
    assert [piece for piece in chain.stream(QUESTION) if piece] == SENTENCES


def test_a_chain_streams_without_blocking(runnable):
    chain = {"question": RunnablePassthrough()} | runnable | StrOutputParser()

    async def read():
        return [piece async for piece in chain.astream(QUESTION) if piece]

    assert asyncio.run(read()) == SENTENCES


def test_the_message_carries_the_whole_answer(runnable, index):
    message = runnable.invoke(QUESTION)
    assert isinstance(message, AIMessage)
    answer = message.response_metadata["answer"]
    assert message.text == answer["text"] == "".join(SENTENCES)
    assert (answer["status"], answer["language"]) == ("answered", "de")
    assert message.response_metadata["model_name"] == "eule"
    for citation in answer["citations"]:
        text = index.document(citation["document_id"]).text
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert [citation["marker"] for citation in answer["citations"]] == [1, 2]


def test_the_chunks_add_up_to_the_message(server, runnable):
    server.replies *= 2
    first, *others = runnable.stream(QUESTION)
    total = first
    for chunk in others:
        total += chunk
    whole = runnable.invoke(QUESTION)
    assert total.text == whole.text
    assert total.response_metadata["answer"]["citations"] == whole.response_metadata["answer"]["citations"]
    assert [chunk.chunk_position for chunk in (first, *others)] == [None, None, "last"]


def test_an_abstention_is_text_too(server, runnable):
    server.replies = [writes("KEINE ANTWORT"), writes("KEINE ANTWORT")]
    message = runnable.invoke(QUESTION)
    assert message.text == ABSTENTION["de"]
    assert message.response_metadata["answer"]["status"] == "abstained"
    assert list((runnable | StrOutputParser()).stream(QUESTION)) == [ABSTENTION["de"]]


def test_several_questions_at_once(server, runnable):
    server.replies *= 3
    assert (runnable | StrOutputParser()).batch([QUESTION] * 3) == ["".join(SENTENCES)] * 3


# Forms of input


def test_a_dict_with_all_that_answer_takes(server, runnable):
    server.replies = [writes("KEINE ANTWORT")]
    answer = runnable.invoke(
        {
            "question": "Und wann war das?",
            "language": "en",
            "documents": ["rhein"],
            "history": [(QUESTION, "Direktor. [1]")],
            "user": "other keys are left out",
        }
    ).response_metadata["answer"]
    assert (answer["question"], answer["language"], answer["text"]) == ("Und wann war das?", "en", ABSTENTION["en"])
    assert {hit["document_id"] for hit in answer["hits"]} == {"rhein"}
    assert f"Und wann war das? ({QUESTION})" in server.prompts[-1]


@pytest.mark.parametrize(
    "history",
    [
        [HumanMessage("Wo ist Köln?"), AIMessage("Am Rhein."), HumanMessage(QUESTION), AIMessage("Direktor. [1]")],
        [SystemMessage("Sei kurz."), HumanMessage(QUESTION), AIMessage("Direktor."), HumanMessage("Ohne Antwort?")],
        [[QUESTION, "Direktor. [1]"]],  # as JSON gives pairs
    ],
)
def test_a_history_of_messages(server, runnable, history):
    runnable.invoke({"question": "Und wie viele kamen dort?", "history": history})
    assert f"Und wie viele kamen dort? ({QUESTION})" in server.prompts[-1]


def test_behind_a_prompt_the_last_message_is_the_question(server, runnable):
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Du bist ein Pirat."), ("human", QUESTION), ("ai", "Direktor."), ("human", "Und {rest}")]
    )
    chain = prompt | runnable | StrOutputParser()
    assert chain.invoke({"rest": "wie viele kamen dort?"}) == "".join(SENTENCES)
    assert f"Und wie viele kamen dort? ({QUESTION})" in server.prompts[-1]
    assert "Pirat" not in str(server.requests)


def test_a_question_that_comes_in_pieces_is_asked_whole(server, runnable):
    words = QUESTION.split(" ")

    def pieces(_):
        yield words[0]
        yield from (f" {word}" for word in words[1:])

    chain = RunnableLambda(pieces) | runnable | StrOutputParser()
    assert "".join(chain.stream("")) == "".join(SENTENCES)
    assert QUESTION in server.prompts[-1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"frage": QUESTION}, "the input has the keys \\['frage'\\], expected 'question' among them"),
        ([], "list is no question"),
        ([AIMessage("Direktor.")], "the last a human's"),
        (7, "int is no question; give a str, a dict, or messages"),
        ("", "the question is empty"),
    ],
)
def test_what_is_no_question(runnable, given, says):
    with pytest.raises(AssistantError, match=says):
        runnable.invoke(given)


def test_the_models_errors_pass_through_a_chain(server, runnable):
    server.replies = [status(401)]
    chain = {"question": RunnablePassthrough()} | runnable | StrOutputParser()
    with pytest.raises(LLMError, match="key was refused"):
        chain.invoke(QUESTION)


def test_rag_does_not_import_langchain():
    code = "import sys, rag; sys.exit('langchain_core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
