"""What a run gave, with all that decided it: as JSON for machines, as a table for people."""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.goldset import GoldSet
from index.errors import BelegError

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``."""

Figures = dict[str, Any]
"""Name of a metric -> its value; None where nothing was there to count."""

_COLUMNS = {"de": "German question", "en": "English question"}
_PACKAGES = ("index", "rag", "eval")


class ReportError(BelegError):
    """A report that cannot be written."""


def describe(goldset: GoldSet, embedder: Any) -> dict[str, Any]:
    """Tell what decides the figures: the data, the code, the models, the settings, the machine.

    Args:
        goldset: The SHA-256 of its files go into the report.
        embedder: Of the index that was measured; has ``name``, ``fingerprint`` and ``dimension``.
    """
    return {
        "dataset": {
            "name": goldset.name,
            "documents": len(goldset.documents),
            "questions": len(goldset.questions),
            "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in goldset.files},
        },
        "beleg": beleg_version(),
        "code_sha256": code_hash(_PACKAGES),
        "embedder": {name: getattr(embedder, name) for name in ("name", "fingerprint", "dimension")},
        "settings": _settings(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }


def beleg_version() -> str:
    """Return the installed version, or "not installed" when run from a checkout that was never installed."""
    try:
        return version("beleg")
    except PackageNotFoundError:
        return "not installed"


def code_hash(packages: Iterable[str]) -> str:
    """SHA-256 over the source and data of some of our packages: tells two states apart that share a version."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    files = (path for package in packages for path in (root / package).iterdir())
    for path in sorted(path for path in files if path.suffix in {".py", ".jsonl"}):
        digest.update(
            f"{path.relative_to(root).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
        )
    return digest.hexdigest()


def _settings() -> dict[str, Any]:
    """All settings with their values; a key is shown as stars."""
    from index.settings import index_settings
    from rag.confidence import least_confidence
    from rag.llm import LLMSettings

    models = index_settings().model_dump(mode="json") | LLMSettings().model_dump(mode="json")
    return models | {"least_confidence": least_confidence()}


def require_writable(path: Path) -> None:
    """Make the report's folder before hours of work, not after.

    Raises:
        ReportError: The folder cannot be made, or the report not be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise _unwritable(path, "permission denied")


def write_report(path: Path, result: dict[str, Any]) -> None:
    """Write the result as JSON in UTF-8; what JSON does not know is written as text, rather than hours of work lost.

    Raises:
        ReportError: The file cannot be written.
    """
    try:
        path.write_text(json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error.strerror) from error


def _unwritable(path: Path, reason: str | None) -> ReportError:
    return ReportError(f"{path}: cannot write the report ({reason}); give another file: --json FILE")


def print_table(result: dict[str, Any]) -> None:
    """Print the figures to the terminal, a metric a row, a question language a column."""
    from rich.console import Console
    from rich.table import Table

    languages: dict[str, Figures] = result["languages"]
    table = Table(title=result["dataset"]["name"])
    table.add_column("")
    for language in languages:
        table.add_column(_COLUMNS[language], justify="right")
    for name in next(iter(languages.values())):
        table.add_row(name, *(format_figure(name, figures[name]) for figures in languages.values()))
    Console().print(table)


def format_figure(name: str, value: Any) -> str:
    """Show a figure: a share with three digits, seconds with their unit, a dash where nothing was to count.

    >>> format_figure("f1", 2 / 3), format_figure("f1", None), format_figure("seconds_p50", 0.0173)
    ('0.667', '–', '0.017 s')
    >>> format_figure("status", {"answered": 3, "abstained": 1})
    '3 answered, 1 abstained'
    """
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{count} {key}" for key, count in value.items())
    if name.startswith("seconds"):
        return f"{value:.3f} s"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def unseen(done: int, total: int) -> None:
    """Show no progress."""


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """Show a bar on the standard error while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
