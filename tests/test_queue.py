"""The fair queue: whose turn it is, who is refused, who leaves."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import ui.queue
from ui.queue import BusyError, FairQueue, Waiting


class Asked:
    """Questions in a queue, each in a thread, which are answered when the test says so."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.begun: list[str] = []
        self.places: dict[str, list[int]] = {}
        self._go_on: dict[str, threading.Event] = {}
        self._threads: dict[str, threading.Thread] = {}

    def ask(self, *names: str) -> None:
        """``a2`` is a question of the client ``a``; each is in the queue before the next."""
        for name in names:
            self.places[name] = []
            self._go_on[name] = threading.Event()
            self._threads[name] = threading.Thread(target=self._follow, args=[name], daemon=True)
            self._threads[name].start()
            until(lambda name=name: name in self.begun or self.places[name])

    def end(self, name: str) -> None:
        self._go_on[name].set()
        self._threads[name].join(5)
        assert not self._threads[name].is_alive()

    def _follow(self, name: str) -> None:
        for event in self.queue.stream(name[0], lambda: self._answer(name)):
            if isinstance(event, Waiting):
                self.places[name].append(event.place)

    def _answer(self, name: str) -> Iterator[str]:
        self.begun.append(name)
        assert self._go_on[name].wait(10)
        yield "answer"


def until(condition) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def order_of(asked: Asked) -> list[str]:
    """End one question after the other; return in which order they began."""
    for place in range(len(asked.places)):
        until(lambda place=place: len(asked.begun) > place)
        asked.end(asked.begun[place])
    return asked.begun


def test_one_client_is_served_in_the_order_of_its_questions():
    asked = Asked(FairQueue())
    asked.ask("a1", "a2", "a3")
    assert order_of(asked) == ["a1", "a2", "a3"]


def test_clients_take_turns_whoever_asked_more():
    asked = Asked(FairQueue())
    asked.ask("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert order_of(asked) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_who_comes_later_is_not_behind_a_flood_and_who_was_served_waits_for_the_others():
    asked = Asked(FairQueue())
    asked.ask("a1", "a2", "a3", "b1")
    asked.end("a1")
    until(lambda: asked.begun == ["a1", "b1"])
    asked.ask("c1", "b2")
    asked.end("b1")
    until(lambda: asked.begun == ["a1", "b1", "c1"])
    for name in ("c1", "a2", "b2", "a3"):
        asked.end(name)
    assert asked.begun == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_the_place_counts_down_to_the_start():
    asked = Asked(FairQueue())
    asked.ask("a1", "b1", "c1")
    assert asked.places == {"a1": [], "b1": [1], "c1": [2]}
    asked.end("a1")
    until(lambda: asked.places["c1"] == [2, 1])
    asked.end("b1")
    asked.end("c1")


def test_several_at_once():
    asked = Asked(FairQueue(at_once=2))
    asked.ask("a1", "a2", "a3", "b1")
    assert asked.begun == ["a1", "a2"]
    asked.end("a2")
    until(lambda: asked.begun == ["a1", "a2", "b1"])
    assert order_of(asked) == ["a1", "a2", "b1", "a3"]


def test_never_more_at_once_than_allowed_and_all_are_answered():
    queue, now, most = FairQueue(at_once=3, most_waiting=200, most_of_a_client=200), [0], [0]
    counting = threading.Lock()

    def answer() -> Iterator[str]:
        with counting:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        yield "answer"
        with counting:
            now[0] -= 1

    with ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(lambda n=n: [*queue.stream(f"client {n % 7}", answer)][-1]) for n in range(120)]
        assert [one.result(10) for one in asked] == ["answer"] * 120
    assert (most[0], queue.waiting) == (3, 0)


def test_a_client_with_too_many_questions_and_a_full_queue_are_told_when_to_come_again():
    asked = Asked(FairQueue(most_waiting=3, most_of_a_client=2))
    asked.ask("a1", "a2", "a3")
    with pytest.raises(BusyError, match=r"2 of your questions are waiting already.*ask again in 20 seconds") as refused:
        next(asked.queue.stream("a", lambda: iter(())))
    assert (refused.value.own, refused.value.seconds) == (True, 20)
    asked.ask("b1")
    with pytest.raises(BusyError, match="3 questions are waiting already") as refused:
        next(asked.queue.stream("c", lambda: iter(())))
    assert (refused.value.own, refused.value.seconds) == (False, 30)
    assert order_of(asked) == ["a1", "b1", "a2", "a3"]


def test_who_leaves_makes_room_and_counts_no_turn():
    asked = Asked(FairQueue(most_of_a_client=2))
    asked.ask("a1")
    leaving = asked.queue.stream("b", lambda: iter(["never"]))
    assert next(leaving) == Waiting(1)
    asked.ask("b2", "c1")
    leaving.close()
    assert asked.queue.waiting == 2
    assert order_of(asked) == ["a1", "b2", "c1"]


def test_an_error_and_a_stop_give_the_place_free():
    queue = FairQueue()

    def fails() -> Iterator[str]:
        yield "one"
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(queue.stream("a", fails))
    stopped = queue.stream("a", lambda: iter(["one", "two"]))
    assert next(stopped) == "one"
    stopped.close()
    assert list(queue.stream("b", lambda: iter(["served"]))) == ["served"]


def test_who_waits_is_told_again_so_that_a_leaver_is_noticed(monkeypatch):
    monkeypatch.setattr(ui.queue, "HEARTBEAT", 0.01)
    asked = Asked(FairQueue())
    asked.ask("a1")
    waiting = asked.queue.stream("b", lambda: iter(["served"]))
    assert [next(waiting) for _ in range(3)] == [Waiting(1)] * 3
    asked.end("a1")
    assert list(waiting)[-1] == "served"


def test_a_queue_that_was_empty_remembers_nobody():
    queue = FairQueue()
    for number in range(100):
        list(queue.stream(f"client {number}", lambda: iter(["served"])))
    assert queue._next == {}
