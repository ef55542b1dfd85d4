"""A proxy in front of a real API server that fails where it is told to."""

import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeAlias
from urllib.parse import urlsplit

from lab.authority import Authority, serving_context

_OF_ONE_HOP: Final = frozenset({"connection", "transfer-encoding", "content-length", "host"})
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing a socket resets the connection


@dataclass(frozen=True)
class Answer:
    """Answers by itself; the API server is not asked."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"kind":"Status","apiVersion":"v1","status":"Failure","message":"simulated"}'


@dataclass(frozen=True)
class Cut:
    """Breaks the connection: before the API server hears of it, or when it has done it."""

    is_forwarded: bool = False


@dataclass(frozen=True)
class CutAnswer:
    """Breaks the connection when so many bytes of the API server's answer have been passed on."""

    after_bytes: int


@dataclass(frozen=True)
class Stall:
    """Says nothing, and keeps the connection open."""


@dataclass(frozen=True)
class Drip:
    """Says a byte of an answer every so many seconds, and never comes to its end."""

    pause_s: float


@dataclass(frozen=True)
class Delay:
    """Waits before the API server is asked."""

    seconds: float


@dataclass(frozen=True)
class First:
    """Does something else before the API server is asked."""

    act: Callable[[], object]


Fault: TypeAlias = Answer | Cut | CutAnswer | Stall | Drip | Delay | First


@dataclass
class _Rule:
    method: re.Pattern[str]
    path: re.Pattern[str]
    fault: Fault
    times: int


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Death:
    """From which request on nothing is answered, and whether that one is still carried out."""

    at: int
    is_forwarded: bool


class FaultProxy:
    """Terminates TLS, and passes on what no rule is made for.

    Args:
        kubeconfig: of the API server, with a token.
        authority: signs the proxy's certificate.
        folder: where its own kubeconfig is written.

    Attributes:
        requests: ``METHOD target`` of each request, in the order in which they came.
        kubeconfig: how to reach the proxy, with the same token.
    """

    def __init__(self, kubeconfig: Path, authority: Authority, folder: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        server = config["clusters"][0]["cluster"]
        self._target = urlsplit(server["server"])
        self._trust = ssl.create_default_context(cafile=server["certificate-authority"])
        folder.mkdir(parents=True, exist_ok=True)
        self._context = serving_context(authority.certificate(folder / "proxy.pem"))
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._rules: list[_Rule] = []
        self._death: _Death | None = None
        self._is_down = False
        self.requests: list[str] = []
        self.kubeconfig = folder / "proxy.kubeconfig"
        server["server"] = f"https://127.0.0.1:{self._server.getsockname()[1]}"
        server["certificate-authority"] = str(authority.ca_file)
        self.kubeconfig.write_text(json.dumps(config))

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
        self.cut_all()
        self._thread.join()

    def on(self, method: str, path: str, fault: Fault, *, times: int = 1_000_000) -> None:
        """Do so with the next requests whose method and target (with its query) match."""
        with self._lock:
            self._rules.append(_Rule(re.compile(method), re.compile(path), fault, times))

    def die_at(self, request: int, *, is_forwarded: bool) -> None:
        """Be gone from a request on, counted from 1; ``is_forwarded``: it is still carried out."""
        with self._lock:
            self._death = _Death(request, is_forwarded)

    def reset(self) -> None:
        """Be healthy, and forget all requests and rules."""
        with self._lock:
            self._rules.clear()
            self._death = None
            self._is_down = False
            self.requests.clear()

    def cut_all(self) -> None:
        """Break all connections that are open now."""
        with self._lock:
            found = tuple(self._open)
        for client in found:
            _reset(client)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # of accept: the end
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._serve_one, args=(client,), daemon=True).start()

    def _serve_one(self, accepted: socket.socket) -> None:
        if self._is_down:
            _reset(accepted)
            return
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            client = self._context.wrap_socket(accepted, server_side=True)
            with self._lock:
                self._open.add(client)
            upstream = http.client.HTTPSConnection(
                self._target.hostname or "", self._target.port, context=self._trust
            )
            try:
                with client, client.makefile("rb") as incoming:
                    while request := _read_request(incoming):
                        self._handle(client, upstream, request)
            finally:
                upstream.close()
                with self._lock:
                    self._open.discard(client)

    def _handle(
        self, client: socket.socket, upstream: http.client.HTTPSConnection, request: _Request
    ) -> None:
        fault = self._fault_of(request)
        match fault:
            case None:
                self._pass_on(client, upstream, request)
            case Delay(seconds):
                self._stopping.wait(seconds)
                self._pass_on(client, upstream, request)
            case First(act):
                act()
                self._pass_on(client, upstream, request)
            case Answer():
                client.sendall(_rendered(fault.status, fault.headers, fault.body))
            case Cut(is_forwarded):
                if is_forwarded:
                    _ask(upstream, request).read()
                _reset(client)
                raise ConnectionAbortedError
            case CutAnswer(after_bytes):
                answer = _ask(upstream, request)
                whole = _rendered(answer.status, _end_to_end(answer), answer.read())
                client.sendall(whole[:after_bytes])
                _reset(client)
                raise ConnectionAbortedError
            case Stall():
                self._stopping.wait()
            case Drip(pause_s):
                self._drip(client, pause_s)

    def _drip(self, client: socket.socket, pause_s: float) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: ")
        while not self._stopping.wait(pause_s):
            client.sendall(b"x")

    def _fault_of(self, request: _Request) -> Fault | None:
        """Return what is to go wrong with a request; when it is the last, so with all others."""
        with self._lock:
            self.requests.append(f"{request.method} {request.target}")
            death, number = self._death, len(self.requests)
            if death and number >= death.at:
                is_forwarded = number == death.at and death.is_forwarded
                self._is_down = True
                return Cut(is_forwarded)
            for rule in self._rules:
                is_meant = rule.method.fullmatch(request.method) and rule.path.search(
                    request.target
                )
                if rule.times and is_meant:
                    rule.times -= 1
                    return rule.fault
        return None

    def _pass_on(
        self, client: socket.socket, upstream: http.client.HTTPSConnection, request: _Request
    ) -> None:
        answer = _ask(upstream, request)
        headers = _end_to_end(answer)
        if not answer.chunked:
            client.sendall(_rendered(answer.status, headers, answer.read()))
            return
        client.sendall(_head(answer.status, {**headers, "Transfer-Encoding": "chunked"}))
        while piece := answer.read1(65536):
            client.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        client.sendall(b"0\r\n\r\n")


def until(condition: Callable[[], bool], *, patience_s: float = 60.0) -> None:
    """Wait until something is so; fail after a time that no machine needs."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def _read_request(incoming: BinaryIO) -> _Request | None:
    line = incoming.readline(65536).decode()
    if not line.strip():
        return None
    method, target, _ = line.split()
    found = http.client.parse_headers(incoming)
    body = incoming.read(int(found.get("Content-Length", 0)))
    return _Request(method, target, dict(found.items()), body)


def _ask(upstream: http.client.HTTPSConnection, request: _Request) -> http.client.HTTPResponse:
    kept = {n: v for n, v in request.headers.items() if n.lower() not in _OF_ONE_HOP}
    upstream.request(request.method, request.target, body=request.body or None, headers=kept)
    return upstream.getresponse()


def _end_to_end(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {n: v for n, v in answer.getheaders() if n.lower() not in _OF_ONE_HOP}


def _rendered(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    typed = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
    return _head(status, typed) + body


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Simulated", *(f"{n}: {v}" for n, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _reset(client: socket.socket) -> None:
    """Break a connection as a machine does that is gone: without a farewell."""
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        client.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        client.close()
