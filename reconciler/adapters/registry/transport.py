"""Sends one HTTP request to a registry: pooled, bounded in time and size, following nothing."""

import functools
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from reconciler.adapters.http.connection import deadline, target_of
from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.adapters.registry.pools import Pools
from reconciler.adapters.registry.rate_limit import RateLimit, rate_limit_of
from reconciler.adapters.registry.request import MAX_BODY_BYTES, Request, without_query
from reconciler.adapters.registry.trouble import as_registry_error
from reconciler.errors import RegistryError
from reconciler.release import VERSION
from reconciler.settings import RegistrySettings

_CHUNK_BYTES: Final = 64 * 1024
_NO_RETRIES: Final = urllib3.Retry(False, redirect=False)
USER_AGENT: Final = f"reconcile/{VERSION}"

OnRequest: TypeAlias = Callable[[str, int], None]
"""Told after each request: ``host[:port]``, and the status, 0 if there was no answer."""

TakeLimit: TypeAlias = Callable[[str, RateLimit], None]
"""Told after each answer that says how many more requests its ``host[:port]`` takes."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; header names are looked up in any case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """How a host is reached.

    Attributes:
        proxy: the URL of the proxy, which may hold a password; empty: none.
        context: what TLS trusts and shows there.
    """

    proxy: str = field(repr=False)
    context: ssl.SSLContext


class Transport:
    """Connections to all registries. Safe to use from many threads.

    Raises:
        SettingsError: files of the settings cannot be used.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        on_request: OnRequest = lambda _host, _status: None,
        take_limit: TakeLimit = lambda _host, _limit: None,
        is_direct: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            settings: whom to trust, and how long to wait.
            on_request: told after each request, from many threads.
            take_limit: likewise, after each answer that says how many more are taken.
            is_direct: whether no proxy is used, whatever the environment says.
        """
        self._settings = settings
        self._on_request = on_request
        self._take_limit = take_limit
        self._pools = Pools(settings, {} if is_direct else os.environ)
        self._timeout = urllib3.Timeout(
            connect=settings.connect_timeout_s, read=settings.read_timeout_s
        )
        self._tls_hosts: set[str] = set()

    def base_url(self, host: str) -> str:
        """Return ``https://host``, or ``http://host`` where plain HTTP is permitted and spoken.

        Loopback for which certificates are configured speaks TLS, without being asked first.
        """
        is_own_machine = is_loopback(host) and not self._pools.has_own_tls(host)
        is_plain = host in self._settings.insecure_hosts or is_own_machine
        return self.current(f"{'http' if is_plain else 'https'}://{host}")

    def route_to(self, url: str) -> Route:
        """Return how a URL is reached."""
        host = urlsplit(url).netloc
        return Route(self._pools.proxy_of(url), self._pools.context_of(host))

    def current(self, url: str) -> str:
        """Return a URL with ``https`` if its host turned out to speak TLS since it was made."""
        speaks_tls = url.startswith("http:") and urlsplit(url).netloc in self._tls_hosts
        return in_tls(url) if speaks_tls else url

    def use_tls(self, host: str) -> None:
        """Remember that a host speaks TLS though plain HTTP is permitted there."""
        self._tls_hosts.add(host)

    def send(self, request: Request, authorization: str = "") -> Response:
        """Return the answer to a request; redirects are answers like any other.

        Args:
            request: without credentials.
            authorization: the header that shows them; empty: none.

        Raises:
            RegistryError: no answer, a cut one, or one that is too large.
        """
        shown = {"Authorization": authorization} if authorization else {}
        headers = {**request.headers, **shown}
        limit = request.max_body_bytes
        return self.call(request.method, request.url, headers, max_body_bytes=limit)

    def get(
        self, url: str, headers: Mapping[str, str], *, max_body_bytes: int = MAX_BODY_BYTES
    ) -> Response:
        """Return the answer to a GET; redirects are answers like any other.

        Raises:
            RegistryError: no answer, a cut one, or one that is too large.
        """
        return self.call("GET", url, headers, max_body_bytes=max_body_bytes)

    def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> Response:
        """Return the answer to a request of any method, and tell once how it went.

        Raises:
            RegistryError: no answer, a cut one, or one that is too large.
        """
        status = 0
        try:
            with deadline(self._settings.answer_timeout_s):
                pool = self._pools.of(url)
                answer = pool.urlopen(
                    method,
                    target_of(url, pool),
                    body=body,
                    headers={"User-Agent": USER_AGENT, **headers},
                    redirect=False,
                    retries=_NO_RETRIES,
                    preload_content=False,
                    timeout=self._timeout,
                    pool_timeout=self._settings.answer_timeout_s,  # type: ignore[arg-type]  # floats do
                )
                status = answer.status
                self._tell_limit(url, answer.headers)
                return Response(url, status, answer.headers, _body(answer, url, max_body_bytes))
        except HTTPError as error:
            raise as_registry_error(error, url, self._settings) from error
        finally:
            self._on_request(urlsplit(url).netloc, status)

    def close(self) -> None:
        """Close all connections."""
        self._pools.close()

    def _tell_limit(self, url: str, headers: Mapping[str, str]) -> None:
        found = rate_limit_of(headers, now_s=time.time())
        if found is not None:
            self._take_limit(urlsplit(url).netloc, found)


def in_tls(url: str) -> str:
    """Return an ``http:`` URL as an ``https:`` one."""
    return f"https{url.removeprefix('http')}"


def _body(answer: urllib3.BaseHTTPResponse, url: str, limit: int) -> bytes:
    """Return the body, if it comes whole and in bounds."""
    try:
        body = _read(answer, url, limit)
    except BaseException:
        answer.close()  # not back into the pool with half an answer in it
        answer.release_conn()  # but its place there, for a new one
        raise
    answer.release_conn()
    return body


def _read(answer: urllib3.BaseHTTPResponse, url: str, limit: int) -> bytes:
    """Read piece by piece: what a small answer unpacks to is not held in memory before it ends."""
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read1(_CHUNK_BYTES, decode_content=True):
        size += len(piece)
        pieces.append(piece)
        if size > limit:
            message = f"answer is larger than {limit:,} bytes"
            raise RegistryError(message, where=without_query(url), is_retryable=False)
    return b"".join(pieces)


@functools.lru_cache(maxsize=1024)  # asked for each repository, of the same few hosts
def is_loopback(host: str) -> bool:
    """Whether a ``host[:port]`` is this very machine: ``localhost``, ``127.0.0.0/8``, ``[::1]``."""
    return is_loopback_name(urlsplit(f"//{host}").hostname or "")


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; None if it is absent or nonsense.

    RFC 9110, 10.2.3: a number of seconds or a date.

    Args:
        headers: of the answer.
        now_s: the wall clock, seconds since 1970.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004 - thirty years
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        zoned = date if date.tzinfo else date.replace(tzinfo=UTC)  # not this machine's zone
        return max(0.0, zoned.timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
