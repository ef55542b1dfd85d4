"""Server-sent events: what changes on the board, as it changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from reconciler.interfaces.http.documents import source_document
from reconciler.interfaces.http.server import LASTS
from reconciler.pipeline.board import Board

MAX_STREAMS: Final = 16
"""At the same time; the next one is told to come again later, and looks by itself until then."""

HEARTBEAT_S: Final = 15.0
PATIENCE_S: Final = 10.0
"""For a client to take what was sent."""

LIFE_S: Final = 600.0
"""Of one stream: then its browser comes again, and proves anew that it may."""

REST_S: Final = 0.25
"""After an event: what changes meanwhile is told at once."""

RETRY_MS: Final = 3000
MOST: Final = 15  # digits of a version


class Streams:
    """Counts those who listen, and gives each a stream of its own."""

    def __init__(self) -> None:
        self._count = 0

    def open(self, request: Request, board: Board) -> Response:
        """Return the answer to one who wants to hear of changes."""
        if self._count >= MAX_STREAMS:
            return PlainTextResponse("too many streams\n", 503, headers={"Retry-After": "30"})
        return _Stream(self, board, _seen(board, request.headers.get("last-event-id", "")))

    def begin(self) -> None:
        """Count one more."""
        self._count += 1

    def end(self) -> None:
        """Count one less."""
        self._count -= 1


class _Stream(Response):
    """One stream. Who does not take what is sent to it is hung up on."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, board: Board, seen: int) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._board = board
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell what changes until the client goes, or time is up."""
        scope[LASTS] = True
        self._streams.begin()
        news = asyncio.Event()
        gone = asyncio.ensure_future(_gone(receive, news))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for text in self._texts(gone, news):
                message = {"type": "http.response.body", "body": text, "more_body": True}
                await asyncio.wait_for(send(message), PATIENCE_S)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TimeoutError, OSError):
            return  # uvicorn closes what was not brought to its end
        finally:
            gone.cancel()
            self._streams.end()

    async def _texts(
        self, gone: "asyncio.Future[None]", news: asyncio.Event
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(news.set)

        until = loop.time() + LIFE_S
        unwatch = self._board.watch(tell)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while not (gone.done() or self._board.is_closed) and loop.time() < until:
                news.clear()
                if text := self._news():
                    yield text
                    await asyncio.sleep(REST_S)
                try:
                    await asyncio.wait_for(news.wait(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            unwatch()

    def _news(self) -> bytes:
        """Return events for all sources that have changed since the last ones."""
        changed = [each for each in self._board.sources if each.version > self._seen]
        if changed:
            self._seen = max(each.version for each in changed)
        return "".join(
            f"id: {self._board.id}-{each.version}\nevent: source\n"
            f"data: {json.dumps(source_document(each))}\n\n"
            for each in changed
        ).encode()


async def _gone(receive: Receive, news: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    news.set()


def _seen(board: Board, text: str) -> int:
    """Return what a client says that it has seen; of another board, that is nothing."""
    of, _, version = text.partition("-")
    is_known = of == board.id and version.isascii() and version.isdigit() and len(version) <= MOST
    return int(version) if is_known else -1
