"""Effect: what of a change is our doing, and what defaults, webhooks and controllers add to it.

A dry run's answer has everything that the API server would store. A person who reads a diff wants
what Git changes: fields that are sent, and fields that we sent before and do not send any more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from reconciler.core.objects.fields import field_of, items_of, mapping_of, text_of
from reconciler.core.objects.live import FIELD_MANAGER

Fields: TypeAlias = Mapping[str, object]
"""A part of ``fieldsV1`` that is ours; without entries: all below is."""

ABSENT: Final = object()
_MERGE_KEYS: Final = (
    ("name",), ("containerPort", "protocol"), ("port", "protocol"), ("containerPort",), ("port",),
    ("mountPath",), ("devicePath",), ("ip",), ("topologyKey",), ("key",), ("type",),
)  # fmt: skip
"""What tells the items of a list apart, see the API's ``x-kubernetes-list-map-keys``."""


def effect_of(
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    wanted: Mapping[str, object],
) -> Mapping[str, object]:
    """Return an object as it would be if nobody but us had changed it.

    Args:
        before: as it is; None if it does not exist.
        after: as the API server says that it would be, or as it is sent.
        wanted: as Git has it.
    """
    owned = None if before is None else owned_fields(before)
    given = ABSENT if before is None else before
    return mapping_of(_settled(given, after, wanted, owned))


def own_part(item: Mapping[str, object]) -> Mapping[str, object]:
    """Return what we sent of an object, and which object it is; all of it if nobody knows."""
    owned = owned_fields(item)
    if owned is None:
        return item
    part = mapping_of(_settled(ABSENT, item, ABSENT, owned))
    named = {name: item[name] for name in ("apiVersion", "kind") if name in item}
    metadata = mapping_of(item.get("metadata"))
    place = {name: metadata[name] for name in ("name", "namespace") if name in metadata}
    return {**named, **part, "metadata": {**place, **mapping_of(part.get("metadata"))}}


def owned_fields(item: Mapping[str, object]) -> Fields | None:
    """Return the fields that our Apply entry in ``managedFields`` has; None if there is none."""
    for entry in items_of(field_of(item, "metadata", "managedFields")):
        found = mapping_of(entry)
        is_ours = found.get("manager") == FIELD_MANAGER and found.get("operation") == "Apply"
        if is_ours and not found.get("subresource"):
            return mapping_of(found.get("fieldsV1"))
    return None


def _settled(before: object, after: object, wanted: object, owned: Fields | None) -> object:
    """Return ``after`` where the change is ours, and else ``before``."""
    if wanted is ABSENT and owned is None:
        return before
    if isinstance(after, Mapping):
        return _settled_mapping(before, after, wanted, owned)
    if isinstance(after, list) and after:
        return _settled_list(before, after, wanted, owned)
    return after


def _settled_mapping(
    before: object, after: Mapping[str, object], wanted: object, owned: Fields | None
) -> Mapping[str, object]:
    old, new = mapping_of(before), mapping_of(wanted)
    settled = {
        key: _settled(
            old.get(key, ABSENT), after.get(key, ABSENT), new.get(key, ABSENT), _below(owned, key)
        )
        for key in dict.fromkeys([*old, *after])
    }
    return {key: value for key, value in settled.items() if value is not ABSENT}


def _settled_list(
    before: object, after: Sequence[object], wanted: object, owned: Fields | None
) -> object:
    """Return the items that are ours, told apart by what tells them apart; else the whole list."""
    lists = [items_of(before), after, items_of(wanted)]
    keys = _merge_keys(lists)
    if keys is None:
        return after
    old, now, new = ({_identity(item, keys): item for item in each} for each in lists)
    settled = (
        _settled(
            old.get(key, ABSENT),
            now.get(key, ABSENT),
            new.get(key, ABSENT),
            _of_item(owned, now[key] if key in now else old[key]),
        )
        for key in dict.fromkeys([*now, *old])
    )
    return [item for item in settled if item is not ABSENT]


def _merge_keys(lists: Sequence[Sequence[object]]) -> tuple[str, ...] | None:
    """Return names of fields whose values no two items of a list share; None if there are none."""
    if not all(isinstance(item, Mapping) for items in lists for item in items):
        return None
    return next((keys for keys in _MERGE_KEYS if all(_tells(keys, each) for each in lists)), None)


def _tells(keys: Sequence[str], items: Sequence[object]) -> bool:
    if not all(mapping_of(item).get(keys[0]) is not None for item in items):
        return False
    return len({_identity(item, keys) for item in items}) == len(items)


def _identity(item: object, keys: Iterable[str]) -> tuple[str, ...]:
    """Return what tells an item apart; the API server fills in a protocol that is not given."""
    fields = mapping_of(item)
    return tuple(str(fields.get(key) or ("TCP" if key == "protocol" else "")) for key in keys)


def _below(owned: Fields | None, key: str) -> Fields | None:
    if not owned:
        return owned
    found = owned.get(f"f:{key}")
    return found if isinstance(found, Mapping) else None


def _of_item(owned: Fields | None, item: object) -> Fields | None:
    if not owned:
        return owned
    fields = mapping_of(item)
    for name, below in owned.items():
        if name.startswith("k:") and _names(name[2:], fields):
            return mapping_of(below)
    return None


def _names(text: str, fields: Mapping[str, object]) -> bool:
    try:
        keys = json.loads(text_of(text))
    except ValueError:
        return False
    return all(fields.get(key) == value for key, value in mapping_of(keys).items())
