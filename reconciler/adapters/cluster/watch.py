"""Follows the objects of one kind: lists them once, and then hears of every change."""

import queue
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.failures import ExpiredError, failure_of
from reconciler.adapters.cluster.paging import pages
from reconciler.adapters.cluster.paths import collection_path
from reconciler.core.objects.fields import field_of, mapping_of, number_of, text_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.live import key_of
from reconciler.core.objects.resource import Listed, Resource
from reconciler.errors import (
    AccessDeniedError,
    BusyError,
    ClusterError,
    NoAnswerError,
    ReconcilerError,
)
from reconciler.stop import Stop

WATCH_S: Final = 300  # how long one watch request runs before it is renewed
SILENCE_S: Final = 90.0
"""A watch that says nothing for so long is dead: bookmarks come each 75 s at the latest."""

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
FIRST_LIST_ATTEMPTS: Final = 5  # a wait that has not begun has nothing to hold on to

Item: TypeAlias = Mapping[str, Any]
Told: TypeAlias = Item | ObjectKey | Listed


@dataclass(frozen=True, slots=True)
class Watch:
    """Which objects are followed, and until when.

    Attributes:
        selector: by labels.
        deadline: the end, on the monotonic clock.
        until: ends it at once.
        silence_s: how long a watch may say nothing before it counts as dead.
    """

    connection: Connection
    resource: Resource
    selector: str
    deadline: float
    until: Stop
    silence_s: float = SILENCE_S

    def told(self, namespaces: Collection[str]) -> Iterator[Told]:
        """Yield all objects, then every change; a deletion as its key, a list's end as ``Listed``.

        One watch in all namespaces; where that is forbidden, one in each of those given.

        A cut is taken up at the version that was told last, which bookmarks bring forward; what is
        too old for the API server is listed anew. An API server that is gone for a while is waited
        for. What it refuses while it is starting passes, once a list of ours was permitted.

        Raises:
            AccessDeniedError: we may not.
            NotFoundError: the kind is not served any more.
            ClusterError: nothing could be listed at all, or the time ended without a connection.
        """
        try:
            yield from _Follower(self, "").events(self.until)
        except AccessDeniedError:
            if not (self.resource.is_namespaced and namespaces):
                raise
            yield from self._in_each(sorted(namespaces))

    def _in_each(self, namespaces: Sequence[str]) -> Iterator[Told]:
        """Yield what the watches of several namespaces tell, as it comes."""
        end = Stop()
        inbox: queue.SimpleQueue[Told | ReconcilerError | None] = queue.SimpleQueue()

        def follow(namespace: str) -> None:
            try:
                for event in _Follower(self, namespace).events(end):
                    inbox.put(event)
            except ReconcilerError as error:
                inbox.put(error)
            finally:
                inbox.put(None)

        with self.until.ending_wait(end.ask):
            try:
                for namespace in namespaces:
                    name = f"watch-{self.resource.plural}-{namespace}"
                    threading.Thread(
                        target=follow, args=(namespace,), name=name, daemon=True
                    ).start()
                running = len(namespaces)
                while running:
                    event = inbox.get()
                    if event is None:
                        running -= 1
                    elif isinstance(event, ReconcilerError):
                        raise event
                    else:
                        yield event
            finally:
                end.ask()


class _Follower:
    """Follows the objects of one namespace, or of all."""

    def __init__(self, watch: Watch, namespace: str) -> None:
        self._watch = watch
        self._namespace = namespace
        self._path = collection_path(watch.resource, namespace)
        self._version = ""  # what was told last; empty: list
        self._has_listed = False
        self._failures = 0  # in a row
        self._failure: ReconcilerError | None = None  # the last of them

    def events(self, until: Stop) -> Iterator[Told]:
        """Yield all objects, then every change, until the deadline."""
        while True:
            yield from self._attempt(until)
            if until.is_asked:
                return
            is_over = self._left_s() <= 0
            is_hopeless = not self._has_listed and self._failures >= FIRST_LIST_ATTEMPTS
            if self._failure and (is_over or is_hopeless):
                raise self._failure
            if is_over and self._has_listed:
                return
            until.wait(max(0.0, min(self._pause_s(), self._left_s())))

    def _attempt(self, until: Stop) -> Iterator[Told]:
        """Yield what is told until something ends it, and remember what failed."""
        try:
            if not self._version:
                yield from self._list()
            if not until.is_asked and self._left_s() > 0:
                yield from self._follow(until)
        except ExpiredError as error:
            self._version, self._failure = "", None if self._has_listed else error
        except AccessDeniedError as error:
            if not self._has_listed:
                raise
            self._failure = error
        except (NoAnswerError, BusyError) as error:
            self._failure = error
        except ClusterError as error:  # whatever it was: a list is always right
            self._version, self._failure = "", error
        self._failures += 1

    def _list(self) -> Iterator[Told]:
        resource, keys, version = self._watch.resource, set[ObjectKey](), ""
        for page in pages(
            self._watch.connection, self._path, {"labelSelector": self._watch.selector}
        ):
            version = text_of(field_of(page, "metadata", "resourceVersion"))
            for item in page.get("items") or []:
                keys.add(key_of(item, group_kind=resource.group_kind))
                yield {**item, "apiVersion": resource.api_version, "kind": resource.kind}
        yield Listed(self._namespace, frozenset(keys))
        self._version, self._has_listed = version, True
        self._failures, self._failure = 0, None

    def _follow(self, until: Stop) -> Iterator[Told]:
        left_s = self._left_s()
        query = {
            "labelSelector": self._watch.selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(max(1, min(WATCH_S, int(left_s)))),
        }
        lines = self._watch.connection.stream(
            self._path,
            query=query,
            read_timeout_s=min(self._watch.silence_s, max(1.0, left_s)),
            until=until,
        )
        for line in lines:
            kind, item = text_of(field_of(line, "type")), mapping_of(field_of(line, "object"))
            if kind == "ERROR":
                code = number_of(item.get("code"), 500)
                raise failure_of(code, item, what=f"watch {self._path}", url="")
            version = text_of(field_of(item, "metadata", "resourceVersion"))
            if not version:
                raise ClusterError("a watch told of something that is no object", where=self._path)
            self._version, self._failures, self._failure = version, 0, None
            if kind == "DELETED":
                yield key_of(item, group_kind=self._watch.resource.group_kind)
            elif kind != "BOOKMARK":
                yield item

    def _pause_s(self) -> float:
        return min(FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 10), LONGEST_PAUSE_S)

    def _left_s(self) -> float:
        return self._watch.deadline - time.monotonic()
