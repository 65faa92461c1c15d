"""A streaming standby with synchronous commit: it serves readers, and takes over with every committed document."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from eval.postgres_server import PostgresServer
from index import open_index
from index.manifest import StoreError
from tests.conftest import WordEmbedder
from tests.test_store import QUESTIONS, contents, document, results

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

FAILOVER_SECONDS = 5.0
DOCUMENTS = 400


@pytest.fixture
def servers() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A server, and its standby that every commit waits for."""
    with PostgresServer() as first, closing(first.standby()) as second:
        first.execute("alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
        wait_for(first, "select count(*) = 1 from pg_stat_replication where sync_state = 'sync'")
        yield first, second


def wait_for(server: PostgresServer, condition: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        end = time.monotonic() + 20
        while connection.execute(condition.encode()).fetchone() != (True,):
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.address.user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr("index.postgres.store.GROUP_CHUNKS", 4)


def test_the_standby_serves_readers_and_takes_over(servers: tuple[PostgresServer, PostgresServer]) -> None:
    first, second = servers
    both = first.url().replace(f":{first.port}/", f":{first.port},127.0.0.1:{second.port}/")
    writer = open_index(both, embedder=WordEmbedder())
    writer.add([document(0)])
    committed, failures = [0], list[StoreError]()

    def add() -> None:
        try:
            writer.add(map(document, range(DOCUMENTS)), progress=lambda documents, *_: committed.append(documents))
        except StoreError as error:
            failures.append(error)

    adding = threading.Thread(target=add)
    adding.start()
    while committed[-1] < 20:
        time.sleep(0.01)

    replica = open_index(f"{both}?target_session_attrs=prefer-standby", embedder=WordEmbedder(), must_exist=True)
    assert replica._database.read(lambda one: one.execute("select pg_is_in_recovery()").fetchone()) == (True,)  # type: ignore[attr-defined]
    assert results(replica, QUESTIONS[0], documents=["d0"])

    reader = open_index(both, embedder=WordEmbedder(), must_exist=True)
    assert results(reader, QUESTIONS[0], documents=["d0"])
    first.kill()
    told, killed = committed[-1], time.monotonic()
    threading.Thread(target=second.promote).start()
    assert results(reader, QUESTIONS[0], documents=["d0"])
    read_again = time.monotonic() - killed
    held = contents(reader)
    while committed[-1] <= told + 1:
        assert time.monotonic() - killed < 60
        time.sleep(0.01)
    written_again = time.monotonic() - killed
    assert read_again < FAILOVER_SECONDS
    assert written_again < FAILOVER_SECONDS
    assert {f"d{number}" for number in range(told)} <= set(held)
    assert all(one == document(int(name[1:])) for name, one in held.items())
    adding.join()
    assert failures == []
    assert contents(reader) == {f"d{number}": document(number) for number in range(DOCUMENTS)}
