"""One function opens every index, and names what it cannot open."""

from pathlib import Path

import pytest

from index import Index, open_index
from index.address import StoreURL
from index.manifest import StoreError
from index.opening import index_exists
from index.settings import index_settings
from tests.conftest import WordEmbedder


def test_a_folder_is_opened_as_before(tmp_path: Path, embedder: WordEmbedder) -> None:
    assert not index_exists(tmp_path / "ix")
    opened = open_index(tmp_path / "ix", embedder=embedder)
    assert isinstance(opened, Index)
    assert (opened.address, opened.folder) == (str(tmp_path / "ix"), tmp_path / "ix")
    assert index_exists(tmp_path / "ix")
    with pytest.raises(StoreError, match="no index there"):
        open_index(str(tmp_path / "other"), must_exist=True)


def test_an_unknown_kind_of_store_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match="no index is kept in 'mysql'") as raised:
        open_index("mysql://eva:geheim@db.example/beleg")
    assert "geheim" not in str(raised.value)


def test_a_url_in_the_settings_is_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_settings(), "index", StoreURL("mysql://db.example/beleg"))
    with pytest.raises(StoreError, match="not a folder"):
        Index.open()
    with pytest.raises(StoreError, match="no index is kept"):
        open_index()


def test_what_a_folder_holds_can_be_taken_out_again(tmp_path: Path, embedder: WordEmbedder) -> None:
    from tests.test_store import document

    index = Index.open(tmp_path / "ix", embedder=embedder)
    index.add(map(document, range(5)))
    index.remove(["d2"])
    assert dict(index.content_hashes()) == {f"d{number}": document(number).content_hash for number in (0, 1, 3, 4)}
    stored = {one.document.id: one for one in index.stored(["d3", "d2", "d0", "fehlt"])}
    assert sorted(stored) == ["d0", "d3"]
    for one in stored.values():
        vectors, tokens = embedder.embed_passages(one.passages)
        assert abs(one.vectors - vectors).max() < 1e-3
        assert [rows.tolist() for rows in one.tokens] == [rows.tolist() for rows in tokens]
