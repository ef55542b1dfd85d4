"""A registry whose every answer a test writes."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: path with query, and the headers."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer.

    Attributes:
        promised: the Content-Length; None: the body's own.
        delay_s: how long to wait before answering.
        drip_s: how long to wait before each byte of the body.
    """

    status: int = 200
    body: bytes = b'{"tags": ["v1"]}'
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    delay_s: float = 0.0
    drip_s: float = 0.0


Script = Callable[[Request], Reply]


class RegistrySimulator:
    """A threaded HTTP server on loopback; ``host`` is ``127.0.0.1:port``."""

    def __init__(self, script: Script) -> None:
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(script))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

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
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self, script: Script) -> type[BaseHTTPRequestHandler]:
        simulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                request = Request(self.path, dict(self.headers.items()))
                with simulator._lock:
                    simulator.requests.append(request)
                reply = script(request)
                if reply.delay_s:
                    simulator._stopping.wait(reply.delay_s)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                promised = len(reply.body) if reply.promised is None else reply.promised
                self.send_header("Content-Length", str(promised))
                self.end_headers()
                if reply.drip_s:
                    self._drip(reply)
                else:
                    self.wfile.write(reply.body)
                if promised != len(reply.body):
                    self.close_connection = True

            def _drip(self, reply: Reply) -> None:
                with contextlib.suppress(OSError):  # the client gives up
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        simulator._stopping.wait(reply.drip_s)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
