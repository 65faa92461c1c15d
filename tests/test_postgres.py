"""The index in PostgreSQL against the folder, on a real server."""

import json
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from eval.postgres_server import PASSWORD, PostgresServer
from index import AnyIndex, Changes, Document, Index, open_index
from index.address import parse_address
from index.copying import copy_index
from index.document import Failure
from index.embedding import Embedder, Role, Vectors
from index.language import Language
from index.late_interaction import Bits, Tokens, packed
from index.manifest import StoreError
from index.opening import index_exists
from index.place import Place
from rag import Assistant, Retriever
from tests.conftest import WordEmbedder
from tests.test_store import QUESTIONS, contents, document, results

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture
def url(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    return server.url(options=f"?collection={request.node.name}")


@pytest.fixture
def index(url: str, embedder: WordEmbedder) -> AnyIndex:
    return open_index(url, embedder=embedder)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.address.user_data_path", lambda *_, **__: tmp_path / "data")


@pytest.fixture
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.postgres.store.GROUP_CHUNKS", 2)


def assert_same_as_folder(index: AnyIndex, folder: Path) -> None:
    """Search finds what it finds in a folder to which the same documents were added at once."""
    fresh = Index.open(folder, embedder=WordEmbedder())
    fresh.add(index.documents())
    assert contents(index) == contents(fresh)
    assert (len(index), index.chunk_count) == (len(fresh), fresh.chunk_count)
    assert dict(index.content_hashes()) == dict(fresh.content_hashes())
    for question in QUESTIONS:
        assert results(index, question) == results(fresh, question)


# The same as the folder


@pytest.mark.usefixtures("_small_groups")
def test_adding_changing_and_removing_gives_what_the_folder_gives(index: AnyIndex, url: str, tmp_path: Path) -> None:
    documents = {f"d{number}": document(number) for number in range(12)}
    assert index.add(documents.values()) == Changes(added=list(documents))
    assert index.add([document(2, edition=1), document(3), document(12)]) == Changes(["d12"], ["d2"], ["d3"])
    assert index.remove(["d7", "d11", "d7"]) == Changes(removed=["d7", "d11"])
    again = open_index(url, embedder=WordEmbedder(), must_exist=True)
    for opened in (index, again):
        assert opened.document("d2") == document(2, edition=1)
        assert ("d7" in opened, "d3" in opened, opened.content_hash("d3")) == (False, True, document(3).content_hash)
    assert_same_as_folder(again, tmp_path / "fresh")


@pytest.mark.slow
@pytest.mark.usefixtures("_small_groups")
def test_any_order_of_changes_gives_what_the_folder_gives(index: AnyIndex, tmp_path: Path) -> None:
    chance = random.Random(3)
    held: dict[str, Document] = {}
    for step in range(60):
        if held and chance.random() < 0.3:
            gone = chance.sample(sorted(held), k=min(len(held), chance.randint(1, 3)))
            index.remove(gone)
            for document_id in gone:
                del held[document_id]
        else:
            new = [document(chance.randint(0, 30), edition=step, sentences=chance.randint(1, 40)) for _ in range(2)]
            index.add(new)
            held |= {one.id: one for one in reversed(new)}
        if step % 20 == 19:
            assert contents(index) == held
            assert_same_as_folder(index, tmp_path / f"fresh{step}")


def test_the_same_again_changes_nothing(index: AnyIndex) -> None:
    index.add(map(document, range(4)))
    version = index.version
    assert index.add(map(document, range(4))) == Changes(unchanged=["d0", "d1", "d2", "d3"])
    assert index.version == version
    index.add([document(9)])
    assert index.version != version


def test_parts_of_compounds_find_them(index: AnyIndex, tmp_path: Path) -> None:
    texts = ["Die Rechtsschutzversicherung zahlt.", "Das Recht schützt.", "Die Versicherung zahlt.", "Ein Schutz."]
    index.add(Document(f"r{number}", "", text) for number, text in enumerate(texts))
    fresh = Index.open(tmp_path / "fresh", embedder=WordEmbedder())
    fresh.add(index.documents())
    for question in ("Versicherung", "Rechtsschutzversicherung", "Schutzrecht"):
        assert results(index, question) == results(fresh, question)
    assert results(index, "Versicherung")["r0#0-35"][1] > 0


def test_only_the_documents_asked_for_are_found(
    index: AnyIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add(map(document, range(9)))
    fresh = Index.open(tmp_path / "fresh", embedder=WordEmbedder())
    fresh.add(index.documents())
    for most in (20_000, 0):  # compared one by one; filtered behind the index of vectors
        monkeypatch.setattr("index.postgres.search.MOST_COMPARED", most)
        for question in QUESTIONS:
            asked = ["d2", "d5", "d2"]
            assert results(index, question, documents=asked) == results(fresh, question, documents=asked)
    assert results(index, QUESTIONS[0], documents=[]) == {}
    with pytest.raises(StoreError, match="no document 'fehlt'"):
        results(index, QUESTIONS[0], documents=["d2", "fehlt"])


class TokenEmbedder(WordEmbedder):
    """Gives tokens by chance, too."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens = self

    def encode_passages(self, texts: list[str]) -> tuple[Vectors, list[Bits]]:
        return self._count_words(texts, "document"), [packed(self._made(text)) for text in texts]

    def encode_question(self, text: str, language: Language) -> tuple[Vectors, Tokens]:
        return self._count_words([text], "query")[0], self._made(text)

    def _made(self, text: str) -> Tokens:
        count = len(text) % 7
        vectors = np.random.default_rng(len(text)).normal(size=(count, self.dimension)).astype(np.float32)
        return Tokens(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.arange(count))


def test_a_question_finds_the_same_hits_in_the_same_order(url: str, tmp_path: Path) -> None:
    embedder = TokenEmbedder()
    index, fresh = open_index(url, embedder=embedder), Index.open(tmp_path / "fresh", embedder=embedder)
    for opened in (index, fresh):
        opened.add(document(number, sentences=40) for number in range(9))
    for question in QUESTIONS:
        found, expected = (Retriever(one).retrieve(question, 10, language="de") for one in (index, fresh))
        assert [hit.chunk for hit in found] == [hit.chunk for hit in expected]
        assert [hit.late for hit in found] == pytest.approx([hit.late for hit in expected], abs=1e-5)
        assert [hit.neighbours for hit in found] == pytest.approx([hit.neighbours for hit in expected], abs=1e-3)
        assert [hit.tokens.tolist() for hit in found] == [hit.tokens.tolist() for hit in expected]
    assert any(hit.late for hit in found)
    assert any(abs(hit.neighbours - hit.dense) > 0.01 for hit in found)


def test_an_answer_quotes_from_it(url: str) -> None:
    index = open_index(url, embedder=WordEmbedder())
    index.add([Document("messe", "Messe", "Die Messe begann am 4. Juli 2024 in Shanghai. Veranstalter war die Stadt.")])
    answer = Assistant(index, None, least_confidence=0.0).answer("Wann begann die Messe?")
    assert answer.citations[0].quote in index.document("messe").text


# Texts of any kind


def test_every_text_comes_back_letter_for_letter(index: AnyIndex) -> None:
    places = (Place(0, 3, 1, (1.0, 2.0, 3.5, 4.0)), Place(4, 9, None, None, "Kapitel 1", "a.xhtml"))
    strange = [
        Document("a", "NUL \0 im Titel", "Erster Satz.\0 Zweiter Satz.", source="/tmp/\udcff.txt"),
        Document(
            "b", "halb \ud800", "# Überschrift \udfff\n\nEin Satz 👩‍👩‍👧 mit \ud800.", "en", "x", "2024-07-04", places
        ),
        Document("c'); drop table beleg_document; --", "%s {} \\", "\\x41 ' \" \t \r\n ."),
    ]
    assert index.add(strange).failed == []
    assert contents(index) == {one.id: one for one in strange}
    assert index.document("c'); drop table beleg_document; --") == strange[2]
    assert results(index, "Satz")


def test_an_id_that_cannot_be_stored_is_named(index: AnyIndex) -> None:
    changes = index.add([Document("a\0b", "", "Text.", source="a.jsonl"), Document("c", "", "Text.")])
    reason = "id 'a\\x00b' holds what the store cannot keep; give the document another id"
    assert changes == Changes(added=["c"], failed=[Failure("a.jsonl", reason)])
    assert "a\0b" not in index
    assert index.content_hash("\ud800") is None
    with pytest.raises(StoreError, match="no document"):
        index.document("a\0b")
    with pytest.raises(StoreError, match="no document"):
        results(index, "Text", documents=["a\0b"])


# Tenants


def test_collections_see_nothing_of_each_other(server: PostgresServer, embedder: WordEmbedder) -> None:
    first, second = (
        open_index(server.url(options=f"?collection={name}"), embedder=embedder) for name in ("amt'1", "amt%202;--")
    )
    first.add([Document("a", "", "Die Miete ist gestiegen."), Document("b", "", "Der Hund bellt.")])
    second.add([Document("a", "", "Die Frist endet.")])
    assert (len(first), len(second)) == (2, 1)
    assert set(results(second, "Miete Hund")) == {"a#0-16"}
    assert results(second, "Miete Hund")["a#0-16"][1] == 0
    with pytest.raises(StoreError, match="no document 'b'"):
        second.remove(["b"])
    second.remove(["a"])
    assert contents(second) == {}
    assert len(first) == 2


def test_another_collection_of_the_same_database_is_made_by_adding(server: PostgresServer) -> None:
    url = server.url(options="?collection=neu")
    open_index(server.url())
    with pytest.raises(StoreError, match="no collection 'neu' there; make it: beleg index add"):
        open_index(url, must_exist=True)
    open_index(url)
    assert len(open_index(url, must_exist=True)) == 0


def test_vectors_of_another_embedder_are_refused(index: AnyIndex, url: str) -> None:
    index.add([document(1)])
    with pytest.raises(StoreError, match=r"was built with 'words' \(dim 64.*the embedder is 'other' \(dim 32"):
        open_index(url, embedder=WordEmbedder("other", 32))


# Several at once


@pytest.mark.slow
@pytest.mark.usefixtures("_small_groups")
def test_several_write_at_once_and_readers_see_whole_documents(url: str, tmp_path: Path) -> None:
    index = open_index(url, embedder=WordEmbedder())
    index.add([document(0)])
    failures: list[StoreError] = []

    def write(first: int) -> None:
        try:
            opened = open_index(url, embedder=WordEmbedder())
            opened.add(document(number) for number in range(first, first + 14))
            opened.add(document(number, edition=first) for number in range(1, 4))
        except StoreError as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=[first]) for first in (1, 8, 15)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        for hit in index.search(index.embedder.embed_query(QUESTIONS[0])).hits(["frist"]):
            number = int(hit.chunk.document_id[1:])
            assert any(hit.chunk.text in document(number, edition).text for edition in (0, 1, 8, 15))
        assert all(one == document(int(one.id[1:]), int(one.text.split()[1])) for one in index.documents())
    assert failures == []
    assert len(index) == 29
    assert_same_as_folder(index, tmp_path / "fresh")


def test_a_group_that_is_committed_twice_is_there_once(index: AnyIndex, tmp_path: Path) -> None:
    """A connection that is lost while it commits leaves open whether it did."""
    from index.postgres.connection import Database, psycopg

    write = Database.write
    lost = iter([True])

    def write_and_lose(self: Database, work: object) -> object:
        done = write(self, work)
        return write(self, work) if next(lost, False) else done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "write", write_and_lose)
        index.add(map(document, range(5)))
    assert psycopg.OperationalError
    assert_same_as_folder(index, tmp_path / "fresh")


def test_an_index_exists_once_it_is_made(server: PostgresServer) -> None:
    address = parse_address(server.url(options="?collection=spaeter"))
    assert not index_exists(address)
    open_index(address)
    assert index_exists(address)


def test_only_words_are_searched_where_a_question_has_no_terms(index: AnyIndex) -> None:
    index.add([Document("a", "", "!!!"), Document("b", "", "der die das")])
    assert set(results(index, "der die das")) == {"a#0-3", "b#0-11"}
    index.remove(["a", "b"])
    assert results(index, "Frist") == {}


def test_more_candidates_than_the_server_looks_at_by_itself(index: AnyIndex) -> None:
    index.add(Document(f"n{number}", "", f"Satz Nummer {number}.") for number in range(700))
    search = index.search(index.embedder.embed_query("Satz"), candidates=600)
    assert len(search.hits([])) == 600


def test_embedders_are_loaded_late(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Embedder:
        return Embedder("multilingual-e5-small", "1", 8, encode)

    def encode(texts: list[str], role: Role) -> Vectors:
        return np.ones((len(texts), 8), np.float32)

    monkeypatch.setattr("index.postgres.store.load_embedder", load)
    index = open_index(url)
    index.add([document(1)])
    assert index.embedder.name == "multilingual-e5-small"


def test_copies_to_and_fro_are_the_same(url: str, tmp_path: Path) -> None:
    source = Index.open(tmp_path / "source", embedder=TokenEmbedder())
    source.add(map(document, range(9)))
    assert copy_index(source, parse_address(url)).copied == 9
    index = open_index(url, embedder=TokenEmbedder())
    assert copy_index(index, tmp_path / "back").copied == 9
    back = Index.open(tmp_path / "back", embedder=TokenEmbedder())
    ids = [f"d{number}" for number in range(9)]
    for first, second, third in zip(source.stored(ids), index.stored(ids), back.stored(ids), strict=True):
        assert first.document == second.document == third.document
        assert first.passages == second.passages == third.passages
        assert np.array_equal(first.vectors, second.vectors)
        assert np.array_equal(first.vectors, third.vectors)
        assert [rows.tobytes() for rows in first.tokens] == [rows.tobytes() for rows in third.tokens]


def test_the_commands_take_a_url(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ui.cli import main

    def beleg(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["beleg", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        assert PASSWORD not in printed.out + printed.err
        return printed.out + printed.err

    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    monkeypatch.setattr("index.postgres.store.load_embedder", lambda: WordEmbedder("multilingual-e5-small"))
    url = server.url(options="?collection=befehle")
    (tmp_path / "ulm.txt").write_text("Die Stadtwerke Ulm liefern seit 1999 Fernwärme.", encoding="utf-8")
    said = beleg("index", "add", str(tmp_path / "ulm.txt"), "--index", url)
    assert "postgresql://beleg:…@127.0.0.1" in said
    assert "ulm" in beleg("index", "add", str(tmp_path / "ulm.txt"), "--index", url, "--json")
    [row] = json.loads(beleg("index", "list", "--index", url, "--json").partition("]")[0] + "]")
    assert row["title"] == "ulm"
    assert "[1]" in beleg("ask", "Seit wann liefern die Stadtwerke Fernwärme?", "--index", url)
    assert "0 " in beleg("index", "remove", row["id"], "--index", url)
    assert len(open_index(url, must_exist=True)) == 0
