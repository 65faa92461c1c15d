"""A bound on how long and how large a response may be, however lively the server seems.

A time-out of the client begins again with each byte, so that a server that sends a comment a second, or one token a
minute, could hold a question for ever.
"""

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai

MOST_BYTES = 32 * 2**20


class BoundedClient(openai.DefaultHttpxClient):
    """Raises ``httpx2.ReadTimeout`` where a response takes too long, ``httpx2.ReadError`` where it is too large.

    Args:
        seconds: From a request to the last byte of its response.
        most_bytes: Of one response.
        options: Those of the client.
    """

    def __init__(self, seconds: float, most_bytes: int = MOST_BYTES, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._most_bytes = most_bytes

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Send a request; the response is read within the bounds."""
        end = time.monotonic() + self._seconds
        response = super().send(request, stream=True, **options)
        response.stream = _Bounded(response.stream, end, self._seconds, self._most_bytes)
        if not stream:
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        return response


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: Any, end: float, seconds: float, most_bytes: int) -> None:
        self._stream = stream
        self._end = end
        self._seconds = seconds
        self._most_bytes = most_bytes

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for part in self._stream:
            size += len(part)
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout(f"over {self._seconds:g} s in all")
            if size > self._most_bytes:
                raise httpx2.ReadError(f"over {self._most_bytes // 2**20} MB")
            yield part

    def close(self) -> None:
        self._stream.close()
