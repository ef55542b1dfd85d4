"""The page at ``/``: sources, images and cycles for people. It is read-only, and asks nobody."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.core.gallery import State
from reconciler.core.objects.report import ObjectReport
from reconciler.interfaces.http.door import COOKIE, Admission, Door
from reconciler.interfaces.http.figures import STAGES, timeline, update_plot, version_line
from reconciler.interfaces.http.templates import rendered
from reconciler.pipeline.board import Board, Shown

PER_PAGE: Final = 200
MAX_CYCLES: Final = 30
MAX_OBJECTS: Final = 200
MAX_VERDICTS: Final = 500
MAX_FORM: Final = 8192

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_ASSETS: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_OURS: Final = re.compile(r"sources/[a-z0-9-]{1,50}(/images/[0-9a-f]{1,32})?", re.ASCII)


class Page:
    """Answers browsers."""

    def __init__(self, door: Door, board: Callable[[], Board | None]) -> None:
        """Show what there is to those whom the door admits.

        Args:
            door: who may look.
            board: what there is to see; None: nothing yet.
        """
        self._door = door
        self._board = board

    def routes(self) -> list[BaseRoute]:
        """Return where it answers."""
        return [
            self._route("/", _board),
            self._route("/sources/{source}", _source),
            self._route("/sources/{source}/images/{image}", _image),
            Route("/login", self._login, methods=["POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/assets/{name}", _asset),
        ]

    def _route(self, path: str, answer: Callable[[Request, Board], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            admission = await self._door.admits(request)
            if admission is not Admission.ADMITTED:
                return _refusal(request, admission)
            board = self._board()
            if board is None:
                return _message(request, 503, "Nothing is known yet", "The process is starting.")
            return await run_in_threadpool(answer, request, board)

        return Route(path, endpoint)

    async def _login(self, request: Request) -> Response:
        if _is_from_elsewhere(request):
            return _message(request, 403, "Not from there", "Another site has sent this.")
        form = await _form(request)
        to = form.get("to", "")
        response = RedirectResponse(f"./{to}" if _OURS.fullmatch(to) else "./", 303, HEADERS)
        admission = await self._door.let_in(request, form.get("token", ""), response)
        return response if admission is Admission.ADMITTED else _refusal(request, admission, to=to)

    async def _logout(self, request: Request) -> Response:
        if _is_from_elsewhere(request):
            return _message(request, 403, "Not from there", "Another site has sent this.")
        response = RedirectResponse("./", 303, HEADERS)
        self._door.let_out(response)
        return response


def _board(request: Request, board: Board) -> Response:
    asked = request.query_params
    q, state = asked.get("q", "")[:200], asked.get("state", "")
    offset = int(asked["offset"]) if re.fullmatch("[0-9]{1,9}", asked.get("offset", "")) else 0
    counts = {shown.name: len(board.images(shown.name)) for shown in board.sources}
    found = board.find(counts, words=q, state=state)

    def at(where: int) -> str:
        return urlencode({"q": q, "state": state, "offset": max(where, 0)})

    end = offset + PER_PAGE
    return _html(
        request,
        "board.html",
        title="Sources",
        sources=board.sources,
        counts=counts,
        images=found[offset:end],
        total=len(found),
        all=sum(counts.values()),
        q=q,
        state=state,
        states=list(State),
        offset=offset,
        before=at(offset - PER_PAGE) if offset else None,
        after=at(end) if end < len(found) else None,
    )


def _source(request: Request, board: Board) -> Response:
    shown = board.source(request.path_params["source"])
    if shown is None:
        return _message(request, 404, "Not found", "There is no such source.")
    cycles = shown.cycles[:MAX_CYCLES]
    longest = max((each.durations.get("all", 0.0) for each in cycles), default=0.0)
    objects = _noteworthy(shown)
    return _html(
        request,
        "source.html",
        title=shown.name,
        shown=shown,
        count=len(board.images(shown.name)),
        rows=[(each, timeline(each.durations, longest)) for each in cycles],
        longest=longest,
        stages=STAGES,
        objects=objects[:MAX_OBJECTS],
        more_objects=max(len(objects) - MAX_OBJECTS, 0),
    )


def _image(request: Request, board: Board) -> Response:
    parameters = request.path_params
    portrait = board.portrait(parameters["source"], parameters["image"])
    if portrait is None:
        return _message(request, 404, "Not found", "There is no such image.")
    exhibit, verdicts = portrait.exhibit, portrait.judged.verdicts
    return _html(
        request,
        "image.html",
        title=exhibit.surveyed.field.workload.workload,
        exhibit=exhibit,
        line=version_line(verdicts, exhibit.current),
        verdicts=verdicts[:MAX_VERDICTS],
        more_verdicts=max(len(verdicts) - MAX_VERDICTS, 0),
        plot=update_plot(portrait.writes, board.now()),
        writes=portrait.writes[::-1],
        since=portrait.since,
    )


def _noteworthy(shown: Shown) -> list[ObjectReport]:
    report = shown.outcome.sync if shown.outcome else None
    return [each for each in report.objects if each.is_noteworthy] if report else []


def _html(request: Request, name: str, *, status: int = 200, **facts: object) -> Response:
    depth = request.url.path.count("/") - 1
    text = rendered(
        name,
        root="../" * depth or "./",
        has_session=COOKIE in request.cookies and status != Admission.UNKNOWN.status,
        **{"is_live": True, **facts},
    )
    return HTMLResponse(text, status, HEADERS)


def _message(request: Request, status: int, title: str, message: str) -> Response:
    return _html(
        request, "message.html", status=status, title=title, message=message, is_live=False
    )


def _refusal(request: Request, admission: Admission, *, to: str | None = None) -> Response:
    """Ask for the token, or say why nothing is shown."""
    status = admission.status
    if admission not in (Admission.UNKNOWN, Admission.TIRED):
        return _message(request, status, "Nothing to see here", f"{admission.value}.".capitalize())
    is_try = to is not None
    return _html(
        request,
        "login.html",
        status=status,
        title="Sign in",
        is_live=False,
        problem=f"{admission.value}.".capitalize() if is_try else "",
        to=request.url.path.removeprefix("/") if to is None else to,
    )


def _is_from_elsewhere(request: Request) -> bool:
    """Whether a page of another site has a browser send this; programs say nothing of it."""
    return request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


async def _form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form; none if it is no form, or too long."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/x-www-form-urlencoded":
        return {}
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM:
                return {}
    except ClientDisconnect:
        return {}
    try:
        fields = parse_qs(body.decode("ascii", "replace"), max_num_fields=10)
    except ValueError:  # too many
        return {}
    return {name: values[0] for name, values in fields.items()}


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        return _message(request, 404, "Not found", "There is nothing of that name.")
    headers = {**HEADERS, "Cache-Control": "no-cache"}
    return Response(_read(name), headers=headers, media_type=_ASSETS[name])


@cache
def _read(name: str) -> bytes:
    return resources.files("reconciler.interfaces.http").joinpath("assets", name).read_bytes()
