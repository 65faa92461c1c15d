"""Connections to a PostgreSQL server: pooled, made again where one is lost, and errors in words.

The pool is a list: a lost connection is noticed by its use and replaced at once, by a connection whose failure says
why. (psycopg's own pool connects in the background, waits twice as long after each failure, and says no reason.)

The URL's own syntax does the rest: several hosts (``host1,host2``) are tried in turn, writing looks for the one that
takes writes, and ``target_session_attrs=prefer-standby`` sends the reading to a replica.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from pgvector.psycopg import register_vector
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from index.address import StoreURL
from index.manifest import StoreError

Connection = psycopg.Connection[tuple[Any, ...]]
Result = TypeVar("Result")

READING_SECONDS = 10.0
"""How long a reader waits for a server that was there before: a standby takes over in less."""
WRITING_SECONDS = 30.0
"""The same for a writer, whom nobody waits for: a server that crashed starts again in less."""
MOST_CONNECTIONS = 8
_BETWEEN_TRIES = 0.1
_DEFAULTS = {  # of libpq; an address may say otherwise
    "connect_timeout": "3",
    "application_name": "beleg",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "5000",
    "client_encoding": "utf8",
}
# The statements are few and their parameters decide the plan; none is prepared, so that any pooler may stand between.
_SETTINGS = "set hnsw.iterative_scan = strict_order; set hnsw.ef_search = 200; set jit = off"
_LOST = ("08", "57P01", "57P02", "57P03", "25006")
"""SQLSTATE: connection exceptions, a server that stops, crashed or starts, and one that takes no writes any more."""


class Database:
    """What runs work on a server; threads may share it.

    Raises:
        StoreError: The address cannot be read, no server answers, or it does not let us in.
    """

    def __init__(self, url: StoreURL) -> None:
        self.url = url
        self._options = {**_DEFAULTS, **_parsed(url)}
        self._idle: dict[bool, list[Connection]] = {False: [], True: []}
        self._changing = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._reached = False
        weakref.finalize(self, _close, self._idle)

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return what the work returns of a connection; it is done again where the connection is lost in the middle."""
        return self._run(work, writing=False)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Do the same in one transaction on the server that takes writes.

        Where the connection is lost nobody knows whether the transaction was committed: the work must bear to be done
        again.
        """
        return self._run(work, writing=True)

    def close(self) -> None:
        """Give all connections back that are not in use; the next work makes new ones."""
        with self._changing:
            _close(self._idle)

    def _run(self, work: Callable[[Connection], Result], *, writing: bool) -> Result:
        end = time.monotonic() + (WRITING_SECONDS if writing else READING_SECONDS)
        while True:
            try:
                with self._connection(writing=writing) as connection, connection.transaction():
                    return work(connection)
            except psycopg.Error as error:
                if not self._reached or not _is_lost(error) or time.monotonic() > end:
                    raise self._explained(error) from error
            self.close()  # the others are lost as well, as a rule
            time.sleep(_BETWEEN_TRIES)

    @contextmanager
    def _connection(self, *, writing: bool) -> Iterator[Connection]:
        """Lend a connection; it comes back if it is still of use."""
        with self._places:
            with self._changing:
                idle = self._idle[writing]
                connection = idle.pop() if idle else None
            if connection is None:
                connection = self._connect(writing=writing)
            try:
                yield connection
            except BaseException:
                if connection.info.transaction_status != TransactionStatus.IDLE:
                    connection.close()
                raise
            finally:
                if not connection.closed:
                    with self._changing:
                        self._idle[writing].append(connection)

    def _connect(self, *, writing: bool) -> Connection:
        options: dict[str, Any] = self._options | ({"target_session_attrs": "read-write"} if writing else {})
        connection = psycopg.connect(**options, prepare_threshold=None, autocommit=True)
        connection.execute(_SETTINGS)
        if connection.execute("select to_regtype('halfvec')").fetchone() != (None,):
            register_vector(connection)
        self._reached = True
        return connection

    def _explained(self, error: psycopg.Error) -> StoreError:
        said = error.diag.message_primary or str(error)
        reason = self.url.hidden("; ".join(line.strip() for line in said.splitlines() if line.strip()))
        return StoreError(f"{self.url}: {reason}; {_remedy(error, reached=self._reached)}")


def _close(idle: dict[bool, list[Connection]]) -> None:
    for connections in idle.values():
        while connections:
            connections.pop().close()


def _parsed(url: StoreURL) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url.secret("collection")).items()}
    except psycopg.Error as error:
        reason = url.hidden(str(error).splitlines()[0].partition(":")[0])  # what follows may hold the password
    raise StoreError(  # out of reach of that error, which a traceback would show
        f"{url}: not an address that PostgreSQL reads ({reason}); expected "
        "postgresql://user:password@host:port/database, with %40 for an @ in the password"
    )


def _is_lost(error: psycopg.Error) -> bool:
    """Whether the same work may succeed on a new connection."""
    if error.sqlstate:
        return error.sqlstate.startswith(_LOST)
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not _refused(error)


def _refused(error: psycopg.Error) -> bool:
    """Whether a server answered and let us not in: trying again is of no use."""
    text = str(error)
    return any(sign in text for sign, _ in _REFUSALS)


# What servers say (those that speak English) while a connection is made, which has no SQLSTATE yet.
_REFUSALS = (
    ("password authentication failed", "correct the user or the password; a password can stand in ~/.pgpass, too"),
    ("no password supplied", "give a password in the address, in PGPASSWORD or in ~/.pgpass"),
    ("no pg_hba.conf entry", "the server lets this user in from this machine only if its pg_hba.conf says so"),
    ("does not exist", "correct the name, or make it: createdb, createuser"),
    ("failed to resolve host", "correct the host's name"),
)


def _remedy(error: psycopg.Error, *, reached: bool) -> str:
    for sign, remedy in _REFUSALS:
        if sign in str(error) and not error.sqlstate:
            return remedy
    if error.sqlstate == "42501":
        return "give this user the right to it"
    if error.sqlstate and not error.sqlstate.startswith(_LOST):
        return "nothing was changed by this step"
    if reached:
        return "the connection is lost; what was committed is safe, and the next try connects again"
    return "check that the server runs, and its host and port"
