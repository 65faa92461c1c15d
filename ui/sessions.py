"""Who is logged in: a token that this process, or one with the same key, has signed, and that nobody else can make."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

SESSION_SECONDS = 12 * 60 * 60


class Sessions:
    """Signed tokens ``end.name.signature``.

    Without a key it is this process's own, so that a new start ends all sessions. Processes with the same key know each
    other's sessions; which of them were ended each knows for itself alone.

    >>> sessions = Sessions()
    >>> token = sessions.begin()
    >>> sessions.name(token) is None, sessions.name(token + "0"), sessions.name("")
    (False, None, None)
    >>> Sessions(b"shared").name(Sessions(b"shared").begin()) is None, sessions.name(Sessions(b"shared").begin())
    (False, None)
    """

    def __init__(self, key: bytes = b"", clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = key or secrets.token_bytes(32)
        self._ended: dict[str, int] = {}
        """Names of the sessions that were ended, with the time at which they would have ended by themselves."""

    def begin(self, holder: str = "") -> str:
        """Return the token of a new session, whose name ends with that of its holder.

        >>> sessions = Sessions()
        >>> sessions.name(sessions.begin("eva")).partition(":")[2]
        'eva'
        """
        unsigned = f"{int(self._clock()) + SESSION_SECONDS}.{secrets.token_urlsafe(16)}:{holder}"
        return f"{unsigned}.{self._signature(unsigned)}"

    def name(self, token: str) -> str | None:
        """Return the name of a session that is open; ``None`` for any other token."""
        unsigned, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(unsigned).encode(), signature.encode("utf-8", "replace")):
            return None
        end, _, name = unsigned.partition(".")
        return name if int(end) > self._clock() and name not in self._ended else None

    def end(self, token: str) -> None:
        """End a session; a token that is none is left alone."""
        name = self.name(token)
        if name:
            self._ended = {ended: until for ended, until in self._ended.items() if until > self._clock()}
            self._ended[name] = int(token.partition(".")[0])

    def _signature(self, unsigned: str) -> str:
        return hmac.new(self._key, unsigned.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
