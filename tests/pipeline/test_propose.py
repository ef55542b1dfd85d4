"""Proposals on a branch of their own, on a real repository of Git."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reconciler.core.manifests.images import SkipReason
from reconciler.core.message import parse_by, parse_trailers
from reconciler.core.proposal import BranchTip, Proposal, ProposalState
from reconciler.core.revision import Revision
from reconciler.errors import GitError, RegistryError
from reconciler.exit_codes import OK, PENDING, STALLED, TRANSIENT
from reconciler.pipeline.events import Event, Planned, Proposed
from reconciler.pipeline.git_port import ProposalBranch
from tests.pipeline.proposals import BRANCH, NGINX, REDIS, World, deployment


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


def test_what_is_due_goes_to_the_branch_and_the_one_that_was_read_stays(world: World) -> None:
    base = world.remote.tip()

    outcome = world.run()

    assert outcome.exit_code == OK
    assert world.remote.tip() == base
    assert world.commits() == ["Update nginx to v4"]
    assert world.images() == ["nginx:v4", "redis:v1"]
    assert outcome.pushed is not None
    assert outcome.pushed.branch == BRANCH
    assert outcome.proposal == Proposal(BRANCH, ProposalState.PUSHED, outcome.pushed.commit)
    assert (len(outcome.changes), len(outcome.pending)) == (0, 1)
    assert outcome.revision == outcome.fetched
    assert Proposed(outcome.pushed) in world.recorder.events
    message = world.person("log", "-1", "--format=%B", BRANCH)
    assert parse_by(message) == "default@-"
    assert len(parse_trailers(message)) == 1


def test_a_proposal_that_waits_is_not_pushed_again_by_this_process_or_the_next(
    world: World,
) -> None:
    parts = world.parts()
    world.run(parts=parts)
    tip = world.remote.tip(BRANCH)

    outcomes = [world.run(parts=parts), world.run(parts=parts), world.run()]

    assert world.remote.tip(BRANCH) == tip
    waiting = Proposal(BRANCH, ProposalState.WAITING, tip)
    assert [outcome.proposal for outcome in outcomes] == [waiting] * 3
    assert [outcome.pushed for outcome in outcomes] == [None] * 3
    assert [len(outcome.pending) for outcome in outcomes] == [1] * 3


def test_when_the_base_moves_the_branch_is_one_commit_on_it(world: World) -> None:
    world.run()
    world.remote.put({"README.md": b"hello\n"})

    outcome = world.run()

    assert outcome.proposal is not None
    assert outcome.proposal.state is ProposalState.PUSHED
    assert world.commits() == ["Update nginx to v4"]
    assert world.person("rev-parse", f"{BRANCH}^") == world.remote.tip()


def test_when_more_is_due_the_branch_is_one_commit_with_all_of_it(world: World) -> None:
    world.run()
    world.tags[REDIS] = ["v1", "v2"]

    world.run()

    assert world.commits() == ["Update 2 images"]
    assert world.images() == ["nginx:v4", "redis:v2"]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "fast-forward"])
def test_what_was_merged_is_taken_from_the_branches(world: World, how: str) -> None:
    world.run()
    world.merge(how)

    outcome = world.run()

    assert outcome.proposal == Proposal(BRANCH, ProposalState.WITHDRAWN)
    assert world.remote.tip(BRANCH) == ""
    assert world.images("main") == ["nginx:v4", "redis:v1"]
    assert outcome.exit_code == OK
    assert world.run().proposal is None


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "fast-forward"])
def test_after_a_merge_the_next_update_is_proposed_on_top(world: World, how: str) -> None:
    world.run()
    world.merge(how)
    world.tags[NGINX] = ["v3", "v4", "v5"]

    world.run()

    assert world.commits() == ["Update nginx to v5"]
    assert world.person("rev-parse", f"{BRANCH}^") == world.remote.tip()


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "fast-forward"])
def test_what_is_taken_back_after_a_merge_is_not_proposed_again(world: World, how: str) -> None:
    world.run()
    world.merge(how)
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v3")}, "Back")

    outcome = world.run()

    assert world.remote.tip(BRANCH) == ""
    assert SkipReason.TAKEN_BACK in [skip.reason for skip in outcome.skips]


def test_a_branch_that_somebody_removed_is_made_again(world: World) -> None:
    world.run()
    world.person("update-ref", "-d", f"refs/heads/{BRANCH}")

    assert world.run().proposal is not None
    assert world.commits() == ["Update nginx to v4"]


def test_what_somebody_else_updated_leaves_nothing_to_propose(world: World) -> None:
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v4")})

    outcome = world.run()

    assert outcome.proposal == Proposal(BRANCH, ProposalState.WITHDRAWN)
    assert world.remote.tip(BRANCH) == ""


# Others on our branch


def test_a_person_s_commit_on_top_is_kept_while_it_has_what_is_due(world: World) -> None:
    world.run()
    tip = world.remote.put({"notes.md": b"tested\n"}, "Test it", branch=BRANCH)
    world.remote.put({"README.md": b"hello\n"})

    outcome = world.run()

    assert outcome.proposal == Proposal(BRANCH, ProposalState.WAITING, tip)
    assert outcome.exit_code == OK
    assert world.remote.tip(BRANCH) == tip


def test_a_person_s_commit_is_never_thrown_away(world: World) -> None:
    world.run()
    tip = world.remote.put({"notes.md": b"tested\n"}, "Test it", branch=BRANCH)
    world.tags[NGINX] = ["v3", "v4", "v5"]

    outcome = world.run()

    assert world.remote.tip(BRANCH) == tip
    assert outcome.exit_code == STALLED
    assert outcome.proposal == Proposal(BRANCH, ProposalState.BLOCKED, tip)
    (problem,) = outcome.problems
    assert str(problem) == (
        f"{world.remote.path}: the branch 'reconcile/web' has commit {tip[:7]}, which is not ours, "
        "and lacks what is due now: merge the branch, or delete it"
    )


def test_an_amended_commit_of_ours_is_a_person_s(world: World) -> None:
    world.run()
    head = world.remote.tip(BRANCH)
    message = world.person("log", "-1", "--format=%B", head)
    tree = world.person("rev-parse", f"{head}^{{tree}}")
    amended = world.person("commit-tree", "-p", world.remote.tip(), "-m", message, tree)
    world.person("update-ref", f"refs/heads/{BRANCH}", amended)
    world.tags[NGINX] = ["v3", "v4", "v5"]

    assert world.run().exit_code == STALLED
    assert world.remote.tip(BRANCH) == amended


def test_a_person_s_branch_stays_when_nothing_is_due(world: World) -> None:
    world.tags[NGINX] = ["v3"]
    tip = world.remote.put({"notes.md": b"mine\n"}, "Mine", branch=BRANCH)

    outcome = world.run()

    assert (outcome.exit_code, outcome.proposal) == (OK, None)
    assert world.remote.tip(BRANCH) == tip


def test_a_person_s_branch_that_was_merged_is_ours_to_move(world: World) -> None:
    tip = world.remote.tip()
    world.person("update-ref", f"refs/heads/{BRANCH}", tip)

    assert world.run().exit_code == OK
    assert world.commits() == ["Update nginx to v4"]


def test_another_source_s_proposal_is_not_ours(world: World) -> None:
    world.run()
    tip = world.remote.tip(BRANCH)
    world.name = "other"
    world.tags[NGINX] = ["v3", "v4", "v5"]

    assert world.run().exit_code == STALLED
    assert world.remote.tip(BRANCH) == tip


# Races


def at_first(event_type: type[Event], world: World, files: dict[str, bytes], branch: str) -> None:
    """Let somebody push just when something is told for the first time."""
    left = [files]

    def on_event(event: Event) -> None:
        if isinstance(event, event_type) and left:
            world.remote.put(left.pop(), "pushed in between", branch=branch)

    world.recorder.on_event = on_event


def test_somebody_who_commits_on_the_branch_in_between_keeps_their_commit(world: World) -> None:
    world.run()
    world.tags[NGINX] = ["v3", "v4", "v5"]
    at_first(Planned, world, {"notes.md": b"wait\n"}, BRANCH)

    outcome = world.run()

    assert outcome.exit_code == STALLED
    assert world.commits() == ["pushed in between", "Update nginx to v4"]


def test_somebody_who_makes_the_branch_in_between_keeps_it(world: World) -> None:
    at_first(Planned, world, {"notes.md": b"mine\n"}, BRANCH)

    outcome = world.run()

    assert outcome.exit_code == STALLED
    assert world.commits() == ["pushed in between"]


def test_when_the_base_moves_in_between_the_next_cycle_proposes_on_it(world: World) -> None:
    at_first(Planned, world, {"README.md": b"hello\n"}, "main")

    world.run()
    world.run()

    assert world.commits() == ["Update nginx to v4"]
    assert world.person("rev-parse", f"{BRANCH}^") == world.remote.tip()


def test_somebody_who_removes_the_branch_in_between_does_not_stop_us(world: World) -> None:
    world.run()
    world.tags[NGINX] = ["v3", "v4", "v5"]
    left = [True]

    def on_event(event: Event) -> None:
        if isinstance(event, Planned) and left:
            left.clear()
            world.person("update-ref", "-d", f"refs/heads/{BRANCH}")

    world.recorder.on_event = on_event

    assert world.run().exit_code == OK
    assert world.commits() == ["Update nginx to v5"]


# What is not known


def test_a_registry_that_is_down_takes_no_proposal_back(world: World) -> None:
    world.run()
    tip = world.remote.tip(BRANCH)
    world.tags[NGINX] = RegistryError("down", is_retryable=False)

    outcome = world.run()

    assert world.remote.tip(BRANCH) == tip
    assert outcome.exit_code == TRANSIENT
    assert outcome.proposal == Proposal(BRANCH, ProposalState.WAITING, tip)


def test_a_file_that_cannot_be_read_takes_no_proposal_back(world: World) -> None:
    world.run()
    tip = world.remote.tip(BRANCH)
    world.remote.put({"nginx.yaml": b"\xff\xfe"})

    assert world.run().exit_code == STALLED
    assert world.remote.tip(BRANCH) == tip


def test_a_workload_that_is_gone_takes_its_proposal_with_it(world: World) -> None:
    world.run()
    world.remote.put({"nginx.yaml": None})

    assert world.run().exit_code == OK
    assert world.remote.tip(BRANCH) == ""


# What the remote says


def test_a_declined_push_is_told_with_the_server_s_words(world: World) -> None:
    world.remote.hook("update", 'echo "no branches by robots" >&2; exit 1')

    outcome = world.run()

    assert outcome.exit_code == STALLED
    assert "no branches by robots" in str(outcome.problems[0])
    assert outcome.proposal is None


@dataclass
class Losing:
    """A branch of proposals whose answers to pushes are lost."""

    real: ProposalBranch
    arrives: bool = True

    @property
    def name(self) -> str:
        return self.real.name

    @property
    def url(self) -> str:
        return self.real.url

    def proposed(self, base: Revision) -> BranchTip | None:
        return self.real.proposed(base)

    def propose(self, revision: Revision | None, *, seen: str) -> None:
        if self.arrives:
            self.real.propose(revision, seen=seen)
        raise GitError("the remote end hung up unexpectedly")


@pytest.mark.parametrize(("arrives", "code"), [(True, OK), (False, TRANSIENT)])
def test_a_push_whose_answer_was_lost_is_found_by_looking(
    world: World, *, arrives: bool, code: int
) -> None:
    parts = world.parts()
    assert parts.proposals is not None

    outcome = world.run(parts=replace(parts, proposals=Losing(parts.proposals, arrives)))

    assert outcome.exit_code == code
    assert bool(world.remote.tip(BRANCH)) is arrives


def test_a_removal_whose_answer_was_lost_is_found_by_looking(world: World) -> None:
    world.run()
    world.merge("squash")
    parts = world.parts()
    assert parts.proposals is not None

    assert world.run(parts=replace(parts, proposals=Losing(parts.proposals))).exit_code == OK


# Where nothing is proposed


def test_the_branch_that_is_read_is_pushed_to_as_ever(world: World) -> None:
    world.git = {"push_branch": "main"}

    outcome = world.run()

    assert outcome.proposal is None
    assert len(outcome.changes) == 1
    assert world.images("main") == ["nginx:v4", "redis:v1"]


def test_a_dry_run_leaves_the_branch_alone(world: World) -> None:
    outcome = world.run(dry_run=True)

    assert outcome.exit_code == PENDING
    assert world.remote.tip(BRANCH) == ""


def test_a_remote_that_is_only_read_is_left_alone(world: World) -> None:
    world.git = {"read_only": True}
    base = world.remote.tip()

    outcome = world.run()

    assert outcome.exit_code == PENDING
    assert outcome.result == "pending"
    assert [str(change.new) for change in outcome.pending] == [f"{NGINX}:v4"]
    assert outcome.changes == ()
    assert "+        image: registry.example/acme/nginx:v4" in outcome.commit_diff
    assert (world.remote.tip(), world.remote.tip(BRANCH)) == (base, "")


def test_a_remote_that_is_only_read_and_current_is_in_sync(world: World) -> None:
    world.git = {"read_only": True}
    world.tags[NGINX] = ["v3"]

    assert world.run().exit_code == OK
