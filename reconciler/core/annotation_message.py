"""The message of a commit that edits annotations: no image moved, so it has no trailers of ours."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.core.manifests.finding import AnnotationEdit, Found
from reconciler.core.message import PLAIN, Manner, finished, plain


@dataclass(frozen=True, slots=True)
class AnnotationChange:
    """One annotation, before and after; None where it is not there."""

    key: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """Return ``fluxcd.io/automated: true``, ``KEY: OLD -> NEW`` or ``KEY removed``."""
        if self.new is None:
            return f"{self.key} removed"
        old = "" if self.old is None else f"{self.old} -> "
        return f"{self.key}: {old}{self.new}"


def changes_of(found: Found, edits: Sequence[AnnotationEdit]) -> tuple[AnnotationChange, ...]:
    """Return what edits change in an object as it is; they change at least something."""
    known: dict[str, str] = {}
    for key, value in found.workload.annotations:
        known.setdefault(key.value, getattr(value, "value", ""))
    changes = [AnnotationChange(each.key, known.get(each.key), each.value) for each in edits]
    others = tuple(each for each in changes if each.old != each.new)
    return others or tuple(changes)  # else one that was no text is one now: true became "true"


def compose_annotation_message(
    verb: str,
    workload: str,
    changes: Sequence[AnnotationChange],
    *,
    message: str,
    manner: Manner = PLAIN,
) -> str:
    """Return the message of the commit.

    Args:
        verb: what was asked for: ``Automate``.
        workload: of which: ``web:deployment/nginx``.
        changes: at least one.
        message: of the person; it takes the place of the first line.
        manner: what else stands in it.
    """
    lines = "\n".join(plain(f"{workload} {change}") for change in changes)
    first = message.strip() or f"{verb} {plain(workload)}"
    return finished(f"{first}\n\n{lines}", (), manner)
