"""There is one password and one index: who has not given it sees nothing, and who has sees no file of the server.

beleg knows no users and no rights on collections; what keeps two readers apart is tested: sessions, chosen documents.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
import pytest

from index import Document, Index
from rag import Assistant
from tests.conftest import WordEmbedder
from tests.serving import loaded, serving
from ui.asgi import ASGI
from ui.chat import build_chat
from ui.login import COOKIE
from ui.mcp_server import mcp_server
from ui.routes import routes
from ui.server import application

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
