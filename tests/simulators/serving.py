"""What simulators that speak HTTP have in common: a server on loopback, in a thread of its own."""

import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self

POLL_S = 0.5


class Serving:
    """Serves while it is entered."""

    def __init__(self, server: ThreadingHTTPServer, *, poll_s: float = POLL_S) -> None:
        """Take a server that listens already; ``poll_s`` is how long its end may take."""
        self._listening = server
        self._thread = threading.Thread(target=server.serve_forever, args=(poll_s,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._listening.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_answers()
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join()

    def _end_answers(self) -> None:
        """End the answers that wait for that."""
