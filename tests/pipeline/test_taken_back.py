"""A tag that a person took back is not chosen again; the next one is."""

from collections.abc import Sequence

import pytest

from reconciler.core.manifests.images import SkipReason
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import GitError
from reconciler.pipeline import cycle
from reconciler.pipeline.gather import ImageFacts
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.fakes.clock import FakeClock
from tests.fakes.git import FakeGit
from tests.fakes.images import FakeImage, FakeImages, digest_for
from tests.fakes.registry import FakeRegistries

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: web
  annotations: {{fluxcd.io/automated: "true"{rules}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "r.example/web:{tag}"}}]}}}}}}
"""


class Silent:
    def tell(self, event: object) -> None:
        del event


class World:
    """A branch, a registry and the cycles of one process."""

    def __init__(
        self, tag: str, *tags: str, rules: str = "", paths: Sequence[str] = ("a",)
    ) -> None:
        self.git = FakeGit()
        self.rules = rules
        self.tags = list(tags)
        self.images: dict[str, FakeImage] = {}
        self.memory = Memory()
        for path in paths:
            self.edit(tag, path)

    def edit(self, tag: str, path: str = "a", message: str = "by a person") -> None:
        text = MANIFEST.format(tag=tag, rules=self.rules)
        self.git.put({f"{path}/web.yaml": text.encode()}, message)

    def point(self, tag: str, to: str) -> None:
        self.images[f"r.example/web:{tag}"] = FakeImage(digest_for(to))

    def cycle(self, *, dry_run: bool = False) -> CycleOutcome:
        source = SourceSettings(
            name="default",
            git=GitSettings(url=self.git.url),
            sync=SyncSettings(dry_run=dry_run),
            is_synced=False,
        )
        parts = Parts(
            repository=self.git,
            registries=FakeRegistries({"r.example/web": self.tags}),
            cluster=None,
            clock=FakeClock(),
            jitter=lambda: 0.5,
            progress=Silent(),
            memory=self.memory,
            image_facts=ImageFacts(FakeImages(self.images)),
        )
        return cycle.run(source, parts)

    def image(self, path: str = "a") -> str:
        text = self.git.files()[f"{path}/web.yaml"].decode()
        return text.partition("r.example/web:")[2].partition('"')[0]

    def settle(self) -> str:
        """Run two cycles, of which the second must do nothing; return the image."""
        self.cycle()
        assert self.cycle().changes == ()
        return self.image()


def skips(outcome: CycleOutcome) -> list[tuple[SkipReason, str]]:
    return [(each.reason, each.detail) for each in outcome.skips]


def test_a_revert_is_respected_until_there_is_something_newer() -> None:
    world = World("v3", "v3", "v4")
    assert world.settle() == "v4"
    wrote = world.git.pushes[0][:7]

    world.edit("v3", message='Revert "Update web to v4"')
    outcome = world.cycle()

    assert skips(outcome) == [
        (
            SkipReason.TAKEN_BACK,
            f"v4 was taken back: {wrote} wrote it, and something else stands there now",
        )
    ]
    assert (outcome.exit_code, world.settle()) == (0, "v3")
    world.tags.append("v5")
    assert world.settle() == "v5"


def test_a_revert_of_the_revert_lifts_it() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.edit("v3")
    world.edit("v4")

    assert world.settle() == "v4"
    assert skips(world.cycle())[0][0] is SkipReason.ALREADY_NEWEST
    world.tags.append("v5")
    assert world.settle() == "v5"


def test_of_two_steps_the_second_may_be_taken_back_alone() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.tags.append("v5")
    world.cycle()
    world.edit("v4")

    assert world.settle() == "v4"


def test_both_steps_may_be_taken_back() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.tags.append("v5")
    world.cycle()
    world.edit("v3")

    assert world.settle() == "v3"


def test_a_tag_between_that_was_never_written_is_still_a_candidate() -> None:
    world = World("v3", "v3", "v5")
    world.cycle()
    world.edit("v3")
    world.tags.append("v4")

    assert world.settle() == "v4"


def test_the_same_workload_in_another_folder_is_not_held() -> None:
    world = World("v3", "v3", "v4", paths=("a", "b"))
    world.cycle()
    world.edit("v3", "a")

    world.cycle()

    assert (world.image("a"), world.image("b")) == ("v3", "v4")


def test_another_tool_that_undoes_ours_wins_after_one_round() -> None:
    world = World("v3", "v3", "v4")
    for _ in range(5):
        world.cycle()
        if world.image() != "v3":
            world.edit("v3", message="by another tool")

    assert world.image() == "v3"
    assert len(world.git.pushes) == 1


def test_two_of_us_believe_each_others_commits() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.edit("v3")
    world.memory = Memory()  # another process, that knows Git alone

    assert world.settle() == "v3"


def test_a_downgrade_that_is_allowed_and_was_taken_back_is_not_made_again() -> None:
    world = World("v5", "v3", "v4", rules=', reconcile/allow-downgrade: "true"')
    assert world.settle() == "v4"

    world.edit("v5")

    assert world.settle() == "v3"  # the policy's next best, which is what was asked for
    world.edit("v5")
    assert world.settle() == "v5"


def test_a_digest_is_not_followed_back_to_one_that_it_replaced() -> None:
    world = World("v1", "v1", rules=", reconcile/policy: digest")
    world.point("v1", "first")
    assert world.settle() == f"v1@{digest_for('first')}"
    world.point("v1", "second")
    assert world.settle() == f"v1@{digest_for('second')}"

    world.point("v1", "first")
    outcome = world.cycle()

    assert world.image() == f"v1@{digest_for('second')}"
    assert skips(outcome) == [
        (SkipReason.TAKEN_BACK, f"{digest_for('first')} stood there before, and was replaced")
    ]
    world.point("v1", "third")
    assert world.settle() == f"v1@{digest_for('third')}"


def test_a_digest_that_a_person_put_back_stays() -> None:
    world = World("v1", "v1", rules=", reconcile/policy: digest")
    world.point("v1", "first")
    world.cycle()
    world.point("v1", "second")
    world.cycle()
    world.edit(f"v1@{digest_for('first')}")

    assert world.settle() == f"v1@{digest_for('first')}"


def test_a_pin_that_a_person_removed_is_not_made_again() -> None:
    world = World("v1", "v1", rules=", reconcile/digest: pin")
    world.point("v1", "first")
    world.cycle()
    world.edit("v1")

    assert world.settle() == "v1"
    world.tags.append("v2")
    world.point("v2", "second")
    assert world.settle() == f"v2@{digest_for('second')}"


def test_a_history_that_cannot_be_read_keeps_the_cycle_from_deciding() -> None:
    world = World("v3", "v3", "v4")
    world.git.failures["history"] = [GitError("the disk is gone")]

    outcome = world.cycle()

    assert (outcome.changes, world.image()) == ((), "v3")
    assert [str(each) for each in outcome.problems] == ["the disk is gone"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_dry_run_says_the_same(*, dry_run: bool) -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.edit("v3")

    assert skips(world.cycle(dry_run=dry_run))[0][0] is SkipReason.TAKEN_BACK


def test_the_history_is_looked_further_back_in_where_a_change_depends_on_it() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.edit("v3", message="back")
    for number in range(20):
        world.git.put({"other": b"%d" % number})
    world.git.depth = 5
    world.memory = Memory()

    outcome = world.cycle()

    assert (world.image(), world.git.deepened) == ("v3", 2)
    assert skips(outcome)[0][0] is SkipReason.TAKEN_BACK
    world.cycle()
    assert world.git.deepened == 2
    world.tags.append("v5")
    assert world.settle() == "v5"


def test_where_the_present_tag_was_written_in_known_commits_nothing_more_is_asked_for() -> None:
    world = World("v3", "v3", "v4")
    for number in range(20):
        world.git.put({"other": b"%d" % number})
    world.cycle()
    world.git.depth = 5
    world.tags.append("v5")

    assert (world.settle(), world.git.deepened) == ("v5", 0)


def test_a_cycle_that_changes_nothing_asks_for_no_more_of_the_history() -> None:
    world = World("v4", "v3", "v4")
    world.git.put({"other": b"1"})
    world.git.depth = 1

    assert (world.cycle().changes, world.git.deepened) == ((), 0)


def test_what_is_beyond_all_that_may_be_known_is_forgotten() -> None:
    world = World("v3", "v3", "v4")
    world.cycle()
    world.edit("v3", message="back")
    for number in range(20):
        world.git.put({"other": b"%d" % number})
    world.git.depth, world.git.farthest = 5, 8

    assert (world.settle(), world.git.deepened) == ("v4", 1)


def test_a_remote_that_does_not_give_the_history_that_is_needed_holds_back_the_commit() -> None:
    world = World("v3", "v3", "v4")
    world.git.put({"other": b"1"})
    world.git.depth = 1
    world.git.failures["deepen"] = [GitError("it is away")]

    outcome = world.cycle()

    assert (outcome.exit_code, outcome.changes, world.image()) == (1, (), "v3")
    assert [each.message for each in outcome.problems] == ["it is away"]
    assert world.settle() == "v4"
