"""Every connection and name look-up of the command line, indexing, asking and the chat: none but the endpoint's."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from index.settings import index_settings
from index.weights import LLM_WEIGHTS, is_present
from tests.scripted_llm import KEY, ScriptedLLM, no_probabilities, writes
from ui.opening import OPENED

HOOK = """
import os, sys

def told(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        try:
            address = arguments[1] if event in ("socket.connect", "socket.sendto", "socket.sendmsg") else arguments[0:2]
        except IndexError:
            return
        if isinstance(address, tuple) and len(address) >= 2:
            host = address[0].decode() if isinstance(address[0], bytes) else address[0]
            line = f"{event} {host} {address[1]}" + chr(10)
            descriptor = os.open(os.environ["SOCKETS_TOLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, line.encode())
            os.close(descriptor)

sys.addaudithook(told)
"""
CALLS = """
import socket
from contextlib import suppress
with suppress(OSError):
    socket.getaddrinfo("example.invalid", 80)
with suppress(OSError):
    socket.create_connection(("192.0.2.1", 9), timeout=0.1)
"""
TEXT = "Die Stadtwerke Ulm liefern seit 1999 Fernwärme. Geschäftsführer ist Klaus Eder. Das Netz misst 160 Kilometer."
QUESTION = "Wer ist der Geschäftsführer der Stadtwerke?"
LOOPBACK = {"127.0.0.1", "::1", "localhost", "0.0.0.0", "None", ""}
pytestmark = pytest.mark.slow


class Watched:
    """Runs ``beleg`` so that each socket it opens is told, by Python's audit hook and by strace where that is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK, "utf-8")
        unset = ("BELEG_", "OPENAI_", "HF_", "GRADIO_", "HTTP", "http", "ALL_PROXY", "all_proxy")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(unset)},
            "PYTHONPATH": f"{folder / 'hook'}{os.pathsep}{Path(__file__).parent.parent}",
            "SOCKETS_TOLD": str(folder / "sockets"),
            "BELEG_INDEX": str(folder / "index"),
            "BELEG_CACHE": str(folder / "cache"),
            "BELEG_LLM_MODEL": "none",
        }
        self.strace = shutil.which("strace")
        self.runs = 0

    def command(self, *arguments: str) -> list[str]:
        watched = [sys.executable, "-m", "ui.cli", *arguments]
        if not self.strace:
            return watched
        self.runs += 1
        trace = [
            "-f",
            "-qq",
            "-e",
            "trace=connect,sendto,sendmsg,sendmmsg",
            "-o",
            str(self.folder / f"{self.runs}.strace"),
        ]
        return [self.strace, *trace, *watched]

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    def told(self) -> set[tuple[str, str]]:
        """Return host and port of each connection and look-up."""
        found = set()
        for line in _lines(self.folder / "sockets"):
            _, host, port = line.rsplit(" ", 2)
            found.add((host, port))
        for trace in self.folder.glob("*.strace"):
            for port, host in re.findall(r'sin6?_port=htons\((\d+)\).*?"([0-9a-f.:]+)"', "\n".join(_lines(trace))):
                found.add((host, port))
        return found

    def elsewhere(self) -> set[tuple[str, str]]:
        return {(host, port) for host, port in self.told() if host not in LOOPBACK}


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A document of each kind that could make a library fetch something, with addresses in it."""
    page = f'<html><head><link rel="stylesheet" href="http://example.com/a.css"></head><body><p>{TEXT}</p><img src="http://example.com/b.png"></body></html>'
    entity = f'<!DOCTYPE html SYSTEM "http://example.com/c.dtd"><html><body><p>{TEXT}</p></body></html>'
    contents = {
        "ulm.txt": TEXT,
        "ulm.md": f"# Ulm\n\n![](http://example.com/d.png) {TEXT}",
        "ulm.html": page,
        "dtd.html": entity,
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content, "utf-8")
    return [str(tmp_path / name) for name in contents]


def test_the_watch_sees_a_connection_and_a_name(watched: Watched) -> None:
    subprocess.run([sys.executable, "-c", CALLS], env=watched.environment, check=True, timeout=60)
    assert watched.elsewhere() == {("example.invalid", "80"), ("192.0.2.1", "9")}


def test_the_command_line_indexing_and_asking_connect_to_nothing(watched: Watched, files: list[str]) -> None:
    watched.run("--help")
    watched.run("index", "add", *files)
    watched.run("index", "list")
    assert "Klaus Eder" in watched.run("ask", QUESTION).stdout
    watched.run("models")
    watched.run("index", "repair")
    assert watched.told() == set()


def test_asking_connects_to_the_configured_endpoint_alone(watched: Watched, files: list[str]) -> None:
    watched.run("index", "add", files[0])
    with ScriptedLLM() as server:
        server.judgement = no_probabilities
        server.replies = [writes("Klaus Eder [1]")] * 2
        port = server.url.rsplit(":", 1)[1].partition("/")[0]
        setting = {"BELEG_LLM_BASE_URL": server.url, "BELEG_LLM_MODEL": "eule", "BELEG_LLM_API_KEY": KEY}
        assert "Klaus Eder" in watched.run("ask", QUESTION, **setting).stdout
    assert watched.told() == {("127.0.0.1", port)}


def test_the_chat_its_page_and_a_question_connect_to_nothing(watched: Watched, files: list[str]) -> None:
    watched.run("index", "add", files[0])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = watched.command("chat", "--port", str(port))
    with subprocess.Popen(
        command, env=watched.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as chat:
        try:
            assert chat.stderr
            said = iter(chat.stderr.readline, "")
            url = next(found[0] for line in said if (found := re.search(r"http://[\w.]+:\d+", line)))
            _get(f"{url}{OPENED}")  # ends when the chat has taken the place of the page that waits for it
            page = _get(f"{url}/de/")
            assert "beleg" in page
            for path in ("/de/config", "/favicon.ico", "/health", "/openapi.json", *_assets(page)):
                _get(f"{url}{path}" if path.startswith("/") else f"{url}/de/{path}")
            body = f'{{"question": "{QUESTION}"}}'.encode()
            asked = urllib.request.Request(f"{url}/answer", body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(asked, timeout=120) as answer:
                assert b"Klaus Eder" in answer.read()
        finally:
            os.killpg(chat.pid, signal.SIGTERM)
    assert watched.elsewhere() == set()


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return str(answer.read(), "utf-8", "replace")
    except urllib.error.HTTPError:
        return ""  # of an address that the page only asks for in some browsers


def _assets(page: str) -> list[str]:
    assets = re.findall(r'(?:src|href)="(\.?/[^"]+)"', page)
    assert not [address for address in re.findall(r'(?:src|href)="([^"]+)"', page) if "//" in address]
    return [asset.removeprefix("./") if asset.startswith("./") else asset for asset in assets][:40]


@pytest.mark.llm
@pytest.mark.skipif(not is_present(LLM_WEIGHTS), reason="its weights are not in the cache")
def test_the_embedded_model_needs_no_connection(watched: Watched, files: list[str]) -> None:
    cache = {"BELEG_CACHE": str(index_settings().cache), "BELEG_LLM_MODEL": ""}
    watched.run("index", "add", files[0], **cache)
    assert "Eder" in watched.run("ask", QUESTION, **cache).stdout
    assert not watched.told()
