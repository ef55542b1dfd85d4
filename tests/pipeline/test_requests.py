"""Proposals shown as requests, at what answers as each forge does, about a real repository."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.forge.forges import AnyForge, forge_of
from reconciler.core.manifests.images import SkipReason
from reconciler.core.message import parse_trailers
from reconciler.core.proposal import ProposalState
from reconciler.errors import RegistryError
from reconciler.exit_codes import OK, STALLED, TRANSIENT
from reconciler.pipeline.events import Event, Planned
from reconciler.settings import ForgeSettings, GitSettings
from tests.fakes.registry import FakeRegistries
from tests.pipeline.proposals import BRANCH, NGINX, REDIS, Recorder, World, deployment
from tests.simulators.forge import KINDS, TOKEN, ForgeSimulator, serving_forge
from tests.simulators.registry import Reply


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path)


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[ForgeSimulator]:
    """A forge of each kind, at which the world's proposals are shown."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    forge = ForgeSimulator(request.param, world.remote)
    with serving_forge(forge) as url:
        settings = ForgeSettings(forge.kind, url, tmp_path / "token", has_requests=True)

        def make() -> AnyForge:
            return forge_of(GitSettings("https://git.example/acme/web.git"), settings)

        world.forge = make
        yield forge


def test_a_proposal_is_opened_as_a_request(world: World, forge: ForgeSimulator) -> None:
    outcome = world.run()

    assert outcome.exit_code == OK, outcome.problems
    (pull,) = forge.pulls
    assert (pull.head, pull.base, pull.state) == (BRANCH, "main", "open")
    assert pull.title == "Update nginx to v4"
    row = f"| `default:deployment/nginx` | `nginx` | `{NGINX}:v3` | `v4` |"
    assert row in pull.body.splitlines()
    assert [trailer.new for trailer in parse_trailers(pull.body)] == [f"{NGINX}:v4"]
    assert outcome.proposal is not None
    assert outcome.proposal.request == "https://forge.example/acme/web/pulls/1"


def test_a_request_that_waits_costs_one_question_a_cycle(
    world: World, forge: ForgeSimulator
) -> None:
    parts = world.parts()
    world.run(parts=parts)
    world.run(parts=parts)
    forge.calls.clear()
    forge.requests.clear()

    outcome = world.run(parts=parts)

    (request,) = forge.requests
    assert request.method == "GET"
    assert request.headers["If-None-Match"].startswith('W/"')
    assert outcome.proposal is not None
    assert outcome.proposal.request == "https://forge.example/acme/web/pulls/1"
    world.run()
    assert forge.writes == []


def test_where_nothing_is_due_nobody_is_asked(world: World, forge: ForgeSimulator) -> None:
    world.tags[NGINX] = ["v3"]

    assert world.run().exit_code == OK
    assert forge.calls == []


def test_a_request_is_updated_in_place(world: World, forge: ForgeSimulator) -> None:
    world.run()
    world.tags[REDIS] = ["v1", "v2"]

    world.run()

    (pull,) = forge.pulls
    assert pull.title == "Update 2 images"
    assert f"`{REDIS}:v1` | `v2` |" in pull.body


def test_what_people_wrote_into_a_request_stays_while_it_is_about_the_same(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    forge.pulls[0].title = "Please look, Ada"
    world.remote.put({"README.md": b"hello\n"})

    outcome = world.run()

    assert outcome.proposal is not None
    assert outcome.proposal.state is ProposalState.PUSHED
    assert [pull.title for pull in forge.pulls] == ["Please look, Ada"]


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("is_removed", [True, False])
def test_after_a_merge_the_branch_is_gone_and_the_next_update_is_another_request(
    world: World, forge: ForgeSimulator, how: str, *, is_removed: bool
) -> None:
    world.run()
    world.merge(how)
    forge.pulls[0].state = "merged"
    if is_removed:
        world.person("update-ref", "-d", f"refs/heads/{BRANCH}")

    assert world.run().exit_code == OK
    assert world.remote.tip(BRANCH) == ""
    assert forge.pulls[0].comments == []
    world.tags[NGINX] = ["v3", "v4", "v5"]
    assert world.run().exit_code == OK
    assert [pull.title for pull in forge.open] == ["Update nginx to v5"]


def test_what_is_moot_is_closed_with_a_word_and_its_branch_removed(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v4")}, "By hand")

    outcome = world.run()

    (pull,) = forge.pulls
    assert pull.state == "closed"
    assert len(pull.comments) == 1
    assert pull.body.startswith("Closed by `reconcile`: ")
    assert world.remote.tip(BRANCH) == ""
    assert outcome.exit_code == OK
    forge.calls.clear()
    world.run()
    assert forge.calls == []


def test_what_we_closed_is_proposed_again_when_it_is_due_again(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    locked = deployment("nginx", f"{NGINX}:v3").replace(b"automated", b"ignored")
    world.remote.put({"nginx.yaml": locked}, "Not now")
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v3")}, "Now")

    world.run()

    assert [pull.state for pull in forge.pulls] == ["closed", "open"]


def test_what_somebody_closed_is_turned_down_until_something_else_is_due(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    tip = world.remote.tip(BRANCH)
    forge.pulls[0].state = "closed"
    world.remote.put({"README.md": b"hello\n"})
    forge.calls.clear()

    for _ in range(3):
        outcome = world.run()
        assert outcome.exit_code == OK
        assert outcome.pending == ()
        assert SkipReason.TURNED_DOWN in [skip.reason for skip in outcome.skips]
        assert outcome.proposal is not None
        assert outcome.proposal.state is ProposalState.TURNED_DOWN
    assert world.remote.tip(BRANCH) == tip
    assert forge.writes == []

    world.tags[REDIS] = ["v1", "v2"]
    world.run()
    assert [pull.title for pull in forge.open] == ["Update 2 images"]
    assert world.commits() == ["Update 2 images"]


def test_what_somebody_closed_stays_turned_down_without_its_branch(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    forge.pulls[0].state = "closed"
    world.person("update-ref", "-d", f"refs/heads/{BRANCH}")

    world.run()

    assert world.remote.tip(BRANCH) == ""
    assert forge.open == []


def test_what_was_merged_without_trailers_and_put_back_is_not_proposed_again(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    forge.pulls[0].state = "merged"
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v4")}, "Squashed")
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v3")}, "Back")

    outcome = world.run()

    assert [pull.state for pull in forge.pulls] == ["merged"]
    (skip,) = (skip for skip in outcome.skips if skip.reason is SkipReason.TURNED_DOWN)
    assert skip.detail == (
        "was merged by https://forge.example/acme/web/pulls/1 and is due again: "
        "taken back, or about to arrive"
    )


def test_two_of_us_at_once_come_to_one_commit_and_one_request(
    world: World, forge: ForgeSimulator, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = replace(world, folder=tmp_path / "other", recorder=Recorder())
    parts, others = world.parts(), other.parts()
    left = [None]

    def on_event(event: Event) -> None:
        if isinstance(event, Planned) and left:
            left.clear()
            assert other.run(parts=others).exit_code == OK

    world.recorder.on_event = on_event

    outcome = world.run(parts=parts)

    assert outcome.exit_code == OK
    tip = world.remote.tip(BRANCH)  # within one second both make the very same commit
    assert outcome.proposal is not None
    assert outcome.proposal.commit == tip
    assert world.commits() == ["Update nginx to v4"]
    assert [pull.state for pull in forge.pulls] == ["open"]
    for _ in range(3):
        world.run(parts=parts)
        other.run(parts=others)
    assert world.remote.tip(BRANCH) == tip


def test_a_comment_that_is_lost_keeps_nothing_from_being_cleared_up(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    world.remote.put({"nginx.yaml": deployment("nginx", f"{NGINX}:v4")}, "By hand")
    forge.lost_comments = 1

    outcomes = [world.run() for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [TRANSIENT, OK, OK]
    assert [(pull.state, pull.comments) for pull in forge.pulls] == [("closed", [])]
    assert world.remote.tip(BRANCH) == ""


def test_a_request_whose_branch_somebody_removed_is_closed_when_nothing_is_due(
    world: World, forge: ForgeSimulator
) -> None:
    parts = world.parts()
    world.run(parts=parts)
    world.person("update-ref", "-d", f"refs/heads/{BRANCH}")
    world.tags[NGINX] = ["v3"]

    world.run(parts=replace(parts, registries=FakeRegistries(world.tags)))

    assert [pull.state for pull in forge.pulls] == ["closed"]


def test_a_request_that_is_declined_is_told_with_the_forge_s_words(
    world: World, forge: ForgeSimulator
) -> None:
    def decline() -> None:
        forge.declines = "requests are switched off"

    forge.on_create = decline

    outcome = world.run()

    assert outcome.exit_code == STALLED
    assert "requests are switched off" in str(outcome.problems[0])
    assert world.commits() == ["Update nginx to v4"]


def test_what_somebody_opened_again_is_ours_again(world: World, forge: ForgeSimulator) -> None:
    world.run()
    forge.pulls[0].state = "closed"
    world.run()
    forge.pulls[0].state = "open"
    world.tags[NGINX] = ["v3", "v4", "v5"]

    world.run()

    assert [pull.title for pull in forge.pulls] == ["Update nginx to v5"]


def test_a_registry_that_is_down_leaves_the_request_alone(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    world.tags[NGINX] = RegistryError("down", is_retryable=False)
    world.tags[REDIS] = ["v1", "v2"]
    forge.calls.clear()

    assert world.run().exit_code == TRANSIENT
    assert forge.writes == []


def test_people_s_commits_keep_the_request_open(world: World, forge: ForgeSimulator) -> None:
    world.run()
    world.remote.put({"notes.md": b"tested\n"}, "Test it", branch=BRANCH)
    world.tags[NGINX] = ["v3"]

    assert world.run().exit_code == OK
    assert [pull.state for pull in forge.pulls] == ["open"]


def test_a_request_that_somebody_opened_for_the_branch_is_taken(
    world: World, forge: ForgeSimulator
) -> None:
    def be_faster() -> None:
        if not forge.pulls:
            forge.add(BRANCH)

    forge.on_create = be_faster

    outcome = world.run()

    assert outcome.exit_code == OK
    (pull,) = forge.pulls
    assert pull.title == "Update nginx to v4"


@pytest.mark.parametrize("is_fork_gone", [False, True])
def test_requests_of_forks_and_other_branches_are_not_ours(
    world: World, forge: ForgeSimulator, *, is_fork_gone: bool
) -> None:
    forge.add(BRANCH, is_from_fork=True, is_fork_gone=is_fork_gone)
    forge.add("other")
    forge.add(BRANCH, "release")
    forge.pulls[0].state = "closed"

    world.run()

    assert [pull.title for pull in forge.pulls] == ["Mine", "Mine", "Mine", "Update nginx to v4"]


def test_nobody_without_the_right_to_turns_an_update_down(
    world: World, forge: ForgeSimulator
) -> None:
    world.run()
    (ours,) = forge.pulls
    theirs = forge.add(BRANCH, body=ours.body, is_from_fork=True, is_fork_gone=True)
    theirs.state = "closed"
    forge.pulls.remove(ours)

    world.run()

    assert [pull.title for pull in forge.pulls] == ["Mine", "Update nginx to v4"]


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        pytest.param(Reply(401, b'{"message":"Bad credentials"}'), STALLED, "api-token", id="401"),
        pytest.param(Reply(403, b'{"message":"no scope"}'), STALLED, "it needs", id="403"),
        pytest.param(Reply(404, b'{"message":"Not Found"}'), STALLED, "--git-api-url", id="404"),
        pytest.param(Reply(500, b"oops"), TRANSIENT, "answered 500", id="500"),
        pytest.param(Reply(200, b"<html>"), TRANSIENT, "something else", id="not-json"),
        pytest.param(Reply(200, b'{"a": 1}'), TRANSIENT, "something else", id="another-shape"),
        pytest.param(Reply(429, b"{}", {"Retry-After": "7"}), TRANSIENT, "asks for time", id="429"),
        pytest.param(
            Reply(403, b"{}", {"X-RateLimit-Remaining": "0"}), TRANSIENT, "asks for", id="limit"
        ),
        pytest.param(
            Reply(302, b"", {"Location": "https://evil.example/x"}), STALLED, "evil", id="redirect"
        ),
        pytest.param(Reply(wire=b"what?\r\n\r\n"), TRANSIENT, "cannot be reached", id="no-http"),
        pytest.param(Reply(is_endless=True, body=b" " * 99_999), TRANSIENT, "larger", id="endless"),
    ],
)
def test_a_forge_that_does_not_serve_us_holds_back_only_the_proposal(
    world: World, forge: ForgeSimulator, reply: Reply, code: int, words: str
) -> None:
    forge.replies = [reply]

    outcome = world.run()

    assert outcome.exit_code == code
    assert words in str(outcome.problems[0])
    assert TOKEN not in str(outcome.problems)
    assert world.remote.tip(BRANCH) == ""
    forge.replies = []
    assert world.run().exit_code == OK
    assert len(forge.open) == 1


def test_a_branch_that_was_pushed_gets_its_request_in_a_later_cycle(
    world: World, forge: ForgeSimulator
) -> None:
    def fail() -> None:
        raise ConnectionError

    forge.on_create = fail

    outcome = world.run()

    assert outcome.exit_code == TRANSIENT
    assert outcome.pushed is not None
    assert world.commits() == ["Update nginx to v4"]
    forge.on_create = lambda: None
    again = world.run()
    assert again.pushed is None
    assert len(forge.open) == 1


def test_a_forge_that_asks_for_time_is_not_asked_before(
    world: World, forge: ForgeSimulator
) -> None:
    forge.replies = [Reply(429, b"{}", {"Retry-After": "600"})]
    parts = world.parts()

    outcomes = [world.run(parts=parts) for _ in range(3)]

    assert [outcome.exit_code for outcome in outcomes] == [TRANSIENT] * 3
    assert len(forge.calls) == 1
