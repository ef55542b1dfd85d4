"""History: which images commits of ours wrote, and so which of them were taken back since.

Git is the memory: a trailer in each of our commits names field, old and new image. What is turned
down is worked out from these alone; contents of old commits are not read.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from heapq import heappop, heappush
from itertools import chain, groupby, islice

from reconciler.core.images.reference import ImageReference, Repository
from reconciler.core.images.rules import TakenBack
from reconciler.core.manifests.images import FieldKey, FileReport, ImageField
from reconciler.core.message import BY_PERSON, ImageTrailer, parse_by, parse_trailers
from reconciler.errors import ReferenceSyntaxError

MOST = 2000
"""Writes of one field that are gone through, the newest: anybody who pushes can make a million."""

MOST_IN_ALL = 100_000
"""Writes of all fields that are kept, of the newest commits: about 60 MiB."""

SHORT = 7
"""Digits of a commit's id where a person reads it."""


@dataclass(frozen=True, slots=True)
class Write:
    """One image that a commit wrote, by its own words.

    Attributes:
        commit: its id, whole.
        at: when it was committed, with its zone.
        author: who wrote it: ``reconcile <reconcile@localhost>``; after a squash, who merged.
        by: source and cluster: ``default@1f3a9c02``; ``person``; None if it does not say.
        trailer: which field, the old and the new image, as texts.
    """

    commit: str
    at: datetime
    author: str
    by: str | None
    trailer: ImageTrailer

    @property
    def is_by_person(self) -> bool:
        """Whether a person chose the image, by our hand."""
        return self.by == BY_PERSON


@dataclass(frozen=True)  # without slots: what was worked out once is kept
class History:
    """What commits of ours wrote, as far as it is known.

    Attributes:
        writes: the oldest first.
        since: when the oldest commit was made that is known; None if all of them are.
    """

    writes: tuple[Write, ...] = ()
    since: datetime | None = None

    def recalled(self, reports: Sequence[FileReport]) -> tuple[FileReport, ...]:
        """Return the reports with what was taken back from each field among its rules."""
        if not self.writes:
            return tuple(reports)
        return tuple(map(self._recalled_report, reports))

    def tells(self, key: FieldKey, *images: ImageReference) -> bool:
        """Whether what is known suffices to say what was taken back from a field.

        It does from a write of one of the images on: of the one that stands there, or of one that
        might be written. What was written and taken back before that is as good as forgotten.

        Args:
            key: the field.
            images: what stands there, and what might be written.
        """
        if self.since is None:
            return True
        written = (_parsed(write.trailer.new) for write in self.by_field.get(key, ()))
        return any(
            new is not None
            and new.repository == image.repository
            and new.effective_tag == image.effective_tag
            for new in written
            for image in images
        )

    @cached_property
    def by_field(self) -> Mapping[FieldKey, Sequence[Write]]:
        """The writes of each field, the oldest first."""
        found: dict[FieldKey, list[Write]] = {}
        for write in self.writes:
            found.setdefault(write.trailer.key, []).append(write)
        return found

    @cached_property
    def _known(self) -> dict[tuple[FieldKey, ImageReference], TakenBack]:
        return {}

    def _recalled_report(self, report: FileReport) -> FileReport:
        fields = tuple(map(self._recalled, report.fields))
        is_same = all(new is old for new, old in zip(fields, report.fields, strict=True))
        return report if is_same else replace(report, fields=fields)

    def _recalled(self, each: ImageField) -> ImageField:
        key = each.key
        if each.reference is None or key not in self.by_field:
            return each
        known = (key, each.reference)
        if known not in self._known:
            self._known[known] = taken_back(self.by_field[key], each.reference)
        found = self._known[known]
        return replace(each, rules=replace(each.rules, taken_back=found)) if found else each


NO_HISTORY = History()


@dataclass(frozen=True, slots=True)
class Message:
    """A commit's message and who made it, before anything in it is understood."""

    commit: str
    at: datetime
    author: str
    text: str = field(repr=False)


def history_of(
    messages: Iterable[Message], since: datetime | None, *, most: int = MOST_IN_ALL
) -> History:
    """Return what messages say was written; of very much, the newest.

    Args:
        messages: the newest first; no more of them are read than are kept. A squash merge has
            several commits of ours in one of them.
        since: when the oldest commit was made that is known; None if all of them are.
        most: writes that are kept; those of the newest message always are.
    """
    return _kept((tuple(_writes(message)) for message in messages), since, most)


def extended(known: History, messages: Iterable[Message], *, most: int = MOST_IN_ALL) -> History:
    """Return what :func:`history_of` would say of newer messages and all that is known, together.

    Args:
        known: what older messages say, with the same ``most``.
        messages: the newest first.
        most: see :func:`history_of`.
    """
    newer = filter(None, (tuple(_writes(message)) for message in messages))
    newest = next(newer, None)
    if newest is None:
        return known
    older = [tuple(each) for _, each in groupby(known.writes, key=lambda write: write.commit)]
    return _kept(chain([newest], newer, reversed(older)), known.since, most)


def _kept(told: Iterable[tuple[Write, ...]], since: datetime | None, most: int) -> History:
    """Return a history of what messages wrote, the newest first, as far as it is kept."""
    kept: list[tuple[Write, ...]] = []
    count = 0
    for writes in filter(None, told):
        count += len(writes)
        if kept and count > most:
            since = kept[-1][0].at
            break
        kept.append(writes)
    return History(tuple(write for writes in reversed(kept) for write in writes), since)


class Standing(enum.Enum):
    """What became of a write."""

    PRESENT = "stands there"
    REPLACED = "replaced"
    TAKEN_BACK = "taken back"
    GONE = "gone"  # the field is not there any more


def standings(
    history: History, reports: Iterable[FileReport]
) -> tuple[tuple[Write, Standing], ...]:
    """Return the writes in their order, each with what became of it.

    Args:
        history: what was written.
        reports: of all manifests, with the fields of all workloads.
    """
    fields = {each.key: each.reference for report in reports for each in report.fields}
    found: dict[int, Standing] = {}
    for key, writes in history.by_field.items():
        found.update(_standings(writes, fields.get(key)))
    return tuple((write, found[id(write)]) for write in history.writes)


def _standings(
    writes: Sequence[Write], present: ImageReference | None
) -> Iterator[tuple[int, Standing]]:
    """Yield by identity what became of one field's writes."""
    down = dict(taken_back(writes, present).tags) if present else {}
    is_found = False
    for write in reversed(writes):
        new = _parsed(write.trailer.new)
        if present is None or new is None:
            yield id(write), Standing.GONE
        elif not is_found and _is_same(new, present):
            is_found = True
            yield id(write), Standing.PRESENT
        elif down.pop(new.effective_tag, "") == write.commit[:SHORT]:
            yield id(write), Standing.TAKEN_BACK
        else:
            yield id(write), Standing.REPLACED


def taken_back(writes: Sequence[Write], present: ImageReference) -> TakenBack:
    """Return what is not to be chosen again for one field.

    Each trailer says what it found. Where that is not what the one before it wrote, somebody put
    back an earlier tag, or another: what was written after the last write of that tag (all of it,
    if none wrote it) was taken back, and stays so until it stands there by somebody else's hand.
    The same goes for the present tag, and for what a person chose by our hand. And of the present
    tag no other digest is followed that it ever had here: it was replaced.

    Args:
        writes: of this field, the oldest first.
        present: the image that stands there.
    """
    known = [
        (write, old, new)
        for write in writes
        if (old := _parsed(write.trailer.old)) and (new := _parsed(write.trailer.new))
        if new.repository == present.repository
    ][-MOST:]
    replay = _Replay(present.repository)
    for write, old, new in known:
        replay.find(old)
        if write.is_by_person:
            replay.find(new)
        replay.write(new, write.commit)
    replay.find(present)
    digests = {
        reference.digest
        for _, old, new in known
        for reference in (old, new)
        if reference.digest and reference.effective_tag == present.effective_tag
        if reference.repository == present.repository
    }
    return TakenBack(tuple(sorted(replay.down.items())), frozenset(digests - {present.digest}))


class _Replay:
    """What happened to one field, step by step; as many steps as there are take no longer.

    Attributes:
        down: the tags that were taken back, with the commits that wrote them, shortened.
    """

    def __init__(self, repository: Repository) -> None:
        self.down: dict[str, str] = {}
        self._repository = repository
        self._commits: list[str] = []
        self._by_tag: dict[str, int] = {}  # the number of the last write of a tag,
        self._by_digest: dict[tuple[str, str | None], int] = {}  # and of one with that digest
        self._up: dict[str, int] = {}  # what was written and is not down, by number

    def find(self, image: ImageReference) -> None:
        """Take in what stood there, before the next write or in the end."""
        last = self._last_write(image)
        while self._up:
            tag, number = self._up.popitem()
            if number <= last:
                self._up[tag] = number
                break
            self.down[tag] = self._commits[number][:SHORT]
        self._lift(image.effective_tag)

    def write(self, image: ImageReference, commit: str) -> None:
        """Take in what we wrote."""
        tag = image.effective_tag
        self._by_tag[tag] = self._by_digest[tag, image.digest] = len(self._commits)
        self._commits.append(commit)
        self._lift(tag)

    def _last_write(self, image: ImageReference) -> int:
        """Return the number of the last write that an image may be; -1 if none."""
        tag = image.effective_tag
        if image.repository != self._repository:
            return -1
        if image.digest is None:
            return self._by_tag.get(tag, -1)
        return max(self._by_digest.get((tag, digest), -1) for digest in (image.digest, None))

    def _lift(self, tag: str) -> None:
        """Let a tag be chosen again; of those that may, it was written last."""
        self.down.pop(tag, None)
        if tag in self._by_tag:
            self._up.pop(tag, None)
            self._up[tag] = self._by_tag[tag]


def _writes(message: Message) -> Iterator[Write]:
    by = parse_by(message.text)
    for trailer in _chained(parse_trailers(message.text)):
        yield Write(message.commit, message.at, message.author, by, trailer)


def _chained(trailers: Sequence[ImageTrailer]) -> Iterator[ImageTrailer]:
    """Yield the trailers of one message in the order of their making.

    Squashed commits are listed from the oldest by some, from the newest by others: of one field,
    what a trailer found is what the one before it wrote.
    """
    by_field: dict[FieldKey, list[ImageTrailer]] = {}
    for trailer in trailers:
        by_field.setdefault(trailer.key, []).append(trailer)
    for some in by_field.values():
        yield from _in_order(some) if 1 < len(some) <= MOST else some


def _in_order(trailers: Sequence[ImageTrailer]) -> Iterator[ImageTrailer]:
    """Yield the trailers of one field: of those whose old image none of the rest wrote, the first.

    Where they go round in a circle, it is the first of the rest.
    """
    left = Counter(each.new for each in trailers)
    finders: dict[str, list[int]] = {}
    for number, each in enumerate(trailers):
        finders.setdefault(each.old, []).append(number)
    ready = [number for number, each in enumerate(trailers) if each.old not in left]  # a heap
    is_told = [False] * len(trailers)
    rest = iter(range(len(trailers)))
    while ready or (ready := list(islice(rest, 1))):
        number = heappop(ready)
        if is_told[number]:
            continue
        is_told[number] = True
        yield trailers[number]
        new = trailers[number].new
        left[new] -= 1
        for finder in () if left[new] else finders.get(new, ()):
            heappush(ready, finder)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ImageReference | None:
    try:
        return ImageReference.parse(text)
    except ReferenceSyntaxError:
        return None


def _is_same(written: ImageReference, present: ImageReference) -> bool:
    """Whether a write stands; a digest that only one of them has makes no difference."""
    digests = {written.digest, present.digest} - {None}
    is_tag = written.effective_tag == present.effective_tag
    return written.repository == present.repository and is_tag and len(digests) <= 1
