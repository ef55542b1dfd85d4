"""Somebody who undoes each of our changes is noticed after the second round, named, and let be."""

from collections.abc import Sequence

import pytest
import structlog

from reconciler.core.decision import Skip
from reconciler.core.manifests.images import SkipReason
from reconciler.errors import GitError
from reconciler.pipeline.journal import Journal
from reconciler.pipeline.memory import Memory
from tests.fakes.git import A_PERSON
from tests.pipeline.test_taken_back import MANIFEST, World

LIFTED_BY = (
    "an image that a person writes there lifts it, as does 'reconcile release web:deployment/web'"
)
ROBOT = "tagbot <bot@example.org>"


class Fight(World):
    """A world in which somebody sets the image back after each of our changes."""

    def undo(self, tag: str = "v3", author: str = ROBOT) -> str:
        text = MANIFEST.format(tag=tag, rules=self.rules)
        return self.git.put({"a/web.yaml": text.encode()}, f"set {tag}", author=author)

    def round(self, tag: str, *, back: str = "v3", author: str = ROBOT) -> str:
        """Let a new tag appear, have us write it and somebody undo that; return their commit."""
        self.tags.append(tag)
        self.cycle()
        assert self.image() == tag
        return self.undo(back, author)

    def held(self) -> Sequence[Skip]:
        skips = self.cycle().skips
        return [each for each in skips if each.reason is SkipReason.FOUGHT_OVER]


@pytest.fixture
def fight() -> Fight:
    return Fight("v3", "v3")


def test_after_the_second_round_the_image_is_held_and_both_commits_are_named(fight: Fight) -> None:
    first = fight.round("v5")
    assert not fight.held()
    second = fight.round("v6")

    fight.tags.append("v7")
    outcome = fight.cycle()

    assert (fight.image(), outcome.changes, outcome.exit_code) == ("v3", (), 0)
    (skip,) = outcome.skips
    assert (skip.reason, skip.detail) == (
        SkipReason.FOUGHT_OVER,
        f"fought over: tagbot undid v5 in {first[:7]} and v6 in {second[:7]}; {LIFTED_BY}",
    )
    assert len(fight.held()) == 1


def test_another_process_that_knows_git_alone_holds_it_too(fight: Fight) -> None:
    fight.round("v5")
    fight.round("v6")
    fight.tags.append("v7")

    fight.memory = Memory()

    assert fight.held()


@pytest.mark.parametrize("tag", ["v6", "v6.1.0", "v8"])
def test_an_image_that_a_person_writes_lifts_it(fight: Fight, tag: str) -> None:
    fight.round("v5")
    fight.round("v6")
    fight.tags += ["v7", "v8", "v9"]
    assert fight.held()

    fight.undo(tag, A_PERSON)

    assert not fight.held()
    fight.tags.append("v10" if tag != "v6.1.0" else "v7.0.0")
    assert fight.settle() != tag


def test_what_was_released_by_hand_lifts_it(fight: Fight) -> None:
    fight.round("v5")
    fight.round("v6")
    trailer = "Reconcile-Image: a/web.yaml web:deployment/web web r.example/web:v3 r.example/web:v6"
    fight.edit("v6", message=f"Release\n\n{trailer}\n")
    assert not fight.held()

    fight.tags.append("v7")

    assert fight.settle() == "v7"


def test_who_goes_on_after_it_was_lifted_is_held_again(fight: Fight) -> None:
    fight.round("v5")
    fight.round("v6")
    fight.undo("v6", A_PERSON)
    assert not fight.held()

    fight.undo("v3")

    fight.tags.append("v7")
    assert fight.held()


def test_two_people_who_each_take_something_back_are_no_rivals(fight: Fight) -> None:
    fight.round("v5", author="jane <jane@example.org>")
    fight.round("v6", author="joe <joe@example.org>")

    fight.tags.append("v7")

    assert fight.settle() == "v7"


def test_a_round_that_was_let_stand_between_two_others_starts_anew(fight: Fight) -> None:
    fight.round("v5")
    fight.tags.append("v6")
    assert fight.settle() == "v6"
    fight.round("v7", back="v6")

    fight.tags.append("v8")

    assert fight.settle() == "v8"


def test_who_moves_the_image_forward_as_we_do_is_no_rival(fight: Fight) -> None:
    for ours, theirs in (("v4", "v5"), ("v6", "v7"), ("v8", "v9")):
        fight.round(ours, back=theirs)

    fight.tags += ["v9", "v10"]

    assert fight.settle() == "v10"


def test_who_rewrites_the_file_and_leaves_the_tag_is_no_rival(fight: Fight) -> None:
    for tag in ("v4", "v5", "v6"):
        fight.tags.append(tag)
        fight.cycle()
        text = fight.git.files()["a/web.yaml"].decode().replace("metadata:", "metadata: ")
        fight.git.put({"a/web.yaml": f"# formatted\n{text}".encode()}, "format", author=ROBOT)
        assert fight.image() == tag

    assert not fight.held()


def test_a_rival_with_a_choice_of_its_own_is_noticed_once_it_repeats_itself(fight: Fight) -> None:
    fight.round("v5", back="v4")
    fight.round("v6", back="v4")
    assert not fight.held()

    fight.round("v7", back="v4")

    fight.tags.append("v8")
    assert fight.held()


def test_one_field_of_a_file_is_held_and_not_the_others() -> None:
    fight = Fight("v3", "v3", paths=("a", "b"))
    fight.round("v5")
    fight.round("v6")
    fight.tags.append("v7")

    fight.cycle()

    assert (fight.image("a"), fight.image("b")) == ("v3", "v7")


def test_old_commits_are_read_once_and_only_where_it_was_undone_twice(fight: Fight) -> None:
    fight.round("v5")
    fight.git.failures["touches"] = [GitError("nobody should look")]
    fight.cycle()
    assert fight.git.failures["touches"]
    fight.git.failures.clear()
    fight.round("v6")
    assert fight.held()

    fight.git.failures["touches"] = [GitError("nobody should look")]
    fight.git.put({"README.md": b"moved"}, "something else")

    assert fight.held()


def test_that_nobody_can_tell_who_it_was_keeps_the_cycle_from_deciding(fight: Fight) -> None:
    fight.round("v5")
    fight.round("v6")
    fight.tags.append("v7")
    fight.git.failures["touches"] = [GitError("the disk is gone")]

    outcome = fight.cycle()

    assert (outcome.changes, fight.image()) == ((), "v3")
    assert [str(each) for each in outcome.problems] == ["the disk is gone"]


def test_who_undid_it_within_one_squashed_commit_is_not_guessed(fight: Fight) -> None:
    """A squashed commit holds write and undoing together: nobody can be named, nobody is held."""
    lines = [
        f"Reconcile-Image: a/web.yaml web:deployment/web web r.example/web:v3 r.example/web:{tag}"
        for tag in ("v5", "v6")
    ]
    fight.edit("v3", message="squashed\n\n" + "\n".join(lines) + "\n")
    fight.tags.append("v7")

    assert fight.settle() == "v7"


def test_the_log_warns_of_it_when_it_begins_and_not_again(fight: Fight) -> None:
    fight.round("v5")
    fight.round("v6")
    journal = Journal()

    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            journal.ended(fight.cycle())

    levels = [each["log_level"] for each in logs if each.get("reason") == "FOUGHT_OVER"]
    assert levels == ["warning", "debug"]
