"""One API server: sends requests, waits where it asks for time, and reads answers."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3 import HTTPHeaderDict
from urllib3.exceptions import HTTPError, SSLError

from reconciler.adapters.cluster.access import Access, Login, access_of
from reconciler.adapters.cluster.failures import failure_of
from reconciler.adapters.cluster.impersonation import IMPERSONATE_USER
from reconciler.adapters.cluster.silence import BrokenError, silence
from reconciler.adapters.http.connection import deadline
from reconciler.core.objects.account import ServiceAccount
from reconciler.errors import (
    BusyError,
    ClusterError,
    ReconcilerError,
    SettingsError,
)
from reconciler.release import VERSION
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 40.0  # the API server itself may wait 30 s for a webhook
ANSWER_S: Final = 120.0  # for a whole answer, however slowly its bytes come
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
MAX_LINE_BYTES: Final = 4 * 1024 * 1024  # of a watch: one object; etcd's own limit is 1.5 MiB
MAX_RETRY_AFTER_S: Final = 10.0
BUSY_ATTEMPTS: Final = 3
USER_AGENT: Final = f"reconcile/{VERSION}"

_OK: Final = 300
_NOT_MODIFIED: Final = 304
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_REPEATABLE: Final = frozenset({"GET", "PATCH"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer.

    Attributes:
        status: of HTTP.
        body: its JSON object.
        etag: by which the API server knows it again; empty: it has none.
        date: when it was given, by the API server's clock, as HTTP writes it; may be empty.
    """

    status: int
    body: Mapping[str, Any]
    etag: str = ""
    date: str = ""

    @property
    def is_same(self) -> bool:
        """Whether it says that what was known is still true; its body is empty then."""
        return self.status == _NOT_MODIFIED


class Connection:
    """Connections to one API server. Safe to use from many threads."""

    def __init__(self, login: Login, *, stop: Stop, account: ServiceAccount | None = None) -> None:
        """Ask nothing yet.

        Args:
            login: who we are.
            stop: ends waits for an API server that is busy.
            account: whom to act as, in every request; None: nobody else.
        """
        self._login = login
        self._stop = stop
        self._account = account

    @classmethod
    def open(cls, settings: ClusterSettings, *, stop: Stop | None = None) -> "Connection":
        """Return a connection by the settings: in-cluster, then a kubeconfig.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        return cls(Login(lambda: access_of(settings)), stop=stop or Stop())

    def acting_as(self, account: ServiceAccount) -> "Connection":
        """Return the same connections, for requests with the rights of a ServiceAccount.

        Raises:
            SettingsError: the kubeconfig has us act as somebody else already.
        """
        if self._login.access.acting_as:
            message = (
                "--service-account does not go with a kubeconfig whose user acts as somebody else "
                "('as'): an API server takes one of them"
            )
            raise SettingsError(message)
        return Connection(self._login, stop=self._stop, account=account)

    @property
    def account(self) -> ServiceAccount | None:
        """Whom it acts as."""
        return self._account

    @property
    def url(self) -> str:
        """The API server."""
        return self._login.access.url

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        known_etag: str = "",
    ) -> Answer:
        """Return the answer to a request.

        An API server that asks for time is asked again when that is over, twice. Where the
        connection breaks, what reads or applies is sent once more: it comes to the same if it was
        carried out. What creates or replaces is not: the answer would be that we were too late.

        With ``known_etag`` it may be that what was known is still true (``Answer.is_same``).

        Raises:
            NoAnswerError: no answer, or not a whole one in time.
            BusyError: it still asks for time.
            ClusterError: an answer that may be another one later.
            AccessDeniedError, NotFoundError, RefusedError: see :func:`failure_of`.
        """
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": accept, **({"Content-Type": content_type} if data else {})}
        headers |= {"If-None-Match": known_etag} if known_etag else {}
        breaks_left = 1 if method in _REPEATABLE else 0
        attempt = 1
        while True:
            try:
                with deadline(ANSWER_S):
                    answer = self._send(method, path, query, data, headers)
                    content = self._object(answer)
            except BrokenError:
                if not breaks_left or self._stop.is_asked:
                    raise
                breaks_left -= 1
                continue
            answer.release_conn()
            pause_s = _pause_s(answer)
            if pause_s is None:
                if known_etag and answer.status == _NOT_MODIFIED:
                    return Answer(answer.status, {}, known_etag)
                checked = self._checked(answer.status, content, f"{method} {path}")
                etag, date = (answer.headers.get(name, "") for name in ("ETag", "Date"))
                return replace(checked, etag=etag, date=date)
            if attempt == BUSY_ATTEMPTS or self._stop.wait(pause_s):
                return self._busy(answer.status, content, f"{method} {path}")
            attempt += 1

    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout_s: float, until: Stop
    ) -> Iterator[Any]:
        """Yield the JSON lines of a watch until the server ends it or the connection breaks.

        It is cut when ``until`` is asked for.

        Raises:
            ClusterError: the watch could not be begun.
            AccessDeniedError: it may not.
        """
        headers = {"Accept": "application/json"}
        answer = self._send("GET", path, query, None, headers, read_timeout_s=read_timeout_s)
        try:
            if answer.status >= _OK:
                self._checked(answer.status, self._object(answer), f"watch {path}")
            with until.ending_wait(lambda: _cut(answer)):
                yield from _lines(answer)
        except HTTPError:
            return  # cut: the caller takes it up where it ended
        finally:
            answer.close()

    def close(self) -> None:
        """Close all connections."""
        self._login.access.pool.clear()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | None,
        headers: Mapping[str, str],
        *,
        read_timeout_s: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request; once more if it was refused and the configuration is another one now."""
        full_path = path + (f"?{urlencode(query)}" if query else "")

        def attempt(access: Access) -> urllib3.BaseHTTPResponse:
            return access.pool.request(
                method,
                f"{access.url}{full_path}",
                body=data,
                headers=self._headers(access, headers),
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(
                    connect=CONNECT_TIMEOUT_S,
                    read=READ_TIMEOUT_S if read_timeout_s is None else read_timeout_s,
                ),
            )

        access = self._login.access
        try:
            try:
                answer = attempt(access)
                if answer.status != _UNAUTHORIZED:
                    return answer
            except SSLError:
                if not self._login.is_renewed(access):
                    raise
            else:
                if not self._login.is_renewed(access):
                    return answer
                answer.close()
            return attempt(self._login.access)
        except HTTPError as error:
            raise silence(error, url=self.url) from error

    def _headers(self, access: Access, headers: Mapping[str, str]) -> HTTPHeaderDict:
        """Return all headers of a request; of those who are acted for there may be several."""
        all_of_them = HTTPHeaderDict({"User-Agent": USER_AGENT, **access.credentials(), **headers})
        acting = ((IMPERSONATE_USER, self._account.user),) if self._account else access.acting_as
        for name, value in acting:
            all_of_them.add(name, value)
        return all_of_them

    def _content(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := answer.read1(64 * 1024, decode_content=True):
                size += len(piece)
                if size > MAX_BODY_BYTES:
                    answer.close()
                    message = f"answer is larger than {MAX_BODY_BYTES:,} bytes"
                    raise ClusterError(message, where=self.url)
                pieces.append(piece)
        except HTTPError as error:
            answer.close()
            raise silence(error, url=self.url) from error
        return b"".join(pieces)

    def _busy(self, status: int, body: Mapping[str, Any], what: str) -> NoReturn:
        try:
            self._checked(status, body, what)
        except ReconcilerError as error:
            raise BusyError(error.message, where=self.url) from error
        raise AssertionError(what)

    def _object(self, answer: urllib3.BaseHTTPResponse) -> Mapping[str, Any]:
        """Return the JSON object that an answer holds; of a failure also what is none.

        Where a connection breaks among the headers, it is not known that a body was to follow: what
        looks like an empty list would be taken for one.
        """
        content = self._content(answer)
        body: object = None
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            body = msgspec.json.decode(content) if content else None
        if isinstance(body, dict):
            return body
        if answer.status < _OK:
            answer.close()
            message = "the API server's answer is not complete, or no JSON"
            raise BrokenError(message, where=self.url)
        return {"message": content[:200].decode(errors="replace")} if content else {}

    def _checked(self, status: int, body: Mapping[str, Any], what: str) -> Answer:
        if status >= _OK:
            raise failure_of(status, body, what=what, url=self.url)
        return Answer(status, body)


def _pause_s(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Return how long to wait before asking again; None if the answer is not that we should.

    Kubernetes' own clients read it so: 429, and any 5xx that names a time.
    """
    text = answer.headers.get("Retry-After", "")
    if answer.status != _TOO_MANY and not (answer.status >= _SERVER_ERROR and text):
        return None
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 1.0


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[Any]:
    pending = b""
    for piece in answer.stream(64 * 1024, decode_content=True):
        *whole, pending = (pending + piece).split(b"\n")
        for line in whole:
            try:
                event = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):  # cut, by a proxy for instance
                return
            yield event
        if len(pending) > MAX_LINE_BYTES:
            return


def _cut(answer: urllib3.BaseHTTPResponse) -> None:
    """End what another thread is reading; nothing happens if it has ended."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        answer.shutdown()
