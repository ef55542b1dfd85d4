"""Install: look at everything first, refuse what is wrong, and then make what differs."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from reconciler.core.installation.inventory import NAME, Installed, decode, encode
from reconciler.core.installation.kinds import (
    CONFIG_MAP,
    NAMESPACE,
    SECRET,
    place_of,
    resource_of,
)
from reconciler.core.installation.request import OWNER_LABEL
from reconciler.core.objects.fields import field_of, mapping_of, text_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action
from reconciler.core.objects.right import Right, lines_of, rights_for
from reconciler.errors import (
    AccessDeniedError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    TransientError,
)
from reconciler.pipeline.install_port import Item, Site

Contents = Mapping[str, Mapping[str, bytes]]
"""What Secrets are to hold: by name, then by key."""

NO_DRY_RUN: Final = "does not support dry run"
"""Says the API server of a webhook that has side effects: what it thinks is known only later."""

_VOLATILE: Final = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be there in the end.

    Attributes:
        namespace: of the reconciler.
        objects: all but Secrets, in the order in which they are made.
        secrets: what Secrets are to hold; other keys of theirs stay.
        marks: labels and annotations for what is not among the objects.
        sources: names of the sources, for who removes it all.
        manages: other namespaces that are spoken of, and must be there.
        is_adopting: whether what is there and not of ours becomes so.
    """

    namespace: str
    objects: Mapping[ObjectKey, Mapping[str, Any]]
    secrets: Contents = field(default_factory=dict, repr=False)
    marks: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    manages: tuple[str, ...] = ()
    is_adopting: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one object."""

    key: ObjectKey
    action: Action
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What was there before anything was done.

    Attributes:
        live: the objects that are there, of those that are wanted.
        has_namespace: whether the namespace is there.
        before: what an earlier install has made.
        wanted: what is to be made; without what is somebody else's and good enough.
    """

    live: Mapping[ObjectKey, Item] = field(repr=False)
    has_namespace: bool
    before: Installed
    wanted: Mapping[ObjectKey, Item] = field(repr=False)


def require_rights(wanted: Wanted, site: Site) -> None:
    """Refuse to begin where whoever asks may not make all of it.

    Raises:
        AccessDeniedError: rights are missing; all of them are told.
        ClusterError: the cluster cannot be asked.
    """
    keys = [
        *(key for key in wanted.objects if key.kind != NAMESPACE.kind),
        *(ObjectKey("", SECRET.kind, wanted.namespace, name) for name in wanted.secrets),
        _inventory_key(wanted),
    ]
    rights = rights_for(((resource_of(key), key) for key in keys), has_prune=False)
    asked = [*rights.must, *(right for right in rights.should if right.verb == "get")]
    own = Right("", NAMESPACE.plural, "", "get", wanted.namespace)
    lacking = site.lacking([own, *asked])
    if own not in lacking:
        namespace = ObjectKey("", NAMESPACE.kind, "", wanted.namespace)
        if site.live(namespace) is None:
            make = [Right("", NAMESPACE.plural, "", verb) for verb in ("create", "patch")]
            lacking = [*lacking, *site.lacking(make)]
    if lacking:
        lines = [f"you may not {each}" for each in lines_of(lacking)]
        raise AccessDeniedError("\n".join(["rights are missing; nothing was touched:", *lines]))


def look(wanted: Wanted, site: Site) -> Found:
    """Look at everything, and refuse what would go wrong, before anything is touched.

    Raises:
        RefusedError: objects are somebody else's, the API server would decline them, or a
            namespace that is to be managed is not there; all of it is told.
        AccessDeniedError, ClusterError: the cluster cannot be asked.
    """
    own = ObjectKey("", NAMESPACE.kind, "", wanted.namespace)
    namespace = site.live(own)
    live = {key: item for key in wanted.objects if (item := site.live(key)) is not None}
    keys = [ObjectKey("", SECRET.kind, wanted.namespace, name) for name in wanted.secrets]
    live |= {key: item for key in keys if (item := site.live(key)) is not None}
    inventory = site.live(_inventory_key(wanted))
    before = decode(mapping_of((inventory or {}).get("data")))
    bodies = {**wanted.objects, **_secrets(wanted, live)}
    if namespace is not None and not _is_ours(namespace, wanted):
        bodies.pop(own)  # it was there before: it is used, and stays as it is
    problems = [
        *_of_others(bodies, live, wanted),
        *_missing_namespaces(wanted, site),
    ]
    if not problems:
        problems = list(_declined(bodies, site, has_namespace=namespace is not None))
    if problems:
        raise RefusedError("\n".join(problems))
    ordered = dict(sorted(bodies.items(), key=lambda item: place_of(item[0])))
    return Found(live, namespace is not None, before, ordered)


def install(wanted: Wanted, found: Found, site: Site, *, is_dry_run: bool) -> Iterator[Done]:
    """Make what differs, and yield what becomes of each object; in a dry run, what would.

    What is made is written down first: a process that is killed leaves nothing that nobody knows.

    Raises:
        RefusedError, AccessDeniedError, ClusterError: an object cannot be made; what is there by
            then stays, and the next run goes on.
    """
    inventory = _inventory(wanted, found)
    has_namespace = found.has_namespace
    is_written = False
    for key, body in found.wanted.items():
        if not is_written and key.kind != NAMESPACE.kind:
            _write(_inventory_key(wanted), inventory, site, is_dry_run=is_dry_run)
            is_written = True
        before = found.live.get(key)
        if before is None and is_dry_run:
            yield Done(key, Action.CREATED)
            continue
        if key.kind == SECRET.kind and before is not None and _is_contained(body, before):
            yield Done(key, Action.UNCHANGED)
            continue
        is_new_place = is_dry_run and not has_namespace and bool(key.namespace)
        after = body if is_new_place else site.apply(key, body, is_dry_run=is_dry_run)
        yield Done(key, _action(before, after, is_dry_run=is_dry_run))
    wanted_keys = {*found.wanted, *wanted.objects, _inventory_key(wanted)}
    for key in found.before.objects:
        if key not in wanted_keys and key.kind != SECRET.kind and site.live(key) is not None:
            yield Done(key, Action.KEPT, "is not asked for any more")


def _secrets(wanted: Wanted, live: Mapping[ObjectKey, Item]) -> dict[ObjectKey, Mapping[str, Any]]:
    """Return Secrets with what they have and are to have; those of others only if that differs."""
    found: dict[ObjectKey, Mapping[str, Any]] = {}
    for name, contents in wanted.secrets.items():
        key = ObjectKey("", SECRET.kind, wanted.namespace, name)
        item = live.get(key)
        data = dict(mapping_of((item or {}).get("data")))
        given = {each: base64.b64encode(value).decode() for each, value in contents.items()}
        if item is not None and not _is_ours(item, wanted) and given.items() <= data.items():
            continue
        found[key] = {**_bare(key, wanted), "type": "Opaque", "data": {**data, **given}}
        if item is not None and item.get("type"):
            found[key] = {**found[key], "type": item["type"]}
    return found


def _bare(key: ObjectKey, wanted: Wanted) -> Mapping[str, Any]:
    labels = {**mapping_of(wanted.marks.get("labels")), OWNER_LABEL: wanted.namespace}
    metadata = {**wanted.marks, "labels": labels, "name": key.name, "namespace": key.namespace}
    return {"apiVersion": "v1", "kind": key.kind, "metadata": metadata}


def _of_others(
    bodies: Mapping[ObjectKey, Item], live: Mapping[ObjectKey, Item], wanted: Wanted
) -> Iterator[str]:
    for key in bodies:
        if key not in live or _is_ours(live[key], wanted):
            continue
        owner = text_of(field_of(live[key], "metadata", "labels", OWNER_LABEL))
        if owner:
            yield f"{key} belongs to the installation in namespace {owner}: there can be one of it"
        elif not wanted.is_adopting:
            yield f"{key} is there, and install did not make it: remove it, or give --adopt"


def _missing_namespaces(wanted: Wanted, site: Site) -> Iterator[str]:
    for name in dict.fromkeys(wanted.manages):
        try:
            is_missing = site.live(ObjectKey("", NAMESPACE.kind, "", name)) is None
        except AccessDeniedError:  # whoever may make bindings there need not see it
            is_missing = False
        if is_missing and name != wanted.namespace:
            yield f"there is no namespace {name!r}: make it first (kubectl create namespace {name})"


def _declined(
    bodies: Mapping[ObjectKey, Item], site: Site, *, has_namespace: bool
) -> Iterator[str]:
    """Yield what the API server would decline: who hands out rights must have them, for one."""
    for key, body in bodies.items():
        if key.namespace and not has_namespace:
            continue
        try:
            site.apply(key, body, is_dry_run=True)
        except TransientError:
            raise
        except NotFoundError:  # the role that it binds is only to be made
            continue
        except ReconcilerError as error:
            if NO_DRY_RUN not in error.message:
                yield f"{key}: {error}"


def _inventory_key(wanted: Wanted) -> ObjectKey:
    return ObjectKey("", CONFIG_MAP.kind, wanted.namespace, NAME)


def _inventory(wanted: Wanted, found: Found) -> Mapping[str, Any]:
    key = _inventory_key(wanted)
    installed = found.before.joined([*found.wanted, key], wanted.sources)
    return {**_bare(key, wanted), "data": encode(installed)}


def _write(key: ObjectKey, body: Item, site: Site, *, is_dry_run: bool) -> None:
    if not is_dry_run:
        site.apply(key, body, is_dry_run=False)


def _is_ours(item: Item, wanted: Wanted) -> bool:
    return field_of(item, "metadata", "labels", OWNER_LABEL) == wanted.namespace


def _is_contained(body: Item, live: Item) -> bool:
    """Whether a Secret of ours holds already what it is to hold."""
    labels = mapping_of(field_of(body, "metadata", "labels")).items()
    return (
        body["data"] == live.get("data")
        and labels <= mapping_of(field_of(live, "metadata", "labels")).items()
    )


def _action(before: Item | None, after: Item, *, is_dry_run: bool) -> Action:
    if before is None:
        return Action.CREATED
    if is_dry_run:
        is_same = _essence(before) == _essence(after)
    else:
        versions = (field_of(each, "metadata", "resourceVersion") for each in (before, after))
        is_same = next(versions) == next(versions)
    return Action.UNCHANGED if is_same else Action.CONFIGURED


def _essence(item: Item) -> Mapping[str, Any]:
    metadata = mapping_of(item.get("metadata"))
    kept = {name: value for name, value in metadata.items() if name not in _VOLATILE}
    return {**item, "metadata": kept, "status": None}


def with_secrets(wanted: Wanted, more: Contents) -> Wanted:
    """Return the same with more in its Secrets."""
    merged = {name: dict(values) for name, values in wanted.secrets.items()}
    for name, values in more.items():
        merged.setdefault(name, {}).update(values)
    return replace(wanted, secrets=merged)


def held_by(site: Site, namespace: str, name: str) -> Sequence[str]:
    """Return the keys of a Secret; none if it is not there."""
    item = site.live(ObjectKey("", SECRET.kind, namespace, name))
    return tuple(mapping_of((item or {}).get("data")))
