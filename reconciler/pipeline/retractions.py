"""Retractions: ask Git who took back what we wrote; old files are read, so only on demand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import structlog

from reconciler.core.history import Write
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import FieldKey, FileReport, reference_of
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind, TreeEntry
from reconciler.core.retraction import (
    Retraction,
    Touch,
    file_of,
    image_at,
    retracted_writes,
    retraction_of,
    with_retractions,
)
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError, StoppedError
from reconciler.pipeline.git_port import ManifestRepository

log = structlog.get_logger(__name__)

MOST_TOUCHES = 50
"""Commits of one file that are looked at, the newest."""

_MOST_CONTENTS = 4000  # of all files that are asked about; each commit more has one or two of them
_MOST_CHARACTERS = 64 * 1024 * 1024  # that are kept in memory of them


def name_retractions(
    repository: ManifestRepository,
    revision: Revision,
    reports: Sequence[FileReport],
    *,
    policies: Sequence[FileReport],
    default_namespace: str,
) -> list[FileReport]:
    """Return the reports with who took back what, as far as that can be found.

    Args:
        repository: where they are from.
        revision: what they are about.
        reports: with what was taken back among their rules.
        policies: the reports of all manifests, with the policies that markers mean.
        default_namespace: of workloads that name none.
    """
    if not any(field.rules.taken_back.tags for each in reports for field in each.fields):
        return list(reports)
    history = repository.history(revision)
    writes = [
        write
        for each in reports
        for field in each.fields
        for _, write in retracted_writes(field, history)
    ]
    found = find_retractions(
        repository, revision, writes, policies=policies, default_namespace=default_namespace
    )
    return with_retractions(reports, history, found)


def find_retractions(
    repository: ManifestRepository,
    revision: Revision,
    writes: Sequence[Write],
    *,
    policies: Sequence[FileReport],
    default_namespace: str,
) -> Mapping[Write, Retraction]:
    """Return the commits that took back writes, of those for which one is found.

    The files' earlier contents are asked for all at once. That it fails is no reason to tell less
    of all else.

    Args:
        repository: where to look.
        revision: which commits.
        writes: what was taken back, in the order of the history or the other way round.
        policies: the reports of all manifests at that revision.
        default_namespace: of workloads that name none.
    """
    try:
        return look_for_retractions(
            repository, revision, writes, policies=policies, default_namespace=default_namespace
        )
    except StoppedError:
        raise
    except ReconcilerError as error:
        log.warning("retractions.unknown", problem=str(error))
        return {}


def look_for_retractions(
    repository: ManifestRepository,
    revision: Revision,
    writes: Sequence[Write],
    *,
    policies: Sequence[FileReport],
    default_namespace: str,
) -> Mapping[Write, Retraction]:
    """Do as :func:`find_retractions` does, and tell if it fails.

    Raises:
        GitError, AccessDeniedError: commits or contents could not be read.
    """
    if not writes:
        return {}
    paths = {file_of(write.trailer.key) for write in writes}
    touches = repository.touches(revision, paths, most=MOST_TOUCHES)
    texts = _texts(repository, touches)
    by_path = _known(touches, texts)
    known: dict[tuple[FieldKey, str], ImageReference | None] = {}

    def image_of(write: Write, entry: TreeEntry) -> ImageReference | None:
        text, key = texts[entry.blob], write.trailer.key
        new = reference_of(write.trailer.new)
        if isinstance(new, ImageReference) and (new.tag or "") not in text:
            return None  # without a parsing; what we write is written plainly
        place = (key, entry.blob)
        if place not in known:
            known[place] = image_at(key, text, policies, default_namespace=default_namespace)
        return known[place]

    found = {}
    for write in writes:
        its_file = by_path.get(file_of(write.trailer.key), ())
        its = retraction_of(write, its_file, partial(image_of, write))
        if its is not None:
            found[write] = its
    return found


def _known(touches: Iterable[Touch], texts: Mapping[str, str]) -> Mapping[str, list[Touch]]:
    """Return by file what commits made of it, no further back than its contents are known."""
    by_path: dict[str, list[Touch]] = {}
    ended = set()
    for touch in touches:
        if any(each.blob not in texts for each in _states(touch)):
            ended.add(touch.path)
        if touch.path not in ended:
            by_path.setdefault(touch.path, []).append(touch)
    return by_path


def _states(touch: Touch) -> Iterator[TreeEntry]:
    yield from (each for each in (touch.after, touch.before) if each is not None)


def _texts(repository: ManifestRepository, touches: Iterable[Touch]) -> Mapping[str, str]:
    """Return the contents before and after, by blob, of very much the newest.

    What is too large to be a manifest, or is a submodule, has none.
    """
    entries: dict[str, TreeEntry] = {}
    for touch in touches:
        for entry in _states(touch):
            if len(entries) < _MOST_CONTENTS:
                entries.setdefault(entry.blob, entry)
    texts = {each.blob: "" for each in entries.values() if each.kind is EntryKind.SUBMODULE}
    wanted = [each for each in entries.values() if each.blob not in texts]
    left = _MOST_CHARACTERS
    for entry, content in repository.read(wanted, max_bytes=MAX_FILE_BYTES):
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        left -= len(text)
        if left < 0:
            break
        texts[entry.blob] = text
    return texts
