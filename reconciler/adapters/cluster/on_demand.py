"""A connection that costs nothing until it is used."""

import threading

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.account import ServiceAccount
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop


class OnDemand:
    """A connection that is opened when it is first needed. Safe to use from many threads."""

    def __init__(self, settings: ClusterSettings, *, stop: Stop | None = None) -> None:
        self._settings = settings
        self._stop = stop
        self._opened: Connection | None = None
        self._lock = threading.Lock()

    def get(self, account: ServiceAccount | None = None) -> Connection:
        """Return the connection, for requests as a ServiceAccount if one is given.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        with self._lock:
            if self._opened is None:
                self._opened = Connection.open(self._settings, stop=self._stop)
            return self._opened.acting_as(account) if account else self._opened

    def close(self) -> None:
        """Close all connections, if any was opened."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
