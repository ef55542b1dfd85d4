"""By hand: what a person asks of one workload goes to the remote in one commit."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.core.manifests.document import documents_of, looks_like_manifest
from reconciler.core.manifests.finding import Found, objects_of
from reconciler.core.manifests.images import FileReport, ImageField
from reconciler.core.manifests.secrecy import manifest_diff
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.lookup import find
from reconciler.core.revision import Revision
from reconciler.errors import NotFoundError, ReconcilerError, RemoteMovedError
from reconciler.pipeline.events import Fetching
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.publish import PUSH_ATTEMPTS, pause, push
from reconciler.pipeline.read import read_manifests, read_source
from reconciler.pipeline.view import Manifests
from reconciler.settings import SourceSettings

Change = TypeVar("Change")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands that a person may mean: its manifest, and ``path:line``."""

    key: ObjectKey
    path: str
    where: str

    @classmethod
    def of_object(cls, found: Found) -> "Place":
        """Return where an object stands."""
        return cls(found.workload.key, found.path, found.where)

    @classmethod
    def of_field(cls, field: ImageField) -> "Place":
        """Return where an image field's object stands, as far as the field tells."""
        return cls(field.workload, field.path, field.where)


@dataclass(frozen=True, slots=True)
class Look:
    """A source's branch, and which of its objects a person may mean.

    Attributes:
        source: which.
        parts: its parts.
        view: the branch.
        reports: what its manifests say about images, if anybody wants to know.
        places: where the objects stand that may be meant.
    """

    source: SourceSettings
    parts: Parts
    view: Manifests
    reports: tuple[FileReport, ...]
    places: tuple[Place, ...]

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
class Chosen:
    """The one place that is meant, and the look at its source."""

    look: Look
    place: Place


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for.

    Attributes:
        workload: as named: ``web:deployment/nginx``.
        message: for the commit; empty: one is made.
        is_dry_run: whether nothing is pushed.
        is_about_images: whether what stands about images is read; then also an object may be meant
            that has no containers, and an image behind a marker.
    """

    workload: str
    message: str = ""
    is_dry_run: bool = False
    is_about_images: bool = False


@dataclass(frozen=True, slots=True)
class Edited(Generic[Change]):
    """What an order makes of a branch.

    Attributes:
        changes: in order; none if all is so already.
        contents: the new texts of the manifests that change, by path.
        message: of the commit.
        notes: what a person may not expect.
    """

    changes: tuple[Change, ...]
    contents: Mapping[str, str]
    message: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done(Generic[Change]):
    """What became of an order.

    Attributes:
        source: where the workload is.
        place: the workload.
        fetched: the branch that was edited.
        changes: in order; none if all was so already.
        diff: of the commit.
        pushed: our commit; None if there is none.
        notes: what a person may not expect.
    """

    source: SourceSettings
    place: Place
    fetched: Revision
    changes: tuple[Change, ...]
    diff: str
    pushed: Revision | None
    notes: tuple[str, ...]


def look(source: SourceSettings, parts: Parts, order: Order) -> Look:
    """Read a source's branch, and find what an order may be about.

    Raises:
        GitError, AccessDeniedError, NotFoundError: it cannot be read.
    """
    parts.progress.tell(Fetching(source.git.url))
    view, reports = _read(source, parts, order)
    word = order.workload.rpartition("/")[2]
    places = _objects(view, source, (word,) if word else ())
    if not any(each.key.name == word for each in places):
        places = _objects(view, source, ())
    marked = _marked(reports, {(each.key, each.path) for each in places})
    return Look(source, parts, view, reports, (*places, *marked))


def carry_out(
    looks: Sequence[Look], order: Order, edit: Callable[[Chosen], Edited[Change]]
) -> Done[Change]:
    """Edit the workload that is meant, in one commit, and push it.

    When somebody pushes in between, the branch is read and edited again on top of their commit.

    Args:
        looks: at all sources.
        order: what is asked for.
        edit: makes of a branch what is asked for.

    Raises:
        NotFoundError: there is no such workload, or several may be meant.
        GitError, AccessDeniedError, RefusedError: the remote failed or declined.
        SettingsError: the settings permit no push there.
    """
    at = _chosen(looks, order.workload)
    source, parts = at.look.source, at.look.parts
    attempt = 0
    while True:
        edited = edit(at)
        attempt += 1
        try:
            is_due = bool(edited.contents) and not order.is_dry_run
            pushed = _publish(at.look, edited) if is_due else None
        except RemoteMovedError:
            if attempt == PUSH_ATTEMPTS:
                raise
            pause(attempt, clock=parts.clock, jitter=parts.jitter)
            at = _chosen([look(source, parts, order)], order.workload)
            continue
        return Done(
            source=source,
            place=at.place,
            fetched=at.look.view.revision,
            changes=edited.changes,
            diff="".join(_diffs(at.look.view, edited.contents)),
            pushed=pushed,
            notes=edited.notes,
        )


def _read(
    source: SourceSettings, parts: Parts, order: Order
) -> tuple[Manifests, tuple[FileReport, ...]]:
    if order.is_about_images:
        view = read_source(source, parts.repository, memory=parts.memory)
        return view, view.reports
    return read_manifests(source, parts.repository, memory=parts.memory), ()


def _objects(view: Manifests, source: SourceSettings, screen: tuple[str, ...]) -> list[Place]:
    """Return the objects that have containers."""
    founds = (
        found
        for path, text in view.texts.items()
        for found in objects_of(
            path, text, default_namespace=source.default_namespace, screen=screen
        )
    )
    return [Place.of_object(each) for each in founds if each.workload.containers]


def _marked(reports: Iterable[FileReport], known: Collection[tuple[ObjectKey, str]]) -> list[Place]:
    """Return the objects and files that have images behind markers, but for those that are known.

    Each once, at its first image.
    """
    places: dict[tuple[ObjectKey, str], Place] = {}
    for report in reports:
        for field in report.fields:
            if field.pointer and (field.workload, field.path) not in known:
                places.setdefault((field.workload, field.path), Place.of_field(field))
    return list(places.values())


def _chosen(looks: Sequence[Look], name: str) -> Chosen:
    """Return the one place that is meant.

    Raises:
        NotFoundError: there is none, or it stands in several.
    """
    places = [(each, place) for each in looks for place in each.places]
    keys = find(name, (place.key for _, place in places))
    meant = [Chosen(each, place) for each, place in places if place.key in keys]
    if len(meant) > 1:
        where = " and ".join(each.place.where for each in meant)
        message = f"{name!r} stands in several places: {where}; choose by --git-path"
        raise NotFoundError(message)
    return meant[0]


def _publish(at: Look, edited: Edited[Change]) -> Revision:
    contents = {path: text.encode() for path, text in edited.contents.items()}
    revision = at.parts.repository.commit(at.view.revision, contents, edited.message)
    push(at.parts.repository, revision)
    return revision


def _diffs(view: Manifests, contents: Mapping[str, str]) -> Iterator[str]:
    for path, text in contents.items():
        yield manifest_diff(view.texts[path], text, path=path)
