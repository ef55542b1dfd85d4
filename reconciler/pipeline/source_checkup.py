"""Source checkup: try the access to a source's remote, from the key to a push."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from reconciler.core.checkup import Check, Checkup, failed, passed, skipped, warned
from reconciler.core.manifests.images import FileReport
from reconciler.core.plan import pullers
from reconciler.core.revision import Revision
from reconciler.core.survey import openly
from reconciler.errors import NotFoundError, ReconcilerError, TransientError
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.survey import Inspection, inspect_source
from reconciler.pipeline.view import View
from reconciler.settings import SourceSettings


class RemoteProbe(Protocol):
    """Tries the access to a Git remote step by step. Publishes nothing.

    What goes wrong is a failed :class:`Check` and no error.
    """

    def check_access(self) -> Iterable[Check]:
        """Try the key, the remote and the branch; after a failure nothing more."""
        ...

    def check_push(self, base: Revision) -> Check:
        """Try whether a push of ours would be taken.

        Args:
            base: the newest commit of the branch, which was fetched.
        """
        ...

    def check_clock(self, base: Revision) -> Check:
        """Compare our clock with the newest commit."""
        ...


@dataclass(frozen=True, slots=True)
class SourceFindings:
    """What came of reading a source's branch."""

    checkup: Checkup
    reports: tuple[FileReport, ...] = ()
    view: View | None = None


def examine_source(source: SourceSettings, parts: Parts, probe: RemoteProbe) -> SourceFindings:
    """Try a source's remote: read it, and do all for a push but the push itself."""
    url = source.git.url
    checks = list(probe.check_access())
    if any(check.exit_code for check in checks):
        checks += [skipped(each, "the remote is not reached") for each in ("read", "push")]
        return SourceFindings(Checkup(url, tuple(checks)))
    try:
        inspection = inspect_source(source, parts)
    except ReconcilerError as error:
        checks += [_unread(error), skipped("push", "see read")]
        return SourceFindings(Checkup(url, tuple(checks)))
    checks += _after_reading(source, parts, probe, inspection)
    return SourceFindings(Checkup(url, tuple(checks)), inspection.reports, inspection.view)


def _after_reading(
    source: SourceSettings, parts: Parts, probe: RemoteProbe, inspection: Inspection
) -> Iterator[Check]:
    revision = inspection.view.revision
    yield _read(inspection)
    yield from _paths(source, inspection)
    if source.git.read_only:
        yield skipped("push", "--git-read-only: nothing is ever pushed")
    elif not source.is_updated:
        yield skipped("push", "--no-update: nothing is ever pushed")
    else:
        yield probe.check_push(revision)
    if source.git.signing_key_file is not None:
        yield _signing(revision, parts)
    yield probe.check_clock(revision)


def _read(inspection: Inspection) -> Check:
    count = len(pullers(openly(inspection.reports)))
    noun = "repository" if count == 1 else "repositories"
    detail = f"{inspection.view.revision}, with images of {count} {noun}"
    wrong = [each for each in inspection.view.problems if not isinstance(each, NotFoundError)]
    if wrong:
        cause = f"{wrong[0]}{', and more' if len(wrong) > 1 else ''}; such files are left alone"
        return warned("read", f"{detail}; not all can be read", cause=cause)
    return passed("read", detail)


def _paths(source: SourceSettings, inspection: Inspection) -> Iterator[Check]:
    """Tell how many manifests each folder has; where none are named, only if there are none."""
    files = inspection.view.files
    missing = [each for each in inspection.view.problems if isinstance(each, NotFoundError)]
    if missing:
        said = "; ".join(map(str, missing))
        yield failed("paths", said, cause="a slip in --git-path, or nothing was pushed there yet")
        return
    if not source.paths:
        if not files:
            yield warned(
                "paths",
                "the branch has no manifest",
                cause="they are in another branch (--git-branch), or still to be pushed",
            )
        return
    counts = {
        path: sum(f"{file}/".startswith(f"{path.strip('/')}/") for file in files)
        for path in source.paths
        if path.strip("/.")
    }
    said = ", ".join(f"{path}: {_manifests(count)}" for path, count in counts.items())
    empty = [path for path, count in counts.items() if not count]
    if empty:
        cause = "a slip in --git-path, or what is there is ignored, or no *.yaml, *.yml or *.json"
        yield warned("paths", f"no manifest in {', '.join(empty)}", cause=cause)
    elif said:
        yield passed("paths", said)


def _manifests(count: int) -> str:
    return f"{count:,} manifest{'' if count == 1 else 's'}"


def _signing(base: Revision, parts: Parts) -> Check:
    try:
        parts.repository.commit(base, {}, "Try whether a commit can be signed\n")
    except ReconcilerError as error:
        cause = "the settings of --git-signing-…; nothing is pushed that is not signed"
        return failed("sign", str(error), cause=cause, may_pass=isinstance(error, TransientError))
    return passed("sign", "a commit can be signed")


def _unread(error: ReconcilerError) -> Check:
    match error:
        case NotFoundError():
            cause = "somebody has removed it just now"
        case TransientError():
            cause = "the remote is down, or the network is; or the disk is full"
        case _:
            cause = "it will fail the same way until it is changed"
    may_pass = isinstance(error, TransientError)
    return failed("read", str(error), cause=cause, may_pass=may_pass)
