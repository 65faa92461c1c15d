"""A web address -> its document, fetched once, with limits, and from public machines only.

Every machine on the way is looked up once, and the address that was checked is the one that is connected to: a name
cannot mean a public machine in the check and a private one afterwards. No proxy is used, no cookie kept, no script run.
"""

import hashlib
import http.client
import ipaddress
import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from index.document import Document, DocumentError
from index.encodings import decode
from index.formats import HEAD, PLAIN, READERS, format_of, looks_like
from index.settings import index_settings

MOST_REDIRECTS = 5
READ_SECONDS = 10.0
WHOLE_SECONDS = 60.0

_ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_UNSAID = ("", "application/octet-stream", "binary/octet-stream", "application/x-download", "application/zip")
_AS_TEXT = {*PLAIN, ".html", ".htm", ".xhtml"}


@dataclass(frozen=True)
class _Reply:
    """What a server sent: the final address, the type it names, the charset it names, and the body."""

    address: str
    kind: str
    charset: str
    body: bytes


def is_web_address(path: object) -> bool:
    """Whether a path that a user gives is a web address.

    >>> is_web_address("https://example.org/satzung.pdf"), is_web_address("notizen/")
    (True, False)
    """
    return re.match(r"https?://", str(path), re.IGNORECASE) is not None


def read_web(address: str, read: Callable[[Path], Iterator[Document]], *, allow_private: bool = False) -> Document:
    """Fetch an address and return its document; ``source`` is the address that redirects led to.

    Args:
        address: http or https.
        read: Yields the documents of a file; it gets a temporary one.
        allow_private: Whether it may be on this machine or its own network.

    Raises:
        DocumentError: It cannot be fetched, is not public, too large, too slow, or in no known format.
    """
    reply = _fetched(address, allow_private, WHOLE_SECONDS)
    ending = _ending_of(reply)
    body = reply.body
    if reply.charset and ending in _AS_TEXT and body:
        body = decode(body, Path(reply.address), reply.charset).encode("utf-8-sig", "replace")
    with tempfile.TemporaryDirectory(prefix="beleg-") as folder:
        path = Path(folder, _file_name(reply.address) + ending)
        path.write_bytes(body)
        try:
            document = next(read(path))
        except DocumentError as error:
            raise DocumentError(str(error).replace(str(path), reply.address)) from error
    return replace(document, id=_id(reply.address), source=reply.address)


def _ending_of(reply: _Reply) -> str:
    """Return the format by the type that the server names; where that says nothing, by the address or the bytes."""
    named = format_of(Path(urlsplit(reply.address).path))
    if reply.kind in _UNSAID:
        ending = named or looks_like(reply.body[:HEAD])[0]
    elif reply.kind == "text/plain" and named in PLAIN:
        ending = named
    else:
        ending = _ENDINGS.get(reply.kind, "")
    if ending not in READERS or ending.startswith(".jsonl"):
        known = ", ".join(_ENDINGS)
        raise DocumentError(
            f"{reply.address}: of type {reply.kind or 'unknown'!r}, which is not read; known are {known}"
        )
    return ending


def _file_name(address: str) -> str:
    """Return what an address calls its file, as words for a title.

    >>> _file_name("https://example.org/amt/haus-ordnung.pdf?x=1"), _file_name("https://example.org/")
    ('haus-ordnung', 'example org')
    """
    parts = urlsplit(address)
    name = Path(unquote(parts.path)).stem or (parts.hostname or "")
    return re.sub(r"[^\w-]+", " ", name).strip()[:80] or "seite"


def _id(address: str) -> str:
    slug = re.sub(r"\W+", "-", _file_name(address).casefold()).strip("-")
    return f"{slug}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"


def _fetched(address: str, allow_private: bool, seconds: float) -> _Reply:
    """Fetch an address, following redirects, each of which is checked like the first address."""
    with _Deadline(seconds) as deadline:
        for _ in range(MOST_REDIRECTS + 1):
            reply = _reply_of(address, allow_private, deadline)
            if isinstance(reply, _Reply):
                return reply
            address = urljoin(address, reply)
    raise DocumentError(f"{address}: more than {MOST_REDIRECTS} redirects; give the address that they end at")


def _reply_of(address: str, allow_private: bool, deadline: "_Deadline") -> _Reply | str:
    """Ask one server: what it sent, or where it redirects to."""
    parts = _parts(address)
    try:
        with _connection(parts, address, allow_private, deadline) as connection:
            target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
            query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=?~-._')}" if parts.query else ""
            headers = {"User-Agent": "beleg", "Accept-Encoding": "identity", "Accept": "*/*"}
            connection.request("GET", target + query, headers=headers)
            taken = _taken(connection.getresponse(), parts, address)
            if deadline.passed:  # what is cut off looks like a body that is whole
                raise TimeoutError
            return taken
    except (OSError, http.client.HTTPException, ValueError) as error:
        if deadline.passed:
            raise DocumentError(f"{address}: took longer than {deadline.seconds:.0f} s; try again later") from error
        reason = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        raise DocumentError(f"{address}: cannot be fetched ({reason}); check it in a browser") from error


def _taken(response: http.client.HTTPResponse, parts: SplitResult, address: str) -> _Reply | str:
    place = response.headers.get("Location", "")
    if response.status in (301, 302, 303, 307, 308) and place:
        return place
    if response.status != 200:
        raise DocumentError(f"{address}: the server answers {response.status} {response.reason}; check it in a browser")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise DocumentError(
            f"{address}: comes compressed though that was not asked for; save it as a file and add that"
        )
    body = _body(response, address)
    charset = response.headers.get_content_charset() or ""
    kind = response.headers.get_content_type() if "Content-Type" in response.headers else ""
    return _Reply(parts._replace(fragment="").geturl(), kind, charset, body)


def _body(response: http.client.HTTPResponse, address: str) -> bytes:
    most = int(index_settings().largest_file_mb * 1e6)
    body = bytearray()
    while len(body) <= most and (piece := response.read(65_536)):
        body += piece
    if len(body) > most:
        remedy = "save it as a file and split it, or allow more: BELEG_LARGEST_FILE_MB"
        raise DocumentError(f"{address}: over {most / 1e6:.0f} MB; {remedy}")
    if response.length:
        raise http.client.IncompleteRead(bytes(body), response.length)
    return bytes(body)


def _parts(address: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    raise DocumentError(f"{address}: not a web address; expected http://… or https://…")


@contextmanager
def _connection(
    parts: SplitResult, address: str, allow_private: bool, deadline: "_Deadline"
) -> Iterator[http.client.HTTPConnection]:
    """Connect to an address that was checked, without looking its name up again."""
    host, secure = str(parts.hostname), parts.scheme.lower() == "https"
    port = parts.port or (443 if secure else 80)
    found = _looked_up(host, port)
    refused = [str(entry[4][0]) for entry in found if not allow_private and not is_public(str(entry[4][0]))]
    if refused:
        remedy = "only public ones are fetched; if you trust it: beleg index add --allow-private …"
        raise DocumentError(
            f"{address}: leads to {refused[0]}, an address of this machine or a private network; {remedy}"
        )
    connection = http.client.HTTPConnection(host, port, timeout=READ_SECONDS)
    connection.default_port = 443 if secure else 80  # what a Host header leaves out
    raw = _connected(found)
    try:
        deadline.guard(raw)
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
        deadline.guard(connection.sock)
        yield connection
    finally:
        connection.close()
        raw.close()


def _looked_up(host: str, port: int) -> list[tuple[Any, ...]]:
    """Return what ``getaddrinfo`` finds, which by itself waits as long as it likes."""
    found: SimpleQueue[list[tuple[Any, ...]] | OSError | ValueError] = SimpleQueue()

    def look() -> None:
        try:
            found.put([*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)])
        except (OSError, ValueError) as error:
            found.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        result = found.get(timeout=READ_SECONDS)
    except Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result


def _connected(found: Sequence[tuple[Any, ...]]) -> socket.socket:
    """Connect to the first of the addresses of ``getaddrinfo`` that answers."""
    failure = OSError("no address")
    for family, kind, protocol, _, place in found[:4]:
        connected = socket.socket(family, kind, protocol)
        connected.settimeout(READ_SECONDS)
        try:
            connected.connect(place)
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where IPv6 carries one of IPv4 in it.

    >>> is_public("93.184.216.34"), is_public("192.168.0.1"), is_public("::ffff:127.0.0.1")
    (True, False, False)
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class _Deadline:
    """Cuts the connection when the whole time is over, whatever the server sends slowly."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.passed = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()

    def guard(self, guarded: socket.socket) -> None:
        """Cut this connection, too."""
        self._sockets.append(guarded)
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        self.passed = True
        for guarded in self._sockets:
            with suppress(OSError):
                guarded.shutdown(socket.SHUT_RDWR)
