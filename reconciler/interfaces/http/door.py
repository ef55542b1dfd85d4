"""The door: who may see the page and use the API."""

import hashlib
import hmac
import time
from collections.abc import Callable
from enum import Enum
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from reconciler.errors import SettingsError
from reconciler.interfaces.http.deliveries import Allowance
from reconciler.secret_file import read_secret
from reconciler.settings import PageSettings

log = structlog.get_logger(__name__)

COOKIE: Final = "reconcile-page"
SESSION_S: Final = 12 * 3600
TRIES: Final = 20.0
"""Wrong tokens at once, and then one each second, before guessing is called that.

The right one is always taken: whoever guesses locks nobody out, and has nothing to hope for against
a token that was made at random."""


class Admission(Enum):
    """What becomes of somebody who wants to look."""

    ADMITTED = "admitted"
    UNKNOWN = "the token is wrong, or there is none"
    TIRED = "the token is wrong, as many before it"
    CLOSED = "the page is not served: set --page-token-file, or --page-anonymous"
    BROKEN = "the token of the page is not to be had"

    @property
    def status(self) -> int:
        """The status of HTTP that says so."""
        return _STATUSES[self]


_STATUSES: Final = {
    Admission.ADMITTED: 200,
    Admission.UNKNOWN: 401,
    Admission.TIRED: 429,
    Admission.CLOSED: 404,
    Admission.BROKEN: 503,
}


class Door:
    """Admits those who show the token, or what was given them for it.

    A browser keeps a cookie that says until when it is good, signed with the token: it is worth
    nothing elsewhere, does not give the token away, and ends when the token is changed. Other
    replicas know it, too.
    """

    def __init__(
        self, policy: Callable[[], PageSettings], *, now: Callable[[], float] = time.time
    ) -> None:
        """Admit as the policy says.

        Args:
            policy: what the settings say at the moment.
            now: seconds since 1970.
        """
        self._policy = policy
        self._now = now
        self._tries = Allowance(1.0, TRIES)

    async def admits(self, request: Request) -> Admission:
        """Return whether a request is answered: by its cookie, or its bearer token."""
        token = await self._token()
        if isinstance(token, Admission):
            return token
        cookie = _cookie(request.headers.get("cookie", ""))
        if cookie and self._is_session(token, cookie):
            return Admission.ADMITTED
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return Admission.UNKNOWN
        return self._judged(token, given.strip())

    async def let_in(self, request: Request, given: str, response: Response) -> Admission:
        """Have a response give its browser a cookie, if what was entered is the token."""
        token = await self._token()
        if isinstance(token, Admission):
            return token
        admission = self._judged(token, given.strip())
        if admission is Admission.ADMITTED:
            until = str(int(self._now()) + SESSION_S)
            response.set_cookie(
                COOKIE,
                f"{until}.{_signature(token, until)}",
                max_age=SESSION_S,
                path="",  # where the page is, whatever is before it
                secure=_is_secure(request),
                httponly=True,
                samesite="strict",
            )
        return admission

    @staticmethod
    def let_out(response: Response) -> None:
        """Have a response take the cookie away."""
        response.set_cookie(COOKIE, "", max_age=0, path="", httponly=True, samesite="strict")

    async def _token(self) -> bytes | Admission:
        """Return the token, or what becomes of anybody without a look at theirs."""
        policy = self._policy()
        if policy.is_anonymous:
            return Admission.ADMITTED
        if policy.token_file is None:
            return Admission.CLOSED
        return await run_in_threadpool(_token, policy.token_file) or Admission.BROKEN

    def _judged(self, token: bytes, given: str) -> Admission:
        """Return whether a token is the right one."""
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token):
            return Admission.ADMITTED
        return Admission.UNKNOWN if self._tries.take() else Admission.TIRED

    def _is_session(self, token: bytes, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        wanted = _signature(token, until)
        is_ours = hmac.compare_digest(signature.encode("utf-8", "replace"), wanted.encode())
        return is_ours and until.isdigit() and int(until) > self._now()


def _signature(token: bytes, until: str) -> str:
    said = f"reconcile page {until}".encode("utf-8", "replace")
    return hmac.new(token, said, hashlib.sha256).hexdigest()


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except Exception:  # noqa: BLE001 - CookieError, and whatever strangers make of a header
        return ""
    return found.value if found else ""


def _is_secure(request: Request) -> bool:
    """Whether the browser came by HTTPS; a proxy before us says so, and nobody gains by a lie."""
    forwarded = request.headers.get("x-forwarded-proto", "")
    return request.url.scheme == "https" or forwarded.strip().lower() == "https"


def _token(path: Path) -> bytes | None:
    """Return the token; None, and a line in the log, if there is none to be had."""
    try:
        return read_secret(path, option="--page-token-file")
    except SettingsError as error:
        log.error("page.token_unusable", reason=error.message)  # noqa: TRY400 - no bug of ours
        return None
