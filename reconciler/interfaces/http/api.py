"""``/api/v1``: what the page shows, as JSON. It is read-only."""

from collections.abc import Awaitable, Callable, Iterable
from functools import cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.interfaces.cli.rendering import JSON
from reconciler.interfaces.http.documents import (
    cycle_document,
    detailed_document,
    exhibit_document,
    portrait_document,
    source_document,
)
from reconciler.interfaces.http.door import Admission, Door
from reconciler.interfaces.http.openapi import openapi
from reconciler.interfaces.http.stream import Streams
from reconciler.pipeline.board import Board, Shown

PREFIX: Final = "/api/v1"
MAX_LIMIT: Final = 1000


class Api:
    """Answers programs."""

    def __init__(self, door: Door, board: Callable[[], Board | None]) -> None:
        """Serve those whom the door admits.

        Args:
            door: who may look.
            board: what there is to see; None: nothing yet.
        """
        self._door = door
        self._board = board
        self._streams = Streams()

    def routes(self) -> list[BaseRoute]:
        """Return where it answers."""
        return [
            self._route("/openapi.json", lambda _request, _board: JSONResponse(_description())),
            self._route("/sources", _sources),
            self._route("/sources/{source}", _of_source(detailed_document)),
            self._route("/sources/{source}/cycles", _of_source(_cycles)),
            self._route("/sources/{source}/images", _images_of),
            self._route("/sources/{source}/images/{image}", _image),
            self._route("/images", _images),
            Route(f"{PREFIX}/events", self._events),
            Route(f"{PREFIX}/{{rest:path}}", self._unknown),
        ]

    def _route(self, path: str, answer: Callable[[Request, Board], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._admitted(
                request, lambda board: run_in_threadpool(answer, request, board)
            )

        return Route(f"{PREFIX}{path}", endpoint)

    async def _events(self, request: Request) -> Response:
        async def opened(board: Board) -> Response:
            return self._streams.open(request, board)

        return await self._admitted(request, opened)

    async def _unknown(self, request: Request) -> Response:
        async def unknown(_board: Board) -> Response:
            return _problem(404, "there is nothing of that name")

        return await self._admitted(request, unknown)

    async def _admitted(
        self, request: Request, answer: Callable[[Board], Awaitable[Response]]
    ) -> Response:
        """Answer those who are admitted, and tell the others why they are not."""
        admission = await self._door.admits(request)
        if admission is not Admission.ADMITTED:
            refusal = _problem(admission.status, admission.value)
            if admission is Admission.UNKNOWN:
                refusal.headers["WWW-Authenticate"] = 'Bearer realm="reconcile"'
            return refusal
        board = self._board()
        response = _problem(503, "nothing is known yet") if board is None else await answer(board)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def _problem(status: int, message: str) -> JSONResponse:
    return JSONResponse({"message": message}, status)


@cache
def _description() -> JSON:
    return openapi()


def _sources(_request: Request, board: Board) -> Response:
    return JSONResponse({"sources": [source_document(each) for each in board.sources]})


def _of_source(document: Callable[[Shown], JSON]) -> Callable[[Request, Board], Response]:
    def answer(request: Request, board: Board) -> Response:
        shown = board.source(request.path_params["source"])
        return _no_source() if shown is None else JSONResponse(document(shown))

    return answer


def _cycles(shown: Shown) -> JSON:
    return {"cycles": [cycle_document(each) for each in shown.cycles]}


def _images_of(request: Request, board: Board) -> Response:
    name = request.path_params["source"]
    return _no_source() if board.source(name) is None else _listed(request, board, [name])


def _images(request: Request, board: Board) -> Response:
    return _listed(request, board, [each.name for each in board.sources])


def _listed(request: Request, board: Board, names: Iterable[str]) -> Response:
    """Answer with some of the images, those that ``q`` and ``state`` ask for."""
    asked = request.query_params
    try:
        offset, limit = int(asked.get("offset", "0")), int(asked.get("limit", "500"))
    except ValueError:
        return _problem(400, "offset and limit must be whole numbers")
    if offset < 0 or not 0 < limit <= MAX_LIMIT:
        return _problem(400, f"offset must be 0 or more, limit from 1 to {MAX_LIMIT}")
    found = board.find(names, words=asked.get("q", ""), state=asked.get("state", ""))
    part = [exhibit_document(each) for each in found[offset : offset + limit]]
    return JSONResponse({"total": len(found), "images": part})


def _image(request: Request, board: Board) -> Response:
    parameters = request.path_params
    portrait = board.portrait(parameters["source"], parameters["image"])
    if portrait is None:
        return _problem(404, "there is no such image")
    return JSONResponse(portrait_document(portrait))


def _no_source() -> JSONResponse:
    return _problem(404, "there is no such source")
