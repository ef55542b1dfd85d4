"""Connections whose answers have a deadline, however slowly their bytes come.

A socket's time-out is for one read: a host that sends a byte of a header now and then, or one
``100 Continue`` after another, would hold a thread for as long as it likes.
"""

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Pool: TypeAlias = urllib3.PoolManager
"""Connections to any number of hosts."""

CONNECTIONS: Final = 32
"""Of one host, for all sources together: more requests than that wait for one to end."""

HOSTS: Final = 64


class OverdueError(TimeoutError):
    """The deadline is over, and the answer is not complete."""


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


def new_pool(proxy: str, context: ssl.SSLContext, *, proxy_context: ssl.SSLContext) -> Pool:
    """Return connections to all hosts.

    Args:
        proxy: the URL of the proxy to go by; empty: none.
        context: the TLS of the hosts.
        proxy_context: the TLS of the proxy itself, which is shown no certificate of ours.
    """
    pool: Pool
    if proxy:
        pool = urllib3.ProxyManager(
            proxy,
            HOSTS,
            maxsize=CONNECTIONS,
            block=True,
            ssl_context=context,
            proxy_ssl_context=proxy_context,
            proxy_headers=_login_to(proxy),
        )
    else:
        pool = urllib3.PoolManager(HOSTS, maxsize=CONNECTIONS, block=True, ssl_context=context)
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": urllib3.HTTPSConnectionPool}
    return pool


def _login_to(proxy: str) -> dict[str, str]:
    """Return the header for the user and password of a proxy's URL; urllib3 reads none there."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=login))


class _PlainSocket(socket.socket):
    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        _deadline.check()
        return super().recv_into(buffer, nbytes, flags)


class _TlsSocket(ssl.SSLSocket):
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
        made = super()._new_conn()
        timeout_s = made.gettimeout()
        timed = _PlainSocket(made.family, made.type, made.proto, fileno=made.detach())
        timed.settimeout(timeout_s)
        return timed


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection
