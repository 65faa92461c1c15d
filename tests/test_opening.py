"""The page that is there before the chat is: what it answers meanwhile, and how the chat takes over."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.serving import serving, until
from ui.asgi import ASGI, respond
from ui.opening import OPENED, Opening
from ui.server import LOOPBACK
from ui.texts import DE, EN

BROWSER = {"Accept": "text/html"}


class Chat:
    """An application that is built when the test says so."""

    def __init__(self) -> None:
        self.may_be_built = threading.Event()
        self.failed = threading.Event()
        self.lived: list[str] = []

    def build(self) -> ASGI:
        assert self.may_be_built.wait(30)
        return self.serve

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                self.lived.append((await receive())["type"])
                await send({"type": f"lifespan.{kind}.complete"})
        else:
            await respond(send, 200, b"chat")

    @contextmanager
    def opening(self) -> Iterator[str]:
        with serving(Opening(self.build, LOOPBACK, "de", self.failed.set)) as url:
            yield url


def asked(url: str, headers: dict[str, str] | None = None) -> tuple[int, str, Any]:
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def test_the_page_says_what_it_waits_for_until_the_chat_is_there() -> None:
    chat = Chat()
    with chat.opening() as url, ThreadPoolExecutor(2) as threads:
        status, page, headers = asked(url, BROWSER)
        assert (status, headers["Cache-Control"]) == (200, "no-store")
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert DE.chat_opening.removesuffix(" …") in page
        assert 'lang="de"' in page
        status, detail, headers = asked(f"{url}/ready")
        assert (status, headers["Retry-After"]) == (503, "1")
        assert "being loaded" in detail
        assert asked(f"{url}/health")[:2] == (200, '{"alive":true}')

        held = threads.submit(asked, f"{url}{OPENED}")
        question = threads.submit(asked, f"{url}/answer")  # of a page that was open before
        assert not held.done()
        assert not question.done()
        chat.may_be_built.set()
        assert held.result(30)[0] == 204
        assert question.result(30)[:2] == (200, "chat")
        assert asked(url, BROWSER)[1] == "chat"
        assert asked(f"{url}{OPENED}")[0] == 204
    assert chat.lived == ["lifespan.startup", "lifespan.shutdown"]


@pytest.mark.parametrize(
    ("path", "headers", "language"),
    [
        ("/", {"Accept-Language": "en-GB,de;q=0.5"}, EN),
        ("/", {"Accept-Language": "en-GB", "Cookie": "beleg_language=de"}, DE),
        ("/en/", {"Accept-Language": "de"}, EN),
        ("/", {"Cookie": "a[]=1; ;;", "Accept-Language": "fr"}, DE),
    ],
)
def test_the_page_is_in_the_readers_language(path: str, headers: dict[str, str], language: Any) -> None:
    chat = Chat()
    with chat.opening() as url:
        page = asked(f"{url}{path}", {**BROWSER, **headers})[1]
        chat.may_be_built.set()
    assert f'lang="{language.language}"' in page
    assert language.chat_opening.removesuffix(" …") in page


def test_another_name_for_this_machine_is_refused() -> None:
    chat = Chat()
    with chat.opening() as url:
        assert asked(url, {**BROWSER, "Host": "evil.invalid"})[0] == 421
        chat.may_be_built.set()


@pytest.mark.parametrize("where", ["build", "startup"])
def test_a_failure_is_logged_and_told(where: str, caplog: pytest.LogCaptureFixture) -> None:
    chat = Chat()

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("no memory")

    def build() -> ASGI:
        if where == "startup":
            return broken
        raise RuntimeError("no memory")

    with serving(Opening(build, LOOPBACK, "de", chat.failed.set)):
        until(chat.failed.is_set)
    assert "no memory" in caplog.text
