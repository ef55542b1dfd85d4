"""Read: what the branch says now, as texts and as image fields."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.selection import IGNORE_FILES, select_manifests
from reconciler.core.manifests.tree import EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.core.revision import Revision
from reconciler.errors import ManifestError, NotFoundError, ReconcilerError
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.ports import ManifestRepository

MAX_FILE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class View:
    """A revision as we see it.

    Attributes:
        revision: what was fetched.
        texts: the manifests by path, in path order.
        reports: what each manifest says about images, in the same order.
        problems: what could not be read; other files are unharmed, but nothing is pruned.
    """

    revision: Revision
    texts: Mapping[str, str]
    reports: tuple[FileReport, ...]
    problems: tuple[ReconcilerError, ...]


def read(
    repository: ManifestRepository, *, paths: Sequence[str], default_namespace: str, memory: Memory
) -> View:
    """Fetch the branch and read its manifests; what is remembered of them is not parsed again.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    snapshot = repository.fetch()
    ignores = [entry for entry in snapshot.entries if _is_ignore_file(entry)]
    ignore_texts, problems = _texts(repository, ignores)
    selection = select_manifests(snapshot.entries, paths=paths, ignore_files=ignore_texts)
    texts, unread = _texts(repository, selection.files)
    problems += [_missing(path, snapshot) for path in selection.missing_paths]
    problems += [*selection.problems, *unread]
    problems += _outward_links(repository, selection.links)
    return View(
        revision=snapshot.revision,
        texts=texts,
        reports=memory.inspect(texts, default_namespace=default_namespace),
        problems=tuple(problems),
    )


def _texts(
    repository: ManifestRepository, entries: Sequence[TreeEntry]
) -> tuple[dict[str, str], list[ReconcilerError]]:
    texts: dict[str, str] = {}
    problems: list[ReconcilerError] = []
    for entry, content in repository.read(entries, max_bytes=MAX_FILE_BYTES):
        if isinstance(content, Oversize):
            problems.append(_too_large(entry, content))
            continue
        try:
            texts[entry.path] = content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            problems.append(ManifestError("is not UTF-8", where=f"{entry.path}:{line}"))
    return texts, problems


def _outward_links(
    repository: ManifestRepository, links: Sequence[TreeEntry]
) -> Iterable[ReconcilerError]:
    """Links are never followed; one that leads out of the repository is worth a word."""
    for entry, content in repository.read(links, max_bytes=4096):
        target = "" if isinstance(content, Oversize) else content.decode(errors="replace")
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), target))
        if target.startswith("/") or joined.startswith("..") or not target:
            yield ManifestError(
                f"is a link that leads out of the repository: {target[:200]!r}; not followed",
                where=entry.path,
            )


def _is_ignore_file(entry: TreeEntry) -> bool:
    return entry.kind is EntryKind.FILE and posixpath.basename(entry.path) in IGNORE_FILES


def _too_large(entry: TreeEntry, content: Oversize) -> ManifestError:
    return ManifestError(
        f"has {content.size_bytes:,} bytes; the limit is {MAX_FILE_BYTES:,}", where=entry.path
    )


def _missing(path: str, snapshot: Snapshot) -> NotFoundError:
    return NotFoundError(f"no such folder at {snapshot.revision}: check --git-path", where=path)
