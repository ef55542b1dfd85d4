"""Sample objects: wanted, remembered and live."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject

PART_OF = "applyset-ours-v1"
SECRET_KEY = b"sixteen bytes ..and more"
NGINX = ObjectKey("apps", "Deployment", "web", "nginx")


def key(kind: str, name: str = "nginx", *, group: str = "", namespace: str = "web") -> ObjectKey:
    return ObjectKey(group, kind, namespace, name)


def desired_object(
    object_key: ObjectKey = NGINX,
    *,
    version: str = "v1",
    annotations: Mapping[str, str] | None = None,
    **fields: object,
) -> DesiredObject:
    """Return a wanted object; more fields of its body by keyword."""
    metadata: dict[str, object] = {"name": object_key.name}
    if object_key.namespace:
        metadata["namespace"] = object_key.namespace
    if annotations is not None:
        metadata["annotations"] = dict(annotations)
    api_version = f"{object_key.group}/{version}" if object_key.group else version
    body = {"apiVersion": api_version, "kind": object_key.kind, "metadata": metadata, **fields}
    return DesiredObject(object_key, version, body, Origin("workloads/nginx.yaml", 1))


def live_object(
    object_key: ObjectKey = NGINX,
    *,
    uid: str = "",
    part_of: str = PART_OF,
    annotations: Mapping[str, str] | None = None,
    is_owned: bool = False,
    is_terminating: bool = False,
    entry_digest: str | None = "entry",
) -> LiveObject:
    """Return an object of the cluster that we applied; its uid is made of its key."""
    return LiveObject(
        key=object_key,
        uid=uid or f"uid of {object_key}",
        resource_version="7",
        labels={PART_OF_LABEL: part_of} if part_of else {},
        annotations=annotations or {},
        is_owned=is_owned,
        is_terminating=is_terminating,
        entry_digest=entry_digest,
        managers=("reconcile",),
    )


def inventory_entry(
    object_key: ObjectKey = NGINX,
    *,
    wanted: DesiredObject | None = None,
    is_abandoned: bool = False,
) -> InventoryEntry:
    """Return what is remembered after ``wanted`` was applied and became :func:`live_object`."""
    digest = (wanted or desired_object(object_key)).digest(SECRET_KEY)
    entry = InventoryEntry(object_key, "v1", f"uid of {object_key}", digest, "entry")
    return replace(entry, is_abandoned=is_abandoned)
