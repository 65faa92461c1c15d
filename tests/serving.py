"""A real server in a thread, over a small index with an embedder by hand and a scripted model."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from rag import Assistant
from ui.asgi import ASGI
from ui.loading import Loading
from ui.observation import Observed
from ui.queue import FairQueue
from ui.server import listen
from ui.service import Service


def loaded(assistant: Assistant, queue: FairQueue | None = None, *listeners: Callable[[Observed], None]) -> Service:
    """Return what answers over HTTP, all of it loaded."""
    loading = Loading()
    loading.ready = True
    loading.done.set()
    return Service(assistant, queue or FairQueue(), loading, *listeners)


@contextmanager
def serving(app: ASGI) -> Iterator[str]:
    """Serve on loopback; give the URL."""
    with listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=[[listener]], daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)


def until(condition: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
