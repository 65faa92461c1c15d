"""Addresses: folders and URLs, and no password where a URL is shown."""

from pathlib import Path

import pytest

from index.address import StoreURL, folder_of, parse_address
from index.settings import IndexSettings

PASSWORDS = ["geheim", "ge:heim", "g%40heim", "ge#heim", "ge?he/im", "pass@wort"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_text_of_a_url_holds_its_password(password: str) -> None:
    url = StoreURL(f"postgresql://eva:{password}@db.example:5432/beleg?sslmode=require")
    for shown in (str(url), repr(url), f"{url}", f"{[url]}", url.hidden(f"FATAL: {password} is wrong")):
        assert password not in shown
    assert str(url) == "postgresql://eva:…@db.example:5432/beleg?sslmode=require"
    assert url.secret() == f"postgresql://eva:{password}@db.example:5432/beleg?sslmode=require"


def test_a_password_among_the_options_is_hidden_too() -> None:
    url = StoreURL("postgresql://db.example/beleg?user=eva&password=ge%20heim")
    assert str(url) == "postgresql://db.example/beleg?user=eva&password=…"
    assert url.hidden("not ge heim") == "not …"


def test_an_option_of_ours_is_not_sent() -> None:
    url = StoreURL("postgresql://eva:x@a:5432,b:5432/beleg?collection=amt50&target_session_attrs=read-write")
    assert url.secret("collection") == "postgresql://eva:x@a:5432,b:5432/beleg?target_session_attrs=read-write"
    assert (url.option("collection"), url.option("fehlt", "sonst")) == ("amt50", "sonst")


def test_folders_are_folders() -> None:
    assert parse_address("~/ix") == Path.home() / "ix"
    assert parse_address(Path("daten")) == Path("daten")
    assert parse_address(r"C:\daten") == Path(r"C:\daten")


def test_the_settings_hold_a_url_and_do_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_INDEX", "postgresql://eva:geheim@db.example/beleg")
    settings = IndexSettings()
    assert settings.index == StoreURL("postgresql://eva:geheim@db.example/beleg")
    assert "geheim" not in f"{settings} {settings!r} {settings.model_dump()}"


def test_files_beside_a_store_do_not_depend_on_the_password() -> None:
    first, second = (folder_of(StoreURL(f"postgresql://eva:{word}@db.example/beleg")) for word in ("eins", "zwei"))
    other = folder_of(StoreURL("postgresql://eva:eins@db.example/beleg?collection=amt50"))
    assert first == second != other
