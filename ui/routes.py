"""What the page asks for beside the conversation: sources, documents, uploads, feedback, exports.

Whatever changes something needs the header ``X-Beleg``, which no other site's page can send.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from index import AnyIndex
from index.errors import BelegError
from ui.conversation import restored
from ui.documents import documents_html
from ui.export import markdown, word
from ui.feedback import keep_feedback
from ui.shelf import UPLOAD_BYTES, Shelf, ShelfError, Uploaded, file_name
from ui.source import CONTEXT, page_png, source_html
from ui.texts import Language, Texts, texts

if TYPE_CHECKING:
    import fastapi

PATH = "/beleg"
MOST_JSON_BYTES = 20_000_000
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def routes(index: AnyIndex) -> "fastapi.APIRouter":
    """Return the routes over one index."""
    import fastapi
    from fastapi import Depends, Header, HTTPException, Query, Request, Response
    from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

    def from_our_page(x_beleg: Annotated[str, Header()] = "") -> None:
        if not x_beleg:
            raise HTTPException(403, "the header X-Beleg is missing; use the page")

    router = fastapi.APIRouter(prefix=PATH, include_in_schema=False)
    ours = [Depends(from_our_page)]
    shelf = Shelf(index)

    @router.get("/source", response_class=HTMLResponse)
    def source(  # noqa: PLR0917 - the query's parameters
        document: str, start: int, end: int, language: Language = "de", before: int = CONTEXT, after: int = CONTEXT
    ) -> str:
        return source_html(index, document, start, end, texts(language), before=before, after=after)

    @router.get("/page")
    def page(document: str, page: int, start: int, end: int) -> Response:
        try:
            png = page_png(index, document, page, start, end)
        except BelegError as error:
            return JSONResponse({"error": str(error)}, 404)
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})

    @router.get("/documents")
    def documents(search: str = "", language: Language = "de") -> dict[str, Any]:
        entries = shelf.entries(search[:200])
        return {
            "html": documents_html(entries, texts(language), searched=bool(search)),
            "ids": [entry.id for entry in shelf.entries()],
            "collections": shelf.names(),
        }

    @router.put("/documents", dependencies=ours)
    async def upload(request: Request, name: str, language: Language = "de", collection: str = "") -> Response:
        t = texts(language)
        try:
            path = await _received(request, shelf.uploads(collection), name, t)
        except BelegError as error:
            return JSONResponse({"error": str(error)}, 422)
        told = _indexing(shelf, path, collection, t)
        return StreamingResponse(told, media_type="application/x-ndjson")

    @router.delete("/documents", dependencies=ours)
    def remove(id: Annotated[list[str], Query()]) -> Response:  # noqa: A002
        return _or_error(lambda: {"removed": shelf.remove(id)})

    @router.post("/collections", dependencies=ours)
    async def collect(request: Request) -> Response:
        asked = await _json(request)
        ids, name = asked.get("ids"), asked.get("name")
        if not isinstance(name, str) or not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            return JSONResponse({"error": "expected 'ids', a list of strings, and 'name', a string"}, 422)
        return await asyncio.to_thread(_or_error, lambda: shelf.put(ids, name))

    @router.post("/feedback", dependencies=ours)
    async def feedback(request: Request) -> Response:
        asked = await _json(request)

        def keep() -> None:
            (turn,) = restored([asked.get("turn")])
            if turn.answer:
                keep_feedback(index.folder, turn.answer, str(asked.get("reason")), str(asked.get("comment") or ""))

        return await asyncio.to_thread(_or_error, keep)

    @router.post("/export", dependencies=ours)
    async def export(request: Request, form: str = "md", language: Language = "de") -> Response:
        asked = await _json(request)
        try:
            turns = restored(asked.get("turns"))
        except BelegError as error:
            return JSONResponse({"error": str(error)}, 422)
        if form == "docx":
            return Response(await asyncio.to_thread(word, turns, texts(language)), media_type=_DOCX)
        written = markdown(turns, texts(language)).encode("utf-8", "replace")
        return Response(written, media_type="text/markdown; charset=utf-8")

    return router


async def _json(request: "fastapi.Request") -> dict[str, Any]:
    """Return the request's JSON object, an empty one where it is none or too long."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_JSON_BYTES:
            return {}
    try:
        asked = json.loads(body)
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


async def _received(request: "fastapi.Request", folder: Path, name: str, t: Texts) -> Path:
    """Write an upload into the folder: under a name of its own, then, when all is there, under the file's.

    Raises:
        ShelfError: The name cannot be used, the file is too large, or it cannot be written.
    """
    path = folder / file_name(name)
    if path == folder:
        raise ShelfError(t.documents_bad_name.format(name=repr(name[:80])))
    part = folder / f".{threading.get_ident()}-{id(request)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            size = 0
            async for piece in request.stream():
                size += len(piece)
                if size > UPLOAD_BYTES:
                    raise ShelfError(t.documents_too_large.format(megabytes=UPLOAD_BYTES // 1_000_000))
                await asyncio.to_thread(file.write, piece)
        part.replace(path)
    except OSError as error:
        raise ShelfError(f"{path}: {error.strerror}; free space or make it writable") from error
    finally:
        part.unlink(missing_ok=True)
    return path


async def _indexing(shelf: Shelf, path: Path, collection: str, t: Texts) -> AsyncIterator[str]:
    """Yield a JSON line after each step of the indexing, and at its end what became of the file."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def tell(done: int, read: int) -> None:
        text = t.documents_embedding.format(done=done, all=read) if read else t.documents_reading
        loop.call_soon_threadsafe(lines.put_nowait, {"doing": text})

    work = asyncio.create_task(asyncio.to_thread(shelf.add, path, collection, tell))
    work.add_done_callback(lambda _: lines.put_nowait({}))
    yield json.dumps({"doing": t.documents_reading}) + "\n"
    while line := await lines.get():
        yield json.dumps(line) + "\n"
    try:
        yield json.dumps(_became(await work, t)) + "\n"
    except BelegError as error:
        yield json.dumps({"failed": str(error)}) + "\n"


def _became(uploaded: Uploaded, t: Texts) -> dict[str, Any]:
    """Return in words what became of a file."""
    words = (
        t.documents_added if uploaded.added else "",
        t.documents_updated if uploaded.updated else "",
        t.documents_unchanged if uploaded.unchanged else "",
    )
    done = ", ".join(word for word in words if word)
    failed = t.documents_failed.format(reason=" ".join(uploaded.failures)) if uploaded.failures else ""
    return {"done": done, "failed": failed}


def _or_error(change: Callable[[], object]) -> "fastapi.Response":
    """Return what a change gives as JSON, or its error as a sentence."""
    from fastapi.responses import JSONResponse

    try:
        return JSONResponse(change() or {})
    except BelegError as error:
        return JSONResponse({"error": str(error)}, 422)
