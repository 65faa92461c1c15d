"""A fair queue before the language model: each client in turn, so that one who asks much delays nobody else much.

Start-time fair queueing (P. Goyal, H. Vin, H. Cheng, 1996, "Start-time Fair Queueing: A Scheduling Algorithm for
Integrated Services Packet Switching Networks") with questions for packets: a question's turn is one after the turn of
its client's question before, yet no earlier than the turn that is now being served; lower turns go first, then the
earlier question.
"""

import itertools
import threading
import time
from bisect import insort
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from index.errors import BelegError

T = TypeVar("T")

MOST_WAITING = 64
MOST_OF_A_CLIENT = 8
HEARTBEAT = 1.0
"""Seconds after which who waits is told the place again, so that a client who has left is noticed."""
_FIRST_GUESS = 10.0
"""Seconds that an answer takes, until one has been timed."""
_NEWEST = 0.2
"""Weight of the newest answer in the mean of the seconds that one takes."""


class BusyError(BelegError):
    """There is no room in the queue.

    Attributes:
        own: Whether the client's own questions are too many, rather than everybody's.
        seconds: After which it is worth asking again.
    """

    def __init__(self, own: bool, waiting: int, seconds: int) -> None:
        whose = f"{waiting} of your questions are" if own else f"{waiting} questions are"
        super().__init__(f"{whose} waiting already, there is room for no more; ask again in {seconds} seconds")
        self.own = own
        self.seconds = seconds


@dataclass(frozen=True)
class Waiting:
    """Event of a stream before all others: so many questions are ahead of this one, 1 or more."""

    place: int


@dataclass(eq=False)
class _Ticket:
    client: str
    turn: int
    number: int

    def order(self) -> tuple[int, int]:
        """Sort by this: who comes first."""
        return self.turn, self.number


class FairQueue:
    """Lets so many questions at once be answered, and the others wait; threads share it.

    >>> list(FairQueue().stream("ada", lambda: iter(["Die Messe begann am 4. Juli."])))
    ['Die Messe begann am 4. Juli.']

    Args:
        at_once: Questions answered at the same time.
        most_waiting: Questions that may wait, in all.
        most_of_a_client: Questions of one client that may wait.
    """

    def __init__(
        self, at_once: int = 1, *, most_waiting: int = MOST_WAITING, most_of_a_client: int = MOST_OF_A_CLIENT
    ) -> None:
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._most_of_a_client = most_of_a_client
        self._changed = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._served: list[_Ticket] = []
        self._numbers = itertools.count()
        self._turn = 0
        self._next: dict[str, int] = {}
        """The turn of each client's next question, of all clients since nobody was served."""
        self._seconds = _FIRST_GUESS

    @property
    def waiting(self) -> int:
        """Number of the questions that wait."""
        return len(self._waiting)

    @property
    def served(self) -> int:
        """Number of the questions that are being answered."""
        return len(self._served)

    def stream(self, client: str, start: Callable[[], Iterable[T]]) -> Generator[T | Waiting, None, None]:
        """Yield ``Waiting`` with each new place, and each second, then what ``start()`` yields when it is its turn.

        Whoever closes the iterator leaves the queue.

        Args:
            client: Whose question it is.
            start: Called at its turn.

        Raises:
            BusyError: There is no room; at the first item.
        """
        ticket = self._enter(client)
        try:
            yield from self._wait(ticket)
            started = time.monotonic()
            yield from start()
            self._seconds += _NEWEST * (time.monotonic() - started - self._seconds)
        finally:
            self._leave(ticket)

    def _enter(self, client: str) -> _Ticket:
        with self._changed:
            self._require_room(client)
            turn = max(self._turn, self._next.get(client, 0))
            self._next[client] = turn + 1
            ticket = _Ticket(client, turn, next(self._numbers))
            insort(self._waiting, ticket, key=_Ticket.order)
            self._admit()
            return ticket

    def _require_room(self, client: str) -> None:
        """Refuse a question that would have to wait and may not."""
        if len(self._served) < self._at_once:
            return
        own = sum(ticket.client == client for ticket in self._waiting)
        for waiting, most, is_own in ((own, self._most_of_a_client, True), (self.waiting, self._most_waiting, False)):
            if waiting >= most:
                raise BusyError(is_own, waiting, max(1, round(waiting * self._seconds / self._at_once)))

    def _wait(self, ticket: _Ticket) -> Iterator[Waiting]:
        while place := self._place(ticket):
            yield Waiting(place)
            with self._changed:
                self._changed.wait_for(lambda: self._place(ticket) != place, HEARTBEAT)

    def _place(self, ticket: _Ticket) -> int:
        """Return how many questions must end before this one begins; 0: none, it is served."""
        with self._changed:
            return 0 if ticket in self._served else self._waiting.index(ticket) + 1

    def _leave(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket in self._served:
                self._served.remove(ticket)
            else:
                self._withdraw(ticket)
            self._admit()

    def _withdraw(self, ticket: _Ticket) -> None:
        """Take a question back; its client's later ones move up."""
        self._waiting.remove(ticket)
        self._next[ticket.client] -= 1
        for other in self._waiting:
            if other.client == ticket.client and other.turn > ticket.turn:
                other.turn -= 1
        self._waiting.sort(key=_Ticket.order)

    def _admit(self) -> None:
        """Serve who comes next while there is room, and tell all."""
        while self._waiting and len(self._served) < self._at_once:
            ticket = self._waiting.pop(0)
            self._served.append(ticket)
            self._turn = max(self._turn, ticket.turn)
        if not self._served:  # all are equal again
            self._turn = max([self._turn, *self._next.values()])
            self._next.clear()
        self._changed.notify_all()
