"""Read: what the branch says now, as texts and as image fields."""

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.history import History
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.linking import link
from reconciler.core.manifests.reading import Reading, Terms, reading_of, text_of
from reconciler.core.manifests.selection import IGNORE_FILES, select_manifests
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.errors import ManifestError, NotFoundError, ReconcilerError
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.memory import Memory, PerBlob, Seen
from reconciler.pipeline.view import Manifests, View
from reconciler.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the manifests of one branch; what is remembered is not read and parsed again.

    Attributes:
        repository: the branch.
        paths: folders or files that count; none: all.
        default_namespace: of workloads that name none.
        memory: of this branch, these paths and this namespace alone.
    """

    repository: ManifestRepository
    paths: Sequence[str]
    default_namespace: str
    memory: Memory

    @classmethod
    def of(cls, source: SourceSettings, repository: ManifestRepository, memory: Memory) -> "Reader":
        """Return what reads a source."""
        return cls(repository, source.paths, source.default_namespace, memory)

    def read(self) -> View:
        """Fetch the branch and find its images; of what is known to any process, no text is read.

        Raises:
            GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
        """
        snapshot = self.repository.fetch()
        history = self.repository.history(snapshot.revision)
        seen = self.memory.seen
        if seen is not None and seen.snapshot == snapshot and seen.history == history:
            return seen.view
        chosen = _chosen(self.repository, snapshot, paths=self.paths, known=self.memory.texts)
        readings = self.memory.readings
        readings.recall(chosen.files, self._terms)
        self._inspect([entry for entry in chosen.files if readings.of(entry) is None])
        paths = {entry.path for entry in chosen.files}
        readings.keep(paths)
        self.memory.texts.keep(paths | chosen.ignore_files)
        return self._seen(snapshot, history, chosen.files, chosen.problems)

    def read_anew(self, paths: Collection[str]) -> View:
        """Return the view that was read last, with these of its manifests read from their texts.

        With them, what says something of other manifests.

        Raises:
            GitError: a content could not be had.
        """
        seen = self.memory.seen
        if seen is None:
            return self.read()
        self._inspect(
            [
                seen.view.files[report.path]
                for report in seen.view.reports
                if report.path in seen.view.recalled
                if report.path in paths or report.overlay or report.builds or report.flux_objects
            ]
        )
        history = self.repository.history(seen.snapshot.revision)  # it may have been deepened
        return self._seen(seen.snapshot, history, seen.files, seen.problems)

    def with_texts(self, view: View) -> View:
        """Return a view with the texts of all its manifests.

        Raises:
            GitError: a content could not be had.
        """
        lacking = [entry for path, entry in view.files.items() if path not in view.texts]
        if not lacking:
            return view
        found = _contents(self.repository, lacking, self.memory.texts)
        texts = {**view.texts, **_only_texts(found)}
        problems = (each for each in found.values() if isinstance(each, ManifestError))
        whole = replace(
            view,
            texts={path: texts[path] for path in view.files if path in texts},
            problems=(*view.problems, *problems),
        )
        seen = self.memory.seen
        if seen is not None and seen.view is view:
            self.memory.seen = replace(seen, view=whole)
        return whole

    @property
    def _terms(self) -> Terms:
        return Terms(self.default_namespace, is_survey=self.memory.is_survey)

    def _inspect(self, entries: Sequence[TreeEntry]) -> None:
        """Make of texts what they say."""
        contents = _contents(self.repository, entries, self.memory.texts)
        readings = {
            entry: reading_of(entry.path, contents[entry.path], self._terms) for entry in entries
        }
        self.memory.readings.put(readings, self._terms)

    def _patches(
        self, reports: Sequence[FileReport], files: Sequence[TreeEntry]
    ) -> Mapping[str, str]:
        """Return the texts of the patches that kustomizations have in files of their own."""
        overlays = [each.overlay for each in reports if each.overlay]
        wanted = {patch.file for each in overlays for patch in each.patches}
        entries = [entry for entry in files if entry.path in wanted]
        return _only_texts(_contents(self.repository, entries, self.memory.texts))

    def _seen(
        self,
        snapshot: Snapshot,
        history: History,
        files: Sequence[TreeEntry],
        problems: Sequence[ReconcilerError],
    ) -> View:
        """Return and remember the view of what is known of all files."""
        known, texts = self.memory.readings, self.memory.texts
        found: list[tuple[TreeEntry, Reading]] = [
            (entry, reading) for entry in files if (reading := known.of(entry)) is not None
        ]
        read = [entry for entry, reading in found if isinstance(reading, FileReport)]
        own = [each for _, each in found if isinstance(each, FileReport)]
        reports = link(own, self._patches(own, files))
        view = View(
            revision=snapshot.revision,
            entries=snapshot.entries,
            texts={entry.path: text for entry in read if (text := texts.of(entry)) is not None},
            problems=(*problems, *(each for _, each in found if isinstance(each, ManifestError))),
            reports=self.memory.rivals.hold(
                self.repository,
                snapshot.revision,
                history.recalled(reports),
                history,
                default_namespace=self.default_namespace,
            ),
            files={entry.path: entry for entry in read},
            recalled=frozenset(entry.path for entry in read if known.is_recalled(entry)),
        )
        self.memory.seen = Seen(snapshot, history, files, problems, view)
        return view


def read(
    repository: ManifestRepository, *, paths: Sequence[str], default_namespace: str, memory: Memory
) -> View:
    """Fetch the branch and read its manifests, all of their texts.

    Paths and default namespace must be the same for all that is done with one memory.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    reader = Reader(repository, paths, default_namespace, memory)
    return reader.with_texts(reader.read())


def read_source(source: SourceSettings, repository: ManifestRepository, *, memory: Memory) -> View:
    """Fetch a source's branch and read the manifests that are its, all of their texts.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    reader = Reader.of(source, repository, memory)
    return reader.with_texts(reader.read())


def read_manifests(
    source: SourceSettings, repository: ManifestRepository, *, memory: Memory
) -> Manifests:
    """Fetch a source's branch and read the texts of its manifests, whatever images they have.

    Raises:
        GitError, AccessDeniedError, NotFoundError: see :meth:`ManifestRepository.fetch`.
    """
    snapshot = repository.fetch()
    chosen = _chosen(repository, snapshot, paths=source.paths, known=memory.texts)
    found = _contents(repository, chosen.files, memory.texts)
    memory.texts.keep(found.keys() | chosen.ignore_files)
    unread = (each for each in found.values() if isinstance(each, ManifestError))
    return Manifests(
        revision=snapshot.revision,
        texts=_only_texts(found),
        problems=(*chosen.problems, *unread),
        entries=snapshot.entries,
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What is to be read of a tree; ``ignore_files`` was read to know."""

    files: Sequence[TreeEntry]
    problems: Sequence[ReconcilerError]
    ignore_files: frozenset[str]


def _chosen(
    repository: ManifestRepository,
    snapshot: Snapshot,
    *,
    paths: Sequence[str],
    known: PerBlob[str],
) -> _Chosen:
    ignore_texts, problems, closed = _ignores(repository, snapshot, known)
    selection = select_manifests(snapshot.entries, paths=paths, ignore_files=ignore_texts)
    files = [entry for entry in selection.files if not _is_below(entry.path, closed)]
    problems += [_missing(path, snapshot, reason) for path, reason in selection.missing]
    problems += selection.problems
    problems += _outward_links(repository, selection.links)
    return _Chosen(files, problems, frozenset(ignore_texts))


def _ignores(
    repository: ManifestRepository, snapshot: Snapshot, known: PerBlob[str]
) -> tuple[Mapping[str, str], list[ReconcilerError], Sequence[str]]:
    """Return the texts of the ignore files, what is wrong with them, and the folders this closes.

    What an ignore file keeps from the cluster is not known if it cannot be read: so all below it.
    """
    entries = [entry for entry in snapshot.entries if _is_ignore_file(entry)]
    files = [entry for entry in entries if entry.kind is EntryKind.FILE]
    found = _contents(repository, files, known)
    texts = _only_texts(found)
    problems = [each for each in found.values() if isinstance(each, ManifestError)]
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


def _contents(
    repository: ManifestRepository, entries: Sequence[TreeEntry], known: PerBlob[str]
) -> dict[str, str | ManifestError]:
    """Return the entries' texts in their order, of which only those not known are read."""
    unknown = [entry for entry in entries if known.of(entry) is None]
    wrong: dict[str, ManifestError] = {}
    for entry, content in repository.read(unknown, max_bytes=MAX_FILE_BYTES):
        text = text_of(entry.path, content)
        if isinstance(text, ManifestError):
            wrong[entry.path] = text
        else:
            known.put(entry, text)
    found = ((entry.path, known.of(entry)) for entry in entries)
    return {path: wrong[path] if text is None else text for path, text in found}


def _only_texts(contents: Mapping[str, str | ManifestError]) -> dict[str, str]:
    return {path: text for path, text in contents.items() if isinstance(text, str)}


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


def _missing(path: str, snapshot: Snapshot, reason: str) -> NotFoundError:
    return NotFoundError(f"{reason} at {snapshot.revision}: check --git-path", where=path)
