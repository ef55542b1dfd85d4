"""Annotation keys: which there are, and what may stand in them."""

from collections.abc import Mapping, Sequence

from reconciler.core.nearest import nearest
from reconciler.core.objects.marks import ENABLED, OFF, ON, OWN

SCREEN = ("fluxcd.io", "flux.weave.works", "reconcile", '"$image')
"""A text with none of these has nothing for us."""

FILTER_PREFIX = "filter.fluxcd.io/"
SYNC_ONLY = "sync_only"
PIN = "pin"

COMMON = ("automated", "tag_all", "locked", "locked_user", "locked_msg", "ignore")
"""Keys that stand under every prefix."""

OWN_KEYS = (*COMMON, "policy", "filter", "extract", "digest", "platforms", "allow-downgrade",
            "prune", "force", "substitute")  # fmt: skip
"""Keys under our own prefix, of the whole workload or all its containers."""

OWN_PER_CONTAINER = ("tag.", "policy.", "filter.", "extract.")
"""What begins a key of one container, under our own prefix."""

VALUES: Mapping[str, Sequence[str]] = {
    "automated": (ON, "false"),
    "locked": (ON, "false"),
    "ignore": (ON, "false", SYNC_ONLY),
    "digest": ("never", PIN),
    "allow-downgrade": (ON, "false"),
    "prune": (OFF,),
    "force": (ENABLED,),
    "substitute": (OFF,),
}
"""What may stand in those keys under our own prefix that take one of a few words."""

_LATER = ("min-age", "window", "group", "verify", "on-failure", "approve", "build")
_LONGEST_SHOWN = 80  # characters of a value in a message


def problem_of_key(name: str) -> str:
    """Return what is wrong with a key under our own prefix, given without it; empty if nothing."""
    if name in OWN_KEYS or name.startswith(OWN_PER_CONTAINER):
        return ""
    if name in _LATER:
        return f"annotation {OWN + name!r} is not supported by this release"
    hint = nearest(name.partition(".")[0], (*OWN_KEYS, "tag"))
    return f"unknown annotation {OWN + name!r}{hint}"


def problem_of_value(name: str, text: str) -> str:
    """Return what is wrong with the value of a key under our own prefix; empty if nothing."""
    allowed = VALUES.get(name)
    if not allowed or text in allowed:
        return ""
    known = " or ".join(repr(each) for each in allowed)
    return f"annotation {OWN + name!r} must be {known}, not {shown(text)}"


def shown(text: str) -> str:
    """Return a value for a message, cut if it is long."""
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
