"""Read: what the branch says now, as texts and as image fields."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from reconciler.core.manifests.selection import IGNORE_FILES, select_manifests
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.errors import ManifestError, NotFoundError, ReconcilerError
from reconciler.pipeline.memory import Memory, Seen, Texts
from reconciler.pipeline.ports import ManifestRepository
from reconciler.pipeline.view import Manifests, View
from reconciler.settings import SourceSettings

# git-lfs, docs/spec.md: "the first key is always version"
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def read(
    repository: ManifestRepository, *, paths: Sequence[str], default_namespace: str, memory: Memory
) -> View:
    """Fetch the branch and read its manifests; what is remembered is not read and parsed again.

    Paths and default namespace must be the same for all that is done with one memory.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    snapshot = repository.fetch()
    history = repository.history(snapshot.revision)
    seen = memory.seen
    if seen is not None and seen.snapshot == snapshot and seen.history == history:
        return seen.view
    manifests = _manifests(repository, snapshot, paths=paths, known=memory.texts)
    reports = memory.inspect(manifests.texts, default_namespace=default_namespace)
    recalled = memory.rivals.hold(
        repository,
        manifests.revision,
        history.recalled(reports),
        history,
        default_namespace=default_namespace,
    )
    view = View(
        manifests.revision,
        manifests.texts,
        manifests.problems,
        recalled,
        entries=manifests.entries,
    )
    memory.seen = Seen(snapshot, history, view)
    return view


def read_source(source: SourceSettings, repository: ManifestRepository, *, memory: Memory) -> View:
    """Fetch a source's branch and read the manifests that are its.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    return read(
        repository,
        paths=source.paths,
        default_namespace=source.default_namespace,
        memory=memory,
    )


def read_manifests(
    source: SourceSettings, repository: ManifestRepository, *, memory: Memory
) -> Manifests:
    """Fetch a source's branch and read the texts of its manifests, whatever images they have.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    return _manifests(repository, repository.fetch(), paths=source.paths, known=memory.texts)


def _manifests(
    repository: ManifestRepository, snapshot: Snapshot, *, paths: Sequence[str], known: Texts
) -> Manifests:
    ignore_texts, problems, closed = _ignores(repository, snapshot, known)
    selection = select_manifests(snapshot.entries, paths=paths, ignore_files=ignore_texts)
    files = [entry for entry in selection.files if not _is_below(entry.path, closed)]
    texts, unread = _texts(repository, files, known)
    known.keep(texts.keys() | ignore_texts.keys())
    problems += [_missing(path, snapshot, reason) for path, reason in selection.missing]
    problems += [*selection.problems, *unread]
    problems += _outward_links(repository, selection.links)
    return Manifests(snapshot.revision, texts, tuple(problems), entries=snapshot.entries)


def _ignores(
    repository: ManifestRepository, snapshot: Snapshot, known: Texts
) -> tuple[Mapping[str, str], list[ReconcilerError], Sequence[str]]:
    """Return the texts of the ignore files, what is wrong with them, and the folders this closes.

    What an ignore file keeps from the cluster is not known if it cannot be read: so all below it.
    """
    entries = [entry for entry in snapshot.entries if _is_ignore_file(entry)]
    files = [entry for entry in entries if entry.kind is EntryKind.FILE]
    texts, problems = _texts(repository, files, known)
    problems += [
        ManifestError("is a link, which is not followed", where=entry.path)
        for entry in entries
        if entry.kind is EntryKind.LINK
    ]
    closed = [posixpath.dirname(entry.path) for entry in entries if entry.path not in texts]
    told: list[ReconcilerError] = [
        ManifestError(f"{each.message}; nothing below {folder or '.'!r} is read", where=each.where)
        for each in problems
        for folder in [posixpath.dirname(each.where)]
    ]
    return texts, told, closed


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(not folder or path.startswith(f"{folder}/") for folder in folders)


def _texts(
    repository: ManifestRepository, entries: Sequence[TreeEntry], known: Texts
) -> tuple[dict[str, str], list[ReconcilerError]]:
    """Return the entries' texts in their order, of which only those not known are read."""
    problems: list[ReconcilerError] = []
    unknown = [entry for entry in entries if known.of(entry) is None]
    for entry, content in repository.read(unknown, max_bytes=MAX_FILE_BYTES):
        try:
            known.put(entry, _text(entry, content))
        except ManifestError as error:
            problems.append(error)
    found = ((entry.path, known.of(entry)) for entry in entries)
    return {path: text for path, text in found if text is not None}, problems


def _text(entry: TreeEntry, content: bytes | Oversize) -> str:
    """Return the text of a file.

    Raises:
        ManifestError: it has none, or it is elsewhere.
    """
    if isinstance(content, Oversize):
        raise _too_large(entry, content)
    if content.startswith(_LFS_POINTER):
        message = "is a pointer of Git LFS: what it says is not in Git; keep manifests out of LFS"
        raise ManifestError(message, where=entry.path)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ManifestError("is not UTF-8", where=f"{entry.path}:{line}") from error


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
    is_content = entry.kind is not EntryKind.SUBMODULE
    return is_content and posixpath.basename(entry.path) in IGNORE_FILES


def _too_large(entry: TreeEntry, content: Oversize) -> ManifestError:
    return ManifestError(
        f"has {content.size_bytes:,} bytes; the limit is {MAX_FILE_BYTES:,}", where=entry.path
    )


def _missing(path: str, snapshot: Snapshot, reason: str) -> NotFoundError:
    return NotFoundError(f"{reason} at {snapshot.revision}: check --git-path", where=path)
