"""Cycles that need to know more of images than their tags, on fakes."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from reconciler.core.images.knowledge import Fact
from reconciler.core.images.platform import Platform
from reconciler.core.manifests.images import SkipReason
from reconciler.core.message import parse_trailers
from reconciler.core.outcome import CycleOutcome
from reconciler.errors import AccessDeniedError, NotFoundError, ReconcilerError, RegistryError
from reconciler.exit_codes import OK, STALLED, TRANSIENT
from reconciler.pipeline import cycle
from reconciler.pipeline.events import Event, Reading
from reconciler.pipeline.gather import READS, ImageFacts
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock
from tests.fakes.facts import FakeFacts
from tests.fakes.git import FakeGit
from tests.fakes.images import AMD64, NEW_YEAR, FakeImage, FakeImages, digest_for
from tests.fakes.registry import FakeRegistries

NAME = "r.example/acme/web"
OLD = digest_for("v3 as it was")
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    fluxcd.io/automated: "true"
RULES
spec:
  template:
    spec:
      containers:
      - name: web
        image: r.example/acme/web:IMAGE  # with its digest
"""
BOTH = frozenset({*AMD64, Platform("linux", "arm64")})


class Place:
    """A branch with one workload, and a registry with its images, over several cycles."""

    def __init__(self, image: str, *rules: str, **tags: FakeImage | ReconcilerError) -> None:
        self.git = FakeGit()
        self.images = FakeImages()
        self.store = FakeFacts()
        self.list(tags)
        self.text = DEPLOYMENT.replace("IMAGE", image)
        self.text = self.text.replace("RULES\n", "".join(f"    {rule}\n" for rule in rules))
        self.git.put({"web.yaml": self.text.encode()})

    def list(self, tags: Mapping[str, FakeImage | ReconcilerError]) -> None:
        """Have the registry list these tags."""
        self.tags = tuple(tags)
        self.images.images = {f"{NAME}:{tag}": image for tag, image in tags.items()}

    def run(self, ending_at: type[Event] | None = None) -> CycleOutcome:
        """Run one cycle, as a process of its own would."""
        progress = Ending(ending_at)
        source = SourceSettings(
            "default", GitSettings(self.git.url), SyncSettings(), is_synced=False
        )
        parts = Parts(
            repository=self.git,
            registries=FakeRegistries({NAME: self.tags}),
            cluster=None,
            clock=FakeClock(),
            jitter=lambda: 0.5,
            progress=progress,
            stop=progress.stop,
            image_facts=ImageFacts(self.images, self.store),
        )
        return cycle.run(source, parts)

    def reads(self, fact: Fact) -> int:
        """Return how often a fact was asked for so far."""
        return sum(each is fact for each, _ in self.images.asked)

    @property
    def image(self) -> str:
        """What stands in Git; everything around it is as it was."""
        text = self.git.files()["web.yaml"].decode()
        head, tail = self.text.partition(f"{NAME}:")[0], "  # with its digest\n"
        assert text.startswith(f"{head}{NAME}:")
        assert text.endswith(tail)
        return text.removeprefix(f"{head}{NAME}:").removesuffix(tail)


class Ending:
    """Asks the process to end when it hears of something."""

    def __init__(self, at: type[Event] | None) -> None:
        self.stop = Stop()
        self._at = at

    def tell(self, event: Event) -> None:
        if self._at is not None and isinstance(event, self._at):
            self.stop.ask()


def image(tag: str, **more: object) -> FakeImage:
    return FakeImage(digest_for(tag), **more)  # type: ignore[arg-type]  # by the test's name for it


def test_tag_and_digest_move_in_one_edit_and_the_commit_tells_both() -> None:
    place = Place(f"v3@{OLD}", v3=image("v3"), v4=image("v4"))

    outcome = place.run()

    assert place.image == f"v4@{digest_for('v4')}"
    assert (outcome.exit_code, len(place.git.pushes)) == (OK, 1)
    (trailer,) = parse_trailers(place.git.log()[0])
    assert (trailer.old, trailer.new) == (f"{NAME}:v3@{OLD}", f"{NAME}:v4@{digest_for('v4')}")
    assert place.git.log()[0].startswith("Update web to v4\n")
    assert place.run().changes == ()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(RegistryError("answered 500", where=NAME), TRANSIENT, id="transient"),
        pytest.param(AccessDeniedError("may list, not pull", where=NAME), STALLED, id="stalled"),
    ],
)
def test_without_the_new_digest_git_stays_as_it_is_and_the_failure_is_told(
    error: ReconcilerError, code: int
) -> None:
    place = Place(f"v3@{OLD}", v3=image("v3"), v4=error)

    outcome = place.run()

    assert (outcome.exit_code, place.git.pushes) == (code, [])
    assert [skip.reason for skip in outcome.skips] == [SkipReason.REGISTRY_FAILED]
    assert error.message in outcome.skips[0].detail
    assert [str(problem) for problem in outcome.problems] == [str(error)]


def test_pin_adds_the_digest_and_then_keeps_it_whatever_the_tag_becomes() -> None:
    place = Place("v3", "reconcile/digest: pin", v3=image("v3"))

    assert place.run().exit_code == OK
    assert place.image == f"v3@{digest_for('v3')}"
    assert place.git.log()[0].startswith(f"Update web to v3@{digest_for('v3')[:19]}\n")

    place.list({"v3": image("another")})
    outcome = place.run()
    assert (outcome.exit_code, len(place.git.pushes)) == (OK, 1)
    assert [skip.reason for skip in outcome.skips] == [SkipReason.TAG_MOVED]
    assert digest_for("another") in outcome.skips[0].detail

    place.list({"v3": image("another"), "v4": image("v4")})
    place.run()
    assert place.image == f"v4@{digest_for('v4')}"


def test_the_digest_policy_follows_a_tag_that_is_moved() -> None:
    place = Place("v3", "reconcile/policy: digest", v3=image("v3"), v4=image("v4"))

    seen = []
    for name in ("v3", "second", "third", "third"):
        place.list({"v3": image(name), "v4": image("v4")})
        place.run()
        seen.append(place.image)

    assert seen == [f"v3@{digest_for(each)}" for each in ("v3", "second", "third", "third")]
    assert len(place.git.pushes) == 3


def test_the_digest_policy_does_not_follow_to_an_image_that_lacks_a_platform() -> None:
    rules = ("reconcile/policy: digest", "reconcile/platforms: linux/arm64")
    place = Place("v3", *rules, v3=image("v3", platforms=BOTH))
    place.run()
    assert place.image == f"v3@{digest_for('v3')}"

    place.list({"v3": image("another", platforms=AMD64)})
    outcome = place.run()

    assert (outcome.exit_code, place.image) == (OK, f"v3@{digest_for('v3')}")
    assert [skip.reason for skip in outcome.skips] == [SkipReason.NO_TAG_MATCHES]


def test_facts_are_not_read_again_when_somebody_pushes_in_between() -> None:
    place = Place(f"v3@{OLD}", v3=image("v3"), v4=image("v4"))
    place.git.others_push = [{f"other{number}": b""} for number in range(3)]

    assert place.run().exit_code == OK
    assert place.image == f"v4@{digest_for('v4')}"
    assert place.reads(Fact.DIGEST) == 1


def test_the_newest_of_many_images_takes_several_cycles_and_is_then_right() -> None:
    tags = {
        f"build-{number:04x}": image(f"{number}", created=NEW_YEAR + timedelta(hours=number % 97))
        for number in range(120)
    }
    place = Place("build-0000", "reconcile/policy: newest", **tags)

    held = [place.run(), place.run()]

    assert [each.exit_code for each in held] == [OK, OK]
    assert [each.skips[0].reason for each in held] == [SkipReason.UNKNOWN_IMAGES] * 2
    assert [each.skips[0].detail for each in held] == [
        f"creation time known for {known} of 120" for known in (READS, 2 * READS)
    ]
    assert place.run().exit_code == OK
    assert place.image == "build-0060"  # the 96th, and there is no other of its age
    assert place.reads(Fact.CREATED) == 120
    before = place.reads(Fact.DIGEST)
    assert place.run().changes == ()
    assert place.reads(Fact.DIGEST) - before == 1  # the present tag's, to see that it is the same


def test_a_winner_that_was_moved_since_it_was_read_is_judged_by_what_it_is_now() -> None:
    old, new = NEW_YEAR, NEW_YEAR + timedelta(days=9)
    tags = {"a": image("a", created=old), "b": image("b", created=new)}
    place = Place("b", "reconcile/policy: newest", **tags)
    place.run()
    assert place.image == "b"

    place.list({"a": image("a", created=old), "b": image("b2", created=NEW_YEAR - timedelta(1))})
    place.run()

    assert place.image == "a"


def test_an_image_without_all_platforms_is_passed_over() -> None:
    place = Place(
        "v3",
        "reconcile/platforms: linux/amd64,linux/arm64",
        v3=image("v3", platforms=BOTH),
        v4=image("v4", platforms=BOTH),
        v5=image("v5", platforms=AMD64),
    )

    assert place.run().exit_code == OK
    assert place.image == "v4"
    assert place.reads(Fact.PLATFORMS) == 2
    assert place.run().changes == ()
    assert place.reads(Fact.PLATFORMS) == 2


def test_an_image_that_is_listed_and_not_there_does_not_hold_up_the_newest() -> None:
    gone = NotFoundError("no such image", where=NAME)
    later = NEW_YEAR + timedelta(days=1)
    place = Place(
        "a", "reconcile/policy: newest", a=image("a"), b=gone, c=image("c", created=later)
    )

    assert place.run().exit_code == OK
    assert place.image == "c"


def test_an_image_that_was_read_and_is_gone_since_does_not_hold_up_the_newest() -> None:
    gone, down = NotFoundError("no such image", where=NAME), RegistryError("503", where=NAME)
    day = timedelta(days=1)
    best = image("c", created=NEW_YEAR + 2 * day)
    place = Place("a", "reconcile/policy: newest", a=image("a"), b=down, c=best)
    place.run()
    assert place.image == "a"

    place.list({"a": image("a"), "b": image("b", created=NEW_YEAR + day), "c": gone})

    assert place.run().exit_code == OK
    assert place.image == "b"


def test_that_the_image_that_runs_is_gone_is_said_whether_or_not_it_was_read_before() -> None:
    gone = NotFoundError("no such image", where=NAME)
    place = Place(
        "b",
        "reconcile/policy: newest",
        a=image("a"),
        b=image("b", created=NEW_YEAR + timedelta(days=1)),
    )
    place.run()

    place.list({"a": image("a"), "b": gone})
    outcome = place.run()

    assert (outcome.exit_code, place.image) == (OK, "b")
    assert [skip.reason for skip in outcome.skips] == [SkipReason.CURRENT_MISSING]


def test_a_creation_time_that_cannot_be_read_for_now_holds_the_image_and_is_told() -> None:
    down = RegistryError("answered 503", where=NAME)
    later = image("c", created=NEW_YEAR + timedelta(days=1))
    place = Place("a", "reconcile/policy: newest", a=image("a"), b=down, c=later)

    outcome = place.run()

    assert (outcome.exit_code, place.image) == (TRANSIENT, "a")
    assert [skip.reason for skip in outcome.skips] == [SkipReason.REGISTRY_FAILED]
    assert "creation time known for 2 of 3; that of b cannot be read" in outcome.skips[0].detail
    assert [str(problem) for problem in outcome.problems] == [str(down)]

    place.list({"a": image("a"), "b": image("b"), "c": later})
    before = place.reads(Fact.CREATED)
    assert place.run().exit_code == OK
    assert place.image == "c"
    assert place.reads(Fact.CREATED) - before == 1


def test_a_process_that_is_to_end_while_it_reads_leaves_git_alone() -> None:
    place = Place(f"v3@{OLD}", v3=image("v3"), v4=image("v4"))

    outcome = place.run(ending_at=Reading)

    assert (outcome.is_stopped, outcome.exit_code, place.git.pushes) == (True, TRANSIENT, [])
    assert place.run().exit_code == OK
    assert place.image == f"v4@{digest_for('v4')}"
