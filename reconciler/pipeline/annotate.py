"""Annotate: find one workload in Git, edit its annotations, commit and push."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.annotation_message import (
    AnnotationChange,
    changes_of,
    compose_annotation_message,
)
from reconciler.core.difference import unified_diff
from reconciler.core.manifests.annotation import automation_of
from reconciler.core.manifests.document import documents_of, looks_like_manifest
from reconciler.core.manifests.finding import Found, edit_annotations, find_one, objects_of
from reconciler.core.manifests.wishes import SetPolicies, Wish, Written, automate
from reconciler.core.objects.lookup import find
from reconciler.core.revision import Revision
from reconciler.errors import NotFoundError, ReconcilerError, RemoteMovedError
from reconciler.pipeline.cycle import Parts
from reconciler.pipeline.events import Fetching
from reconciler.pipeline.publish import PUSH_ATTEMPTS, pause, push
from reconciler.pipeline.read import read_manifests
from reconciler.pipeline.view import Manifests
from reconciler.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class Look:
    """A source's branch, and which of its objects a person may mean.

    Attributes:
        source: which.
        parts: its parts.
        view: the branch.
        founds: the objects that may be meant.
    """

    source: SourceSettings
    parts: Parts
    view: Manifests
    founds: tuple[Found, ...]

    @property
    def unread(self) -> tuple[ReconcilerError, ...]:
        """What kept us from reading all of the branch: a workload that is missing may be there."""
        documents = (
            document.error
            for path, text in self.view.texts.items()
            if looks_like_manifest(text)
            for document in documents_of(text, path=path)
        )
        return (*self.view.problems, *filter(None, documents))


@dataclass(frozen=True, slots=True)
class Annotated:
    """What became of a wish.

    Attributes:
        source: where the workload is.
        found: the workload, as it was.
        fetched: the branch that was edited.
        changes: of its annotations; none if all was so already.
        diff: of the commit.
        pushed: our commit; None if there is none.
        notes: what a person may not expect.
    """

    source: SourceSettings
    found: Found
    fetched: Revision
    changes: tuple[AnnotationChange, ...]
    diff: str
    pushed: Revision | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for.

    Attributes:
        workload: as named: ``web:deployment/nginx``.
        verb: for the commit: ``Automate``.
        wish: what is to become of its annotations.
        message: for the commit; empty: one is made.
        is_dry_run: whether nothing is pushed.
    """

    workload: str
    verb: str
    wish: Wish
    message: str = ""
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Edited:
    found: Found
    changes: tuple[AnnotationChange, ...]
    text: str


def look(source: SourceSettings, parts: Parts, name: str) -> Look:
    """Read a source's branch, and find what a name may mean in it.

    Raises:
        GitError, AccessDeniedError, NotFoundError: it cannot be read.
    """
    parts.progress.tell(Fetching(source.git.url))
    view = read_manifests(source, parts.repository, memory=parts.memory)
    word = name.rpartition("/")[2]
    founds = tuple(_objects(view, source, (word,) if word else ()))
    if not any(each.workload.key.name == word for each in founds):
        founds = tuple(_objects(view, source, ()))
    return Look(source, parts, view, founds)


def annotate(looks: list[Look], order: Order) -> Annotated:
    """Give the workload that is meant the annotations that are wanted, in one commit.

    When somebody pushes in between, the branch is read and edited again on top of their commit.

    Raises:
        NotFoundError: there is no such workload or container, or several may be meant.
        ManifestError: the annotations cannot be edited exactly.
        GitError, AccessDeniedError, RefusedError: the remote failed or declined.
    """
    at = _chosen(looks, order.workload)
    attempt = 0
    while True:
        edited = _edit(at, order)
        attempt += 1
        try:
            pushed = _publish(at, edited, order) if _is_due(edited, order) else None
        except RemoteMovedError:
            if attempt == PUSH_ATTEMPTS:
                raise
            pause(attempt, clock=at.parts.clock, jitter=at.parts.jitter)
            at = _chosen([look(at.source, at.parts, order.workload)], order.workload)
            continue
        return Annotated(
            source=at.source,
            found=edited.found,
            fetched=at.view.revision,
            changes=edited.changes,
            diff=unified_diff(
                at.view.texts[edited.found.path], edited.text, path=edited.found.path
            ),
            pushed=pushed,
            notes=tuple(_notes(edited, order.wish, at.source.default_namespace)),
        )


def _is_due(edited: _Edited, order: Order) -> bool:
    return bool(edited.changes) and not order.is_dry_run


def _objects(view: Manifests, source: SourceSettings, screen: tuple[str, ...]) -> Iterator[Found]:
    for path, text in view.texts.items():
        founds = objects_of(path, text, default_namespace=source.default_namespace, screen=screen)
        yield from (each for each in founds if each.workload.containers)


def _chosen(looks: list[Look], name: str) -> Look:
    """Return the look at the source that has the workload, with that alone.

    Raises:
        NotFoundError: none has it, or it stands in several places.
    """
    founds = [(each, found) for each in looks for found in each.founds]
    keys = find(name, (found.workload.key for _, found in founds))
    meant = [(each, found) for each, found in founds if found.workload.key in keys]
    if len(meant) > 1:
        places = " and ".join(found.where for _, found in meant)
        message = f"{name!r} stands in several places: {places}; choose by --git-path"
        raise NotFoundError(message)
    ((at, found),) = meant
    return Look(at.source, at.parts, at.view, (found,))


def _edit(at: Look, order: Order) -> _Edited:
    (found,) = at.founds
    text = at.view.texts[found.path]
    edits = order.wish(Written(found.workload, text))
    after = edit_annotations(
        found.path,
        text,
        found.workload.key,
        edits,
        default_namespace=at.source.default_namespace,
    )
    changes = changes_of(found, edits) if after != text else ()
    return _Edited(found, changes, after)


def _publish(at: Look, edited: _Edited, order: Order) -> Revision:
    name = edited.found.workload.key.workload
    message = compose_annotation_message(order.verb, name, edited.changes, message=order.message)
    contents = {edited.found.path: edited.text.encode()}
    revision = at.parts.repository.commit(at.view.revision, contents, message)
    push(at.parts.repository, revision)
    return revision


def _notes(edited: _Edited, wish: Wish, default_namespace: str) -> Iterator[str]:
    """Yield what stands in the way of updates that are wanted, and what is wrong there."""
    path, key = edited.found.path, edited.found.workload.key
    try:
        found = find_one(path, edited.text, key, default_namespace=default_namespace)
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
