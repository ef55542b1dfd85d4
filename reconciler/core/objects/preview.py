"""What a sync would change, as a diff for people; Secrets are masked."""

import json
from collections.abc import Mapping

from reconciler.core.difference import unified_diff
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.resource import Preview
from reconciler.core.redaction import MASK

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_NOT_SHOWN = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"}
)


def object_diff(preview: Preview, *, name: str) -> str:
    """Return the unified diff between an object as it is and as it would be; empty if equal.

    Both are shown as indented JSON, without what the API server fills in. Of a Secret's values it
    is shown whether they change, and nothing else.
    """
    before, after = preview.before, preview.after
    old = "" if before is None else _shown(before, after, "before")
    new = "" if after is None else _shown(after, before, "after")
    return unified_diff(old, new, path=name)


def _shown(item: Mapping[str, object], other: Mapping[str, object] | None, when: str) -> str:
    body = {key: value for key, value in item.items() if key != "status"}
    body["metadata"] = _metadata(body.get("metadata"))
    if body.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if isinstance(values := body.get(key), Mapping):
                body[key] = _masked(values, (other or {}).get(key), when)
        body["metadata"] = _without_copies(body["metadata"])
    return json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _metadata(metadata: object) -> object:
    if not isinstance(metadata, Mapping):
        return metadata
    shown = {key: value for key, value in metadata.items() if key not in _NOT_SHOWN}
    if isinstance(labels := shown.get("labels"), Mapping):
        kept = {key: value for key, value in labels.items() if key != PART_OF_LABEL}
        shown["labels"] = kept
        if not kept:
            del shown["labels"]
    return shown


def _without_copies(metadata: object) -> object:
    """Mask the copy of the whole Secret that client-side ``kubectl apply`` keeps beside it."""
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not (isinstance(annotations, Mapping) and LAST_APPLIED in annotations):
        return metadata
    return {**mapping_of(metadata), "annotations": {**annotations, LAST_APPLIED: MASK}}


def _masked(values: Mapping[str, object], others: object, when: str) -> Mapping[str, str]:
    known = others if isinstance(others, Mapping) else {}
    return {
        name: MASK if known.get(name) == value else f"{MASK} ({when})"
        for name, value in values.items()
    }
