"""What the README shows works as it stands there."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))


def run_examples():
    for example in EXAMPLES:
        exec(compile(example, "README.md", "exec"), {})


def test_python_examples_without_a_model(empty_folder, monkeypatch, capsys):
    monkeypatch.setenv("BELEG_LLM_MODEL", "none")
    run_examples()
    printed = capsys.readouterr().out
    assert printed.startswith("answered ")
    assert "Die Messe begann am 4. Juli 2024 in Shanghai." in printed


@pytest.mark.llm
def test_python_examples_with_the_embedded_model(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    run_examples()
    status, _, rest = capsys.readouterr().out.partition(" ")
    assert status == "answered"
    assert "July" in rest.splitlines()[0]


def test_both_commands_are_marked():
    for marker in ("first-command", "second-command"):
        assert re.search(rf"^<!-- {marker} -->\n```bash\n.+\n```$", README, re.MULTILINE)
