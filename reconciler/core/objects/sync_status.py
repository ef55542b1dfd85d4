"""What the last sync of a source came to, as the state object keeps it for people and others."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.json_text import json_text
from reconciler.core.objects.fields import mapping_of, text_of

SCHEMA_VERSION = 1
MAX_MESSAGE = 1000  # characters; the whole is in the log

_KNOWN = ("v", "ready", "reason", "message", "since", "attempted", "applied", "objects")

READY = "Ready"
APPLYING = "Applying"
STALLED = "Stalled"
FAILING = "Failing"
PRUNE_HELD = "PruneHeld"
UNHEALTHY = "Unhealthy"
PROGRESSING = "Progressing"


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """What the last sync of a source came to.

    Attributes:
        is_ready: whether all that the attempted revision wants is applied and healthy, and nothing
            that left Git is held back.
        reason: why, in one of the words of this module.
        message: the same for a person: the first thing that is wrong; holds no secret.
        since: when ``is_ready`` last changed: ``2026-11-24T09:00:00Z``.
        attempted: the revision that the last sync was about.
        applied: the last revision of which every object was applied; empty for none.
        counts: how many objects are ``wanted``, ``failed`` (not applied), ``unhealthy`` and
            ``kept`` (left Git and still there).
        unknown: members that a later release has written, kept as they are.
    """

    is_ready: bool = False
    reason: str = ""
    message: str = ""
    since: str = ""
    attempted: str = ""
    applied: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, object] = field(default_factory=dict)

    def followed_by(self, later: "SyncStatus", *, now: str) -> "SyncStatus":
        """Return a later status, whose ``since`` is ours unless ``is_ready`` has changed.

        Args:
            later: what a later sync came to; what is not known of it yet is as it was.
            now: the time, as in ``since``.
        """
        is_as_before = bool(self.since) and later.is_ready == self.is_ready
        return replace(
            later,
            since=self.since if is_as_before else now,
            message=_short(later.message),
            applied=later.applied or self.applied,
            counts=later.counts or self.counts,
            unknown=self.unknown,
        )


def encode_status(status: SyncStatus) -> str:
    """Return a status as JSON that people can read; empty if there never was a sync.

    The same status gives the same bytes.
    """
    if not status.since:
        return ""
    written = {
        "v": SCHEMA_VERSION,
        "ready": status.is_ready,
        "reason": status.reason,
        "message": status.message,
        "since": status.since,
        "attempted": status.attempted,
        "applied": status.applied,
        "objects": dict(sorted(status.counts.items())),
        **status.unknown,
    }
    text = json_text(written, indent=2) + "\n"
    return text.encode("utf-8", "replace").decode()


def decode_status(text: str) -> SyncStatus:
    """Return the status that :func:`encode_status` gave; an empty one for anything else.

    It is for reading only: nothing is applied or deleted because of one's own status.
    """
    try:
        found = mapping_of(json.loads(text)) if text else {}
    except (ValueError, RecursionError):
        return SyncStatus()
    if found.get("v") != SCHEMA_VERSION or not text_of(found.get("since")):
        return SyncStatus()
    counts = mapping_of(found.get("objects"))
    return SyncStatus(
        is_ready=found.get("ready") is True,
        reason=text_of(found.get("reason")),
        message=text_of(found.get("message")),
        since=text_of(found.get("since")),
        attempted=text_of(found.get("attempted")),
        applied=text_of(found.get("applied")),
        counts={str(name): count for name, count in counts.items() if isinstance(count, int)},
        unknown={name: value for name, value in found.items() if name not in _KNOWN},
    )


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"
