"""``/hooks/registry/…`` and ``/hooks/git/…``: webhooks, from strangers until they have proved more.

Nothing is parsed of a request before it is known to be a sender's. What is answered tells a sender
what became of it; the log and the metrics tell an operator. No part of a URL is logged: it may hold
a key.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeAlias

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reconciler.core.hooks.events import Hint, hints_of
from reconciler.core.hooks.senders import (
    Sender,
    delivery_of,
    is_authentic,
    may_be_authentic,
    sender_of,
)
from reconciler.errors import HookError, SettingsError
from reconciler.interfaces.http.deliveries import Allowance, Seen
from reconciler.secret_file import read_secret

log = structlog.get_logger(__name__)

MAX_BODY: Final = 1024 * 1024
MAX_BODIES: Final = 8
"""That are being read at the same time: what is more is turned away at once."""

RATE: Final = 50.0
BURST: Final = 500.0
RETRY_S: Final = 5
MAX_WORDS: Final = 200


class Result(StrEnum):
    """What became of a webhook; a label of the metrics."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    DENIED = "denied"
    INVALID = "invalid"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


_STATUSES: Final[Mapping[Result, int]] = {
    Result.ACCEPTED: 202,
    Result.IGNORED: 200,
    Result.DUPLICATE: 200,
    Result.DENIED: 401,
    Result.INVALID: 400,
    Result.LIMITED: 429,
    Result.UNAVAILABLE: 503,
}

Taken: TypeAlias = Callable[[tuple[Hint, ...]], frozenset[str]]


class Hooks:
    """Answers webhooks."""

    def __init__(
        self,
        *,
        secret_file: Callable[[], Path | None],
        take: Taken,
        count: Callable[[str, str], None],
    ) -> None:
        """Serve nobody yet.

        Args:
            secret_file: says which file holds the secret; None: there are no webhooks.
            take: asks for the cycles that hints are about; returns the sources.
            count: hears of each webhook: its sender, and what became of it.
        """
        self._secret_file = secret_file
        self._take = take
        self._count = count
        self._seen = Seen()
        self._allowance = Allowance(RATE, BURST)
        self._bodies = 0

    def routes(self) -> list[BaseRoute]:
        """Return where they are answered."""
        return [
            Route("/hooks/{family}/{name}", self._answer, methods=["POST"]),
            Route("/hooks/{family}/{name}/{key}", self._answer, methods=["POST"]),
        ]

    async def _answer(self, request: Request) -> Response:
        parameters = request.path_params
        sender = sender_of(parameters["family"], parameters["name"])
        path = self._secret_file()
        if sender is None or path is None:
            return JSONResponse({"message": "no such webhook"}, 404)
        try:
            answer = self._taken(sender, await self._proved(sender, path, request))
        except _Turned as turned:
            answer = turned.answer
        name = f"{sender.family}/{sender.name}"
        self._count(name, answer.result.value)
        level = logging.INFO if answer.result is Result.ACCEPTED else logging.DEBUG
        facts = {"result": answer.result.value, "sources": sorted(answer.sources)}
        log.log(level, "webhook.received", sender=name, **facts)
        return answer.response()

    async def _proved(self, sender: Sender, path: Path, request: Request) -> "_Delivery":
        """Return what came, after the proof that it is the sender's.

        Raises:
            _Turned: it is not, or there is no room for it.
        """
        if not self._allowance.take():
            raise _Turned(_Answer(Result.LIMITED, "too many webhooks"))
        secret = await run_in_threadpool(_secret, path)
        if secret is None:
            raise _Turned(_Answer(Result.UNAVAILABLE, "the secret of webhooks is not to be had"))
        headers = {name.lower(): value for name, value in request.headers.items()}
        key = request.path_params.get("key")
        if not may_be_authentic(sender, secret, headers, key):
            raise _Turned(_DENIED)
        if not _is_json(headers.get("content-type", "")):
            raise _Turned(_Answer(Result.INVALID, "must be application/json", 415))
        body = await self._read(request)
        if not is_authentic(sender, secret, headers, key, body):
            raise _Turned(_DENIED)
        return _Delivery(headers, body)

    async def _read(self, request: Request) -> bytes:
        """Return the body.

        Raises:
            _Turned: it is too long, its client has gone, or too many are being read already.
        """
        if self._bodies >= MAX_BODIES:
            raise _Turned(_Answer(Result.LIMITED, "too many webhooks at once"))
        self._bodies += 1
        try:
            body = await _body(request)
        finally:
            self._bodies -= 1
        if body is None:
            raise _Turned(_Answer(Result.INVALID, f"more than {MAX_BODY} bytes", 413))
        return body

    def _taken(self, sender: Sender, delivery: "_Delivery") -> "_Answer":
        """Return what becomes of a delivery that is its sender's."""
        name = delivery_of(sender, delivery.headers)
        if name and not self._seen.is_new(f"{sender.family}/{sender.name} {name}"):
            return _Answer(Result.DUPLICATE, "seen before")
        try:
            sources = self._take(hints_of(sender.family, sender.name, delivery.body))
        except HookError as error:
            return _Answer(Result.INVALID, error.message[:MAX_WORDS])
        if sources:
            return _Answer(Result.ACCEPTED, sources=sources)
        return _Answer(Result.IGNORED, "about nothing that is managed here, or no news")


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What came of a sender; names of headers in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a sender is told; without a status of its own, that of the result."""

    result: Result
    words: str = ""
    status: int = 0
    sources: frozenset[str] = frozenset()

    def response(self) -> Response:
        """Return it as HTTP."""
        said: dict[str, object] = {"result": self.result.value}
        if self.words:
            said["message"] = self.words
        if self.sources:
            said["sources"] = sorted(self.sources)
        status = self.status or _STATUSES[self.result]
        headers = {"Retry-After": str(RETRY_S)} if self.result is Result.LIMITED else {}
        if status >= _STATUSES[Result.INVALID]:  # what else the client would send is not read
            headers["Connection"] = "close"
        return JSONResponse(said, status, headers=headers)


class _Turned(Exception):  # noqa: N818 - no error: a webhook that is turned away
    """A webhook goes no further."""

    def __init__(self, answer: _Answer) -> None:
        super().__init__(answer.words)
        self.answer = answer


_DENIED: Final = _Answer(Result.DENIED, "not proved to come from its sender")


def _secret(path: Path) -> bytes | None:
    """Return the secret of webhooks; None, and a line in the log, if there is none to be had."""
    try:
        return read_secret(path, option="--webhook-secret-file")
    except SettingsError as error:
        log.error("webhook.secret_unusable", reason=error.message)  # noqa: TRY400 - no bug of ours
        return None


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )


async def _body(request: Request) -> bytes | None:
    """Return the body; None if it is too long, or its client has gone."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY:
        return None
    body = bytearray()
    with suppress(ClientDisconnect):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return None
        return bytes(body)
    return None
