"""Objects with a field that cannot be changed: told with both values, or deleted and made anew."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adapters.cluster.apply import Application, Sent
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.failures import ImmutableError
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.immutable import differences, told
from reconciler.core.objects.live import read_live
from reconciler.core.objects.pruning import NEVER_PRUNED
from reconciler.errors import ClusterError, NotFoundError, RefusedError
from reconciler.stop import Stop

GONE_WITHIN_S: Final = 60.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Renewal:
    """One object that the API server does not let us change as Git wants.

    Attributes:
        sending: its way to the API server.
        desired: what Git wants.
        stop: ends the wait for the old object to go.
        is_own: whether we run from it: without it, nobody might be there to make it anew.
    """

    connection: Connection
    sending: Application
    desired: DesiredObject
    stop: Stop
    is_own: bool = False

    def settle(self, error: ImmutableError) -> tuple[Sent, str]:
        """Make the object anew if it is marked so; return what came of it, and why it was done.

        Raises:
            RefusedError: it is not marked, or must not be deleted; with both values.
            ClusterError: the old one does not go.
            RefusedError, AccessDeniedError, ClusterError: see :meth:`Application.send`.
        """
        live = self.look()
        why = self.permitted(live, error)
        self._delete(live)
        return self.sending.send(), why

    def look(self) -> Item:
        """Return the object as it is.

        Raises:
            ClusterError: it has gone meanwhile.
        """
        try:
            return self.connection.request("GET", self.sending.path).body
        except NotFoundError as error:
            raise ClusterError("was deleted by somebody just now") from error

    def permitted(self, live: Item, error: ImmutableError) -> str:
        """Return why it is made anew.

        Raises:
            RefusedError: it is not.
        """
        found = told(differences(self.desired, live, error.fields)) or error.message
        metadata = read_live(live, group_kind=self.desired.key.group_kind)
        if not self.desired.is_forced:
            advice = "mark it reconcile/force: enabled to have it deleted and made anew"
            raise RefusedError(f"cannot be changed: {found}; {advice}")
        if self.desired.key.group_kind in NEVER_PRUNED:
            kind = self.desired.key.kind
            raise RefusedError(f"cannot be changed, and a {kind} is never deleted: {found}")
        if metadata.part_of != self.sending.claim.part_of:
            raise RefusedError(f"cannot be changed, and is not ours to delete: {found}")
        if self.is_own:
            raise RefusedError(f"cannot be changed, and we run from it: {found}")
        if metadata.is_prune_disabled:
            raise RefusedError(f"cannot be changed, and is marked never to be pruned: {found}")
        return f"made anew, since it cannot be changed: {found}"

    def _delete(self, live: Item) -> None:
        """Delete exactly that object, and wait until it has gone."""
        metadata = live["metadata"]
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
        }
        try:
            self.connection.request("DELETE", self.sending.path, body=body)
            self._await_end(str(metadata["uid"]))
        except NotFoundError:
            return

    def _await_end(self, uid: str) -> None:
        """Look until the object has gone.

        Raises:
            NotFoundError: it has.
            ClusterError: it does not go: a finalizer holds it.
        """
        deadline = time.monotonic() + GONE_WITHIN_S
        pause = _FIRST_PAUSE_S
        while self.connection.request("GET", self.sending.path).body["metadata"]["uid"] == uid:
            if time.monotonic() > deadline or self.stop.wait(pause):
                raise ClusterError("is being deleted; it is made anew when it has gone")
            pause = min(2 * pause, _LONGEST_PAUSE_S)
