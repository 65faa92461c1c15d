"""Ray Data: files go to tasks that read and split, their passages to actors that hold the embedder; rows come in order.

Without ``RAY_ADDRESS`` Ray is started for as long as it is used, on this machine alone: it listens on 127.0.0.1, asks
for a token that only its own processes know, keeps its files in a folder of its own, and tells nobody of its use.
"""

import logging
import os
import re
import secrets
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.carried import CarriedEmbedder
from index.cluster.reading import ClusterError, ClusterReading
from index.cluster.rows import Row, Table, rows_of, table_of_files
from index.cluster.stages import EmbeddingWorker, digests_of, read_files
from index.embedding import Embedder, load_embedder
from index.settings import index_settings

if TYPE_CHECKING:
    from ray.data import Dataset

FILES = 8
"""Read by one task; more where otherwise there were over ``MOST_TASKS``."""
MOST_TASKS = 10_000
BLOCK_BYTES = 50_000
"""Of rows that an actor embeds at once: about forty passages and their documents."""
STORE_BYTES = 256 * 2**20
"""Of memory that rows on their way take at most, where Ray is started here."""
CONNECTING_SECONDS = 5.0
# What decides how a file is read.
_SETTINGS = ("BELEG_LARGEST_FILE_MB", "BELEG_READING_SECONDS", "BELEG_OCR_SECONDS", "BELEG_OFFLINE")

ContentHashes = Callable[[], Iterable[tuple[str, str]]]


def on_ray(
    workers: int,
    embedder: CarriedEmbedder,
    content_hashes: ContentHashes,
    *,
    load: Callable[[], Embedder] | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClusterReading:
    """Return what reads and embeds on Ray, for ``Loader.reading``.

    Args:
        workers: Actors that embed, each on one processor; as many tasks read.
        embedder: The index's; is given what the workers embed.
        content_hashes: Of the documents that the index holds, which are not embedded again.
        load: Loads the embedder on a worker; by default the one of the settings.
        progress: Told how many chunks are embedded.

    Raises:
        ClusterError: Ray is not installed.
    """
    if find_spec("ray") is None or find_spec("pyarrow") is None:
        raise ClusterError(f"{workers} workers: needs another package; install it: pip install 'beleg[ray]'")
    load = load or partial(load_embedder, index_settings().embedding_model)
    return ClusterReading(partial(run, workers=workers, content_hashes=content_hashes, load=load), embedder, progress)


@contextmanager
def run(
    files: Sequence[Path], workers: int, content_hashes: ContentHashes, load: Callable[[], Embedder]
) -> Iterator[Iterator[Row]]:
    """Begin to read and to embed files, and give their rows in order.

    Raises:
        ClusterError: Ray cannot be started or reached, or gives up.
    """
    with started(workers) as ray:
        held = ray.put(digests_of(content_hash for _, content_hash in content_hashes()))
        dataset = _dataset(files, workers, held, load)
        yield _rows(dataset)


def _rows(dataset: "Dataset") -> Iterator[Row]:
    with _errors_named():
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from rows_of(table)


def _dataset(files: Sequence[Path], workers: int, held: Any, load: Callable[[], Embedder]) -> "Dataset":
    """Return the rows of the files, in order, of which nothing is computed yet."""
    from ray.data import ActorPoolStrategy, TaskPoolStrategy, from_arrow

    _prepare_context()
    size = max(FILES, -(-len(files) // MOST_TASKS))
    numbered = list(enumerate(files))
    groups = [table_of_files(numbered[first : first + size]) for first in range(0, len(files), size)]
    form: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow", "zero_copy_batch": True}
    # Tasks that read count as no processor: else actors on all of them would wait for tasks that wait for the actors.
    read = from_arrow(groups).map_batches(
        _read, fn_kwargs={"held": held}, num_cpus=0, compute=TaskPoolStrategy(size=workers), **form
    )
    return read.map_batches(
        EmbeddingWorker,
        fn_constructor_kwargs={"load": load},
        num_cpus=1,
        compute=ActorPoolStrategy(size=workers),
        **form,
    )


def _read(files: Table, held: Any) -> Iterator[Table]:
    import ray

    yield from read_files(files, ray.get(held))


def _prepare_context() -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = BLOCK_BYTES
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised, too
    warnings.filterwarnings("ignore", "The m.* number of concurrent", UserWarning)  # few files are no mistake


@contextmanager
def started(workers: int) -> Iterator[Any]:
    """Give Ray, connected: by the caller, to the cluster of ``RAY_ADDRESS``, or to one of this machine's own."""
    address = os.environ.get("RAY_ADDRESS") or "local"
    ray = _imported(address)
    if ray.is_initialized():
        yield ray
        return
    with tempfile.TemporaryDirectory(prefix="ray-", dir=_short_folder(), ignore_cleanup_errors=True) as folder:
        options = _of_its_own(workers, folder) if address == "local" else _of_a_cluster(address)
        try:
            with _errors_named():
                ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
            yield ray
        finally:
            ray.shutdown()


def _of_its_own(workers: int, folder: str) -> dict[str, Any]:
    """Return how Ray starts here; its workers find modules where this process does."""
    found = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}
    limits = {"num_cpus": workers, "object_store_memory": STORE_BYTES}
    return {"runtime_env": found, "include_dashboard": False, "_temp_dir": folder, **limits}


def _of_a_cluster(address: str) -> dict[str, Any]:
    """Return how Ray joins a cluster, whose workers have no environment of ours; no password is among the settings."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        _check_reached(host, int(port))
    return {"runtime_env": {"env_vars": {name: os.environ[name] for name in _SETTINGS if name in os.environ}}}


def _check_reached(host: str, port: int) -> None:
    """Try to connect, for Ray itself would try for minutes.

    Raises:
        ClusterError: Nothing answers.
    """
    try:
        socket.create_connection((host, port), CONNECTING_SECONDS).close()
    except OSError as error:
        remedy = "start a cluster (ray start --head), or unset RAY_ADDRESS to use this machine"
        raise ClusterError(f"RAY_ADDRESS={host}:{port}: nothing answers there ({error}); {remedy}") from error


def _imported(address: str) -> Any:
    """Import Ray, which reads its environment then; a later change of it does nothing."""
    if "ray" not in sys.modules:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        if address == "local":
            _close_to_others()
    import ray

    return ray


def _close_to_others() -> None:
    """Let Ray listen on 127.0.0.1 alone, as it does on macOS and Windows, and answer nobody without a token."""
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")


def _short_folder() -> str | None:
    """The path of a socket takes some hundred characters at most."""
    return "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - a folder is made in it that only its owner reads


@contextmanager
def _errors_named() -> Iterator[None]:
    """Put what Ray says in words of ours."""
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, ConnectionError, RuntimeError) as error:
        again = "what was committed stays: run the same again to go on, or without --workers"
        raise ClusterError(f"Ray gave up ({_said(error)}); {again}") from error


def _said(error: Exception) -> str:
    r"""Return what was raised on a worker first, where Ray tells its traceback; else the first line of what it says.

    >>> _said(RuntimeError("Traceback …\n  in f\nValueError: too deep\n\nray.exceptions.UserCodeException: UDF …"))
    'ValueError: too deep'
    """
    raised = re.findall(r"^[\w.]*(?:Error|Exception): .*", str(error), re.MULTILINE)
    return raised[0] if raised else f"{type(error).__name__}: {error}".splitlines()[0]
