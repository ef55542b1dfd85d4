"""Health and metrics of one process: what continuous mode records, and what is served of it."""

import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from reconciler.core.hooks.events import Hint
from reconciler.core.outcome import CycleOutcome
from reconciler.interfaces.http.api import Api
from reconciler.interfaces.http.app import Watched, application
from reconciler.interfaces.http.door import Door
from reconciler.interfaces.http.hooks import Hooks
from reconciler.interfaces.http.metrics import CONTENT_TYPE, Metrics
from reconciler.interfaces.http.page import Page
from reconciler.interfaces.http.server import listen, serving
from reconciler.pipeline.board import Board
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.hints import Hints
from reconciler.settings import Address, PageSettings


class Queueing(Watched, Protocol):
    """A loop with a queue."""

    @property
    def waiting(self) -> int:
        """How many sources wait for a cycle."""
        ...


class Service:
    """Takes in what happens, and tells it over HTTP."""

    def __init__(self, address: Address, *, is_ending: Callable[[], bool] = lambda: False) -> None:
        """Listen; nothing is answered yet.

        Args:
            address: where.
            is_ending: whether the process was asked to end.

        Raises:
            SettingsError: the port is taken, or the address is not ours.
        """
        self._sockets = listen(address)
        self._is_ending = is_ending
        self._loop: Queueing | None = None
        self._was_ready = False
        self._metrics = Metrics(waiting=self._waiting)
        self._hints: Hints | None = None
        self._secret_file: Path | None = None
        self._board: Board | None = None
        self._admits = PageSettings()
        door = Door(lambda: self._admits)
        self._page = Page(door, lambda: self._board)
        self._api = Api(door, lambda: self._board)
        self._hooks = Hooks(
            secret_file=lambda: self._secret_file,
            take=self._take,
            count=self._metrics.on_webhook,
        )

    @property
    def addresses(self) -> list[str]:
        """Where it listens: ``127.0.0.1:8080``, ``[::]:8080``."""
        return [_text(each) for each in self._sockets]

    def attend(
        self,
        loop: Queueing,
        sources: Sequence[str],
        *,
        hints: Hints | None = None,
        secret_file: Path | None = None,
        board: Board | None = None,
        page: PageSettings | None = None,
    ) -> None:
        """Tell of this loop from now on.

        Args:
            loop: what runs.
            sources: the names of its sources.
            hints: takes what webhooks tell; None: nobody does.
            secret_file: holds the secret of webhooks; None: there are none.
            board: what the page and the API show.
            page: who may see it; None: nobody.
        """
        before, self._board = self._board, board
        self._admits = page or PageSettings()
        if before is not None:
            before.close()
        self._hints, self._secret_file = hints, secret_file
        self._was_ready = self.is_ready
        self._loop = loop
        self._metrics.expect(sources)

    def started(self, source: str, demand: Demand) -> None:
        """Take in that a cycle begins."""
        if self._board:
            self._board.started(source, demand)

    def ended(self, outcome: CycleOutcome) -> None:
        """Take in what a cycle did."""
        self._metrics.record(outcome)
        if self._board:
            self._board.ended(outcome)

    def on_request(self, host: str, status: int) -> None:
        """Take in that a registry was asked."""
        self._metrics.on_request(host, status)

    def on_lead(self, source: str, is_led: bool) -> None:
        """Take in that this process leads a source, or does not."""
        self._metrics.on_lead(source, is_led)
        if self._board:
            self._board.on_lead(source, is_led)

    def on_limit(self, host: str, remaining: int, limit: int | None) -> None:
        """Take in how many requests a registry still takes, and of how many."""
        self._metrics.on_limit(host, remaining, limit)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Answer while the block runs."""
        app = application(
            self,
            metrics=self._metrics.render,
            metrics_type=CONTENT_TYPE,
            routes=[*self._hooks.routes(), *self._api.routes(), *self._page.routes()],
        )
        with serving(app, self._sockets):
            try:
                yield
            finally:
                if self._board is not None:
                    self._board.close()  # those who listen are let go, and not waited for

    @property
    def stuck(self) -> tuple[str, ...]:
        """The sources whose cycle does not end."""
        return self._loop.stuck if self._loop else ()

    @property
    def is_ready(self) -> bool:
        """Whether each source has had a cycle; new settings are no reason to be ready no more."""
        return self._was_ready or (self._loop is not None and self._loop.is_ready)

    @property
    def is_ending(self) -> bool:
        """Whether the process was asked to end."""
        return self._is_ending()

    def _take(self, hints: tuple[Hint, ...]) -> frozenset[str]:
        return self._hints.take(hints) if self._hints else frozenset()

    def _waiting(self) -> int:
        return self._loop.waiting if self._loop else 0


def _text(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if listening.family is socket.AF_INET6 else f"{host}:{port}"
