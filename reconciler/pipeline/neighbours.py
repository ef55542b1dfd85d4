"""Neighbours: the other sources of the cluster, and which of them has an object or wants it."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.resource import Resource
from reconciler.core.revision import Revision
from reconciler.errors import ClusterError, ReconcilerError, RefusedError
from reconciler.pipeline.cluster_port import Cluster


@dataclass(frozen=True, slots=True)
class Kin:
    """The sources that the same process knows.

    Attributes:
        names: of all of them, the one that asks included.
        same_branch: of the others that it syncs from the same branch of the same remote, or may:
            one names it, and the other takes what the remote's HEAD says. What leaves one of them
            may have moved to another.
        is_local: whether the source is a folder of this machine: the same path is another folder
            elsewhere.
        accounts: whom those of the others act as that act as another ServiceAccount than the one
            that asks.
    """

    names: frozenset[str] = frozenset()
    same_branch: frozenset[str] = frozenset()
    is_local: bool = False
    accounts: Mapping[str, ServiceAccount] = field(default_factory=dict)


@dataclass(slots=True)
class Neighbours:
    """Looks into the memories of other sources, for one sync; each is read at most once.

    Nothing is asked before there is an object that two sources may have to do with.

    Attributes:
        own: the name of the source that asks.
        revision: what it is about to apply.
        resource_of: says who serves an object.
        former: the name that it had before, whose objects are its own; empty for none.
    """

    cluster: Cluster
    own: str
    revision: Revision
    resource_of: Callable[[ObjectKey], Resource | None]
    kin: Kin = field(default_factory=Kin)
    former: str = ""
    _names: dict[str, str] = field(default_factory=dict)
    _states: dict[str, SourceState | ReconcilerError] = field(default_factory=dict)

    def names(self) -> Mapping[str, str]:
        """Return the ids of sets and the names of their sources: all that can be known."""
        if not self._names:
            known = {self.cluster.state(name).part_of: name for name in self.kin.names}
            with contextlib.suppress(ReconcilerError):  # to list them may not be granted
                known |= self.cluster.sources()
            self._names.update(known)
        return self._names

    def has_given_up(self, found: LiveObject) -> bool:
        """Whether the source whose label an object carries does not want it any more.

        That is: the last revision of which that source could build everything was without it.
        """
        name = self.names().get(found.part_of)
        if name is not None and name == self.former:
            return True
        state = self._state(name) if name is not None else None
        return isinstance(state, SourceState) and found.key in state.left

    def complaint(self, part_of: str) -> ReconcilerError:
        """Return what is wrong with an object of ours that belongs to another source's set."""
        name = self.names().get(part_of)
        if name is None:
            return RefusedError(
                f"belongs to the set {part_of!r} of another tool, or of a source that is kept "
                f"elsewhere: remove it from one of the two; if that is no more, remove the label "
                f"{PART_OF_LABEL!r} from the object"
            )
        state = self._state(name)
        if self._is_behind(name, state):
            message = f"belongs to source {name!r} until that has built {self.revision.short} too"
            return ClusterError(message)
        return RefusedError(
            f"belongs to source {name!r}, and source {self.own!r} wants it too: remove it from one "
            f"of the two; if there is no source {name!r} any more, remove the label "
            f"{PART_OF_LABEL!r} from the object"
        )

    def moving(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, str]:
        """Return which objects must not be pruned for another source's sake, each with the reason.

        Those that another source wants, or may want: one that reads the same branch and has not
        built this revision yet. Who may not apply an object does not get it by naming it: else
        whoever can push to one source could keep what another one is to delete.
        """
        names = sorted({*self.names().values(), *self.kin.names} - {self.own, self.former})
        reasons: dict[ObjectKey, str] = {}
        for key in keys:
            found = (self._reason(name, key) for name in names)
            if reason := next(filter(None, found), ""):
                reasons[key] = reason
        return reasons

    def _reason(self, name: str, key: ObjectKey) -> str:
        reason = self._claim(name, key)
        return reason if reason and self._may_have(name, key) else ""

    def _may_have(self, name: str, key: ObjectKey) -> bool:
        """Whether a source has the rights to take an object; where it is not known, it has."""
        account, resource = self.kin.accounts.get(name), self.resource_of(key)
        if account is None or resource is None:
            return True
        try:
            return self.cluster.may_apply(resource, key, account)
        except ReconcilerError:
            return True

    def _claim(self, name: str, key: ObjectKey) -> str:
        state = self._state(name)
        if isinstance(state, ReconcilerError) or state.lost:
            why = state.lost if isinstance(state, SourceState) else state.message
            return f"source {name!r} may want it, whose state cannot be read: {why}"
        if state.wants(key):
            is_known = name in self.kin.names
            memory = f"the ConfigMap 'reconcile-{name}' beside our own state"
            hint = "" if is_known else f" (if there is none any more, delete {memory})"
            return f"moves to source {name!r}{hint}"
        if self._is_behind(name, state):
            short = self.revision.short
            return f"may move to source {name!r}, which has not built all of {short} yet"
        return ""

    def _is_behind(self, name: str, state: SourceState | ReconcilerError) -> bool:
        """Whether another source reads our branch, and has not built our revision yet."""
        seen = state.seen if isinstance(state, SourceState) else ""
        is_same = not seen or seen.rpartition("@")[0] == self.revision.branch
        return name in self.kin.same_branch and is_same and seen != str(self.revision)

    def _state(self, name: str) -> SourceState | ReconcilerError:
        if name not in self._states:
            try:
                self._states[name] = self.cluster.state(name).look()
            except ReconcilerError as error:
                self._states[name] = error
        return self._states[name]
