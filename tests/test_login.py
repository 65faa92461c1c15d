"""The login: who comes in, who is locked out and until when, and that nothing is served before."""

import asyncio
import inspect
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest

from index import Document, Index
from index.settings import index_settings
from rag import Assistant
from rag.assistant import ABSTENTION
from tests.serving import loaded, serving
from ui.asgi import ASGI
from ui.chat import build_chat
from ui.lockout import LOCKED_SECONDS, SLOWED_SECONDS, TRIES, TRIES_OF_ALL, WINDOW_SECONDS, Lockout
from ui.login import COOKIE, Login, behind_login, client_address
from ui.routes import routes
from ui.server import application
from ui.sessions import SESSION_SECONDS, Sessions
from ui.settings import ServerSettings, ServerSettingsError
from ui.texts import DE, EN, Language

PASSWORD = "Sesam öffne dich, bitte"
BEARER = {"Authorization": f"Bearer {PASSWORD}".encode()}
QUESTION = {"question": "Wo fließt der Rhein?"}
ROUTES = [
    ("GET", "/"),
    ("GET", "/config"),
    ("GET", "/gradio_api/info"),
    ("GET", "/theme.css"),
    ("GET", "/assets/index.js"),
    ("GET", "/static/img/logo.svg"),
    ("GET", "/gradio_api/queue/status"),
    ("GET", "/gradio_api/queue/data?session_hash=a"),
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/upload"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/startup-events"),
    ("GET", "/gradio_api/heartbeat/a"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/metrics/"),
    ("POST", "/answer"),
    ("PUT", "/answer"),
    ("GET", "/login/"),
    ("GET", "/health/"),
    ("GET", "//health"),
    ("GET", "/nichts"),
    ("GET", "/de/"),
    ("GET", "/beleg/documents"),
    ("PUT", "/beleg/upload"),
]


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    for name in ("BELEG_LLM_BASE_URL", "BELEG_AT_ONCE", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BELEG_PASSWORD", PASSWORD)
    monkeypatch.setenv("BELEG_CACHE", str(tmp_path / "cache"))
    index_settings.cache_clear()
    yield
    index_settings.cache_clear()


@pytest.fixture
def assistant(tmp_path, embedder) -> Assistant:
    index = Index.open(tmp_path / "index", embedder=embedder)
    index.add([Document("rhein", "Rhein", "Der Rhein fließt durch Köln.")])
    return Assistant(index, None)


@pytest.fixture
def url(assistant) -> Iterator[str]:
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        yield url


@pytest.fixture
def browser(url) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={"Accept-Language": "de-AT,en;q=0.5", "Accept": "text/html"}) as client:
        yield client


def log_in(browser: httpx.Client, password: str = PASSWORD) -> httpx.Response:
    return browser.post("/login", data={"password": password})


# Coming in


def test_a_browser_is_led_to_the_login_and_from_there_in(browser):
    led = browser.get("/openapi.json")
    assert (led.status_code, led.headers["location"]) == (303, "/login")

    page = browser.get("/login")
    assert DE.login_label in page.text
    assert '<html lang="de">' in page.text
    assert "<script" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"

    entered = log_in(browser)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert browser.get("/openapi.json").status_code == 200
    assert browser.post("/answer", json=QUESTION).json()["status"] == "answered"


def test_the_cookie_is_for_this_site_and_no_script_and_over_tls_for_tls_alone(browser, url):
    cookie = log_in(browser).headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[^;]+; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict", cookie)
    assert PASSWORD not in cookie

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": httpx.QueryParams({"password": PASSWORD}).__str__().encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "scheme": "https", "path": "/login", "method": "POST", "headers": [], "client": ("::1", 1)}
    asyncio.run(behind_login(_never, Login(PASSWORD, "de"))(scope, receive, send))
    assert dict(sent[0]["headers"])[b"set-cookie"].endswith(b"; Secure")


async def _never(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("served without a login")


def test_the_page_speaks_english_where_the_browser_does(url):
    for asked, text in [("en-GB,de", EN), ("fr,en", EN), ("de", DE), ("fr", DE), ("", DE)]:
        page = httpx.get(f"{url}/login", headers={"Accept-Language": asked})
        assert f"<title>{text.login_title}" in page.text


def test_logging_out_ends_the_session_for_a_copy_of_the_cookie_too(browser, url):
    log_in(browser)
    copied = {"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}
    assert httpx.get(f"{url}/openapi.json", headers=copied).status_code == 200
    assert browser.post("/logout").status_code == 303
    assert httpx.get(f"{url}/openapi.json", headers=copied).status_code == 401


def test_a_program_gives_the_password_as_bearer(url):
    assert httpx.post(f"{url}/answer", json=QUESTION, headers=BEARER).json()["status"] == "answered"
    without = httpx.post(f"{url}/answer", json=QUESTION)
    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in without.json()["detail"]
    wrong = httpx.post(f"{url}/answer", json=QUESTION, headers={"Authorization": "Bearer falsch"})
    assert (wrong.status_code, "wrong" in wrong.json()["detail"]) == (401, True)


def test_health_is_told_to_everybody(url):
    assert httpx.get(f"{url}/health").json() == {"alive": True}
    assert httpx.get(f"{url}/ready").json() == {"ready": True}


def test_without_a_password_there_is_no_login(assistant, monkeypatch):
    monkeypatch.delenv("BELEG_PASSWORD")
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        assert httpx.post(f"{url}/answer", json=QUESTION).json()["status"] == "answered"
        assert httpx.get(f"{url}/login").status_code == 404


# Nothing before


@pytest.fixture(scope="module")
def page_url(tmp_path_factory, module_monkeypatch) -> Iterator[str]:
    """The chat's page with all routes of Gradio."""
    module_monkeypatch.setenv("BELEG_PASSWORD", PASSWORD)
    folder = tmp_path_factory.mktemp("index")
    assistant = Assistant(Index.open(folder), None)

    async def built() -> ASGI:
        pages: dict[Language, Any] = {"de": build_chat(assistant, "de")}
        return application(pages, "127.0.0.1", router=routes(assistant.index), service=loaded(assistant))

    with serving(asyncio.run(built())) as url:
        yield url


@pytest.fixture(scope="module")
def module_monkeypatch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_is_served_without_a_login(page_url, method, path):
    for cookie in ("", f"{COOKIE}=9999999999.x.{'0' * 64}", f"{COOKIE}="):
        response = httpx.request(method, f"{page_url}{path}", headers={"Cookie": cookie} if cookie else {})
        assert response.status_code == 401
        assert set(response.json()) == {"detail"}


def test_every_route_that_gradio_has_is_behind_the_login(page_url):
    import gradio.routes

    declared = re.findall(r'@(?:app|router)\.\w+\(\s*f?"(/[^"]*)"', inspect.getsource(gradio.routes))
    assert {"/queue/join", "/upload", "/file={path_or_url:path}", "/config"} <= set(declared)
    paths = {
        re.sub(r"\{[^}]*\}", "x", f"{prefix}{path}")
        for path in declared
        for prefix in ("", "/gradio_api", "/de", "/de/gradio_api")
    }
    with httpx.Client(base_url=page_url) as stranger:
        for path in paths - {"/login", "/logout"}:
            assert [stranger.request(method, path).status_code for method in ("GET", "POST")] == [401, 401], path
        assert "gradio" not in (stranger.get("/login").text + stranger.get("/logout").text).lower()


def test_the_page_is_served_after_the_login(page_url):
    with httpx.Client(base_url=page_url) as browser:
        log_in(browser)
        assert "gradio" in browser.get("/de/").text
        assert browser.get("/de/config").json()["title"] == "beleg"
        assert browser.get("/de/gradio_api/file=/etc/passwd").status_code in {403, 404}


@pytest.mark.browser
def test_in_a_real_browser_one_is_locked_out_or_logs_in_and_asks(tmp_path):
    from playwright.sync_api import sync_playwright

    from tests.test_browser import CHROMIUM, FLAGS, served

    Index.open(tmp_path / "index")
    with served(tmp_path / "index", BELEG_PASSWORD=PASSWORD) as page_url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_context(java_script_enabled=False, locale="en-GB").new_page()
        page.goto(page_url)
        for _ in range(TRIES - 1):
            page.get_by_label(EN.login_label).fill("wrong")
            page.get_by_role("button", name=EN.login_button).click()
            page.get_by_role("alert").get_by_text(EN.login_wrong).wait_for()
        page = chromium.new_context(locale="de-DE").new_page()
        page.goto(page_url)
        page.get_by_label(DE.login_label).fill(PASSWORD)
        page.get_by_role("button", name=DE.login_button).click()
        page.locator("#beleg-question textarea").fill("Wo fließt der Rhein?")
        page.locator("#beleg-question textarea").press("Enter")
        page.locator("#beleg-turns [data-turn]").get_by_text(ABSTENTION["de"]).wait_for()

        stranger = chromium.new_context(locale="en-GB").new_page()
        stranger.goto(page_url)
        for _ in range(TRIES + 1):
            stranger.get_by_label(EN.login_label).fill("wrong")
            stranger.get_by_role("button", name=EN.login_button).click()
            stranger.get_by_role("alert").wait_for()
        assert "Too many wrong passwords. Try again from" in stranger.get_by_role("alert").text_content()
        page.reload()
        page.locator("#beleg-question textarea").wait_for()

        page.get_by_role("button", name=DE.logout_button).click()
        page.get_by_label(DE.login_label).wait_for()
        page.goto(f"{page_url}/de/")
        page.get_by_label(DE.login_label).wait_for()
        assert page.evaluate("localStorage.length") == 0
        chromium.close()


def test_a_web_socket_is_closed(page_url):
    host, port = page_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"GET /queue/join HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b" 101 " not in connection.recv(1000)


def test_another_sites_form_neither_logs_in_nor_out(browser):
    for origin in ("http://evil.invalid", "null"):
        foreign = browser.post("/login", data={"password": PASSWORD}, headers={"Origin": origin})
        assert (foreign.status_code, "set-cookie" in foreign.headers) == (403, False)
        assert browser.post("/logout", headers={"Origin": origin}).status_code == 403


# Locked out


def test_after_some_wrong_passwords_the_right_one_waits_too_and_the_page_says_until_when(browser, url):
    for _ in range(TRIES):
        wrong = log_in(browser, "falsch")
        assert (wrong.status_code, DE.login_wrong in wrong.text) == (401, True)

    locked = log_in(browser)

    assert locked.status_code == 429
    assert LOCKED_SECONDS - 5 <= int(locked.headers["retry-after"]) <= LOCKED_SECONDS
    clock = re.search(r"ab (\d\d:\d\d:\d\d) Uhr wieder \(noch 5 min\)", locked.text)
    assert clock
    assert browser.get("/openapi.json").status_code == 303
    bearer = httpx.post(f"{url}/answer", json=QUESTION, headers=BEARER)
    assert (bearer.status_code, "no other is looked at until" in bearer.json()["detail"]) == (429, True)


def test_wrong_bearers_lock_the_page_and_who_is_in_stays_in(browser, url):
    log_in(browser)
    for _ in range(TRIES):
        assert httpx.get(f"{url}/openapi.json", headers={"Authorization": "Bearer falsch"}).status_code == 401
    with httpx.Client(base_url=url) as other:
        assert log_in(other).status_code == 429
    assert browser.get("/openapi.json").status_code == 200


def test_a_client_cannot_choose_its_address(url):
    for number in range(TRIES):
        forged = {"Authorization": "Bearer falsch", "X-Forwarded-For": f"198.51.100.{number}"}
        assert httpx.get(f"{url}/openapi.json", headers=forged).status_code == 401
    forged = {**BEARER, "X-Forwarded-For": "198.51.100.99"}
    assert httpx.get(f"{url}/openapi.json", headers=forged).status_code == 429


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_is_locked_out_for_a_time_and_others_are_not():
    clock = Clock()
    lockout = Lockout(clock)
    for _ in range(TRIES):
        assert lockout.closed_until("a") == 0
        lockout.failed("a")
    assert (lockout.closed_until("a"), lockout.closed_until("b")) == (clock.now + LOCKED_SECONDS, 0)
    clock.now += LOCKED_SECONDS
    assert lockout.closed_until("a") == 0
    lockout.failed("a")  # one try each time from here on
    assert lockout.closed_until("a") == clock.now + LOCKED_SECONDS
    clock.now += WINDOW_SECONDS
    for _ in range(TRIES - 1):
        lockout.failed("a")
    assert lockout.closed_until("a") == 0


def test_the_right_password_forgets_ones_own_failures():
    lockout = Lockout(Clock())
    for client in "aaaabbbb":
        lockout.failed(client)
    lockout.succeeded("a")
    for client in "ab":
        lockout.failed(client)
    assert (lockout.closed_until("a"), lockout.closed_until("b") > 0) == (0, True)


def test_many_clients_together_are_slowed():
    clock = Clock()
    lockout = Lockout(clock)
    for number in range(TRIES_OF_ALL):
        assert lockout.closed_until(f"client {number}") == 0
        lockout.failed(f"client {number}")
    assert lockout.closed_until("new") == clock.now + SLOWED_SECONDS
    clock.now += SLOWED_SECONDS
    assert lockout.closed_until("new") == 0
    lockout.failed("new")
    assert lockout.closed_until("newer") == clock.now + SLOWED_SECONDS
    clock.now += WINDOW_SECONDS
    assert lockout.closed_until("newer") == 0


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("::ffff:192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8::1", 5), "2001:db8::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("testclient", 5), "testclient"),
        (None, ""),
    ],
)
def test_clients_are_told_apart_by_the_network_that_one_subscriber_has(client, name):
    assert client_address({"client": client}) == name


# Sessions and the password


def test_a_session_ends_in_time_and_cannot_be_made_or_changed():
    clock = Clock()
    sessions = Sessions(clock=clock)
    token = sessions.begin()
    assert sessions.name(token)
    end, name, signature = token.split(".")
    for forged in (f"{int(end) + 1}.{name}.{signature}", f"{end}.x.{signature}", f"{end}.{name}.", "ä.ö.ü", "..", ""):
        assert sessions.name(forged) is None
    assert Sessions(clock=clock).name(token) is None
    clock.now += SESSION_SECONDS
    assert sessions.name(token) is None


def test_a_password_is_compared_whole_and_shown_nowhere(caplog):
    login = Login(PASSWORD, "de")
    wrong = ("", PASSWORD[:-1], PASSWORD + " ", PASSWORD.upper(), "\ud83d", "x" * 10_000)
    assert [login.admit(given, "a") for given in wrong] == [None] * 6
    assert login.admit(PASSWORD, "a")
    assert PASSWORD not in repr(vars(login)) + repr(ServerSettings()) + caplog.text


def test_comparing_takes_as_long_for_a_near_miss_as_for_a_far_one():
    login = Login("a" * 200, "de")

    def seconds(given: str) -> float:
        best = []
        for _ in range(200):
            started = time.perf_counter()
            login._digested(given)
            best.append(time.perf_counter() - started)
        return min(best)

    assert 0.5 < seconds("a" * 199 + "b") / seconds("b" * 200) < 2


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BELEG_PASSWORD", "kurz", "BELEG_PASSWORD has 4 characters, expected 8 or more"),
        ("BELEG_AT_ONCE", "viele", "BELEG_AT_ONCE is 'viele', expected a whole number of 1 or more"),
        ("BELEG_AT_ONCE", "0", "BELEG_AT_ONCE is '0'"),
        ("BELEG_SESSION_KEY", "kurz-und-geheim", "BELEG_SESSION_KEY has 15 characters, expected 32 or more; make one"),
        ("BELEG_METRICS_TOKEN", "zu-kurz", "BELEG_METRICS_TOKEN has 7 characters, expected 16 or more"),
        ("BELEG_STOP_SECONDS", "bald", "BELEG_STOP_SECONDS is 'bald'"),
        ("BELEG_LOG", "xml", "BELEG_LOG is 'xml', expected 'text' or 'json'"),
    ],
)
def test_settings_that_cannot_be_used_are_named_but_not_the_password(monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    with pytest.raises(ServerSettingsError, match=says) as error:
        ServerSettings()
    assert name in {"BELEG_AT_ONCE", "BELEG_STOP_SECONDS", "BELEG_LOG"} or value not in str(error.value)


def test_questions_at_once(monkeypatch):
    assert ServerSettings().questions_at_once == 1
    monkeypatch.setenv("BELEG_LLM_BASE_URL", "http://localhost:1/v1")
    assert ServerSettings().questions_at_once > 1
    monkeypatch.setenv("BELEG_AT_ONCE", "3")
    assert ServerSettings().questions_at_once == 3


# Several processes


def entered(assistant: Assistant, token: str) -> int:
    """Return what another process says to a session's token."""
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        return httpx.get(f"{url}/openapi.json", cookies={COOKIE: token}).status_code


@pytest.mark.parametrize(
    ("keys", "other_password", "status"),
    [
        (("", ""), PASSWORD, 401),
        (("k" * 32, "k" * 32), PASSWORD, 200),
        (("k" * 32, "l" * 32), PASSWORD, 401),
        (("k" * 32, ""), PASSWORD, 401),
        (("k" * 32, "k" * 32), "ein anderes Passwort", 401),
    ],
)
def test_a_login_counts_where_the_key_and_the_password_are_shared(assistant, monkeypatch, keys, other_password, status):
    monkeypatch.setenv("BELEG_SESSION_KEY", keys[0])
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        token = httpx.post(f"{url}/login", data={"password": PASSWORD}).cookies[COOKIE]
    monkeypatch.setenv("BELEG_SESSION_KEY", keys[1])
    monkeypatch.setenv("BELEG_PASSWORD", other_password)
    assert entered(assistant, token) == status


def test_behind_a_proxy_the_named_hosts_are_answered(assistant, monkeypatch):
    monkeypatch.setenv("BELEG_HOST_NAMES", "Beleg.example.org, beleg.example")
    with serving(application(None, "127.0.0.1", service=loaded(assistant))) as url:
        names = ("beleg.example.org", "beleg.example:443", "127.0.0.1", "other.example.org")
        statuses = [httpx.get(f"{url}/health", headers={"Host": name}).status_code for name in names]
    assert statuses == [200, 200, 200, 421]
