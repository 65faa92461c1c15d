"""A graceful stop: what runs may end, what is new is refused, and a time limits it all."""

import threading
import time
from collections.abc import Callable

from ui.asgi import ASGI, Receive, Scope, Send, respond_detail

RETRY_AFTER = 5
"""Seconds that are told to whoever is refused."""
_LINGER = 0.5
"""Seconds without any request after which nothing more is expected: a page looks for the answer that it has begun."""
_STAYS_OPEN = ("/health", "/ready", "/metrics")
_REFUSAL = "the server is stopping; ask again in a few seconds"


class Stopping:
    """Counts the requests that run, and when the stop has begun refuses others.

    Args:
        seconds: After which what still runs is cut off.
    """

    def __init__(self, seconds: float) -> None:
        self.begun = False
        self._seconds = seconds
        self._running = 0

    def begin(self, then: Callable[[], None]) -> None:
        """Refuse from now on; call ``then``, in a thread of its own, when nothing runs or the time is over."""
        self.begun = True
        threading.Thread(target=self._wait, args=[then], name="beleg-stopping", daemon=True).start()

    def _wait(self, then: Callable[[], None]) -> None:
        end = time.monotonic() + self._seconds
        idle_since = time.monotonic()
        while (now := time.monotonic()) < end and now - idle_since < _LINGER:
            time.sleep(0.02)
            if self._running:
                idle_since = time.monotonic()
        then()

    def guard(self, app: ASGI) -> ASGI:
        """Return the application that refuses what is new once the stop has begun."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or _is_a_heartbeat(scope):
                await app(scope, receive, send)
            elif self.begun and not _belongs_to_what_runs(scope):
                retry = (b"retry-after", str(RETRY_AFTER).encode())
                await respond_detail(send, 503, _REFUSAL, [retry, (b"connection", b"close")])
            else:
                self._running += 1
                try:
                    await app(scope, receive, send)
                finally:
                    self._running -= 1

        return guarded


def _is_a_heartbeat(scope: Scope) -> bool:
    """Whether a page only keeps a line open for as long as it is shown."""
    return "/heartbeat/" in scope["path"]


def _belongs_to_what_runs(scope: Scope) -> bool:
    """Whether a request asks for the state, or for an answer that was begun before."""
    return scope["path"] in _STAYS_OPEN or scope["path"].endswith("/queue/data")
