"""Annotate: edit the annotations of one workload in Git."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.annotation_message import AnnotationChange, changes_of
from reconciler.core.manifests.annotation import automation_of
from reconciler.core.manifests.finding import edit_annotations, find_one
from reconciler.core.manifests.wishes import SetPolicies, Wish, Written, automate
from reconciler.errors import ReconcilerError
from reconciler.pipeline.by_hand import Chosen, Done, Edited, Look, Order, Place, carry_out


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is to become of a workload's annotations.

    Attributes:
        verb: for the commit: ``Automate``.
        wish: what is wanted.
    """

    verb: str
    wish: Wish


def annotate(looks: Sequence[Look], order: Order, annotation: Annotation) -> Done[AnnotationChange]:
    """Give the workload that is meant the annotations that are wanted, in one commit.

    Raises:
        NotFoundError: there is no such workload or container, or several may be meant.
        ManifestError: the annotations cannot be edited exactly.
        GitError, AccessDeniedError, RefusedError: the remote failed or declined.
    """
    return carry_out(looks, order, lambda at: _edit(at, order, annotation))


def _edit(at: Chosen, order: Order, annotation: Annotation) -> Edited[AnnotationChange]:
    place, namespace = at.place, at.look.source.default_namespace
    text = at.look.view.texts[place.path]
    found = find_one(place.path, text, place.key, default_namespace=namespace)
    edits = annotation.wish(Written(found.workload, text))
    after = edit_annotations(place.path, text, place.key, edits, default_namespace=namespace)
    changes = changes_of(found, edits) if after != text else ()
    return Edited(
        changes,
        {place.path: after} if changes else {},
        at.look.parts.wording(at.look.source).of_annotations(
            annotation.verb, place.key.workload, changes, message=order.message
        ),
        tuple(_notes(place, after, annotation.wish, namespace)),
    )


def _notes(place: Place, text: str, wish: Wish, default_namespace: str) -> Iterator[str]:
    """Yield what stands in the way of updates that are wanted, and what is wrong there."""
    path, key = place.path, place.key
    try:
        found = find_one(path, text, key, default_namespace=default_namespace)
    except ReconcilerError as error:
        yield str(error)
        return
    automation = automation_of(found.workload, path=path)
    if wish is automate or isinstance(wish, SetPolicies):
        if not automation.is_on:
            yield f"{key.workload} is {automation.off_note}"
        elif automation.is_locked:
            yield f"{key.workload} is locked: its images are not updated until it is unlocked"
    yield from (f"{key.workload}: {problem.message}" for problem in automation.problems)
