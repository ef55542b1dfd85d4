"""Annotations by which people tell sync to leave an object alone."""

from collections.abc import Mapping

OWN = "reconcile/"
PREFIXES = (OWN, "fluxcd.io/", "flux.weave.works/")
"""Ours, which wins where several stand, then those of Flux v1."""

OFF = "disabled"
ON = "true"
ENABLED = "enabled"


def is_ignored(annotations: Mapping[str, str]) -> bool:
    """Whether the object is left out of sync: ``ignore: "true"``. ``sync_only`` leaves it in."""
    values = (annotations.get(f"{prefix}ignore") for prefix in PREFIXES)
    return next((value for value in values if value is not None), "") == ON


def is_prune_disabled(annotations: Mapping[str, str]) -> bool:
    """Whether the object is never deleted: ``reconcile/prune: disabled``."""
    return annotations.get(f"{OWN}prune") == OFF


def is_forced(annotations: Mapping[str, str]) -> bool:
    """Whether the object is made anew where a field cannot change: ``reconcile/force: enabled``."""
    return annotations.get(f"{OWN}force") == ENABLED
