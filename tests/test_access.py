"""Who has no password sees nothing; who has sees no file of the server; and no user sees what is another's."""

import asyncio
import hashlib
import hmac
import itertools
import json
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
import pytest

from index import Document, Index
from index.collections import Collections
from index.part import Part
from rag import Assistant
from tests.conftest import WordEmbedder
from tests.serving import loaded, serving
from ui.asgi import ASGI
from ui.chat import build_chat, pages_of
from ui.login import COOKIE
from ui.mcp_server import mcp_server
from ui.routes import routes
from ui.server import application, unguarded
from ui.users import put_user

PASSWORD = "Sesam öffne dich, bitte"
MINE, OTHERS, SAID = "Zimtkanari", "Silberdistel", "Perlmutter"
"""Words that stand in one document, in another one, and in what somebody wrote as feedback."""
FORGED_IDS = ("Dein", "dein ", "../dein", "dein\u0000", "d%65in", "*", "' or 1=1", "")


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Index:
    index = Index.open(tmp_path_factory.mktemp("access") / "index", embedder=WordEmbedder())
    index.add(
        [
            Document("mein", "Meine Akte", f"Die Akte nennt das Wort {MINE} im ersten Satz."),
            Document("dein", "Deine Akte", f"Die Akte nennt das Wort {OTHERS} im ersten Satz."),
        ]
    )
    (index.folder / "feedback.jsonl").write_text(json.dumps({"comment": SAID}) + "\n")
    (index.folder / "collections.json").write_text(json.dumps({"dein": SAID}))
    (index.folder / "uploads").mkdir()
    (index.folder / "uploads" / "dein.txt").write_text(OTHERS)
    return index


@pytest.fixture(scope="module")
def url(index) -> Iterator[str]:
    async def built() -> ASGI:
        assistant = Assistant(index, None)
        pages: dict[Any, Any] = {"de": build_chat(assistant, "de")}
        return application(pages, "127.0.0.1", router=routes(index), service=loaded(assistant))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BELEG_PASSWORD", PASSWORD)
        with serving(asyncio.run(built())) as address:
            yield address


def forged() -> list[dict[str, str]]:
    """Return headers of people who have no password."""
    expiry = int(time.time()) + 3600
    keys = (b"", b"beleg", b"secret", PASSWORD[:5].encode())
    signed = [hmac.new(key, f"{expiry}.x".encode(), hashlib.sha256).hexdigest() for key in keys]
    cookies = ["", "x", f"{expiry}.x.{'0' * 64}", f"{expiry}..", "9" * 5000, *(f"{expiry}.x.{one}" for one in signed)]
    bearers = ["", "null", "undefined", "true", "[]", "Basic", "*"]
    return [
        *({"Cookie": f"{COOKIE}={cookie}"} for cookie in cookies),
        *({"Cookie": f"{name}=1"} for name in ("session", "beleg.client", "access-token")),
        *({"Authorization": f"Basic {bearer}".strip()} for bearer in bearers),
        {"X-Beleg": "1"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"},
        {"X-Original-URL": "/health", "X-Rewrite-URL": "/health"},
    ]


def test_three_hundred_forged_requests_see_nothing(url):
    paths = [
        "/beleg/documents",
        "/beleg/source?document=dein&start=0&end=40",
        "/beleg/page?document=dein&page=1&start=0&end=9",
        "/de/",
        "/de/config",
        "/de/gradio_api/queue/data?session_hash=a",
        "/de/gradio_api/file=feedback.jsonl",
        "/openapi.json",
        "/health/../beleg/documents",
        "/login/../beleg/documents",
        "/ready;/../de/",
        "//beleg/documents",
        "/%62eleg/documents",
        "/BELEG/documents",
        "/de/../beleg/documents",
    ]
    tries = list(itertools.product(paths, forged()))
    assert len(tries) >= 300
    with httpx.Client(base_url=url) as stranger:
        for path, headers in tries:
            answer = stranger.get(path, headers=headers)
            assert answer.status_code in {401, 429, 303, 404}, (path, headers)
            assert not any(word in answer.text for word in (MINE, OTHERS, SAID, "gradio", "Akte")), (path, headers)
        for headers in forged():
            answer = stranger.post("/answer", json={"question": f"Welche Akte nennt {OTHERS}?"}, headers=headers)
            assert answer.status_code in {401, 429}


def test_two_hundred_addresses_of_files_show_no_file(url, index):
    files = ["feedback.jsonl", "collections.json", "manifest.json", "uploads/dein.txt", "write.lock"]
    whole = [str(index.folder / file) for file in files]
    around = [f"../index/{file}" for file in files] + [f"....//....//index/{file}" for file in files]
    prefixes = [
        "/de/gradio_api/file=",
        "/de/file=",
        "/de/static/",
        "/de/assets/",
        "/de/gradio_api/file/",
        "/",
        "/beleg/",
    ]
    tries = [
        f"{prefix}{form}"
        for prefix in prefixes
        for one in (*whole, *around, *files)
        for form in (one, quote(one, safe=""))
    ]
    assert len(tries) >= 200
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {PASSWORD}".encode()}) as reader:
        for path in tries:
            answer = reader.get(path)
            assert SAID not in answer.text, path
            assert OTHERS not in answer.text, path


def test_an_answer_from_chosen_documents_says_nothing_of_others(url):
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {PASSWORD}".encode()}) as reader:
        for question in (f"Welche Akte nennt {OTHERS}?", "Was nennt die Akte?", "Which word does the file name?"):
            answer = reader.post("/answer", json={"question": question, "documents": ["mein"]})
            assert answer.status_code == 200
            assert OTHERS not in answer.text.replace(question, "")
        for forged_id in FORGED_IDS:
            answer = reader.post("/answer", json={"question": "Was nennt die Akte?", "documents": [forged_id]})
            assert answer.status_code == 404
            assert OTHERS not in answer.text


def test_a_program_that_chose_documents_is_told_nothing_of_others(index):
    """Over the Model Context Protocol, where there is no password: who starts the process has the index."""
    from mcp import Client, MCPError

    async def asked() -> None:
        async with Client(mcp_server(Assistant(index, None))) as program:
            for tool, question in itertools.product(("answer", "search"), (f"Wer nennt {OTHERS}?", "Was nennt sie?")):
                chosen = await program.call_tool(tool, {"question": question, "documents": ["mein"]})
                assert not chosen.is_error
                assert OTHERS not in _said(chosen, question)
                for document in FORGED_IDS:
                    refused = await program.call_tool(tool, {"question": question, "documents": [document]})
                    assert refused.is_error, document
                    assert OTHERS not in _said(refused, question)
            for name in ("feedback.jsonl", "../index/feedback.jsonl", str(index.folder / "feedback.jsonl")):
                assert (await program.call_tool("read", {"uri": name})).is_error
                with pytest.raises(MCPError):
                    await program.read_resource(f"file://{name}")

    asyncio.run(asked())


def _said(result: Any, question: str) -> str:
    return " ".join(part.text for part in result.content).replace(question, "")


def test_one_reader_does_not_hear_what_another_asks(url):
    """The page's stream is given out under the page's own random name alone, and a guessed one holds nothing."""
    bearer = {"Authorization": f"Bearer {PASSWORD}".encode()}
    with httpx.Client(base_url=url, headers=bearer, timeout=3) as reader:
        for guess in ("", "a", "0", "null", "..", "*"):
            try:
                with reader.stream("GET", "/de/gradio_api/queue/data", params={"session_hash": guess}) as told:
                    said = next(told.iter_text(), "")
            except httpx.TimeoutException:
                said = ""
            assert MINE not in said
            assert OTHERS not in said


# Two users, two collections


EVAS, TOMS = "ein gutes Wort", "ein anderes Wort"


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[tuple[str, Index]]:
    """A server of Eva, whose file says MINE, and of Tom, whose file says OTHERS."""
    folder = tmp_path_factory.mktemp("users") / "index"
    index = Index.open(folder, embedder=WordEmbedder())
    index.add(
        [
            Document("mein", "Meine Akte", f"Die Akte nennt das Wort {MINE} im ersten Satz."),
            Document("dein", "Deine Akte", f"Die Akte nennt das Wort {OTHERS} im ersten Satz."),
        ]
    )
    Collections(folder).put(["mein"], "Evas")
    Collections(folder).put(["dein"], "Toms")
    (folder / "feedback.jsonl").write_text(json.dumps({"comment": SAID}) + "\n")
    put_user(folder.parent / "users.jsonl", "eva", EVAS, ["Evas"])
    put_user(folder.parent / "users.jsonl", "tom", TOMS, ["Toms"])
    service = loaded(Assistant(index, None, least_confidence=0.0))

    def part(collections: Sequence[str]) -> ASGI:
        over = service.over(collections)
        return unguarded(pages_of(over), routes(over.assistant.index), over, "de")

    async def built() -> ASGI:
        return application(pages_of(service), "127.0.0.1", router=routes(index), service=service, part=part)

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BELEG_PASSWORD", raising=False)
        patch.setenv("BELEG_USERS", str(folder.parent / "users.jsonl"))
        with serving(asyncio.run(built())) as url:
            yield url, index


def as_user(url: str, name: str, password: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {name}:{password}", "X-Beleg": "1"}
    return httpx.Client(base_url=url, headers=headers, timeout=30)


def requests_for_anothers(index: Index) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and what else belongs to a request that wants something of Tom's."""
    ids = ["dein", *FORGED_IDS, "../uploads/dein", "dein#", "mein,dein", "mein&document=dein"]
    for document, (start, end) in itertools.product(ids, ((0, 9), (0, 40), (9, 60), (-1, 5))):
        where = {"document": document, "start": start, "end": end}
        yield "GET", "/beleg/source", {"params": where}
        yield "GET", "/beleg/page", {"params": {**where, "page": 1}}
    for question, document in itertools.product((f"Wer nennt {OTHERS}?", "Was nennt die Akte?", "Deine Akte"), ids):
        yield "POST", "/answer", {"json": {"question": question, "documents": [document]}}
        yield "POST", "/answer", {"json": {"question": question, "documents": ["mein", document], "stream": True}}
    for question in (f"Wer nennt {OTHERS}?", "Was nennt die Akte?", "Welche Akten gibt es?", f"{SAID}?", "Toms"):
        yield "POST", "/answer", {"json": {"question": question}}
        yield "POST", "/answer", {"json": {"question": question, "history": [{"question": OTHERS, "answer": "?"}]}}
        yield "GET", "/beleg/documents", {"params": {"search": question}}
    for document in ids:
        yield "DELETE", "/beleg/documents", {"params": {"id": [document]}}
        yield "POST", "/beleg/collections", {"json": {"ids": [document], "name": "Evas"}}
        yield "POST", "/beleg/collections", {"json": {"ids": ["mein"], "name": "Toms"}}
        row = json.dumps({"id": document, "title": "Falsch", "text": "Die Akte nennt das Wort Falschheit."})
        yield "PUT", "/beleg/documents", {"params": {"name": "zeilen.jsonl"}, "content": row.encode()}
    yield "PUT", "/beleg/documents", {"params": {"name": "a.txt", "collection": "Toms"}, "content": b"Falschheit."}
    files = ["feedback.jsonl", "collections.json", "manifest.json", "../users.jsonl"]
    files += [str(path.relative_to(index.folder)) for path in (index.folder / "uploads").rglob("*.txt")]
    for file, language in itertools.product(files, ("de", "en")):
        for form in (file, str(index.folder / file), quote(str(index.folder / file), safe=""), f"....//....//{file}"):
            for route in ("gradio_api/file=", "static/", "assets/", "gradio_api/file/"):
                yield "GET", f"/{language}/{route}{form}", {}
            yield "GET", f"/beleg/{form}", {}
    for path in ("feedback", "history", "export", "uploads", "users", "collections"):
        yield "GET", f"/beleg/{path}", {}
        yield "POST", f"/beleg/{path}", {"json": {"turn": {"question": OTHERS}, "turns": [], "reason": "good"}}


def test_five_hundred_tries_of_one_user_show_and_change_nothing_of_anothers(shared):
    url, index = shared
    with as_user(url, "tom", TOMS) as tom:
        tom.put("/beleg/documents", params={"name": "Brief.txt"}, content=f"Tom schrieb {OTHERS}.".encode())
        before = sorted(tom.get("/beleg/documents").json()["ids"])
    tries = list(requests_for_anothers(index))
    assert len(tries) >= 450
    with as_user(url, "eva", EVAS) as eva:
        assert MINE in eva.post("/answer", json={"question": "Was nennt die Akte?"}).text
        for method, path, more in tries:
            answer = eva.request(method, path, **more)
            said = re.sub(rf"Wer nennt {OTHERS}|{SAID}\?", "", answer.text)
            assert answer.status_code < 500, (method, path, more)
            assert not any(word in said for word in (OTHERS, SAID, "Deine Akte im", "scrypt")), (method, path, more)
    with as_user(url, "tom", TOMS) as tom:
        assert sorted(tom.get("/beleg/documents").json()["ids"]) == before
        assert OTHERS in tom.post("/answer", json={"question": "Was nennt die Akte?", "documents": ["dein"]}).text


@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'")  # of Gradio's own figures
def test_a_user_does_not_hear_anothers_conversation_under_its_true_name(shared):
    """Even who knows the random name of another user's page is told nothing: it is a page of another application."""
    url, _ = shared
    with as_user(url, "tom", TOMS) as tom, as_user(url, "eva", EVAS) as eva:
        config = tom.get("/de/config").json()
        asks = next(one["id"] for one in config["dependencies"] if len(one["inputs"]) == 3 and len(one["outputs"]) == 4)
        for number in range(10):
            name = f"seite{number}"
            data = ["Was nennt die Akte?", None, None]
            asked = {"data": data, "fn_index": asks, "session_hash": name, "event_data": None}
            assert tom.post("/de/gradio_api/queue/join", json=asked).status_code == 200
            assert OTHERS not in heard(eva, name)
            assert OTHERS in heard(tom, name)
            again = {**asked, "data": ["Was nennt die Akte?", None, None]}
            assert eva.post("/de/gradio_api/queue/join", json=again).status_code == 200
            said = heard(eva, name)
            assert MINE in said
            assert OTHERS not in said


def heard(client: httpx.Client, session: str) -> str:
    """Return what a page's stream says until its end, or for a second; that of a name that is unknown breaks off."""
    text = ""
    try:
        with client.stream("GET", "/de/gradio_api/queue/data", params={"session_hash": session}, timeout=1) as told:
            for piece in told.iter_text():
                text += piece
                if "process_completed" in text:
                    break
    except (httpx.TimeoutException, httpx.RemoteProtocolError):
        pass
    return text


def test_a_program_of_some_collections_reaches_no_other(index):
    """``beleg mcp --collection Evas``."""
    from mcp import Client

    Collections(index.folder).put(["mein"], "Evas")

    async def asked() -> int:
        tries = 0
        async with Client(mcp_server(Assistant(Part(index, ["Evas"]), None, least_confidence=0.0))) as program:
            for tool, question in itertools.product(("answer", "search"), (f"Wer nennt {OTHERS}?", "Was nennt sie?")):
                assert OTHERS not in _said(await program.call_tool(tool, {"question": question}), question)
                for document in ("dein", *FORGED_IDS):
                    refused = await program.call_tool(tool, {"question": question, "documents": [document]})
                    assert refused.is_error, (tool, question, document)
                    assert OTHERS not in _said(refused, question)
                    tries += 1
            listed = _said(await program.call_tool("documents", {}), "")
            assert "mein" in listed
            assert "dein" not in listed
        return tries

    assert asyncio.run(asked()) >= 36
