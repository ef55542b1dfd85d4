"""Connections whose answers have a deadline, however slowly their bytes come.

A socket's time-out is for one read: a host that sends a byte of a header now and then, or one
``100 Continue`` after another, would hold a thread for as long as it likes.
"""

import base64
import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProxySchemeUnknown
from urllib3.util import parse_url

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Pool: TypeAlias = urllib3.HTTPConnectionPool | urllib3.ProxyManager
"""Connections to one origin: straight, or by a proxy."""

CONNECTIONS: Final = 32
"""Of one host, for all sources together: more requests than that wait for one to end."""


class OverdueError(TimeoutError):
    """The deadline is over, and the answer is not complete."""


class ProxyUrlError(ValueError):
    """What is to name a proxy is no URL; it is not quoted, for it may hold a password."""


class _Deadline(threading.local):
    """When the answer that this thread waits for must be complete."""

    at: float = math.inf

    def check(self) -> None:
        if time.monotonic() > self.at:
            raise OverdueError


_deadline: Final = _Deadline()


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every read fail that this thread begins in the block after that time."""
    _deadline.at = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.at = math.inf


def limit_tls(context: ssl.SSLContext) -> None:
    """Let what is read in TLS by this context meet the deadline."""
    context.sslsocket_class = _TlsSocket


def plain_pool(origin: str) -> urllib3.HTTPConnectionPool:
    """Return connections in plain HTTP to ``http://host[:port]``."""
    parts = parse_url(origin)
    return _PlainPool(parts.host or "", parts.port, maxsize=CONNECTIONS, block=True)


def tls_pool(origin: str, context: ssl.SSLContext) -> urllib3.HTTPConnectionPool:
    """Return connections in TLS to ``https://host[:port]``."""
    parts = parse_url(origin)
    return urllib3.HTTPSConnectionPool(
        parts.host or "", parts.port, maxsize=CONNECTIONS, block=True, ssl_context=context
    )


def proxied_pool(
    proxy: str, context: ssl.SSLContext, *, proxy_context: ssl.SSLContext
) -> urllib3.ProxyManager:
    """Return connections to one origin by a proxy.

    Args:
        proxy: its URL.
        context: the TLS of the origin.
        proxy_context: the TLS of the proxy itself, which is shown no certificate of ours.

    Raises:
        ProxyUrlError: the proxy's URL is none.
    """
    try:
        pool = urllib3.ProxyManager(
            proxy,
            num_pools=1,
            maxsize=CONNECTIONS,
            block=True,
            ssl_context=context,
            proxy_ssl_context=proxy_context,
            proxy_headers=_login_to(proxy),
        )
    except ProxySchemeUnknown:
        raise
    except ValueError:  # urllib3's quotes the URL
        raise ProxyUrlError from None
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _TunnelPool}
    return pool


def target_of(url: str, pool: Pool) -> str:
    """Return what a URL asks its host for; a proxy is asked for all of it."""
    if isinstance(pool, urllib3.ProxyManager):
        return url
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{path}?{parts.query}" if parts.query else path


def _login_to(proxy: str) -> dict[str, str]:
    """Return the header for the user and password of a proxy's URL; urllib3 reads none there.

    Raises:
        ValueError: it is no URL, or names no host.
    """
    parts = urlsplit(proxy)
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.username is None:
        return {}
    login = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return {"proxy-authorization": f"Basic {base64.b64encode(login).decode()}"}


class _ThriftySocket(socket.socket):
    def settimeout(self, value: float | None) -> None:
        """Spare the system calls for what it is already: urllib3 sets it twice a request."""
        if value != self.gettimeout():
            super().settimeout(value)


class _PlainSocket(_ThriftySocket):
    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        _deadline.check()
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(_ThriftySocket, ssl.SSLSocket):
    def recv_into(
        self, buffer: "WriteableBuffer", nbytes: int | None = None, flags: int = 0
    ) -> int:
        _deadline.check()
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Write; where the other side has hung up, fail with what it said last.

        A server of TLS 1.3 refuses a client's certificate when the handshake is over for the
        client: its alert is still to be read while the request cannot be written any more.
        """
        try:
            return super().send(data, flags)
        except (ssl.SSLEOFError, ConnectionError):
            super().recv(1)
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read for a connection in TLS by a proxy in TLS, which urllib3 reads in this way."""
        _deadline.check()
        return super().recv(buflen, flags)


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Return the socket of a new connection (urllib3's SOCKS support hooks in here too)."""
        return _timed(super()._new_conn())


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TunnelConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        """Return the socket on which a proxy is asked for a tunnel, before there is any TLS."""
        return _timed(super()._new_conn())


class _TunnelPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TunnelConnection


def _timed(made: socket.socket) -> socket.socket:
    timeout_s = made.gettimeout()
    timed = _PlainSocket(made.family, made.type, made.proto, fileno=made.detach())
    timed.settimeout(timeout_s)
    return timed
