"""What goes wrong with a PostgreSQL server: clear words, no password in them, and it goes on without a new start."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest

from eval.postgres_server import PASSWORD, PostgresServer
from index import AnyIndex, open_index
from index.manifest import StoreError
from index.postgres import connection, schema
from rag import Assistant
from tests.conftest import WordEmbedder
from tests.test_store import QUESTIONS, document, results

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


@pytest.fixture
def database(server: PostgresServer, request: pytest.FixtureRequest) -> str:
    """Name of a new database."""
    name = f"d{abs(hash(request.node.name))}"
    server.execute(f"create database {name}")
    return name


@pytest.fixture(autouse=True)
def _no_password_is_logged(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr("index.address.user_data_path", lambda *_, **__: tmp_path / "data")
    caplog.set_level(logging.DEBUG)
    yield
    assert PASSWORD not in caplog.text


def refusal(url: str, *, must_exist: bool = True) -> str:
    """Return the error of opening, without a password in it or in what it was raised from."""
    with pytest.raises(StoreError) as raised:
        open_index(url, embedder=WordEmbedder(), must_exist=must_exist)
    error: BaseException | None = raised.value
    while error:
        assert PASSWORD not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__
    return str(raised.value)


# Addresses


def test_no_server_there(server: PostgresServer) -> None:
    started = time.monotonic()
    said = refusal(f"postgresql://beleg:{PASSWORD}@127.0.0.1:1/beleg")
    assert said.startswith("postgresql://beleg:…@127.0.0.1:1/beleg: connection")
    assert said.endswith("check that the server runs, and its host and port")
    assert time.monotonic() - started < 5
    assert "correct the host's name" in refusal(f"postgresql://beleg:{PASSWORD}@gibt-es-nicht.invalid/beleg")


def test_a_server_that_does_not_answer() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "timeout" in refusal(f"postgresql://beleg:{PASSWORD}@127.0.0.1:{port}/beleg?connect_timeout=2")


def test_a_wrong_password_user_or_database(server: PostgresServer) -> None:
    assert 'password authentication failed for user "beleg"; correct the user or the password' in refusal(
        server.url(password="falsch")
    )
    assert 'database "fehlt" does not exist; correct the name, or make it' in refusal(server.url("fehlt"))
    assert "no password supplied; give a password in the address" in refusal(
        f"postgresql://beleg@127.0.0.1:{server.port}/postgres"
    )


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://beleg:{PASSWORD}@[bad/beleg",
        f"postgresql://beleg:{PASSWORD}%zz@127.0.0.1/beleg",
        f"postgresql://beleg:{PASSWORD}@127.0.0.1/beleg?unbekannt=1",
    ],
)
def test_an_address_that_cannot_be_read(url: str) -> None:
    assert "not an address that PostgreSQL reads" in refusal(url)


# What the database holds


def test_an_empty_database_is_no_index(server: PostgresServer, database: str) -> None:
    assert "no index there; make one: beleg index add PATH --index URL" in refusal(server.url(database))


def test_a_user_who_may_not_switch_pgvector_on(server: PostgresServer, database: str) -> None:
    with suppress(psycopg.errors.DuplicateObject):
        server.execute(f"create role gast login password '{PASSWORD}'")
    said = refusal(server.url(database, user="gast"), must_exist=False)
    assert "the extension pgvector is missing; this user may not switch it on" in said
    server.execute("create extension vector", database=database)
    said = refusal(server.url(database, user="gast"), must_exist=False)
    assert "permission denied for schema public; give this user the right to it" in said
    server.execute("grant create on schema public to gast", database=database)
    open_index(server.url(database, user="gast"), embedder=WordEmbedder()).add([document(1)])


def test_a_server_without_pgvector(server: PostgresServer, tmp_path: Path) -> None:
    with PostgresServer(extension_control_path=str(tmp_path)) as bare:
        said = refusal(bare.url(), must_exist=False)
    assert "the extension pgvector is missing; install it on the server" in said


def test_an_old_pgvector(server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LEAST_PGVECTOR", (99, 1))
    assert "expected 99.1 or newer; update it on the server" in refusal(server.url(database), must_exist=False)


def test_an_older_schema_is_named_and_brought_up_to_date(
    server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(database)
    open_index(url, embedder=WordEmbedder()).add([document(1)])
    newer = "alter table beleg_collection add column extra integer; create index on beleg_document (content_hash)"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, newer))
    assert "the schema is of version 1, this beleg reads 2; bring it up to date: beleg index add" in refusal(url)
    assert open_index(url, embedder=WordEmbedder()).document("d1") == document(1)
    assert len(open_index(url, embedder=WordEmbedder(), must_exist=True)) == 1


def test_a_migration_that_fails_changes_nothing(
    server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.url(database)
    open_index(url, embedder=WordEmbedder()).add([document(1)])
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "create table halb (a integer); select 1/0"))
        assert "division by zero" in refusal(url, must_exist=False)
    assert open_index(url, embedder=WordEmbedder(), must_exist=True).document("d1") == document(1)


def test_a_newer_schema_is_named(server: PostgresServer, database: str) -> None:
    open_index(server.url(database), embedder=WordEmbedder())
    server.execute("update beleg_schema set version = 99", database=database)
    for must_exist in (True, False):
        assert "version 99, this beleg reads 1; use the beleg that wrote it" in refusal(
            server.url(database), must_exist=must_exist
        )


def test_two_that_make_the_tables_at_once(server: PostgresServer, database: str) -> None:
    failures: list[StoreError] = []

    def make() -> None:
        try:
            open_index(server.url(database), embedder=WordEmbedder())
        except StoreError as error:
            failures.append(error)

    makers = [threading.Thread(target=make) for _ in range(6)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert failures == []


# Lost connections


@pytest.fixture
def index(server: PostgresServer, database: str) -> AnyIndex:
    opened = open_index(server.url(database), embedder=WordEmbedder())
    opened.add(map(document, range(6)))
    server.execute("checkpoint")  # of which on a new start nothing is to be done again
    return opened


def cut_connections(server: PostgresServer) -> None:
    server.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'beleg'")


def test_lost_connections_are_made_again(server: PostgresServer, index: AnyIndex) -> None:
    search = index.search(index.embedder.embed_query(QUESTIONS[0]))
    before = search.hits(["frist"])
    cut_connections(server)
    assert search.hits(["frist", "kundig"])
    assert results(index, QUESTIONS[0])
    cut_connections(server)
    assert index.add([document(7)]).added == ["d7"]
    assert before


def test_an_answer_goes_on_over_a_restart(server: PostgresServer, index: AnyIndex) -> None:
    assistant = Assistant(index, None, least_confidence=0.0)
    stream = assistant.stream("Wann endet die Frist?")
    assert next(stream)  # what was found; its quotes are still to be read
    server.kill()
    restart = threading.Timer(1.0, server.start)
    restart.start()
    answer = list(stream)[-1]
    restart.join()
    assert answer.citations


def test_a_server_that_stays_away_is_named_and_found_again(
    server: PostgresServer, index: AnyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READING_SECONDS", 1.0)
    monkeypatch.setattr(connection, "WRITING_SECONDS", 1.0)
    server.stop()
    try:
        for ask in (lambda: results(index, QUESTIONS[0]), lambda: index.add([document(9)]), lambda: len(index)):
            with pytest.raises(StoreError, match="what was committed is safe, and the next try connects again"):
                ask()
    finally:
        server.start()
    assert len(index) == 6
    assert index.add([document(9)]).added == ["d9"]


def test_a_server_killed_while_documents_are_added_loses_none_and_shows_no_half(
    server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.postgres.store.GROUP_CHUNKS", 4)
    url = server.url(database)
    index = open_index(url, embedder=WordEmbedder())
    server.execute("checkpoint")
    committed: list[int] = []
    done = threading.Event()
    failures: list[StoreError] = []

    def add() -> None:
        try:
            index.add((document(number) for number in range(120)), progress=lambda documents, *_: note(documents))
        except StoreError as error:
            failures.append(error)
        finally:
            done.set()

    def note(documents: int) -> None:
        committed.append(documents)

    adding = threading.Thread(target=add)
    adding.start()
    kills = 0
    for kill in count():
        if done.wait(0.7) or kill == 4:
            break
        server.kill()
        told = committed[-1] if committed else 0
        server.start()
        kills += 1
        seen = open_index(url, embedder=WordEmbedder(), must_exist=True)
        held = list(seen.documents())
        assert len(held) >= told
        for one in held:
            assert one == document(int(one.id[1:]))
            [stored] = seen.stored([one.id])
            assert len(stored.passages) == len(stored.vectors) > 0
            assert set(results(seen, QUESTIONS[0], documents=[one.id]))
    adding.join()
    assert kills > 0
    assert failures == []
    assert sorted(one.id for one in index.documents()) == sorted(f"d{number}" for number in range(120))
