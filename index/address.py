"""Where an index is: in a folder, or in a store that a URL names, whose password is never shown."""

import hashlib
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

from platformdirs import user_data_path

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_HIDDEN = "…"
_SECRETS = frozenset({"password", "sslpassword", "token"})


class StoreURL:
    """URL of a store; shown, also by ``repr``, without its password.

    ``collection`` in its query names the tenant; it is ours and not the server's.

    >>> url = StoreURL("postgresql://eva:geheim@db.example/beleg?collection=amt50&sslmode=require")
    >>> url
    StoreURL('postgresql://eva:…@db.example/beleg?collection=amt50&sslmode=require')
    >>> url.scheme, url.option("collection"), url.hidden("wrong password geheim")
    ('postgresql', 'amt50', 'wrong password …')
    >>> StoreURL("postgresql://eva:a#b?c/d@e@db/beleg")
    StoreURL('postgresql://eva:…@db/beleg')
    """

    def __init__(self, url: str) -> None:
        self._url = url
        scheme, _, rest = url.partition("://")
        self.scheme = scheme.lower()
        """What kind of store it is."""
        before, _, query = rest.partition("?")
        if "@" in query and "@" not in before:  # a password with a question mark
            before, query = rest, ""
        user, self._at, self.place = before.rpartition("@")
        """Hosts, ports and what stands after them."""
        self._user, self._colon, self._password = user.partition(":")
        self._options = dict(parse_qsl(query, keep_blank_values=True))

    def __repr__(self) -> str:
        return f"StoreURL({str(self)!r})"

    def __str__(self) -> str:
        options = {name: _HIDDEN if name in _SECRETS else value for name, value in self._options.items()}
        user = f"{self._user}{self._colon}{_HIDDEN if self._colon else ''}{self._at}"
        return f"{self.scheme}://{user}{self.place}{_query(options)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreURL) and self._url == other._url

    def __hash__(self) -> int:
        return hash(self._url)

    @property
    def user(self) -> str:
        """Who connects; "" for nobody."""
        return unquote(self._user)

    @property
    def password(self) -> str:
        """The password, for a library that wants it by itself; show it to nobody."""
        return unquote(self._password)

    def option(self, name: str, default: str = "") -> str:
        """Return what stands in the query under a name."""
        return self._options.get(name, default)

    def secret(self, *without: str) -> str:
        """Return the URL as it was given, password and all, without these options; show it to nobody."""
        options = {name: value for name, value in self._options.items() if name not in without}
        user = f"{self._user}{self._colon}{self._password}{self._at}"
        return f"{self.scheme}://{user}{self.place}{_query(options)}"

    def hidden(self, text: str) -> str:
        """Return a text, of a server or a library, without this URL's passwords."""
        given = {self._password, *(self._options.get(name, "") for name in _SECRETS)}
        for secret in sorted(
            {form for one in given for form in (one, unquote(one), quote(one)) if form}, key=len, reverse=True
        ):
            text = text.replace(secret, _HIDDEN)
        return text


def _query(options: dict[str, str]) -> str:
    pairs = (
        f"{quote(name)}={value if value == _HIDDEN else quote(value, safe='/:,')}" for name, value in options.items()
    )
    return f"?{'&'.join(pairs)}" if options else ""


Address = Path | StoreURL


def parse_address(address: "str | Path | StoreURL") -> Address:
    """Return the folder or the store that an address names.

    >>> parse_address("daten/index").name, parse_address("milvus://db.example:19530/akten").scheme
    ('index', 'milvus')
    """
    if isinstance(address, StoreURL):
        return address
    return StoreURL(str(address)) if _URL.match(str(address)) else Path(address).expanduser()


def folder_of(address: Address) -> Path:
    """Return the folder for files beside the index (uploads, feedback, which files were read): its own, if it is one.

    >>> folder_of(Path("daten")), folder_of(StoreURL("postgresql://db.example/beleg")).name
    (PosixPath('daten'), 'db-example-beleg-430aa72f')
    """
    if isinstance(address, Path):
        return address
    slug = re.sub(r"\W+", "-", address.place).strip("-")
    name = f"{slug[:60]}-{hashlib.sha256(str(address).encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    return user_data_path("beleg", appauthor=False) / "stores" / name
