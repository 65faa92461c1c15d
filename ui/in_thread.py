"""A blocking iterator in an event loop: who leaves early need not wait, and the iterator is told."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(items: Generator[T, None, None], left: threading.Event | None = None) -> AsyncGenerator[T, None]:
    """Yield what a blocking iterator yields; who leaves early need not wait for the item that it is at.

    An error which nobody foresaw is logged and ends the items.

    Args:
        items: Run in a thread of its own, and closed there.
        left: Set when nobody listens any more, so that ``items`` can look whether to go on; by default a new one.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Queue[list[T]] = asyncio.Queue()
    gone = left or threading.Event()

    def tell(item: list[T]) -> None:
        with suppress(RuntimeError):  # the server has ended before
            loop.call_soon_threadsafe(found.put_nowait, item)

    def read() -> None:
        try:
            for item in items:
                if gone.is_set():
                    break
                tell([item])
        except Exception:
            logging.getLogger(__name__).exception("an answer failed")
        finally:
            items.close()  # now, not when it is collected: what it holds is others' turn
        tell([])

    threading.Thread(target=read, name="beleg-answer", daemon=True).start()
    try:
        while item := await found.get():
            yield item[0]
    finally:
        gone.set()
