"""What a run gave, with all that decided it: a file of JSON, and how to look at it."""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from eval.goldset import GoldSet
from index.errors import BelegError

Figures = dict[str, Any]
"""Name of a metric -> its value; None where nothing was there to count."""

_PACKAGES = ("index", "rag", "eval")
_LIBRARIES = (
    "torch",
    "numpy",
    "faiss-cpu",
    "tokenizers",
    "openai",
    "openvino",
    "openvino-genai",
    "simplemma",
    "langchain-text-splitters",
)
_UNDECISIVE = ("date", "python", "platform", "cpus")


class ReportError(BelegError):
    """A report that cannot be written, or read."""


@dataclass(frozen=True)
class Report:
    """A report as its file holds it; a notebook shows it as a table.

    Attributes:
        result: In JSON types. ``languages``: the figures by question language; ``intervals``: of 95 %; ``questions``: a
            row a question, with what is right, what was answered, and its ``values``; ``baseline``: the same of the
            usual recipe, where it ran.
    """

    result: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Read a report that ``--json`` wrote.

        Raises:
            ReportError: The file is none.
        """
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(result["questions"], list) and "metrics" in result:
                return cls(result)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        raise ReportError(f"{path}: is no report of this version; make one: beleg eval answers FOLDER --json FILE")

    @property
    def languages(self) -> Mapping[str, Figures]:
        """Name of a metric -> its figure, for each question language."""
        languages: Mapping[str, Figures] = self.result["languages"]
        return languages

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The rows."""
        rows: list[dict[str, Any]] = self.result["questions"]
        return rows

    def save(self, path: Path, kind: str = "") -> None:
        """Write the report.

        Args:
            path: Of the file.
            kind: ``html`` (a page), ``markdown`` or ``json``; by default what the file's ending says, else JSON.

        Raises:
            ReportError: The file cannot be written.
        """
        from eval.page import page
        from eval.tables import markdown

        match kind or {".html": "html", ".md": "markdown"}.get(path.suffix):
            case "html":
                write_text(path, page(self.result))
            case "markdown":
                write_text(path, markdown(self.result))
            case _:
                write_report(path, self.result)

    def _repr_html_(self) -> str:
        from eval.tables import html_table

        return html_table(self.result)


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
            "content_sha256": content_hash(goldset),
            "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in goldset.files},
        },
        "beleg": beleg_version(),
        "code_sha256": code_hash(_PACKAGES),
        "embedder": {name: getattr(embedder, name) for name in ("name", "fingerprint", "dimension")},
        "settings": _settings(),
        "libraries": {name: library_version(name) for name in _LIBRARIES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }


def decisive(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return of what `describe` tells that which decides the answers, in JSON types.

    >>> decisive({"beleg": "0.1", "date": "2026-11-23", "cpus": 2})
    {'beleg': '0.1'}
    """
    kept = {name: value for name, value in facts.items() if name not in _UNDECISIVE}
    told: dict[str, Any] = json.loads(json.dumps(kept, default=str))
    return told


def content_hash(goldset: GoldSet) -> str:
    """SHA-256 over the documents' texts and all that is known of the questions."""
    digest = hashlib.sha256()
    for document in goldset.documents:
        digest.update(f"{document.id}\0{document.content_hash}\n".encode("utf-8", "surrogatepass"))
    for question in goldset.questions:
        digest.update(json.dumps(asdict(question), sort_keys=True).encode())
    return digest.hexdigest()


def beleg_version() -> str:
    """Return the installed version, or "not installed" when run from a checkout that was never installed."""
    return library_version("beleg")


def library_version(name: str) -> str:
    """Return the installed version of a distribution, or "not installed".

    >>> library_version("no-such-library")
    'not installed'
    """
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def code_hash(packages: Iterable[str]) -> str:
    """SHA-256 over the source and data of some of our packages: tells two states apart that share a version."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    files = (path for package in packages for path in (root / package).rglob("*") if "gold" not in path.parts)
    for path in sorted(path for path in files if path.suffix in {".py", ".json", ".jsonl"}):
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


def write_report(path: Path, result: Mapping[str, Any]) -> None:
    """Write the result as JSON in UTF-8; what JSON does not know is written as text, rather than hours of work lost.

    Raises:
        ReportError: The file cannot be written.
    """
    write_text(path, json.dumps(result, ensure_ascii=False, indent=2, default=str) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ReportError: The file cannot be written.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(text.encode("utf-8", "replace"))
        new.replace(path)
    except OSError as error:
        raise _unwritable(path, error.strerror) from error


def _unwritable(path: Path, reason: str | None) -> ReportError:
    return ReportError(f"{path}: cannot write the report ({reason}); give another file: --json FILE")
