"""A real nginx with the project's own configuration before some servers."""

import getpass
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

CONFIGURATION = Path(__file__).parents[1] / "ui" / "deploy" / "nginx.conf"
STICKY = "    hash $beleg_route consistent;\n"
_MAIN = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/beleg.conf;
}}
"""


@contextmanager
def behind_nginx(folder: Path, urls: Sequence[str], *, sticky: bool = True) -> Iterator[str]:
    """Run nginx before three servers until the block ends; give its URL. Without ``sticky`` each has its turn."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.read_text("utf-8")
    for number, url in enumerate(urls, start=1):
        text = _replaced(text, f"beleg-{number}:7860", urlsplit(url).netloc)
    text = _replaced(text, "listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "beleg.conf").write_text(text if sticky else _replaced(text, STICKY, ""), "utf-8")
    user = "user root;" if getpass.getuser() == "root" else ""
    (folder / "nginx.conf").write_text(_MAIN.format(user=user, folder=folder), "utf-8")
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    server = subprocess.Popen(command)
    try:
        _wait_until_it_listens(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _replaced(text: str, old: str, new: str) -> str:
    assert len(re.findall(re.escape(old), text)) == 1, old
    return text.replace(old, new)


def _wait_until_it_listens(server: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + 10
    with socket.socket() as probe:
        while probe.connect_ex(("127.0.0.1", port)):
            assert server.poll() is None, "nginx has ended"
            assert time.monotonic() < end
            time.sleep(0.05)
