"""Settings against the environment that they are read from."""

from pathlib import Path

import pytest

from index.settings import IndexSettings


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BELEG_INDEX", "BELEG_CACHE", "BELEG_EMBEDDING_MODEL"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_lie_in_the_user_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = IndexSettings()
    assert settings.index.is_absolute()
    assert settings.cache.is_absolute()
    assert settings.embedding_model == "multilingual-e5-small"


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BELEG_INDEX", str(tmp_path / "ix"))
    monkeypatch.setenv("BELEG_EMBEDDING_MODEL", "BAAI/bge-m3")
    assert (IndexSettings().index, IndexSettings().embedding_model) == (tmp_path / "ix", "BAAI/bge-m3")


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    default = IndexSettings().index
    monkeypatch.setenv("BELEG_INDEX", "")
    assert IndexSettings().index == default


def test_the_home_folder_may_be_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_INDEX", "~/akten")
    assert IndexSettings().index == Path.home() / "akten"
