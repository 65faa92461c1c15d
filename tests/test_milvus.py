"""The index in a vector store of LangChain's, Milvus in a file, against the folder."""

from pathlib import Path

import numpy as np
import pytest

from index import AnyIndex, Changes, Document, Index, open_index
from index.copying import copy_index
from index.manifest import StoreError
from index.opening import index_exists, parse_address
from index.place import Place
from rag import Assistant, Retriever
from tests.conftest import WordEmbedder
from tests.test_postgres import TokenEmbedder
from tests.test_store import QUESTIONS, contents, document

pytestmark = [
    pytest.mark.slow,
    # Of the client of Milvus and of what it stands on.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("milvus") / "lite.db"


@pytest.fixture
def url(file: Path, request: pytest.FixtureRequest) -> str:
    return f"milvus://{file}?collection={request.node.name}"


@pytest.fixture
def index(url: str) -> AnyIndex:
    return open_index(url, embedder=TokenEmbedder())


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.address.user_data_path", lambda *_, **__: tmp_path / "data")


def assert_same_by_meaning(index: AnyIndex, folder: Path) -> None:
    """Search by meaning and by tokens finds what it finds in a folder."""
    fresh = Index.open(folder, embedder=TokenEmbedder())
    fresh.add(index.documents())
    assert contents(index) == contents(fresh)
    assert (len(index), index.chunk_count) == (len(fresh), fresh.chunk_count)
    assert dict(index.content_hashes()) == dict(fresh.content_hashes())
    for question in QUESTIONS:
        embedded = Retriever(fresh).embed(question, "de")
        first, second = (
            one.search(embedded.vector, tokens=embedded.tokens, candidates=8).hits([]) for one in (index, fresh)
        )
        dense = [sorted((hit.dense for hit in hits), reverse=True) for hits in (first, second)]
        assert dense[0] == pytest.approx(dense[1], abs=1e-3)
        late = {hit.chunk: hit.late for hit in second}
        assert {hit.chunk: hit.late for hit in first if hit.chunk in late} == pytest.approx(
            {hit.chunk: late[hit.chunk] for hit in first if hit.chunk in late}, abs=1e-5
        )


def test_adding_changing_and_removing_gives_what_the_folder_gives(index: AnyIndex, url: str, tmp_path: Path) -> None:
    assert (len(index), index.chunk_count, list(index.documents()), index.built_with) == (0, 0, [], None)
    documents = {f"d{number}": document(number) for number in range(9)}
    assert index.add(documents.values()) == Changes(added=list(documents))
    version = index.version
    assert index.add([document(2, edition=1), document(3), document(12)]) == Changes(["d12"], ["d2"], ["d3"])
    assert index.version != version
    assert index.remove(["d7", "d7"]) == Changes(removed=["d7"])
    again = open_index(url, embedder=TokenEmbedder(), must_exist=True)
    assert again.document("d2") == document(2, edition=1)
    assert ("d7" in again, "d3" in again) == (False, True)
    assert_same_by_meaning(again, tmp_path / "fresh")


def test_what_is_searched_is_said(index: AnyIndex) -> None:
    index.add([document(1)])
    assert index.search_parts == {"meaning", "tokens"}
    assert all(hit.lexical == 0 for hit in index.search(index.embedder.embed_query("Frist")).hits(["frist"]))


def test_every_text_comes_back_letter_for_letter(index: AnyIndex) -> None:
    places = (Place(0, 3, 1, (1.0, 2.0, 3.5, 4.0)), Place(4, 9, None, None, "Kapitel 1", "a.xhtml"))
    strange = [
        Document("a", "NUL \0 im Titel", "\n\n Erster Satz.\0 Zweiter Satz. \n", source="/tmp/\udcff.txt"),
        Document(
            "b", "halb \ud800", "# Überschrift \udfff\n\nEin Satz 👩‍👩‍👧 mit \ud800.", "en", "x", "2024-07-04", places
        ),
        Document('c"] or number >= 0 or document in ["', "%s {} \\", "\\x41 ' \" \t \r\n ."),
    ]
    assert index.add(strange).failed == []
    assert contents(index) == {one.id: one for one in strange}
    for one in strange:
        hits = index.search(index.embedder.embed_query("Satz"), documents=[one.id]).hits([])
        assert {hit.chunk.document_id for hit in hits} == {one.id}
        assert all(one.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text for hit in hits)


def test_an_id_that_cannot_be_stored_is_named(index: AnyIndex) -> None:
    changes = index.add([Document("a\0b", "", "Text.", source="a.jsonl"), Document("c", "", "Text.")])
    assert (changes.added, len(changes.failed)) == (["c"], 1)
    assert "a\0b" not in index
    with pytest.raises(StoreError, match="no document"):
        index.document("\ud800")


def test_a_document_that_is_only_half_there_is_not_seen(index: AnyIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add([document(1)])
    store = index._store  # type: ignore[attr-defined]
    add_texts = type(store).add_texts

    def add_until_cut(self: object, texts: list[str], *more: object, **named: object) -> object:
        if len(texts) == 1:  # the first entry, which is written last
            raise ConnectionError("cut")
        return add_texts(self, texts, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "add_texts", add_until_cut)
        with pytest.raises(StoreError, match="cut"):
            index.add([document(2)])
    assert (len(index), "d2" in index) == (1, False)
    hits = index.search(index.embedder.embed_query(QUESTIONS[0])).hits([])
    assert {hit.chunk.document_id for hit in hits} == {"d1"}
    assert index.add([document(2)]).added == ["d2"]
    assert contents(index) == {"d1": document(1), "d2": document(2)}


def test_unknown_documents_are_named(index: AnyIndex) -> None:
    index.add([document(1)])
    for ask in (
        lambda: index.document("fehlt"),
        lambda: index.remove(["d1", "fehlt"]),
        lambda: index.search(index.embedder.embed_query("x"), documents=["fehlt"]),
    ):
        with pytest.raises(StoreError, match="no document 'fehlt'"):
            ask()
    assert len(index) == 1
    assert index.search(index.embedder.embed_query("x"), documents=[]).hits([]) == []


def test_vectors_of_another_embedder_are_refused(index: AnyIndex, url: str) -> None:
    index.add([document(1)])
    with pytest.raises(StoreError, match="was built with 'words'"):
        open_index(url, embedder=WordEmbedder("other", 32))


def test_copies_to_and_fro_are_the_same(url: str, tmp_path: Path) -> None:
    source = Index.open(tmp_path / "source", embedder=TokenEmbedder())
    source.add(map(document, range(5)))
    assert copy_index(source, parse_address(url)).copied == 5
    index = open_index(url, embedder=TokenEmbedder(), must_exist=True)
    assert copy_index(index, tmp_path / "back").copied == 5
    back = Index.open(tmp_path / "back", embedder=TokenEmbedder())
    ids = [f"d{number}" for number in range(5)]
    for first, third in zip(source.stored(ids), back.stored(ids), strict=True):
        assert first.document == third.document
        assert np.array_equal(first.vectors, third.vectors)
        assert [rows.tobytes() for rows in first.tokens] == [rows.tobytes() for rows in third.tokens]


def test_an_answer_quotes_from_it(index: AnyIndex) -> None:
    index.add([Document("messe", "Messe", "Die Messe begann am 4. Juli 2024 in Shanghai. Veranstalter war die Stadt.")])
    answer = Assistant(index, None, least_confidence=0.0).answer("Wann begann die Messe?", language="de")
    assert answer.citations[0].quote in index.document("messe").text


def test_what_cannot_be_opened_is_named(file: Path, tmp_path: Path) -> None:
    assert not index_exists(parse_address(f"milvus://{file}?collection=fehlt"))
    for url, said in {
        f"milvus://{file}?collection=fehlt": "no collection 'fehlt' there; make it: beleg index add",
        f"milvus://{file}?collection=amt-1": "'amt-1' is no name of a collection",
        f"milvus://{tmp_path}/fehlt/lite.db": "there is no folder",
        "milvus://eva:streng-geheim@127.0.0.1:1/db": "check that Milvus runs, its host and port",
    }.items():
        with pytest.raises(StoreError, match=said) as raised:
            open_index(url, embedder=TokenEmbedder(), must_exist=True)
        assert "streng-geheim" not in f"{raised.value} {raised.value.__cause__!r}"
