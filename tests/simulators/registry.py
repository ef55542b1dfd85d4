"""A registry whose every answer a test writes, down to the bytes."""

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.simulators.serving import Serving


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: path with query, the headers, and for a POST the body."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer.

    Attributes:
        promised: the Content-Length; None: the body's own.
        delay_s: how long to wait before answering.
        drip_s: how long to wait before each byte of the body (or of what stands for an answer).
        wire: what to send in place of an answer, whatever it is; the connection ends after it.
        is_endless: whether the body comes again and again, until the client hangs up.
    """

    status: int = 200
    body: bytes = b'{"tags": ["v1"]}'
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    delay_s: float = 0.0
    drip_s: float = 0.0
    wire: bytes | None = None
    is_endless: bool = False


Script = Callable[[Request], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.requests: list[Request] = []
        self.stopping = threading.Event()
        self.connections = 0

    def process_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]  # typeshed's are private

    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what many tests are about."""


class RegistrySimulator(Serving):
    """A threaded HTTP server on loopback; ``host`` is ``127.0.0.1:port``.

    Args:
        script: gives the answer to a request; called from many threads.
        context: makes it speak TLS.
    """

    def __init__(self, script: Script, *, context: ssl.SSLContext | None = None) -> None:
        self._server = _Server(script)
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        super().__init__(self._server, poll_s=0.01)

    @property
    def requests(self) -> list[Request]:
        return self._server.requests

    @property
    def connections(self) -> int:
        return self._server.connections

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _end_answers(self) -> None:
        self._server.stopping.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        request = Request(self.path, dict(self.headers.items()), self.command, body)
        self.server.requests.append(request)
        reply = self.server.script(request)
        self.server.stopping.wait(reply.delay_s)
        if reply.wire is None:
            self._answer(reply)
        else:
            self.close_connection = True
            self._send(reply.wire, reply)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, reply: Reply) -> None:
        promised = len(reply.body) if reply.promised is None else reply.promised
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.is_endless:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(promised))
        self.end_headers()
        if self.command != "HEAD":
            self._send(reply.body, reply)
            self.close_connection |= promised != len(reply.body)

    def _send(self, content: bytes, reply: Reply) -> None:
        pieces = [bytes([byte]) for byte in content] if reply.drip_s else [content]
        with contextlib.suppress(OSError):  # the client gives up
            for piece in itertools.cycle(pieces) if reply.is_endless else pieces:
                self.wfile.write(piece)
                if self.server.stopping.wait(reply.drip_s):
                    return


@contextlib.contextmanager
def full_port() -> Iterator[int]:
    """Give a loopback port that does not even take connections: its queue is full."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        contextlib.ExitStack() as all_,
    ):
        for _ in range(4):
            filler = all_.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])


@contextlib.contextmanager
def alerting_port() -> Iterator[int]:
    """Give a loopback port that ends each TLS handshake by an alert (40, handshake failure)."""

    def serve() -> None:
        with contextlib.suppress(OSError):  # of accept: the end
            while True:
                client, _ = server.accept()
                with client, contextlib.suppress(OSError):
                    client.recv(65536)
                    client.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
                    client.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """Give a loopback port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])
