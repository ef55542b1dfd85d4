"""Which sources others wait for, and whose turn it is then."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.pipeline.readiness import Readiness
from reconciler.settings import GitSettings, SourceSettings, SyncSettings

URL = "https://git.example/acme/web"
ONE, TWO, THREE = (Revision("main", digit * 40) for digit in "123")
KEY = ObjectKey("apps", "Deployment", "web", "nginx")


def source(name: str, *depends_on: str, url: str = "", is_synced: bool = True) -> SourceSettings:
    git = GitSettings(url=url or f"https://git.example/acme/{name}")
    return SourceSettings(name, git, SyncSettings(), is_synced=is_synced, depends_on=depends_on)


BASE, APP = source("base"), source("app", "base")


def outcome(
    of: SourceSettings,
    revision: Revision = ONE,
    *,
    pushed: Revision | None = None,
    health: Health | None = None,
    problems: Iterable[Problem] = (),
) -> CycleOutcome:
    report = SyncReport((ObjectReport(KEY, Action.UNCHANGED, health=health),))
    return CycleOutcome(
        of.name,
        of.git.url,
        fetched=revision,
        revision=pushed or revision,
        pushed=pushed,
        sync=report if of.is_synced else None,
        problems=tuple(problems),
        finished=frozenset({READ, UPDATE, SYNC}),
    )


def told(readiness: Readiness, of: SourceSettings = APP, *seen: Revision) -> list[str]:
    return [each.message for each in readiness.obstacles(of, seen or (ONE,))]


def problem(stage: str, *, kind: str = "cluster") -> Problem:
    return Problem("", "something", is_stalled=False, kind=kind, stage=stage)


def test_it_waits_until_what_it_depends_on_has_had_a_cycle_and_is_healthy() -> None:
    readiness = Readiness()
    assert told(readiness) == ["waits for source 'base', which has had no cycle yet"]

    assert [each.is_known for each in readiness.obstacles(APP, [ONE])] == [False]

    unhealthy = Health(Status.IN_PROGRESS, "1 of 2 pods are ready")
    readiness.record(BASE, outcome(BASE, health=unhealthy))
    assert [each.is_known for each in readiness.obstacles(APP, [ONE])] == [True]
    words = "deployment.apps/nginx (namespace web): 1 of 2 pods are ready"
    assert told(readiness) == [f"waits for source 'base', which is not healthy yet: {words}"]

    readiness.record(BASE, outcome(BASE, health=Health(Status.CURRENT, "")))
    assert told(readiness) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(
            {"problems": (problem(READ, kind="git"),)}, "which is not ready: something", id="read"
        ),
        pytest.param({"problems": (problem(SYNC),)}, "which is not ready: something", id="sync"),
        pytest.param({"problems": (problem(""),)}, "which is not ready: something", id="bug"),
        pytest.param({"sync": None}, "which was not synced to the end", id="not begun"),
        pytest.param({"finished": frozenset({READ})}, "which was not synced to the end", id="cut"),
        pytest.param({"is_stopped": True}, "which was not synced to the end", id="stopped"),
        pytest.param({"problems": (problem(UPDATE),)}, "", id="images alone"),
        pytest.param({"problems": (problem(SYNC, kind="forge"),)}, "", id="a status alone"),
    ],
)
def test_what_went_wrong_with_reading_and_syncing_is_in_the_way_and_nothing_else(
    wrong: dict[str, object], words: str
) -> None:
    readiness = Readiness()

    readiness.record(BASE, replace(outcome(BASE), **wrong))  # type: ignore[arg-type]  # by name

    assert told(readiness) == ([f"waits for source 'base', {words}"] if words else [])


def test_a_source_that_is_not_synced_is_ready_when_it_was_read() -> None:
    readiness, unsynced = Readiness(), source("base", is_synced=False)
    readiness.record(unsynced, replace(outcome(unsynced), finished=frozenset()))
    assert told(readiness) == ["waits for source 'base', which was not read to the end"]

    readiness.record(unsynced, outcome(unsynced, problems=[problem(SYNC)]))

    assert told(readiness) == []


def test_nobody_waits_who_writes_nothing_to_the_cluster() -> None:
    readiness = Readiness()
    dry = replace(APP, sync=SyncSettings(dry_run=True))

    assert told(readiness, dry) == []
    assert told(readiness, replace(APP, is_synced=False)) == []


def test_each_source_that_is_waited_for_is_told_and_the_last_one_lets_it_go() -> None:
    readiness, both = Readiness(), source("app", "base", "crds")
    crds = source("crds")
    assert len(told(readiness, both)) == 2

    readiness.record(BASE, outcome(BASE))
    assert readiness.take_due("base") == ()
    assert told(readiness, both) == ["waits for source 'crds', which has had no cycle yet"]
    readiness.record(crds, outcome(crds, problems=[problem(SYNC)]))
    assert readiness.take_due("crds") == ()
    readiness.record(crds, outcome(crds))

    assert readiness.take_due("crds") == ("app",)
    assert readiness.take_due("crds") == ()  # once
    assert told(readiness, both) == []


def test_at_a_new_revision_a_source_is_not_ready_before_its_end() -> None:
    readiness = Readiness()
    readiness.record(BASE, outcome(BASE))
    readiness.begin(BASE, ONE)
    assert told(readiness) == []

    readiness.begin(BASE, TWO)

    assert told(readiness) == ["waits for source 'base', which is on its way to 2222222"]
    readiness.record(BASE, outcome(BASE, TWO))
    assert told(readiness) == []


def test_on_one_branch_both_are_at_the_same_commit_and_who_is_behind_is_asked_for() -> None:
    readiness = Readiness()
    base, app = source("base", url=URL), source("app", "base", url=URL)
    readiness.record(base, outcome(base, ONE))

    words = "which has not come to the branch's newest commit yet"
    assert told(readiness, app, TWO) == [f"waits for source 'base', {words}"]
    readiness.record(app, outcome(app, TWO, problems=[problem(SYNC, kind="dependency")]))
    assert readiness.take_due("app") == ("base",)
    assert readiness.take_due("app") == ()
    readiness.record(base, outcome(base, TWO))

    assert readiness.take_due("base") == ("app",)
    assert told(readiness, app, TWO) == []


def test_other_branches_of_a_remote_have_nothing_to_do_with_it() -> None:
    readiness = Readiness()
    base, app = source("base", url=URL), source("app", "base", url=URL)
    readiness.record(base, outcome(base, Revision("release", "9" * 40)))

    assert told(readiness, app, ONE) == []


def test_our_own_commits_leave_nobody_behind() -> None:
    readiness = Readiness()
    base, app = source("base", url=URL), source("app", "base", url=URL)
    other = source("other", "base", url=URL)
    readiness.record(base, outcome(base, ONE))

    assert told(readiness, app, ONE, TWO) == []  # it found ONE, and made TWO of it
    readiness.record(app, outcome(app, ONE, pushed=TWO))
    assert told(readiness, other, TWO, THREE) == []
    readiness.record(other, outcome(other, TWO, pushed=THREE))

    assert told(readiness, app, THREE) == []


def test_a_commit_of_proposals_is_not_on_the_branch() -> None:
    readiness = Readiness()
    base, app = source("base", url=URL), source("app", "base", url=URL)
    readiness.record(base, outcome(base, ONE))
    proposed = replace(outcome(app, ONE), pushed=Revision("proposals", "8" * 40))

    readiness.record(app, proposed)

    assert told(readiness, app, ONE) == []
