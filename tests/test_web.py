"""Web addresses against a real server on this machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import index.web
from index import Document, Failure, load_documents
from index.settings import index_settings
from index.web import is_public

REPLIES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/haus-ordnung": (
        200,
        {"Content-Type": "text/plain; charset=iso-8859-1"},
        "Die Straße ist für alle da.".encode("cp1252"),
    ),
    "/notiz.md": (200, {"Content-Type": "text/plain"}, b"# Notiz\n\nEin Text."),
    "/weiter": (302, {"Location": "/haus-ordnung#teil"}, b""),
    "/kreis": (302, {"Location": "/kreis"}, b""),
    "/datei": (302, {"Location": "file:///etc/passwd"}, b""),
    "/bild": (200, {"Content-Type": "image/png"}, b"\x89PNG\r\n"),
    "/zeilen.jsonl": (200, {"Content-Type": "application/octet-stream"}, b'{"id": "a", "text": "b"}'),
    "/gepackt": (200, {"Content-Type": "text/plain", "Content-Encoding": "gzip"}, b"\x1f\x8b"),
    "/viel": (200, {"Content-Type": "text/plain"}, b"Ein Text. " * 300_000),
    "/leer": (200, {"Content-Type": "text/plain"}, b""),
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/abgebrochen":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nEin halber")
            return
        if self.path == "/langsam":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                try:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.05)
        code, headers, body = REPLIES.get(self.path, (404, {}, b""))
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving() as address:
        yield address


def load(address: str, **options: bool) -> list[Document | Failure]:
    failures: list[Failure] = []
    return [*load_documents([address], on_failure=failures.append, **options), *failures]


def test_a_page_is_read_by_its_type_and_charset_and_redirects_give_the_source(site: str) -> None:
    [document] = load(f"{site}/weiter", allow_private=True)
    assert isinstance(document, Document)
    assert (document.title, document.text) == ("haus-ordnung", "Die Straße ist für alle da.")
    assert document.source == f"{site}/haus-ordnung"
    assert document.id.startswith("haus-ordnung-")
    assert load(f"{site}/haus-ordnung", allow_private=True) == [document]


def test_plain_text_that_is_called_markdown_is_markdown(site: str) -> None:
    [document] = load(f"{site}/notiz.md", allow_private=True)
    assert isinstance(document, Document)
    assert document.title == "Notiz"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/fehlt", "the server answers 404"),
        ("/kreis", "more than 5 redirects"),
        ("/datei", "file:///etc/passwd: not a web address"),
        ("/bild", "of type 'image/png', which is not read"),
        ("/zeilen.jsonl", "which is not read"),
        ("/gepackt", "comes compressed"),
        ("/leer", "the file is empty"),
        ("/abgebrochen", "cannot be fetched (IncompleteRead(10 bytes read, 89 more expected)"),
    ],
)
def test_what_cannot_be_read_is_a_failure_by_its_address(site: str, path: str, says: str) -> None:
    [failure] = load(site + path, allow_private=True)
    assert isinstance(failure, Failure)
    assert failure.source == site + path
    assert says in failure.reason
    assert "/tmp" not in failure.reason


def test_size_is_limited(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELEG_LARGEST_FILE_MB", "2")
    index_settings.cache_clear()
    try:
        [failure] = load(f"{site}/viel", allow_private=True)
    finally:
        index_settings.cache_clear()
    assert isinstance(failure, Failure)
    assert "over 2 MB" in failure.reason


def test_the_whole_time_is_limited_however_steadily_it_drips(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.web, "WHOLE_SECONDS", 0.5)
    begun = time.monotonic()
    [failure] = load(f"{site}/langsam", allow_private=True)
    assert isinstance(failure, Failure)
    assert "took longer than 0 s" in failure.reason or "took longer than 1 s" in failure.reason
    assert time.monotonic() - begun < 5


def test_looking_a_name_up_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(index.web, "READ_SECONDS", 0.2)
    monkeypatch.setattr(index.web.socket, "getaddrinfo", lambda *_, **__: released.wait(60) and [])
    [failure] = load("http://beleg.invalid/")
    released.set()
    assert isinstance(failure, Failure)
    assert "no answer in time" in failure.reason


def test_this_machine_is_asked_nothing_unless_allowed(site: str) -> None:
    for address in (site, site.replace("127.0.0.1", "localhost"), site.replace("127.0.0.1", "[::ffff:127.0.0.1]")):
        [failure] = load(f"{address}/haus-ordnung")
        assert isinstance(failure, Failure)
        assert "--allow-private" in failure.reason


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    reached: list[object] = []

    def lookup(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        place = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(index.web.socket.AF_INET, index.web.socket.SOCK_STREAM, 6, "", (place, port))]

    def connect(_: object, place: object) -> None:
        reached.append(place)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(index.web.socket, "getaddrinfo", lookup)
    monkeypatch.setattr(index.web.socket.socket, "connect", connect)
    [failure] = load("http://rebinding.example/a")
    assert isinstance(failure, Failure)
    assert (asked, reached) == (["rebinding.example"], [("93.184.216.34", 80)])


@pytest.mark.parametrize(
    "address",
    "10.0.0.1 172.16.0.1 192.168.1.1 127.0.0.1 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 255.255.255.255 ::1 :: "
    "fe80::1%eth0 fc00::1 ff02::1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:db8::1".split(),
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_others_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["http://", "http://[", "https://a:99999/", "http:///x"])
def test_what_is_no_address_is_said(address: str) -> None:
    [failure] = load(address)
    assert isinstance(failure, Failure)
    assert "not a web address" in failure.reason


def test_a_path_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "http:").mkdir()
    (tmp_path / "http:" / "a.txt").write_text("Ein Text.")
    assert len(list(load_documents([tmp_path / "http:"]))) == 1
