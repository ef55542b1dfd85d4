"""Health and metrics of one process: what continuous mode records, and what is served of it."""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Protocol

from reconciler.core.outcome import CycleOutcome
from reconciler.interfaces.http.app import Watched, application
from reconciler.interfaces.http.metrics import CONTENT_TYPE, Metrics
from reconciler.interfaces.http.server import listen, serving
from reconciler.settings import Address


class Queueing(Watched, Protocol):
    """A loop with a queue."""

    @property
    def waiting(self) -> int:
        """How many sources wait for a cycle."""
        ...


class Service:
    """Takes in what happens, and tells it over HTTP."""

    def __init__(self, address: Address, sources: Sequence[str]) -> None:
        """Listen; nothing is answered yet.

        Raises:
            SettingsError: the port is taken, or the address is not ours.
        """
        self._sockets = listen(address)
        self._loop: Queueing | None = None
        self._metrics = Metrics(sources, waiting=self._waiting)

    @property
    def addresses(self) -> list[str]:
        """Where it listens: ``127.0.0.1:8080``, ``[::]:8080``."""
        return [_text(each) for each in self._sockets]

    def record(self, outcome: CycleOutcome) -> None:
        """Take in what a cycle did."""
        self._metrics.record(outcome)

    def on_request(self, host: str, status: int) -> None:
        """Take in that a registry was asked."""
        self._metrics.on_request(host, status)

    def on_limit(self, host: str, remaining: int, limit: int | None) -> None:
        """Take in how many requests a registry still takes, and of how many."""
        self._metrics.on_limit(host, remaining, limit)

    @contextlib.contextmanager
    def serving(self, loop: Queueing) -> Iterator[None]:
        """Answer while the block runs."""
        self._loop = loop
        app = application(loop, metrics=self._metrics.render, metrics_type=CONTENT_TYPE)
        with serving(app, self._sockets):
            yield

    def _waiting(self) -> int:
        return self._loop.waiting if self._loop else 0


def _text(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if listening.family is socket.AF_INET6 else f"{host}:{port}"
