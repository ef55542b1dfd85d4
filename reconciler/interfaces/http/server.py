"""Listens, and serves an application in a thread, with limits on what a client may take."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, Final, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from reconciler.errors import SettingsError
from reconciler.settings import Address

MAX_CONNECTIONS: Final = 64
MAX_HEAD_BYTES: Final = 16 * 1024
PATIENCE_S: Final = 10
"""For a client to send a request, and again to take its answer."""

FAREWELL_S: Final = 3.0

LASTS: Final = "reconcile.lasts"
"""In the scope of a request whose answer goes on: it has a patience of its own."""


class _Impatient(H11Protocol):
    """HTTP/1.1 that hangs up on clients who do not come on: uvicorn alone would wait for ever.

    If there are too many, it hangs up on the one that has been here longest. Uvicorn's own limit
    keeps them all and answers 503 to everybody: who holds enough connections open would thereby
    have the kubelet believe that we are dead.
    """

    _seen: object = None
    since: float = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.since = self.loop.time()
        self._make_room()
        self.loop.call_later(PATIENCE_S, self._look)

    def _make_room(self) -> None:
        alive = [
            each
            for each in self.connections
            if isinstance(each, _Impatient) and not each.transport.is_closing()
        ]
        if len(alive) > MAX_CONNECTIONS:
            min(alive, key=lambda each: each.since).transport.abort()

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        lasts = self._is_lasting()
        if (
            self.cycle is self._seen and not lasts
        ):  # no new request since the last look, or none at all
            self.transport.abort()
            return
        self._seen = self.cycle
        self.loop.call_later(PATIENCE_S, self._look)

    def _is_lasting(self) -> bool:
        """Whether an answer is under way that goes on, to a client who takes it."""
        scope = cast("MutableMapping[str, Any] | None", self.scope)  # uvicorn's types forget None
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if scope is None or cycle is None or cycle.response_complete:
            return False
        return bool(scope.get(LASTS))


def listen(address: Address) -> list[socket.socket]:
    """Return sockets that listen at an address; without a host, on all addresses of both families.

    Raises:
        SettingsError: the port is taken, or the address is not ours.
    """
    try:
        return _listen_everywhere(address.port) if not address.host else _listen_at(address)
    except OSError as error:
        is_ours = error.errno is not None and error.errno > 0  # else it is the resolver's
        reason = (os.strerror(error.errno or 0) if is_ours else error.strerror or "?").lower()
        raise SettingsError(f"--listen: cannot listen on {str(address)!r}: {reason}") from error


@contextlib.contextmanager
def serving(app: Starlette, sockets: Sequence[socket.socket]) -> Iterator[None]:
    """Serve an application while the block runs; the sockets are closed at the end."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # bad requests are no news
    config = uvicorn.Config(
        app,
        http=_Impatient,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    options: dict[str, Any] = {"sockets": list(sockets)}
    thread = threading.Thread(target=server.run, kwargs=options, name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(FAREWELL_S)
        for each in sockets:
            each.close()


def _listen_everywhere(port: int) -> list[socket.socket]:
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # IPv6 is there and switched off; or the port is taken
            return [socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)]
    return [socket.create_server(("", port))]


def _listen_at(address: Address) -> list[socket.socket]:
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    with contextlib.ExitStack() as stack:
        sockets = []
        for family, place in dict.fromkeys((each[0], each[4]) for each in found):
            each = socket.create_server(place, family=family)
            sockets.append(stack.enter_context(each))
        stack.pop_all()
    return sockets
