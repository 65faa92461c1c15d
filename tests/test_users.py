"""Users with a name, a password and collections of their own."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
from typer.testing import CliRunner

from index import Document, Index
from index.collections import Collections
from rag import Assistant
from tests.serving import loaded, serving
from ui.chat import pages_of
from ui.cli import app
from ui.login import Login
from ui.routes import routes
from ui.server import application, unguarded
from ui.settings import ServerSettings, ServerSettingsError
from ui.texts import DE
from ui.users import Users, UsersError, put_user, read_users, remove_user

EVA, TOM, ANNA = "ein gutes Wort", "ein anderes Wort", "ein drittes Wort"


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("BELEG_PASSWORD", raising=False)
    monkeypatch.setenv("BELEG_USERS", str(tmp_path / "users.jsonl"))
    put_user(tmp_path / "users.jsonl", "eva", EVA, ["Personal"])
    put_user(tmp_path / "users.jsonl", "tom", TOM, ["Recht"])
    put_user(tmp_path / "users.jsonl", "anna", ANNA, None)
    return tmp_path / "users.jsonl"


@pytest.fixture
def url(file, tmp_path, embedder) -> Iterator[str]:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document(name, name, f"Die Akte nennt das Wort {name}.") for name in ("Zimt", "Distel", "Perle")])
    Collections(index.folder).put(["Zimt"], "Personal")
    Collections(index.folder).put(["Distel"], "Recht")
    service = loaded(Assistant(index, None))

    def part(collections):
        over = service.over(collections)
        return unguarded(None, routes(over.assistant.index), over, "de")

    with serving(application(None, "127.0.0.1", router=routes(index), service=service, part=part)) as url:
        yield url


@contextmanager
def as_user(url: str, name: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"X-Beleg": "1"}, timeout=30) as client:
        entered = client.post("/login", data={"name": name, "password": password})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        yield client


def ids(client: httpx.Client) -> list[str]:
    return sorted(client.get("/beleg/documents").json()["ids"])


def test_each_sees_the_documents_of_their_own_collections(url):
    with as_user(url, "eva", EVA) as eva, as_user(url, "tom", TOM) as tom, as_user(url, "anna", ANNA) as anna:
        assert (ids(eva), ids(tom), ids(anna)) == (["Zimt"], ["Distel"], ["Distel", "Perle", "Zimt"])
        assert eva.get("/beleg/documents").json()["collections"] == ["Personal"]
        assert eva.post("/answer", json={"question": "Was nennt die Akte?", "documents": ["Distel"]}).status_code == 404


def test_what_is_uploaded_is_of_ones_own_collection_and_nobody_elses(url):
    with as_user(url, "eva", EVA) as eva, as_user(url, "tom", TOM) as tom:
        for client, text in ((eva, "Eva schrieb dies."), (tom, "Tom schrieb dies.")):
            said = client.put("/beleg/documents", params={"name": "Brief.txt"}, content=text.encode()).text
            assert json.loads(said.splitlines()[-1])["failed"] == ""
        assert (len(ids(eva)), len(ids(tom))) == (2, 2)
        taken = client.put("/beleg/documents", params={"name": "Neu.txt", "collection": "Personal"}, content=b"Tom.")
        assert (taken.status_code, taken.json()["error"]) == (
            422,
            "'Personal' is none of your collections; choose Recht",
        )
        row = json.dumps({"id": "Zimt", "title": "Falsch", "text": "Ein falscher Satz."})
        said = tom.put("/beleg/documents", params={"name": "zeilen.jsonl"}, content=row.encode()).text
        assert "is taken" in json.loads(said.splitlines()[-1])["failed"]
        assert tom.post("/beleg/collections", json={"ids": ["Distel"], "name": "Personal"}).status_code == 422
        assert tom.post("/beleg/collections", json={"ids": ["Zimt"], "name": "Recht"}).status_code == 200
        assert "Zimt" in ids(eva)
        assert "Zimt" not in ids(tom)
        assert tom.delete("/beleg/documents", params={"id": "Zimt"}).status_code == 422
        assert eva.delete("/beleg/documents", params={"id": "Zimt"}).json() == {"removed": 1}


def test_a_row_that_names_a_file_of_another_user_or_of_the_index_removes_none(url, tmp_path):
    with as_user(url, "eva", EVA) as eva, as_user(url, "tom", TOM) as tom:
        tom.put("/beleg/documents", params={"name": "Brief.txt"}, content=b"Tom schrieb dies.")
        (letter,) = (tmp_path / "index" / "uploads").glob("*/Brief.txt")
        manifest = tmp_path / "index" / "manifest.json"
        uploads = letter.parent.parent
        forged = [
            letter,
            uploads / ".." / "manifest.json",
            letter.parent / ".." / ".." / "manifest.json",
            letter.parent,
        ]
        rows = [{"id": f"f{n}", "title": "F", "text": "Ein Satz.", "source": str(one)} for n, one in enumerate(forged)]
        lines = "\n".join(map(json.dumps, rows)).encode()
        eva.put("/beleg/documents", params={"name": "zeilen.jsonl"}, content=lines)
        removed = eva.delete("/beleg/documents", params={"id": [row["id"] for row in rows]})
        assert removed.json() == {"removed": 4}
        assert letter.read_text() == "Tom schrieb dies."
        assert manifest.is_file()
        gone = tom.delete("/beleg/documents", params={"id": [one for one in ids(tom) if one.startswith("brief")]})
        assert (gone.json(), letter.exists()) == ({"removed": 1}, False)


def test_a_wrong_name_or_password_opens_nothing(url):
    with httpx.Client(base_url=url) as client:
        page = client.get("/login", headers={"Accept-Language": "de"})
        assert 'name="name"' in page.text
        for name, password in (("eva", TOM), ("tom", ""), ("nobody", EVA), ("", EVA)):
            refused = client.post(
                "/login", data={"name": name, "password": password}, headers={"Accept-Language": "de"}
            )
            assert (refused.status_code, "Name oder Passwort ist falsch." in refused.text) == (401, True)
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer eva:{EVA}"}) as program:
        assert program.get("/beleg/documents").status_code == 200


def test_who_is_taken_out_or_has_a_new_password_is_out(url, file):
    with as_user(url, "eva", EVA) as eva, as_user(url, "tom", TOM) as tom:
        assert eva.get("/beleg/documents").status_code == tom.get("/beleg/documents").status_code == 200
        remove_user(file, "eva")
        put_user(file, "tom", "ein neues Wort", ["Recht"])
        assert eva.get("/beleg/documents").status_code == tom.get("/beleg/documents").status_code == 401


def test_who_is_given_another_collection_sees_it(url, file):
    with as_user(url, "eva", EVA):
        put_user(file, "eva", EVA, ["Personal", "Recht"])
        with as_user(url, "eva", EVA) as eva:
            assert ids(eva) == ["Distel", "Zimt"]


def test_a_session_cannot_be_made_into_another_users(file):
    login = Login(Users(file), "de")
    token = login.begin(read_users(file)[0])
    entered = login.entered(token)
    assert entered
    assert entered[1].name == "eva"
    for forged in (token.replace("eva", "tom"), token.replace(":eva", ":anna"), token.replace(":", ""), ""):
        assert login.entered(forged) is None


def test_the_file_holds_no_password_and_is_the_owners_alone(file):
    assert not any(word in file.read_text() for word in (EVA, TOM, ANNA))
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert EVA not in repr(read_users(file))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 4: no user"),
        ('{"name": "a", "password": "b", "collections": null}', "its name or password cannot be used"),
        ('{"name": "a"}', "line 4: no user"),
    ],
)
def test_a_line_that_is_no_user_is_named(file, line, says):
    with file.open("a") as opened:
        opened.write(line + "\n")
    with pytest.raises(UsersError, match=says):
        Users(file)


def test_a_user_without_collections_sees_nothing_by_mistake(file):
    with pytest.raises(UsersError, match="what may 'max' see"):
        put_user(file, "max", "ein gutes Wort", [])
    row = {**json.loads(file.read_text().splitlines()[0]), "collections": []}
    file.write_text(json.dumps(row))
    with pytest.raises(UsersError, match="its collections are no list of names"):
        Users(file)


def test_a_server_without_the_file_or_with_two_logins_does_not_start(tmp_path, monkeypatch, file):
    monkeypatch.setenv("BELEG_USERS", str(tmp_path / "none.jsonl"))
    with pytest.raises(UsersError, match=r"none\.jsonl.*beleg user add"):
        application(None, "127.0.0.1")
    monkeypatch.setenv("BELEG_PASSWORD", "einszweidrei")
    with pytest.raises(ServerSettingsError, match="both set"):
        ServerSettings()


def test_a_server_that_cannot_limit_serves_a_limited_user_nothing(file, tmp_path, embedder):
    service = loaded(Assistant(Index.open(tmp_path / "index", embedder=embedder), None))
    with serving(application(None, "127.0.0.1", service=service)) as url, as_user(url, "eva", EVA) as eva:
        assert eva.post("/answer", json={"question": "Was?"}).status_code == 403


def test_a_part_that_cannot_be_built_is_told_and_tried_again(file, tmp_path, embedder, caplog):
    service = loaded(Assistant(Index.open(tmp_path / "index", embedder=embedder), None))
    tries = []

    def part(collections):
        tries.append(collections)
        if len(tries) == 1:
            raise RuntimeError("no memory")
        over = service.over(collections)
        return unguarded(None, routes(over.assistant.index), over, "de")

    with serving(application(None, "127.0.0.1", service=service, part=part)) as url, as_user(url, "eva", EVA) as eva:
        assert eva.get("/beleg/documents").status_code == 503
        assert eva.get("/beleg/documents").status_code == 200
    assert "no memory" in caplog.text
    assert tries == [("Personal",)] * 2


def test_the_command_enters_lists_and_takes_out(tmp_path, monkeypatch):
    monkeypatch.setenv("BELEG_USERS", str(tmp_path / "users.jsonl"))
    run = CliRunner()
    added = run.invoke(app, ["user", "add", "max", "--collection", "Recht"], input="ein gutes Wort\n")
    assert added.exit_code == 0, added.output
    assert "ein gutes Wort" not in added.output
    listed = run.invoke(app, ["user", "list", "--json"])
    assert json.loads(listed.output) == [{"name": "max", "collections": ["Recht"]}]
    assert Users(tmp_path / "users.jsonl").admit("max", "ein gutes Wort")
    assert run.invoke(app, ["user", "remove", "max"]).exit_code == 0
    assert read_users(tmp_path / "users.jsonl") == []


def test_each_page_is_of_its_collections(file, tmp_path, embedder):
    """With Gradio's pages: the first request of a user has them built, and waits."""
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("Zimt", "Zimt", "Die Akte nennt das Wort Zimt.")])
    service = loaded(Assistant(index, None))

    async def built():
        def part(collections):
            over = service.over(collections)
            return unguarded(pages_of(over), routes(over.assistant.index), over, "de")

        return application(pages_of(service), "127.0.0.1", router=routes(index), service=service, part=part)

    with serving(asyncio.run(built())) as url, as_user(url, "eva", EVA) as eva, as_user(url, "anna", ANNA) as anna:
        assert eva.get("/de/config").json()["title"] == "beleg"
        assert "beleg index add" in eva.get("/de/config").text  # no document of hers
        assert "beleg index add" not in anna.get("/de/config").text


@pytest.mark.browser
def test_two_users_of_one_browser_see_neither_the_others_documents_nor_what_was_asked(tmp_path, file):
    from playwright.sync_api import sync_playwright

    from tests.test_browser import CHROMIUM, FLAGS, ask, served, settle

    index = Index.open(tmp_path / "index")
    index.add(
        [Document("zimt", "Zimt", "Der Zimt lagert im Keller."), Document("distel", "Distel", "Die Distel blüht.")]
    )
    Collections(index.folder).put(["zimt"], "Personal")
    Collections(index.folder).put(["distel"], "Recht")
    with served(index.folder, BELEG_USERS=str(file)) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_context(locale="de-DE").new_page()

        def log_in(name: str, password: str) -> None:
            page.goto(url)
            page.get_by_label(DE.login_name).fill(name)
            page.get_by_label(DE.login_label).fill(password)
            page.get_by_role("button", name=DE.login_button).click()
            page.locator(".beleg-list > *").first.wait_for()
            page.locator("#beleg-cover").wait_for(state="detached")

        log_in("eva", EVA)
        assert page.locator(".beleg-list .beleg-title").all_text_contents() == ["Zimt"]
        assert "Keller" in ask(page, "Wo lagert der Zimt?").locator("blockquote").first.inner_text()
        settle(page)
        page.context.clear_cookies(name="beleg-session")  # as if it had run out: nobody has logged out

        log_in("tom", TOM)
        assert page.locator(".beleg-list .beleg-title").all_text_contents() == ["Distel"]
        assert "Zimt" not in page.locator("body").inner_text()
        settle(page)
        page.context.clear_cookies(name="beleg-session")

        log_in("eva", EVA)  # finds her own conversation again
        page.locator("#beleg-turns [data-turn]").get_by_text("Wo lagert der Zimt?").first.wait_for()
        settle(page)
        page.screenshot(path=tmp_path / "eva.png")
        chromium.close()
