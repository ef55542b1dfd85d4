"""Rivalry: somebody undoes what we write, again and again, so that we had better stop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.core.history import SHORT, History, Write
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import FileReport, ImageField, Obstacle, SkipReason
from reconciler.core.manifests.images import reference_of as image_of
from reconciler.core.retraction import Retraction

ROUNDS = 2
"""How often one and the same author undoes us, one time after the other, before we stop."""


@dataclass(frozen=True, slots=True)
class Bout:
    """The newest writes of one field, each of which was undone before the next one.

    Attributes:
        field: whose image it is, with the one that stands there now.
        writes: the oldest first; as many as :data:`ROUNDS`.
    """

    field: ImageField
    writes: tuple[Write, ...]


Undone: TypeAlias = Mapping[Write, Retraction]
"""Who undid which write, as far as that is known."""


def bouts(history: History, reports: Iterable[FileReport]) -> Iterator[Bout]:
    """Yield the fields whose newest writes were all undone, by whomever.

    That is cheap to tell, from trailers alone; who it was takes contents of old commits.
    """
    for report in reports:
        for field in report.fields:
            if field.obstacle is None and field.reference is not None:
                writes = history.by_field.get(field.key, ())
                if newest := _undone(writes, field.reference):
                    yield Bout(field, newest)


def held(
    reports: Sequence[FileReport], found: Iterable[Bout], undone: Undone
) -> tuple[FileReport, ...]:
    """Return the reports in which the fields are held that somebody fights over with us.

    That is one author who undid all writes of a bout. Several people who each took something back,
    or one who did so once, want what they say and no more.
    """
    obstacles = {
        id(bout.field): Obstacle(SkipReason.FOUGHT_OVER, words)
        for bout in found
        if (words := _words(bout, undone))
    }
    return tuple(_held(report, obstacles) for report in reports) if obstacles else tuple(reports)


def _held(report: FileReport, obstacles: Mapping[int, Obstacle]) -> FileReport:
    if not any(id(field) in obstacles for field in report.fields):
        return report
    fields = [
        replace(each, obstacle=obstacles.get(id(each), each.obstacle)) for each in report.fields
    ]
    return replace(report, fields=tuple(fields))


def _undone(writes: Sequence[Write], present: ImageReference) -> tuple[Write, ...]:
    """Return the newest writes of a field if what stood there before came back after each of them.

    Something that never stood there is a step of somebody's own, and undoes nothing.
    """
    known = [
        (write, old, new)
        for write in writes[-2 * ROUNDS :]
        if isinstance(old := image_of(write.trailer.old), ImageReference)
        if isinstance(new := image_of(write.trailer.new), ImageReference)
    ]
    if len(known) < ROUNDS:
        return ()
    stood = {image for _, old, new in known[:-ROUNDS] for image in (old, new)}
    newest = known[-ROUNDS:]
    came_next = [*(old for _, old, _ in newest[1:]), present]
    for (_, old, new), came in zip(newest, came_next, strict=True):
        stood.add(old)
        if came == new or came not in stood:
            return ()
        stood.add(new)
    return tuple(write for write, _, _ in newest)


def _words(bout: Bout, undone: Undone) -> str:
    """Return why a field is held, for a person; empty if it is not."""
    rounds = [(write, undone[write]) for write in bout.writes if write in undone]
    authors = {retraction.author for _, retraction in rounds}
    if len(rounds) < len(bout.writes) or len(authors) > 1:
        return ""
    what = " and ".join(
        f"{_suffix(write)} in {retraction.commit[:SHORT]}" for write, retraction in rounds
    )
    workload = bout.field.workload.workload
    return (
        f"fought over: {authors.pop()} undid {what}; an image that a person writes there lifts it, "
        f"as does 'reconcile release {workload}'"
    )


def _suffix(write: Write) -> str:
    image = image_of(write.trailer.new)
    return image.suffix if isinstance(image, ImageReference) else write.trailer.new
