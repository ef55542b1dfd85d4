"""However many images a repository has, each is looked at sometime, and none is mistaken."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pytest

from reconciler.core.decision import Change, Decisions, decide
from reconciler.core.images.knowledge import Fact
from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.pipeline.gather import READS, Gatherer, ImageFacts
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock
from tests.fakes.facts import FakeFacts
from tests.fakes.images import FakeImage, FakeImages, digest_for

WEB = Repository("r.example", "web")
ARM, AMD = frozenset({Platform("linux", "arm64")}), frozenset({Platform("linux", "amd64")})


class Silent:
    def tell(self, event: object) -> None:
        del event


def manifest(*tags: str, **annotations: str) -> FileReport:
    """Return pods, one a tag, that are automated and annotated with what is under our prefix."""
    rules = "".join(f", reconcile/{key}: '{value}'" for key, value in annotations.items())
    pods = [
        f"""\
apiVersion: v1
kind: Pod
metadata: {{name: w{number}, annotations: {{fluxcd.io/automated: "true"{rules}}}}}
spec: {{containers: [{{name: web, image: "r.example/web:{tag}"}}]}}
"""
        for number, tag in enumerate(tags)
    ]
    return inspect("a.yaml", "---\n".join(pods), default_namespace="x")


class Cycles:
    """Cycles over one registry, one store and one manifest."""

    def __init__(self, report: FileReport, images: Mapping[str, FakeImage]) -> None:
        self.report = report
        self.source = FakeImages(dict(images))
        self.store = FakeFacts()
        self.tags = [name.rpartition(":")[2] for name in images]

    def run(self) -> Decisions:
        """Run one cycle; ``asked`` of the source is about it alone."""
        self.source.asked.clear()
        gatherer = Gatherer(
            ImageFacts(self.source, self.store),
            clock=FakeClock(),
            jitter=lambda: 0.5,
            progress=Silent(),
            stop=Stop(),
        )
        tags = {WEB: tuple(self.tags)}
        decided, _ = gatherer.settle(
            partial(decide, [self.report], tags), tags=tags, pull_secrets=lambda _: ()
        )
        return decided

    def asked(self, fact: Fact) -> list[str]:
        return [what for each, what in self.source.asked if each is fact]


def changes(decided: Decisions) -> list[str]:
    made = [each for report in decided.by_report for each in report]
    return [str(each.new) for each in made if isinstance(each, Change)]


def versions(
    count: int, platforms_of: Callable[[int], frozenset[Platform]]
) -> dict[str, FakeImage]:
    return {
        f"{WEB}:v{number}": FakeImage(digest_for(str(number)), platforms_of(number))
        for number in range(1, count + 1)
    }


def test_an_image_for_the_platform_is_found_below_any_number_that_are_not() -> None:
    images = versions(3 * READS, lambda number: ARM if number <= 5 else AMD)
    cycles = Cycles(manifest("v1", platforms="linux/arm64"), images)

    found = [changes(cycles.run()) for _ in range(4)]

    assert found == [[], [], ["r.example/web:v5"], ["r.example/web:v5"]]
    assert len(cycles.asked(Fact.DIGEST)) == 10 + 1


def test_each_cycle_reads_no_more_than_its_budget() -> None:
    cycles = Cycles(manifest("v1", platforms="linux/arm64"), versions(400, lambda _: AMD))

    for _ in range(5):
        cycles.run()
        assert len(cycles.asked(Fact.PLATFORMS)) <= READS
        assert len(cycles.asked(Fact.DIGEST)) <= READS + 10


def test_a_new_image_that_gets_its_platform_later_is_chosen_then() -> None:
    images = versions(2 * READS, lambda number: ARM if number <= READS else AMD)
    cycles = Cycles(manifest("v1", platforms="linux/arm64"), images)
    cycles.run()
    cycles.run()

    best = f"v{2 * READS}"
    both = FakeImage(digest_for("an index"), ARM | AMD)
    cycles.source.images = {**images, f"{WEB}:{best}": both}

    assert changes(cycles.run()) == [f"r.example/web:{best}"]


def test_what_is_remembered_turns_down_and_is_never_enough_to_choose() -> None:
    images = versions(READS, lambda number: ARM if number <= 5 else AMD)
    cycles = Cycles(manifest("v1", platforms="linux/arm64"), images)
    assert changes(cycles.run()) == ["r.example/web:v5"]

    moved = {**images, f"{WEB}:v5": FakeImage(digest_for("moved"), AMD)}
    cycles.source.images = moved

    assert changes(cycles.run()) == ["r.example/web:v4"]


@pytest.mark.parametrize("policy", ["digest", "newest"])
def test_every_tag_in_git_is_looked_after_however_many_there_are(policy: str) -> None:
    count = 2 * READS + 20
    tags = [f"pr-{number}" for number in range(count)]
    images = {f"{WEB}:{tag}": FakeImage(digest_for(tag)) for tag in tags}
    cycles = Cycles(manifest(*tags, policy=policy), images)
    if policy == "newest":
        cycles.report = manifest(*tags, policy=policy, digest="pin")

    looked_at: set[str] = set()
    for _ in range(7):
        cycles.run()
        names = cycles.asked(Fact.DIGEST)
        assert len(names) <= 2 * READS
        looked_at.update(names)

    assert looked_at == {f"{WEB}:{tag}" for tag in tags}


def test_nothing_is_kept_anew_while_all_is_within_the_budget() -> None:
    images = versions(20, lambda _: ARM)
    cycles = Cycles(manifest("v1", "v3", "v2", policy="digest"), images)
    cycles.run()
    kept = list(cycles.store.kept[WEB].digests)
    cycles.report = manifest("v3", "v2", "v1", policy="digest")
    cycles.run()

    assert list(cycles.store.kept[WEB].digests) == kept


def test_the_digest_that_is_written_is_the_one_whose_platforms_were_looked_at() -> None:
    images = versions(2, lambda _: ARM)
    cycles = Cycles(manifest("v1", platforms="linux/arm64", digest="pin"), images)
    other = manifest("v2", policy="digest")
    fields = (*cycles.report.fields, *other.fields)
    cycles.report = replace(cycles.report, fields=fields)

    made = changes(cycles.run())

    assert made == [f"r.example/web:v2@{digest_for('2')}"] * 2
    assert cycles.asked(Fact.DIGEST).count(f"{WEB}:v2") == 1
