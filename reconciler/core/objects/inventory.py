"""The inventory: which objects a source applied, as the state object keeps it.

The state object is a ConfigMap. Its values are compact, versioned JSON; label and annotation keys
follow ApplySet (KEP-3659), so that other tools see whose the objects are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import ObjectKey

ID_LABEL = "applyset.kubernetes.io/id"
"""On the state object: the set's id."""

PART_OF_LABEL = "applyset.kubernetes.io/part-of"
"""On every object we apply: the id of the set it belongs to."""

TOOLING_ANNOTATION = "applyset.kubernetes.io/tooling"
"""On the state object: which program keeps it. Another program's set is refused."""

SCHEMA_VERSION = 1
MAX_SHARD_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """What is remembered of one object.

    An entry without ``uid`` was announced before its first apply and never confirmed.

    Attributes:
        version: the API version it was applied with, to find its endpoint when it has left Git.
        uid: its uid in the cluster when it was applied; empty if not known yet.
        desired_digest: :meth:`DesiredObject.digest` of what was applied.
        entry_digest: :attr:`LiveObject.entry_digest` right after; empty if not known.
        is_abandoned: whether the whole set left Git at once with it: only a person deletes it.
    """

    key: ObjectKey
    version: str
    uid: str = ""
    desired_digest: str = ""
    entry_digest: str = ""
    is_abandoned: bool = False


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the cluster remembers of one source.

    Attributes:
        source: the source's name.
        revision: the revision whose apply was begun last, as text; empty for none.
        entries: the inventory.
        lost: why the memory could not be read, for a person; empty if it could. The inventory is
            then empty too, so that nothing is pruned.
    """

    source: str
    revision: str = ""
    entries: Mapping[ObjectKey, InventoryEntry] = field(default_factory=dict)
    lost: str = ""

    def announced(self, objects: Iterable[DesiredObject], *, revision: str) -> "SourceState":
        """Return old ∪ new, to be written *before* the first apply of a revision.

        What is known stays known; new objects join without a uid. If not one known object is among
        the new ones, all the known are marked abandoned. The same objects and revision give an
        equal state: nothing to write.
        """
        raise NotImplementedError

    def merge(self, entries: Iterable[InventoryEntry]) -> "SourceState":
        """Return the state with these entries added, each in place of an earlier one."""
        raise NotImplementedError

    def without(self, keys: Iterable[ObjectKey]) -> "SourceState":
        """Return the state without these objects; unknown keys do not matter."""
        raise NotImplementedError


def encode(state: SourceState) -> Mapping[str, str]:
    """Return the state as values for ConfigMaps: ``{"state.0.json": …, "state.1.json": …}``.

    One text, or two, four, eight … if one would pass 900 kB; as a ConfigMap holds 1 MiB in all,
    each then needs a ConfigMap of its own. An object stays in the same text as long as their
    number is the same, so a write that got half through loses no object. The same state gives the
    same bytes.
    """
    raise NotImplementedError


def decode(shards: Mapping[str, str], *, source: str) -> SourceState:
    """Return the state that :func:`encode` gave, from the values of all its ConfigMaps together.

    No values at all are an empty state. Values that cannot be understood (edited by hand, one
    missing) are a lost state, see :attr:`SourceState.lost`.

    Raises:
        RefusedError: they are of a newer schema than we know, or of another source.
    """
    raise NotImplementedError


def applyset_id(*, name: str, namespace: str) -> str:
    """Return the id of the set whose state object is the ConfigMap of that name.

    KEP-3659: ``applyset-<base64url(sha256(<name>.<namespace>.<kind>.<group>))>-v1``, unpadded.
    """
    raise NotImplementedError


def tooling() -> str:
    """Return our value of the tooling annotation: ``reconcile/0.1.0``."""
    raise NotImplementedError


def is_our_tooling(annotation: str) -> bool:
    """Whether a tooling annotation is of any release of ours."""
    raise NotImplementedError
