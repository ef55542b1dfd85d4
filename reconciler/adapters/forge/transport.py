"""Sends one HTTP request to a forge: bounded in time and size, following nothing."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProxyError

from reconciler.adapters.http.connection import (
    OverdueError,
    Pool,
    ProxyUrlError,
    deadline,
    limit_tls,
    plain_pool,
    proxied_pool,
    target_of,
    tls_pool,
)
from reconciler.adapters.http.proxies import proxy_for
from reconciler.errors import ForgeError, SettingsError, StalledError
from reconciler.release import VERSION

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_ANSWER_S: Final = 60.0
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=30.0)
_NO_RETRIES: Final = urllib3.Retry(False, redirect=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to one forge. Not safe for several threads."""

    def __init__(self, api_url: str, ca_file: Path | None) -> None:
        """Open nothing yet.

        Args:
            api_url: where all requests go.
            ca_file: authorities that are trusted beside the system's.
        """
        self._origin = "://".join(urlsplit(api_url)[:2])
        self._ca_file = ca_file
        self._made: tuple[object, Pool] | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Return the answer to a request; redirects are answers like any other.

        Raises:
            ForgeError: no answer, a cut one, or one that is too large.
            StalledError: its certificate is not trusted.
            SettingsError: the CA file or the proxy of the environment cannot be used.
        """
        pool = self._pool()
        try:
            with deadline(_ANSWER_S):
                answer = pool.urlopen(
                    method,
                    target_of(url, pool),
                    body=body,
                    headers={"User-Agent": f"reconcile/{VERSION}", **headers},
                    redirect=False,
                    retries=_NO_RETRIES,
                    preload_content=False,
                    timeout=_TIMEOUT,
                )
                return Answer(answer.status, answer.headers, _whole(answer, self._origin))
        except HTTPError as error:
            raise _failure(error, self._origin) from error

    def _pool(self) -> Pool:
        """Return the connections; other ones when the CA file has changed."""
        stamp = _stamp(self._ca_file)
        if self._made is None or self._made[0] != stamp:
            self._made = (stamp, self._new_pool())
        return self._made[1]

    def _new_pool(self) -> Pool:
        proxy = proxy_for(self._origin, os.environ)
        if not proxy and self._origin.startswith("http:"):
            return plain_pool(self._origin)
        context = _context(self._ca_file)
        if not proxy:
            return tls_pool(self._origin, context)
        try:
            return proxied_pool(proxy, context, proxy_context=_context(self._ca_file))
        except ProxyUrlError:
            message = "the proxy that the environment names is no URL"
            raise SettingsError(message, where=self._origin) from None


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    limit_tls(context)
    if ca_file is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        message = "--git-ca-file holds no certificate that can be read (PEM)"
        raise SettingsError(message, where=str(ca_file)) from None
    except OSError as error:
        message = f"--git-ca-file cannot be read: {error.strerror}"
        raise SettingsError(message, where=str(ca_file)) from error
    return context


def _stamp(path: Path | None) -> object:
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def _whole(answer: urllib3.BaseHTTPResponse, where: str) -> bytes:
    """Return the body, if it comes whole and in bounds."""
    try:
        return _read(answer, where)
    except BaseException:
        answer.close()  # not back into the pool with half an answer in it
        raise
    finally:
        answer.release_conn()


def _read(answer: urllib3.BaseHTTPResponse, where: str) -> bytes:
    """Read piece by piece: what a small answer unpacks to is not held in memory before it ends."""
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read1(_CHUNK_BYTES, decode_content=True):
        size += len(piece)
        pieces.append(piece)
        if size > MAX_ANSWER_BYTES:
            raise ForgeError(f"answer is larger than {MAX_ANSWER_BYTES:,} bytes", where=where)
    return b"".join(pieces)


def _failure(error: HTTPError, where: str) -> ForgeError | StalledError:
    """Say what happened in words that are ours: urllib3's name addresses of memory."""
    root: BaseException = error
    while (cause := getattr(root, "reason", None) or root.__cause__ or root.__context__) and (
        isinstance(cause, BaseException)
    ):
        root = cause
    if isinstance(root, ssl.SSLCertVerificationError):
        whose = "the proxy's" if isinstance(error, ProxyError) else "its"
        message = f"{whose} certificate is not trusted ({root.verify_message}): use --git-ca-file"
        return StalledError(message, where=where)
    if isinstance(root, (OverdueError, TimeoutError)) or "timed out" in str(error):
        return ForgeError("did not answer in time", where=where)
    if isinstance(root, OSError) and root.strerror:
        return ForgeError(f"cannot be reached: {root.strerror}", where=where)
    return ForgeError(f"cannot be reached ({type(root).__name__})", where=where)
