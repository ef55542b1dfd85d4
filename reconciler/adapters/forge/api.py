"""A forge's API: requests with our token, answers as values, failures as our errors."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec

from reconciler.adapters.forge.transport import Answer
from reconciler.core.redaction import Secret, redact
from reconciler.errors import (
    AccessDeniedError,
    ForgeError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    SettingsError,
    StalledError,
)

_MAX_TOKEN_BYTES: Final = 16 * 1024
_MAX_WORDS: Final = 300
_MAX_LEVELS: Final = 5  # of lists and mappings in a refusal
_LONGEST_WAIT_S: Final = 3600.0
_UNTOLD_WAIT_S: Final = 60.0  # GitHub: "wait for at least one minute before retrying"
_TRANSIENT: Final = frozenset({408, 425, 429})

Shape = TypeVar("Shape")


class Sender(Protocol):
    """Sends a request and returns the answer."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """See :meth:`Transport.send`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and what it needs.

    Attributes:
        method: how.
        path: below the API's URL.
        right: what our token must be allowed to do, for messages.
        body: what is sent, as JSON; None: nothing.
        query: the parameters of the path.
    """

    method: str
    path: str
    right: str
    body: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


class DuplicateError(RefusedError):
    """What was to be made is there already."""


class Api:
    """The API of one forge for one repository. Not safe for several threads."""

    def __init__(
        self,
        url: str,
        sender: Sender,
        *,
        headers: Mapping[str, str],
        token: Callable[[], Secret],
        authorization: Callable[[str], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            url: where it begins.
            sender: sends requests.
            headers: that go with every request.
            token: reads our token anew.
            authorization: the headers that show it.
            clock: seconds.
        """
        self._url = url
        self._sender = sender
        self._headers = headers
        self._token = token
        self._authorization = authorization
        self._clock = clock
        self._not_before = 0.0
        self._known: dict[str, tuple[str, bytes]] = {}  # what was got by URL, with its ETag

    def get(self, call: Call, shape: type[Shape]) -> Shape:
        """Return what a GET answers; what is unchanged since is not sent again.

        Raises:
            ForgeError: no answer, or none that can be read.
            AccessDeniedError, NotFoundError, RefusedError, StalledError: we are not served.
            SettingsError: our token cannot be read.
        """
        url = self._url_of(call)
        known = self._known.get(url)
        answer = self._send(call, url, {"If-None-Match": known[0]} if known else {})
        if answer.status == 304 and known:  # noqa: PLR2004 - HTTP's own
            return self._read(known[1], shape)
        found = self._read(answer.body, shape)
        self._known.clear()  # pages of one list at most are of use again
        if etag := answer.headers.get("ETag"):
            self._known[url] = (etag, answer.body)
        return found

    def change(self, call: Call, shape: type[Shape]) -> Shape:
        """Return what a request answers that changes something.

        Raises:
            DuplicateError: what was to be made is there already.
            ForgeError, AccessDeniedError, NotFoundError, RefusedError: see :meth:`get`.
        """
        return self._read(self._send(call, self._url_of(call), {}).body, shape)

    def _url_of(self, call: Call) -> str:
        query = f"?{urlencode(call.query)}" if call.query else ""
        return f"{self._url}{call.path}{query}"

    def _send(self, call: Call, url: str, more: Mapping[str, str]) -> Answer:
        left_s = self._not_before - self._clock()
        if left_s > 0:
            raise ForgeError(f"asked for time: {left_s:.0f} s are left of it", where=self._url)
        token = self._token()
        headers = {**self._headers, **self._authorization(token.reveal()), **more}
        body = None
        if call.body is not None:
            body = msgspec.json.encode(call.body)
            headers["Content-Type"] = "application/json"
        answer = self._sender.send(call.method, url, headers, body)
        if answer.status in (200, 201, 202, 204, 304):
            return answer
        raise self._failure(answer, call, token)

    def _failure(self, answer: Answer, call: Call, token: Secret) -> ReconcilerError:
        words = _cut(redact(_words(answer.body), [token]))  # never cut within a token
        said = f"{answer.status}: {words}" if words else f"{answer.status}"
        status = answer.status
        if _is_throttled(answer, words):
            self._not_before = self._clock() + _wait_s(answer.headers, now_s=time.time())
            return ForgeError(f"asks for time ({said})", where=self._url)
        if status in _TRANSIENT or status >= 500:  # noqa: PLR2004 - HTTP's own
            return ForgeError(f"answered {said}", where=self._url)
        if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own
            host = _host_of(answer.headers.get("Location", ""))
            message = f"redirects to {host[:100]!r}, which is not followed: give the final URL"
            return StalledError(message, where=self._url)
        return self._refusal(answer.status, call, said, words)

    def _refusal(self, status: int, call: Call, said: str, words: str) -> ReconcilerError:
        where = self._url
        match status:
            case 401:
                message = f"our token is not accepted ({said}): see --git-api-token-file"
                return AccessDeniedError(message, where=where)
            case 403:
                message = f"our token's rights do not suffice ({said}): it needs {call.right}"
                return AccessDeniedError(message, where=where)
            case 404:
                return NotFoundError(
                    f"there is no {call.path} ({said}), or our token may not see it: it needs "
                    f"{call.right}; see --git-api-url",
                    where=where,
                )
            case 409 | 422 if "already exists" in words.lower():
                return DuplicateError(f"declined ({said})", where=where)
            case 422 if "no commits between" in words.lower():
                return ForgeError(f"sees nothing to merge ({said})", where=where)
            case _:
                return RefusedError(f"declined {call.method} {call.path} ({said})", where=where)

    def _read(self, body: bytes, shape: type[Shape]) -> Shape:
        try:
            return msgspec.json.decode(body or b"null", type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            message = "answered with something else than asked for: see --git-api-url"
            raise ForgeError(message, where=self._url) from None  # the exception may quote it


def read_token(path: Path) -> Secret:
    """Return the token in a file.

    Raises:
        SettingsError: there is none that could be one; the message holds nothing of it.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_TOKEN_BYTES + 1).decode("ascii").strip()
    except OSError as error:
        reason = f"the token cannot be read: {error.strerror}"
        raise SettingsError(reason, where=str(path)) from error
    except UnicodeDecodeError:
        raise SettingsError("holds no token", where=str(path)) from None
    is_wrong = len(text) > _MAX_TOKEN_BYTES or not text.isprintable() or " " in text
    if not text or is_wrong:
        raise SettingsError("holds no token", where=str(path))
    return Secret(text)


def _is_throttled(answer: Answer, words: str) -> bool:
    """Whether an answer means: not so many. GitHub says it with 403 as well."""
    if answer.status == 429:  # noqa: PLR2004 - HTTP's own
        return True
    is_spent = answer.headers.get("X-RateLimit-Remaining") == "0"
    is_asked = "Retry-After" in answer.headers or "rate limit" in words.lower()
    return answer.status == 403 and (is_spent or is_asked)  # noqa: PLR2004 - HTTP's own


def _wait_s(headers: Mapping[str, str], *, now_s: float) -> float:
    """Return for how long to ask nothing, at most an hour.

    ``Retry-After`` is seconds or a date (RFC 9110, 10.2.3), ``X-RateLimit-Reset`` seconds since
    1970.
    """
    after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    wait_s = _UNTOLD_WAIT_S
    if after.isascii() and after.isdigit():
        wait_s = float(after)
    elif after:
        with contextlib.suppress(ValueError, OverflowError):
            wait_s = parsedate_to_datetime(after).timestamp() - now_s
    elif reset.isascii() and reset.isdigit():
        wait_s = float(reset) - now_s
    return min(max(wait_s, 0.0), _LONGEST_WAIT_S)


def _words(body: bytes) -> str:
    """Return what a refusal says, on one line.

    GitHub: ``message`` and ``errors[].message``; GitLab: ``message`` or ``error``, as a text, a
    list or a mapping; Gitea: ``message``.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [text for key in ("message", "error", "errors") for text in _texts(found.get(key))]
    words = "; ".join(dict.fromkeys(parts))
    return "".join(letter if letter.isprintable() else " " for letter in words)


def _cut(words: str) -> str:
    return words if len(words) <= _MAX_WORDS else f"{words[:_MAX_WORDS]}…"


def _host_of(url: str) -> str:
    """Return the host of an address that a server made up, and no login that is in it."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _texts(found: object, *, levels: int = _MAX_LEVELS) -> list[str]:
    match found:
        case _ if not levels:
            return []
        case str():
            return [found]
        case list():
            return [text for each in found[:10] for text in _texts(each, levels=levels - 1)]
        case {"message": str(message)}:
            return [message]
        case dict():
            inside = ((key, _texts(each, levels=levels - 1)) for key, each in found.items())
            return [f"{key} {text}" for key, texts in inside for text in texts]
        case _:
            return []
