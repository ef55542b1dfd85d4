"""Retraction: which commit took back what one of ours wrote, by the file before and after it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.history import SHORT, History, Message, Write
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import FieldKey, FileReport, ImageField, inspect, reference_of
from reconciler.core.manifests.linking import link
from reconciler.core.manifests.tree import TreeEntry
from reconciler.core.message import plain

_MAX_SUBJECT = 72  # as many letters as a subject should have
_MAX_AUTHOR = 40


@dataclass(frozen=True, slots=True)
class Touch:
    """What a commit made of one file; of a merge: what it brought to its first parent.

    Attributes:
        message: the commit.
        path: the file.
        before: what the file was; None if it was not there.
        after: what it is; None if it is not there any more.
    """

    message: Message
    path: str
    before: TreeEntry | None
    after: TreeEntry | None


@dataclass(frozen=True, slots=True)
class Retraction:
    """The commit that put something else in place of what we wrote.

    Attributes:
        commit: its id, whole.
        at: when it was committed, with its zone.
        author: who wrote it, without the address; printable and bounded, as the subject is.
        subject: the first line of its message.
    """

    commit: str
    at: datetime
    author: str
    subject: str

    def __str__(self) -> str:
        return f"{self.commit[:SHORT]} by {self.author} ({self.at:%Y-%m-%d}): {self.subject}"


ImageOf = Callable[[TreeEntry], ImageReference | None]
"""Returns the image of one field in one state of its file; None: it has none there."""


def retraction_of(write: Write, touches: Iterable[Touch], image_of: ImageOf) -> Retraction | None:
    """Return the last commit that put something else where a write stood.

    None if none of these did: it is older than they are, or the write and what took it back came
    in one squashed commit.

    Args:
        write: what we wrote.
        touches: what commits made of its file since, the newest first.
        image_of: the image of the write's field; asked no more often than is needed.
    """
    written = reference_of(write.trailer.new)
    if not isinstance(written, ImageReference):
        return None
    for touch in touches:
        if touch.message.commit == write.commit or _stands(written, touch.after, image_of):
            return None
        if _stands(written, touch.before, image_of):
            return _of(touch.message)
    return None


def retracted_writes(field: ImageField, history: History) -> Iterator[tuple[str, Write]]:
    """Yield the tags that were taken back from a field, each with the write of it."""
    down = dict(field.rules.taken_back.tags)
    for write in reversed(history.by_field.get(field.key, ())) if down else ():
        new = reference_of(write.trailer.new)
        if isinstance(new, ImageReference) and down.get(new.effective_tag) == write.commit[:SHORT]:
            del down[new.effective_tag]
            yield new.effective_tag, write


def with_retractions(
    reports: Sequence[FileReport], history: History, found: Mapping[Write, Retraction]
) -> list[FileReport]:
    """Return the reports with what is known of who took back what among their rules."""

    def named(field: ImageField) -> ImageField:
        words = tuple(
            (tag, str(found[write]))
            for tag, write in retracted_writes(field, history)
            if write in found
        )
        if not words:
            return field
        taken_back = replace(field.rules.taken_back, by=words)
        return replace(field, rules=replace(field.rules, taken_back=taken_back))

    return [replace(each, fields=tuple(map(named, each.fields))) for each in reports]


def image_at(
    key: FieldKey, text: str, policies: Iterable[FileReport], *, default_namespace: str
) -> ImageReference | None:
    """Return the image of a field in an earlier text of its file; None if there is no such field.

    Args:
        key: the field.
        text: what the file said.
        policies: the reports of all manifests now, with the policies that markers mean.
        default_namespace: of workloads that name none.
    """
    path = file_of(key)
    then = inspect(path, text, default_namespace=default_namespace, is_survey=True)
    others = [
        FileReport(each.path, flux_objects=each.flux_objects)
        for each in policies
        if each.flux_objects and each.path != path
    ]
    fields = link([then, *others])[0].fields
    return next((each.reference for each in fields if each.key == key), None)


def file_of(key: FieldKey) -> str:
    """Return the file of a field; the place of a marked value has a pointer behind it."""
    return key[0].partition("#/")[0]


def _stands(written: ImageReference, entry: TreeEntry | None, image_of: ImageOf) -> bool:
    """Whether a file has the written tag in the field, whatever its digest."""
    image = image_of(entry) if entry is not None else None
    if image is None or image.repository != written.repository:
        return False
    return image.effective_tag == written.effective_tag


def _of(message: Message) -> Retraction:
    name = message.author.partition(" <")[0]
    subject = message.text.lstrip("\n").partition("\n")[0]
    return Retraction(
        message.commit,
        message.at,
        _bounded(name, _MAX_AUTHOR) or "nobody",
        _bounded(subject, _MAX_SUBJECT) or "no message",
    )


def _bounded(text: str, most: int) -> str:
    shown = plain(text).strip()
    return shown if len(shown) <= most else f"{shown[:most].rstrip()}…"
