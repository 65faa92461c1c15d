"""Failed tries to log in: each one counts, against its client and against all together."""

import time
from collections.abc import Callable

TRIES = 5
LOCKED_SECONDS = 300.0
WINDOW_SECONDS = 900.0
"""For which a failed try counts."""
TRIES_OF_ALL = 50
SLOWED_SECONDS = 5.0
"""Between two tries, whoever makes them, once so many have failed."""


class Lockout:
    """Says who must wait before the next try, and until when.

    After ``TRIES`` failures a client waits; after ``TRIES_OF_ALL`` of all clients the tries of all are slowed, so that
    many clients together do not guess faster than a few.

    >>> lockout = Lockout(clock=lambda: 0.0)
    >>> for _ in range(TRIES):
    ...     lockout.failed("203.0.113.7")
    >>> lockout.closed_until("203.0.113.7"), lockout.closed_until("203.0.113.8")
    (300.0, 0.0)
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._failures: list[tuple[float, str]] = []
        """When and whose, oldest first."""

    def closed_until(self, client: str) -> float:
        """Return the time, in seconds of the clock, before which a try is refused unseen; 0: it is not."""
        self._forget()
        own = [at for at, whose in self._failures if whose == client]
        locked = own[-1] + LOCKED_SECONDS if len(own) >= TRIES else 0.0
        slowed = self._failures[-1][0] + SLOWED_SECONDS if len(self._failures) >= TRIES_OF_ALL else 0.0
        until = max(locked, slowed)
        return until if until > self._clock() else 0.0

    def failed(self, client: str) -> None:
        """Count a failed try."""
        self._failures.append((self._clock(), client))

    def succeeded(self, client: str) -> None:
        """Forget the failures of a client that knows the password."""
        self._failures = [failure for failure in self._failures if failure[1] != client]

    def _forget(self) -> None:
        since = self._clock() - WINDOW_SECONDS
        self._failures = [failure for failure in self._failures if failure[0] > since]
