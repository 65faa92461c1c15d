"""Each set of collections has an application of its own, so that no route can show one user what is another's.

Language model, embedder, queue and figures are shared; pages, sessions, index and uploads are not.
"""

import asyncio
from collections.abc import Callable, Sequence

from ui.asgi import ASGI, Receive, Scope, Send, respond_detail
from ui.opening import Opening, life
from ui.texts import Language
from ui.users import User


class ByUser:
    """Serves everybody the application over what they may see.

    Args:
        whole: For those who see all.
        part: Builds the application over some collections, in a thread, when the first of its users comes; ``None``:
            they are served nothing.
        language: Of the page that is shown meanwhile.
    """

    def __init__(self, whole: ASGI, part: Callable[[Sequence[str]], ASGI] | None, language: Language) -> None:
        self._whole = whole
        self._part = part
        self._language = language
        self._parts: dict[tuple[str, ...], Opening] = {}
        self._living: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or begin and end."""
        if scope["type"] == "lifespan":
            try:
                await self._whole(scope, receive, send)
            finally:
                self._ending.set()
                if self._living:
                    await asyncio.wait(self._living, timeout=1)
            return
        user: User = scope["beleg.user"]
        if user.collections is None:
            await self._whole(scope, receive, send)
        elif self._part is None:
            await respond_detail(send, 403, "this server cannot limit what is shown to your collections")
        else:
            await self._over(tuple(sorted(user.collections)), self._part)(scope, receive, send)

    def _over(self, collections: tuple[str, ...], part: Callable[[Sequence[str]], ASGI]) -> ASGI:
        """Return the application over some collections; the first to ask has it built."""
        if collections not in self._parts:
            opening = Opening(lambda: part(collections), (), self._language, lambda: self._forget(collections))
            self._parts[collections] = opening
            task = asyncio.create_task(opening({"type": "lifespan"}, life(self._ending), _unheard))
            self._living.add(task)
            task.add_done_callback(self._living.discard)
        return self._parts[collections]

    def _forget(self, collections: tuple[str, ...]) -> None:
        self._parts.pop(collections, None)


async def _unheard(_: Scope) -> None:
    pass
