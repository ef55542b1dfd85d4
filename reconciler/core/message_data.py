"""Message data: what a template is told of a commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.decision import Change
from reconciler.core.images.reference import ImageReference
from reconciler.core.message import plain

MessageData: TypeAlias = Mapping[str, object]
"""Texts, and lists and mappings of them, by name: see ``docs/reference/messages.md``."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a commit is made for.

    Attributes:
        action: ``update``, or ``release`` where a person chose the image.
        source: by its name.
        branch: that is read.
        by: source and cluster, or ``person``.
    """

    action: str
    source: str
    branch: str
    by: str


def message_data(changes: Sequence[Change], occasion: Occasion, *, default: str) -> MessageData:
    """Return what a template is told; no text in it has more than one line, but for the default.

    Args:
        changes: that the commit makes, at least one.
        occasion: what it is made for.
        default: the message without a template, and without trailers.
    """
    subject, _, body = default.partition("\n")
    return {
        "action": occasion.action,
        "source": plain(occasion.source),
        "branch": plain(occasion.branch),
        "by": plain(occasion.by),
        "default": default,
        "subject": subject,
        "body": body.strip("\n"),
        "changes": [_change(each) for each in changes],
    }


def _change(change: Change) -> Mapping[str, object]:
    field, key = change.field, change.field.workload
    texts = {
        "path": field.place,
        "workload": key.workload,
        "namespace": key.namespace,
        "kind": key.kind,
        "name": key.name,
        "container": field.container,
        "policy": str(field.rules.policy),
        "image": change.new.name,
        "repository": str(change.new.repository),
        "link": change.link,
        **_image("old", change.old),
        **_image("new", change.new),
    }
    return {name: plain(text) for name, text in texts.items()}


def _image(which: str, image: ImageReference) -> Mapping[str, str]:
    return {
        which: str(image),
        f"{which}_tag": image.effective_tag,
        f"{which}_digest": image.digest or "",
    }
