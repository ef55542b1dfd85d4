"""Sees from outside when Deployments are rolled out."""

import threading
import time
from types import TracebackType
from typing import Any, Self

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.connection import Connection
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

PATIENCE_S = 600.0


class Onlooker:
    """Watches the Deployments of a namespace, over a connection of its own.

    Attributes:
        ready_at: when each became ready at last, on the monotonic clock, as the watch told it.
    """

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._connection = Connection.open(ClusterSettings(kubeconfig=plane.kubeconfig))
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self._end = Stop()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.ready_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.ask()
        self._thread.join()
        self._connection.close()

    def _watch(self) -> None:
        answer = self._connection.request("GET", self._path)
        query = {"watch": "true", "resourceVersion": answer.body["metadata"]["resourceVersion"]}
        events = self._connection.stream(
            self._path, query=query, read_timeout_s=PATIENCE_S, until=self._end
        )
        for event in events:
            self._note(event["object"], time.monotonic())

    def _note(self, item: Any, now: float) -> None:  # noqa: ANN401 - whatever the cluster has
        """Judge as ``kubectl rollout status`` does."""
        name, wanted, status = item["metadata"]["name"], item["spec"]["replicas"], item["status"]
        is_ready = (
            status.get("observedGeneration", 0) >= item["metadata"]["generation"]
            and status.get("updatedReplicas", 0) == wanted
            and status.get("replicas", 0) == wanted
            and status.get("availableReplicas", 0) == wanted
        )
        if not is_ready:
            self.ready_at.pop(name, None)
        else:
            self.ready_at.setdefault(name, now)
