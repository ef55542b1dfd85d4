"""Readiness: which sources others wait for, how these stand, and whose turn it is then."""

import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.core.outcome import READ, SYNC, CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.errors import DependencyError, ForgeError
from reconciler.settings import SourceSettings

NO_CYCLE = "which has had no cycle yet"


@dataclass(frozen=True, slots=True)
class _Standing:
    """How a source stood when its last cycle ended.

    Attributes:
        obstacle: why nobody who depends on it may begin; empty: all may.
        url: its remote.
        revisions: the branch as it was synced, and as it is but for commits of ours since then.
    """

    obstacle: str
    url: str
    revisions: frozenset[Revision] = frozenset()

    def is_behind(self, url: str, revisions: Iterable[Revision]) -> bool:
        """Whether somebody else has seen the same branch at another commit than it was synced at.

        Two remotes, or two branches of one, have nothing to do with each other.
        """
        seen = set(revisions)
        branches = {each.branch for each in self.revisions}
        is_same = url == self.url and any(each.branch in branches for each in seen)
        return is_same and not seen & self.revisions


@dataclass(slots=True)
class Readiness:
    """How the sources of one process stand. Safe to use from many threads.

    Nothing is kept: a new process learns it from the first cycles of its sources.
    """

    _standings: dict[str, _Standing] = field(default_factory=dict)
    _waits: dict[str, set[str]] = field(default_factory=dict)
    _behind: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def obstacles(
        self,
        source: SourceSettings,
        revisions: Iterable[Revision],
        *,
        away: Collection[str] = (),
    ) -> tuple[DependencyError, ...]:
        """Return why a source may not be synced: an error for each source that it waits for.

        A dry run waits for nobody: it tells what would change, sooner or later.

        Args:
            source: whose turn it may be.
            revisions: its branch as it was found and as it was left.
            away: sources that other processes run, of which nothing is known here.
        """
        if source.sync.dry_run or not source.is_synced:
            return ()
        seen = tuple(revisions)
        with self._lock:
            found = {
                name: self._obstacle(source, name, seen)
                for name in source.depends_on
                if name not in away
            }
            told = {name: words for name, words in found.items() if words}
            self._waits[source.name] = set(told)
        return tuple(
            DependencyError(f"waits for source {name!r}, {words}", is_known=words != NO_CYCLE)
            for name, words in told.items()
        )

    def begin(self, source: SourceSettings, revision: Revision) -> None:
        """Take in what a cycle has read: at a new revision, a source is not ready before its end.

        Args:
            source: whose cycle.
            revision: its branch as it was found.
        """
        with self._lock:
            standing = self._standings.get(source.name)
            if standing is not None and revision not in standing.revisions:
                words = f"which is on its way to {revision.short}"
                self._standings[source.name] = replace(standing, obstacle=words)

    def lags(self, source: str, name: str) -> None:
        """Take in that one that a source waits for has not come to what that has seen."""
        with self._lock:
            self._behind.setdefault(source, set()).add(name)

    def forget(self, name: str) -> None:
        """Know nothing of a source any more: another process runs it from now on, or did so."""
        with self._lock:
            self._standings.pop(name, None)

    def record(self, source: SourceSettings, outcome: CycleOutcome) -> None:
        """Take in how a cycle of a source ended."""
        revisions = {each for each in (outcome.fetched, outcome.revision) if each}
        standing = _Standing(_obstacle_of(source, outcome), source.git.url, frozenset(revisions))
        with self._lock:
            self._standings[source.name] = standing
            if outcome.pushed and outcome.pushed == outcome.revision:
                self._pass_on(source.git.url, outcome.fetched, outcome.pushed)

    def take_due(self, name: str) -> tuple[str, ...]:
        """Return the sources that want a cycle at once, now that one of this source has ended.

        Those that waited for it alone, if it is ready; and those that it waits for and that have
        not come to what it has seen of their branch. Each is returned once.
        """
        with self._lock:
            due = sorted(self._behind.pop(name, ()))
            standing = self._standings.get(name)
            if standing is not None and not standing.obstacle:
                for dependent, waits in sorted(self._waits.items()):
                    if name in waits:
                        waits.discard(name)
                        due += [] if waits else [dependent]
        return tuple(dict.fromkeys(due))

    def _obstacle(self, source: SourceSettings, name: str, seen: Iterable[Revision]) -> str:
        standing = self._standings.get(name)
        if standing is None:
            return NO_CYCLE
        if standing.obstacle:
            return standing.obstacle
        if standing.is_behind(source.git.url, seen):
            self._behind.setdefault(source.name, set()).add(name)
            return "which has not come to the branch's newest commit yet"
        return ""

    def _pass_on(self, url: str, before: Revision | None, after: Revision) -> None:
        """Note a commit of ours: it changes images, and nothing for the branch's other sources."""
        for name, each in self._standings.items():
            if each.url == url and before in each.revisions:
                self._standings[name] = replace(each, revisions=each.revisions | {after})


def _obstacle_of(source: SourceSettings, outcome: CycleOutcome) -> str:
    """Return why a source that ended so is not ready; empty if it is."""
    problem = next(_in_the_way(source, outcome), None)
    if problem is not None:
        return f"which is not ready: {problem}"
    if not source.is_synced:
        return "" if READ in outcome.finished else "which was not read to the end"
    if outcome.sync is None or SYNC not in outcome.finished or outcome.is_stopped:
        return "which was not synced to the end"
    for each in outcome.sync.objects:
        if each.health is not None and not each.health.is_current:
            return f"which is not healthy yet: {each.key}: {each.health.message}"
    return ""


def _in_the_way(source: SourceSettings, outcome: CycleOutcome) -> Iterator[Problem]:
    """Yield what went wrong with reading and syncing.

    Nobody waits for images that could not be updated, or for a forge that was not told.
    """
    stages = (READ, SYNC, "") if source.is_synced else (READ, "")
    for problem in outcome.problems:
        if problem.stage in stages and problem.kind != ForgeError.kind:
            yield problem
