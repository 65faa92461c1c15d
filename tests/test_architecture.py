"""The direction of imports, what the packages export, and what a command must not load."""

import ast
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("index", "rag", "ui", "eval")
HEAVY = ("torch", "gradio", "numpy", "faiss", "openai", "langchain_core", "transformers", "openvino")


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run import-linter on the packages in a folder."""
    code = (
        f"import sys; sys.path[:0] = [{str(folder)!r}]; from importlinter.cli import lint_imports_command as run; run()"
    )
    command = [sys.executable, "-P", "-c", code, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_imports_go_one_way() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "Contracts: 1 kept, 0 broken." in linted.stdout


@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        ("index/store.py", "import rag.prompt"),
        ("index/document.py", "import ui.texts"),
        ("rag/prompt.py", "import ui.texts"),
        ("rag/prompt.py", "from eval.metrics import recall_at_k"),
        ("ui/texts.py", "import eval.metrics"),
        ("eval/metrics/span.py", "def f():\n    import ui.texts"),
    ],
)
def test_an_import_the_other_way_would_be_noticed(tmp_path: Path, file: str, wrong: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "gold"))
        (tmp_path / package / "__init__.py").touch()  # else the packages of one name are joined
    with (tmp_path / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{wrong}\n")
    linted = lint_imports(tmp_path)
    assert linted.returncode == 1, linted.stdout + linted.stderr
    assert "BROKEN" in linted.stdout


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("index", {"Document", "Chunk", "Hit", "Index", "load_documents"}),
        ("rag", {"Answer", "Citation", "Assistant", "Retriever", "answer"}),
    ],
)
def test_the_public_names_are_exported(package: str, names: set[str]) -> None:
    module = importlib.import_module(package)
    assert names <= set(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after the code."""
    script = f"import sys\n{code}\nprint('LOADED', *{{name.split('.')[0] for name in sys.modules}})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return set(ran.stdout.split("LOADED")[1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["index", "add", "--help"], ["eval", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
from ui.cli import main
sys.argv = ["beleg", *{arguments}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
"""
    assert loaded_after(code).isdisjoint(HEAVY)


def test_the_index_loads_without_torch() -> None:
    loaded = loaded_after("import index")
    assert loaded.isdisjoint(
        {"torch", "transformers", "sentence_transformers", "gradio", "openai", "faiss", "pip", "psycopg", "ray"}
    )


@pytest.mark.parametrize(
    ("library", "file"),
    [
        ("faiss", "index/vectors.py"),
        ("torch", "index/e5.py"),
        ("tokenizers", "index/e5.py"),
        ("sentence_transformers", "index/embedding.py"),
        ("simplemma", "index/sentences.py"),
        ("Stemmer", "index/analysis.py"),
        ("py3langid", "index/language.py"),
        ("ray", "index/cluster/ray_data.py"),
        ("pyarrow", "index/cluster/rows.py"),
    ],
)
def test_a_heavy_library_is_imported_in_one_file(library: str, file: str) -> None:
    # The one fits the encoder's adapter, and no user runs it; the other looks words up and cuts no sentences.
    beside = {"torch": {"eval/adapter_training.py"}, "simplemma": {"index/language.py"}}
    assert {path for path in sources() if library in imported(path)} - beside.get(library, set()) == {file}


def test_no_file_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "base", "types", "common", "misc", "manager"}
    assert [path for path in sources() if Path(path).stem in nothing] == []


def sources() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")]


def imported(path: str) -> set[str]:
    """Return the top-level names of the modules that a file imports, late or early."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found
