"""Login: without a password nothing is served but the page that asks for it, and the two health routes.

There is one password for everybody, or users have a name, a password and collections of their own.
"""

import asyncio
import hashlib
import hmac
import html
import ipaddress
import math
import re
import secrets
import time
from urllib.parse import parse_qs

from ui.asgi import ASGI, Receive, Scope, Send, header, respond, respond_detail
from ui.lockout import Lockout
from ui.metrics import PATH as METRICS
from ui.sessions import SESSION_SECONDS, Sessions
from ui.texts import Language, texts
from ui.users import EVERYBODY, User, Users

COOKIE = "beleg-session"
HOLDER = "beleg-holder"
OPEN = frozenset({"/health", "/ready"})
LOGIN, LOGOUT = "/login", "/logout"
MOST_FORM_BYTES = 4096


class Login:
    """Knows who may come in, and who has.

    Args:
        password: What everybody must give, or the users.
        language: Of the login page where the browser asks for neither German nor English.
        lockout: Counts failed tries.
        session_key: What processes share that are to know each other's sessions; "": they are this process's own.
        metrics_token: Opens ``/metrics`` and nothing else; "": only the password does.
    """

    def __init__(
        self,
        password: str | Users,
        language: Language,
        lockout: Lockout | None = None,
        session_key: str = "",
        metrics_token: str = "",
    ) -> None:
        self.language = language
        self.lockout = lockout or Lockout()
        self.users = password if isinstance(password, Users) else None
        shared = "" if isinstance(password, Users) else password
        self.sessions = Sessions(_shared_key(session_key, shared))
        self._key = secrets.token_bytes(32)
        self._digest = self._digested(shared)
        self._admitted: dict[bytes, User] = {}
        self._turn = asyncio.Lock()
        self._metrics_digest = self._digested(metrics_token) if metrics_token else b""

    def admit(self, password: str, client: str, name: str = "") -> User | None:
        """Return who gives this password; a wrong one counts against the client. Ask ``lockout`` before."""
        user = self._user(name, password)
        if user:
            self.lockout.succeeded(client)
        else:
            self.lockout.failed(client)
        return user

    async def admitted(self, password: str, client: str, name: str = "") -> User | float | None:
        """Return who gives this password, or until when none is looked at; tries are looked at one by one."""
        async with self._turn:
            until = self.lockout.closed_until(client)
            return until or await asyncio.to_thread(self.admit, password, client, name)

    def _user(self, name: str, password: str) -> User | None:
        given = self._digested(f"{name}:{password}" if self.users else password)
        if not self.users:
            return EVERYBODY if hmac.compare_digest(given, self._digest) else None
        known = self._admitted.get(given)  # spares a program that asks again and again the hash
        if known and self.users.find(name) == known:
            return known
        user = self.users.admit(name, password)
        if user:
            self._admitted = {**dict(list(self._admitted.items())[-999:]), given: user}
        return user

    def begin(self, user: User) -> str:
        """Return the token of a new session."""
        return self.sessions.begin(f"{_mark(user)}:{user.name}" if self.users else "")

    def entered(self, token: str) -> tuple[str, User] | None:
        """Return the session's name and its user; None where the user is gone, or has another password since."""
        session = self.sessions.name(token)
        if session is None or not self.users:
            return (session, EVERYBODY) if session else None
        _, mark, name = session.split(":", 2) if session.count(":") > 1 else ("", "", "")
        user = self.users.find(name)
        return (session, user) if user and hmac.compare_digest(_mark(user), mark) else None

    def opens_metrics(self, scope: Scope) -> bool:
        """Whether a request for the figures carries their own token."""
        if not self._metrics_digest or scope["path"] != METRICS:
            return False
        return hmac.compare_digest(self._digested(_bearer(scope)), self._metrics_digest)

    def _digested(self, password: str) -> bytes:
        """Return a digest of fixed length: neither time nor length tells how much of a password is right."""
        return hmac.digest(self._key, password.encode("utf-8", "replace"), hashlib.sha256)


def _shared_key(session_key: str, password: str) -> bytes:
    """Return the key of the sessions, which end with the password too; nothing where none is shared."""
    return (
        hmac.digest(session_key.encode(), password.encode("utf-8", "replace"), hashlib.sha256) if session_key else b""
    )


def _mark(user: User) -> str:
    """Return what changes with a user's password."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:16]


def behind_login(app: ASGI, login: Login) -> ASGI:
    """Return the application for those who are logged in, by cookie or by ``Authorization: Bearer``."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] in OPEN):
            await app({**scope, "beleg.user": EVERYBODY}, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["path"] in {LOGIN, LOGOUT}:
            await _log_in_or_out(login, scope, receive, send)
        elif login.opens_metrics(scope):
            await app({**scope, "beleg.user": EVERYBODY}, receive, send)
        elif entered := login.entered(session_token(scope)):
            await app({**scope, "beleg.client": entered[0], "beleg.user": entered[1]}, receive, send)
        elif not (bearer := _bearer(scope)):
            await _refuse(scope, send, _GIVE_NAMED if login.users else _GIVE)
        else:
            name, _, password = bearer.partition(":") if login.users else ("", "", bearer)
            user = await login.admitted(password, client_address(scope), name)
            if isinstance(user, User):
                await app({**scope, "beleg.user": user}, receive, send)
            elif user:
                await respond_detail(send, 429, _locked(user), [_retry_after(user)])
            else:
                await _unauthorized(send, "the password in 'Authorization: Bearer …' is wrong")

    return guard


def client_address(scope: Scope) -> str:
    """Return what stands for a client: its address, of IPv6 the network that one subscriber has.

    >>> client_address({"client": ("2001:db8:1:2:3:4:5:6", 50000)}), client_address({"client": ("192.0.2.1", 1)})
    ('2001:db8:1:2::/64', '192.0.2.1')
    """
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


def client_name(scope: Scope) -> str:
    """Return whose a request is: a session's where there is a login, else an address's."""
    return scope.get("beleg.client") or client_address(scope)


def session_token(scope: Scope) -> str:
    """Return the token in the session cookie, "" where there is none.

    >>> session_token({"headers": [(b"cookie", b"a=1; beleg-session=token")]})
    'token'
    """
    cookies = (cookie.strip().partition("=") for cookie in header(scope, "cookie").split(";"))
    return next((value for name, _, value in cookies if name == COOKIE), "")


# With a password in the request


def _bearer(scope: Scope) -> str:
    scheme, _, token = header(scope, "authorization").partition(" ")
    return token.strip().encode("latin-1").decode("utf-8", "replace") if scheme.lower() == "bearer" else ""


def _locked(until: float) -> str:
    clock = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(until))
    return f"too many wrong passwords; no other is looked at until {clock}"


def _retry_after(until: float) -> tuple[bytes, bytes]:
    return b"retry-after", str(max(1, round(until - time.time()))).encode()


_GIVE = "log in, or send the password as 'Authorization: Bearer …'"
_GIVE_NAMED = "log in, or send name and password as 'Authorization: Bearer NAME:PASSWORD'"


async def _refuse(scope: Scope, send: Send, detail: str) -> None:
    """Lead a browser to the login page; tell a program what is missing."""
    if scope["method"] in {"GET", "HEAD"} and "text/html" in header(scope, "accept"):
        await respond(send, 303, headers=[(b"location", LOGIN.encode())])
    else:
        await _unauthorized(send, detail)


async def _unauthorized(send: Send, detail: str) -> None:
    await respond_detail(send, 401, detail, [(b"www-authenticate", b"Bearer")])


# The page


async def _log_in_or_out(login: Login, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == LOGOUT and scope["method"] == "POST":
        login.sessions.end(session_token(scope))
        await respond(send, 303, headers=[(b"location", LOGIN.encode()), _cookie(scope, "", 0)])
    elif scope["path"] == LOGIN and scope["method"] == "POST":
        await _log_in(login, scope, receive, send)
    elif scope["path"] == LOGIN and scope["method"] in {"GET", "HEAD"}:
        await respond(send, 200, _page(login, _language(login, scope)), [_HTML])
    else:
        await respond_detail(send, 405, f"{scope['method']} is not allowed on {scope['path']}", [(b"allow", b"POST")])


async def _log_in(login: Login, scope: Scope, receive: Receive, send: Send) -> None:
    form = parse_qs((await _form(receive)).decode("utf-8", "replace"))
    name, password = form.get("name", [""])[0].strip(), form.get("password", [""])[0]
    language = _language(login, scope)
    user = await login.admitted(password, client_address(scope), name)
    if isinstance(user, User):
        session = _cookie(scope, login.begin(user), SESSION_SECONDS)
        holder = [_holder(user)] if user.name else []
        await respond(send, 303, headers=[(b"location", b"/"), session, *holder])
    elif user:
        await respond(send, 429, _page(login, language, _locked_text(user, language)), [_HTML, _retry_after(user)])
    else:
        wrong = texts(language).login_wrong_named if login.users else texts(language).login_wrong
        await respond(send, 401, _page(login, language, wrong), [_HTML])


def _locked_text(until: float, language: Language) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(until))
    minutes = math.ceil(max(1.0, until - time.time()) / 60)
    return texts(language).login_locked.format(clock=clock, minutes=minutes)


async def _form(receive: Receive) -> bytes:
    """Read a small body; what is longer than a password is cut off."""
    body, more = b"", True
    while more and len(body) <= MOST_FORM_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body[:MOST_FORM_BYTES]


def _cookie(scope: Scope, token: str, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    value = f"{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return b"set-cookie", value.encode()


def _holder(user: User) -> tuple[bytes, bytes]:
    """Return the cookie by which the page's script keeps the histories of a browser's users apart; it opens nothing."""
    name = hashlib.sha256(user.name.encode()).hexdigest()[:16]
    return b"set-cookie", f"{HOLDER}={name}; Path=/; Max-Age={SESSION_SECONDS}; SameSite=Strict".encode()


def _language(login: Login, scope: Scope) -> Language:
    """Return the first of German and English that the browser asks for."""
    asked = re.findall(r"\b(de|en)\b", header(scope, "accept-language").lower())
    return login.language if not asked else "de" if asked[0] == "de" else "en"


def _page(login: Login, language: Language, problem: str = "") -> bytes:
    interface = texts(language)
    return _PAGE.format(
        language=language,
        title=interface.login_title,
        name=_NAME_FIELD.format(label=interface.login_name) if login.users else "",
        password=interface.login_label,
        focused="" if login.users else " autofocus",
        button=interface.login_button,
        problem=f'<p role="alert">{html.escape(problem)}</p>' if problem else "",
    ).encode()


_HTML = (b"content-type", b"text/html; charset=utf-8")
_NAME_FIELD = (
    '<label for="name">{label}</label>'
    '<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" required autofocus>'
)
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · beleg</title><style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
main {{ max-width: 20rem; margin: 18vh auto 0; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; }}
input, button {{ box-sizing: border-box; width: 100%; font: inherit; padding: .5rem; margin: .25rem 0 1rem; }}
button {{ background: #0f766e; color: #fff; border: 0; border-radius: .5rem; font-weight: 600; cursor: pointer; }}
p {{ border-left: .25rem solid #b91c1c; padding-left: .75rem; }}
</style></head><body><main><h1>beleg</h1>{problem}
<form method="post" action="/login">{name}<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{focused}>
<button>{button}</button></form></main></body></html>
"""
