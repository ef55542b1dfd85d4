"""A small proxy: tunnels by CONNECT, in plain text or TLS, with a password or without."""

import base64
import contextlib
import select
import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class ProxySimulator:
    """A forward proxy on loopback that knows CONNECT alone.

    Whatever host is asked for, the tunnel leads to one port of this machine: names that nobody
    resolves can be asked for by it.

    Args:
        port: where all tunnels lead.
        context: makes the proxy itself speak TLS.
        login: ``user:password`` that it wants; empty: none.
        drip_s: answers a byte every so many seconds, and never ends; 0: answers at once.

    Attributes:
        asked: the ``host:port`` of each tunnel that was asked for.
        headers: of each of these, in the same order.
    """

    def __init__(
        self,
        port: int,
        *,
        context: ssl.SSLContext | None = None,
        login: str = "",
        drip_s: float = 0.0,
    ) -> None:
        self.asked: list[str] = []
        self.headers: list[str] = []
        self._target = port
        self._context = context
        self._drip_s = drip_s
        pair = base64.b64encode(login.encode()).decode()
        self._wanted = f"Proxy-Authorization: Basic {pair}" if login else ""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # of accept: the end
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve_one, args=(client,), daemon=True).start()

    def _in_tls(self, client: socket.socket) -> socket.socket:
        """Return the socket to speak by; a client that does not trust us hangs up here."""
        if self._context is None:
            return client
        return self._context.wrap_socket(client, server_side=True)

    def _serve_one(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError), self._in_tls(accepted) as client:
            head = _head(client)
            self.asked.append(head.split()[1])
            self.headers.append(head)
            if self._wanted.lower() not in head.lower():
                client.sendall(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                    b'Proxy-Authenticate: Basic realm="proxy"\r\n'
                    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                )
                return
            if self._drip_s:
                client.sendall(b"HTTP/1.1 200 ")
                while not self._stopping.wait(self._drip_s):
                    client.sendall(b"O")
                return
            with socket.create_connection(("127.0.0.1", self._target)) as target:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self._relay(client, target)

    def _relay(self, client: socket.socket, target: socket.socket) -> None:
        other = {client: target, target: client}
        while not self._stopping.is_set():
            ready = [each for each in other if _has_pending(each)]
            ready = ready or select.select(list(other), [], [], 0.1)[0]
            for each in ready:
                content = each.recv(65536)
                if not content:
                    return
                other[each].sendall(content)


def _head(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(1)
        if not piece:
            raise ConnectionError
        head += piece
    return head.decode()


def _has_pending(each: socket.socket) -> bool:
    """Whether TLS holds bytes that the socket itself does not show."""
    return isinstance(each, ssl.SSLSocket) and each.pending() > 0
