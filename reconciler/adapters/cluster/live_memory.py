"""What was made of the objects of a list the last time: what has not changed is not read again."""

import threading
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.live import LiveObject, read_live


class LiveMemory:
    """Remembers the newest reading of each list. Safe to use from many threads.

    To hash whose fields are whose is what reading costs. That an object is as it was is told by its
    uid and ``resourceVersion``, as for the caches of all clients.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[Hashable, Mapping[str, LiveObject]] = {}
        self._lock = threading.Lock()

    def read(
        self, asked: Hashable, items: Iterable[Mapping[str, Any]], *, group_kind: GroupKind
    ) -> list[LiveObject]:
        """Return the metadata of a list's objects.

        Args:
            asked: what the list was asked for; another answer to the same takes its place.
            items: whole objects, or ``PartialObjectMetadata``.
            group_kind: of all of them.

        Raises:
            ClusterError: an item has no name, uid or resourceVersion.
        """
        with self._lock:
            known = self._known.get(asked, {})
        found: list[LiveObject] = []
        for item in items:
            metadata = item.get("metadata") or {}
            live = known.get(str(metadata.get("uid")))
            if live is None or live.resource_version != metadata.get("resourceVersion"):
                live = read_live(item, group_kind=group_kind)
            found.append(live)
        with self._lock:
            self._known[asked] = {live.uid: live for live in found}
        return found
