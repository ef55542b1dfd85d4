"""Commit statuses, told to what answers as each forge does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from reconciler.adapters.forge.forges import forge_of
from reconciler.core.objects.health import Status
from reconciler.core.outcome import SYNC
from reconciler.exit_codes import OK, TRANSIENT
from reconciler.pipeline.statuses import Statuses
from reconciler.settings import ForgeSettings, GitSettings
from tests.core.test_commit_status import CURRENT, DENIED, outcome, report
from tests.simulators.forge import KINDS, TOKEN, ForgeSimulator, serving_forge
from tests.simulators.registry import Reply

NewProcess = Callable[[], Statuses]
COMMIT = "a" * 40
FAILED = {"github": "failure", "gitlab": "failed", "gitea": "failure"}


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> ForgeSimulator:
    return ForgeSimulator(request.param, BareRemote.create(tmp_path / "web.git"))


@pytest.fixture
def new_process(forge: ForgeSimulator, tmp_path: Path) -> Iterator[NewProcess]:
    (tmp_path / "token").write_text(TOKEN)
    with serving_forge(forge) as url:
        settings = ForgeSettings(forge.kind, url, tmp_path / "token", has_statuses=True)
        git = GitSettings("https://git.example/acme/web")
        yield lambda: Statuses(forge_of(git, settings))


def test_a_status_is_told_once(forge: ForgeSimulator, new_process: NewProcess) -> None:
    statuses = new_process()

    for _ in range(3):
        assert statuses.report(outcome(sync=CURRENT)).exit_code == OK

    assert forge.statuses == [(COMMIT, "success", "reconcile/shop", "2 objects in sync")]
    assert len(forge.calls) == 2


def test_a_new_process_asks_before_it_tells(forge: ForgeSimulator, new_process: NewProcess) -> None:
    new_process().report(outcome(sync=CURRENT))
    forge.calls.clear()

    new_process().report(outcome(sync=CURRENT))

    assert [call.partition(" ")[0] for call in forge.calls] == ["GET"]


def test_what_changes_is_told_again(forge: ForgeSimulator, new_process: NewProcess) -> None:
    statuses = new_process()
    waiting = report(Status.CURRENT, Status.IN_PROGRESS)

    for found in (
        outcome(sync=waiting),
        outcome(sync=CURRENT),
        outcome(DENIED, sync=CURRENT),
        outcome(sync=CURRENT),
    ):
        statuses.report(found)

    states = [state for _, state, _, _ in forge.statuses]
    assert states == ["pending", "success", FAILED[forge.kind], "success"]


def test_other_words_for_the_same_state_trouble_nobody(new_process: NewProcess) -> None:
    statuses = new_process()
    statuses.report(outcome(sync=report(Status.IN_PROGRESS)))

    found = statuses.report(outcome(sync=report(Status.IN_PROGRESS, Status.IN_PROGRESS)))

    assert found.exit_code == OK


def test_sources_and_commits_have_statuses_of_their_own(
    forge: ForgeSimulator, new_process: NewProcess
) -> None:
    one = outcome(sync=CURRENT)
    assert one.revision is not None
    moved = replace(one, revision=replace(one.revision, commit="b" * 40))
    shop, blog = new_process(), new_process()

    shop.report(one)
    blog.report(outcome(sync=CURRENT, source="blog"))
    shop.report(moved)

    assert [(commit[0], context) for commit, _, context, _ in forge.statuses] == [
        ("a", "reconcile/shop"),
        ("a", "reconcile/blog"),
        ("b", "reconcile/shop"),
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_a_forge_that_takes_no_status_is_a_problem_that_may_pass(
    forge: ForgeSimulator, new_process: NewProcess, status: int
) -> None:
    forge.replies = [Reply(status, b'{"message": "no"}')]
    statuses = new_process()

    found = statuses.report(outcome(sync=CURRENT))

    (problem,) = found.problems
    assert found.exit_code == TRANSIENT
    assert problem.stage == SYNC
    assert problem.message.startswith("the commit's status was not told: ")
    assert TOKEN not in problem.message
    assert statuses.report(outcome(sync=CURRENT)).exit_code == OK


def test_of_a_dry_run_nobody_is_told(forge: ForgeSimulator, new_process: NewProcess) -> None:
    new_process().report(replace(outcome(sync=CURRENT), is_dry_run=True))

    assert forge.calls == []
