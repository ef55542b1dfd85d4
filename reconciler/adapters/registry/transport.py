"""Sends one HTTP request to a registry: pooled, bounded in time and size, following nothing."""

import ipaddress
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from reconciler.errors import RegistryError
from reconciler.release import VERSION
from reconciler.settings import RegistrySettings

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
CONNECTIONS: Final = 32
_CHUNK_BYTES: Final = 64 * 1024
USER_AGENT: Final = f"reconcile/{VERSION}"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; header names are looked up in any case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to all registries. Safe to use from many threads."""

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.PoolManager] = {}

    def base_url(self, host: str) -> str:
        """Return ``https://host``, or ``http://host`` where plain HTTP is permitted."""
        is_plain = host in self._settings.insecure_hosts or is_loopback(host)
        return f"{'http' if is_plain else 'https'}://{host}"

    def get(self, url: str, headers: Mapping[str, str]) -> Response:
        """Return the answer to a GET; redirects are answers like any other.

        Raises:
            RegistryError: no answer, a cut one, or one that is too large.
        """
        try:
            return self._get(url, headers)
        except HTTPError as error:
            raise RegistryError(_words(error, self._settings), where=url) from error

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.clear()

    def _get(self, url: str, headers: Mapping[str, str]) -> Response:
        answer = self._pool(url).request(
            "GET",
            url,
            headers={"User-Agent": USER_AGENT, **headers},
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(
                connect=self._settings.connect_timeout_s, read=self._settings.read_timeout_s
            ),
        )
        try:
            body = self._body(answer, url)
        except BaseException:
            answer.close()  # not back into the pool with half an answer in it
            raise
        answer.release_conn()
        return Response(url, answer.status, answer.headers, body)

    def _body(self, answer: urllib3.BaseHTTPResponse, url: str) -> bytes:
        """Return the body; ``read1`` gives what is there, so that a drip meets the deadline."""
        deadline = time.monotonic() + self._settings.answer_timeout_s
        pieces: list[bytes] = []
        size = 0
        while piece := answer.read1(_CHUNK_BYTES, decode_content=True):
            size += len(piece)
            pieces.append(piece)
            if size > MAX_BODY_BYTES:
                message = f"answer is larger than {MAX_BODY_BYTES:,} bytes"
                raise RegistryError(message, where=url, is_retryable=False)
            if time.monotonic() > deadline:
                message = f"did not finish its answer within {self._settings.answer_timeout_s:g} s"
                raise RegistryError(message, where=url)
        return b"".join(pieces)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = _new_pool(proxy)
            return self._pools[proxy]


def is_loopback(host: str) -> bool:
    """Whether a ``host[:port]`` is this very machine: ``localhost``, ``127.0.0.0/8``, ``[::1]``."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


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
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _proxy_for(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(parts.netloc) or proxy_bypass(host):
        return ""
    return getproxies().get(parts.scheme, "")


def _new_pool(proxy: str) -> urllib3.PoolManager:
    context = ssl.create_default_context()
    if proxy:
        return urllib3.ProxyManager(proxy, maxsize=CONNECTIONS, ssl_context=context)
    return urllib3.PoolManager(num_pools=64, maxsize=CONNECTIONS, ssl_context=context)


def _words(error: HTTPError, settings: RegistrySettings) -> str:
    """Return what happened in words that are ours: urllib3's name addresses of memory."""
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, NewConnectionError):
        return f"cannot connect: {_innermost(cause)}"
    if isinstance(cause, HTTPTimeoutError):
        return f"did not answer within {settings.read_timeout_s:g} s"
    if isinstance(cause, SSLError):
        return f"TLS failed: {_innermost(cause)}"
    return f"the connection broke: {_innermost(cause) if cause else error}"


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
