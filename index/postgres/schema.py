"""The tables of an index in PostgreSQL, and how an older schema becomes a newer one.

``beleg_collection`` has a row for each tenant, with its counts and the version that each commit raises. Documents keep
their fields as JSON with escapes, which the server must not read, and their text in UTF-8 as bytes, so that any text
comes back letter for letter. The
large tables have a partition for each collection: a search for one reads nothing of another, and each has its own index
of vectors. ``beleg_posting`` has, for a term and a block of chunks that were added together, rows as
``index.postgres.terms`` packs them; ``beleg_compound`` names the compounds of each part.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from index.address import StoreURL
from index.manifest import StoreError
from index.postgres.connection import Connection, Database

MIGRATIONS: Sequence[str] = (
    """
    create table beleg_collection (
        id integer generated always as identity primary key,
        name text not null unique,
        embedder text,
        fingerprint text,
        dimension integer,
        version bigint not null default 0,
        documents bigint not null default 0,
        chunks bigint not null default 0,
        terms bigint not null default 0,
        next_document bigint not null default 0,
        next_chunk bigint not null default 0,
        next_block integer not null default 0,
        split_chunks bigint not null default 0
    );
    create table beleg_document (
        collection integer not null references beleg_collection,
        number bigint not null,
        id text not null collate "C",
        content_hash text not null,
        title json not null,
        fields json not null,
        text bytea not null,
        primary key (collection, number),
        unique (collection, id)
    );
    create table beleg_chunk (
        collection integer not null,
        number bigint not null,
        document bigint not null,
        first integer not null,
        last integer not null,
        terms integer not null,
        heading json not null,
        sentences bytea not null,
        text bytea not null,
        tokens bytea not null,
        width integer not null,
        vector halfvec not null,
        primary key (collection, number),
        foreign key (collection, document) references beleg_document
    ) partition by list (collection);
    create index on beleg_chunk (collection, document);
    create table beleg_block (
        collection integer not null references beleg_collection,
        block integer not null,
        first_chunk bigint not null,
        last_chunk bigint not null,
        chunks integer not null,
        primary key (collection, block)
    );
    create table beleg_posting (
        collection integer not null,
        term text not null collate "C",
        block integer not null,
        rows bytea not null,
        primary key (collection, term, block)
    ) partition by list (collection);
    create table beleg_compound (
        collection integer not null references beleg_collection,
        part text not null collate "C",
        term text not null collate "C",
        primary key (collection, part, term)
    );
    alter table beleg_chunk alter column tokens set storage external;
    alter table beleg_posting alter column rows set storage external;
    """,
)
"""What makes version n of n - 1; those that were released are never changed."""

LEAST_PGVECTOR = (0, 8)
_LOCK = 7_301_988_112_604_217
"""Of those that change the schema: a number that nobody else takes."""


def schema_version(connection: Connection) -> int:
    """Return the version of the schema, 0 where there is none."""
    if connection.execute("select to_regclass('beleg_schema')").fetchone() == (None,):
        return 0
    row = connection.execute("select version from beleg_schema").fetchone()
    return int(row[0]) if row else 0


def check_schema(database: Database) -> None:
    """Check that this beleg can read what is there.

    Raises:
        StoreError: There is no schema, or an older or a newer one; the message says what to do.
    """
    found = database.read(schema_version)
    if found == 0:
        raise StoreError(f"{database.url}: no index there; make one: beleg index add PATH --index URL")
    if found < len(MIGRATIONS):
        raise StoreError(
            f"{database.url}: the schema is of version {found}, this beleg reads {len(MIGRATIONS)}; "
            "bring it up to date: beleg index add PATH --index URL"
        )
    _check_newer(database.url, found)


def _check_newer(url: StoreURL, found: int) -> None:
    if found > len(MIGRATIONS):
        raise StoreError(
            f"{url}: the schema is of version {found}, this beleg reads {len(MIGRATIONS)}; use the beleg that wrote it"
        )


def migrate(database: Database) -> None:
    """Bring the schema up to date, or make it; in one transaction, so that it is the old one or the new one.

    Raises:
        StoreError: pgvector is missing or too old, this user may make no tables, or the schema is a newer one.
    """
    if database.read(schema_version) == len(MIGRATIONS):
        return
    _make_extension(database)

    def work(connection: Connection) -> int:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        found = schema_version(connection)
        if found == 0:
            connection.execute("create table if not exists beleg_schema (version integer not null)")
            connection.execute("insert into beleg_schema select 0 where not exists (select from beleg_schema)")
        for migration in MIGRATIONS[found:]:
            connection.execute(migration)
        if found < len(MIGRATIONS):
            connection.execute("update beleg_schema set version = %s", (len(MIGRATIONS),))
        return found

    _check_newer(database.url, database.write(work))
    database.close()  # the types of the extension are looked up by new connections


def _make_extension(database: Database) -> None:
    def work(connection: Connection) -> str:
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        row = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
        if row is None:
            connection.execute("create extension if not exists vector")
            row = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
        return str(row[0]) if row else "0"

    try:
        version = database.write(work)
    except StoreError as error:
        match error.__cause__:
            case psycopg.errors.InsufficientPrivilege():
                remedy = "this user may not switch it on; ask an administrator to run: CREATE EXTENSION vector"
            case psycopg.errors.FeatureNotSupported() | psycopg.errors.UndefinedFile():
                remedy = "install it on the server (Debian: postgresql-NN-pgvector)"
            case _:
                raise
        raise StoreError(f"{database.url}: the extension pgvector is missing; {remedy}") from error.__cause__
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_PGVECTOR:
        least = ".".join(map(str, LEAST_PGVECTOR))
        raise StoreError(
            f"{database.url}: pgvector is of version {version}, expected {least} or newer; update it on the server, "
            "then: ALTER EXTENSION vector UPDATE"
        )


# Collections


def find_collection(connection: Connection, name: str) -> int | None:
    """Return the number of the collection with this name; None where there is none."""
    row = connection.execute("select id from beleg_collection where name = %s", (name,)).fetchone()
    return int(row[0]) if row else None


def make_collection(connection: Connection, name: str) -> int:
    """Return the number of the collection with this name, made with its partitions where there is none."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    known = find_collection(connection, name)
    if known is not None:
        return known
    row = connection.execute("insert into beleg_collection (name) values (%s) returning id", (name,)).fetchone()
    number = int(row[0])  # type: ignore[index]  # returning gives a row
    for table in ("beleg_chunk", "beleg_posting"):
        partition = sql.SQL("create table {} partition of {} for values in ({})")
        connection.execute(partition.format(_partition(table, number), sql.Identifier(table), sql.Literal(number)))
        for column in {"beleg_chunk": ("tokens",), "beleg_posting": ("rows",)}[table]:
            external = sql.SQL("alter table {} alter column {} set storage external")
            connection.execute(external.format(_partition(table, number), sql.Identifier(column)))
    return number


def index_vectors(connection: Connection, collection: int, dimension: int) -> None:
    """Make the index of a collection's vectors, once their dimension is known."""
    statement = sql.SQL("create index on {} using hnsw ((vector::halfvec({})) halfvec_ip_ops)")
    connection.execute(statement.format(_partition("beleg_chunk", collection), sql.Literal(dimension)))


def _partition(table: str, collection: int) -> sql.Identifier:
    return sql.Identifier(f"{table}_{collection}")
