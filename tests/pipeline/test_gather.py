"""Facts about single images, read as decisions want them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.decision import Decisions, KnowledgeOf, Skip
from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import SkipReason, inspect
from reconciler.errors import NotFoundError, RegistryError, StoppedError
from reconciler.pipeline.events import Event, Reading
from reconciler.pipeline.gather import KEPT_UNLISTED, PART, PATIENCE_S, READS, Gatherer, ImageFacts
from reconciler.pipeline.inquiry import ATTEMPTS
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock
from tests.fakes.facts import FakeFacts
from tests.fakes.images import NEW_YEAR, FakeImage, FakeImages, digest_for

WEB, API = Repository("r.example", "web"), Repository("r.example", "api")
(FIELD,) = inspect(
    "a.yaml",
    """\
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {containers: [{name: web, image: "r.example/web:v1"}]}
""",
    default_namespace="x",
).fields
ARM = frozenset({Platform("linux", "arm64")})


@dataclass
class Heard:
    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)


def of(knowledge: Knowledge, fact: Fact) -> object:
    return {
        Fact.DIGEST: knowledge.digests,
        Fact.PLATFORMS: knowledge.platforms,
        Fact.CREATED: knowledge.created,
    }[fact]


def wanting(*wants: Want, repository: Repository = WEB) -> Callable[[KnowledgeOf], Decisions]:
    """Return what decides nothing before it knows all that it wants, checked."""
    reference = FIELD.reference
    assert reference is not None
    field = replace(FIELD, reference=replace(reference, repository=repository))

    def decide(known: KnowledgeOf) -> Decisions:
        knowledge = known.get(repository, NOTHING_KNOWN)
        missing = [want for want in wants if want.tag not in of(knowledge, want.fact)]  # type: ignore[operator]  # a mapping
        missing += [
            Want(tag, Fact.DIGEST)
            for tag in sorted(knowledge.remembered)
            if tag not in knowledge.digests
        ]
        return Decisions(((Skip(field, SkipReason.UNKNOWN_IMAGES, "", wants=tuple(missing)),),))

    return decide


def images(*tags: str, repository: Repository = WEB) -> FakeImages:
    """Return images of which each is a day younger than the one before."""
    return FakeImages(
        {
            f"{repository}:{tag}": FakeImage(
                digest_for(tag), ARM, NEW_YEAR + timedelta(days=number)
            )
            for number, tag in enumerate(tags)
        }
    )


def gatherer(
    source: FakeImages, store: FakeFacts | None = None, *, heard: Heard | None = None
) -> Gatherer:
    """Return what gathers for one cycle."""
    return Gatherer(
        ImageFacts(source, store),
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=heard or Heard(),
        stop=Stop(),
    )


def settle(
    gathering: Gatherer,
    decide: Callable[[KnowledgeOf], Decisions],
    listed: Sequence[str] = (),
    repository: Repository = WEB,
) -> Knowledge:
    """Return what is known in the end."""
    decided, known = gathering.settle(
        decide, tags={repository: tuple(listed)}, pull_secrets=lambda _: ()
    )
    assert decided == decide(known)
    return known.get(repository, NOTHING_KNOWN)


def created(*tags: str) -> list[Want]:
    return [Want(tag, Fact.CREATED) for tag in tags]


def asked(source: FakeImages, fact: Fact) -> list[str]:
    return [what for each, what in source.asked if each is fact]


def test_what_is_wanted_is_read() -> None:
    source, heard = images("v1", "v2"), Heard()
    wants = (Want("v1", Fact.DIGEST), Want("v2", Fact.PLATFORMS), *created("v1", "v2"))

    known = settle(gatherer(source, heard=heard), wanting(*wants))

    assert known.digests == {"v1": digest_for("v1"), "v2": digest_for("v2")}
    assert known.platforms == {"v2": ARM}
    assert known.created == {"v1": NEW_YEAR, "v2": NEW_YEAR + timedelta(days=1)}
    assert known.remembered == frozenset()
    assert heard.events == [Reading(2), Reading(2)]  # of one tag one thing at a time


def test_nobody_is_asked_where_nothing_is_wanted_and_nothing_is_looked_up() -> None:
    source, store, heard = images("v1"), FakeFacts(), Heard()

    settle(gatherer(source, store, heard=heard), wanting())

    assert (source.asked, store.loads, heard.events) == ([], [], [])


def test_nothing_is_read_twice_in_one_cycle_also_when_everything_is_decided_anew() -> None:
    source = images("v1", "v2")
    gathering = gatherer(source)

    settle(gathering, wanting(*created("v1")))
    settle(gathering, wanting(*created("v1", "v2"), Want("v1", Fact.DIGEST)))

    assert sorted(asked(source, Fact.DIGEST)) == ["r.example/web:v1", "r.example/web:v2"]
    assert len(asked(source, Fact.CREATED)) == 2


def test_many_creation_times_take_several_cycles_and_each_reads_fifty() -> None:
    tags = [f"v{number:03}" for number in range(120)]
    source, store = images(*tags), FakeFacts()
    wants = created(*reversed(tags))

    counts = []
    while len(settle(gatherer(source, store), wanting(*wants), tags).created) < len(tags):
        counts.append(len(asked(source, Fact.CREATED)))

    assert (READS, counts) == (50, [50, 100])
    assert len(asked(source, Fact.CREATED)) == 120
    first = {what.rpartition("@")[2] for what in asked(source, Fact.CREATED)[:50]}
    assert first == {digest_for(tag) for tag in tags[-50:]}


def test_the_budget_is_each_repositorys_own() -> None:
    tags = [f"v{number}" for number in range(60)]
    web, api = images(*tags), images(*tags, repository=API)
    source = FakeImages({**web.images, **api.images})

    def decide(known: KnowledgeOf) -> Decisions:
        both = (wanting(*created(*tags), repository=each)(known) for each in (WEB, API))
        return Decisions(tuple(row for each in both for row in each.by_report))

    gatherer(source).settle(decide, tags={WEB: (), API: ()}, pull_secrets=lambda _: ())

    assert len(asked(source, Fact.CREATED)) == 2 * READS


def test_what_an_earlier_cycle_read_is_checked_by_its_digest_and_not_read_again() -> None:
    source, store = images("v1", "v2"), FakeFacts()
    settle(gatherer(source, store), wanting(*created("v1", "v2")), ["v1", "v2"])
    source.asked.clear()

    known = settle(gatherer(source, store), wanting(*created("v1", "v2")), ["v1", "v2"])

    assert known.created == {"v1": NEW_YEAR, "v2": NEW_YEAR + timedelta(days=1)}
    assert known.remembered == frozenset()
    assert {fact for fact, _ in source.asked} == {Fact.DIGEST}


def test_a_tag_that_was_moved_since_is_read_again() -> None:
    source, store = images("v1"), FakeFacts()
    settle(gatherer(source, store), wanting(*created("v1")), ["v1"])
    later = datetime(2026, 7, 1, tzinfo=UTC)
    source.images = {"r.example/web:v1": FakeImage(digest_for("other"), created=later)}

    known = settle(gatherer(source, store), wanting(*created("v1")), ["v1"])

    assert known.created == {"v1": later}
    assert store.kept[WEB].created == {digest_for("other"): later}


def test_the_platforms_of_a_digest_are_read_once_for_all() -> None:
    source, store = images("v1"), FakeFacts()
    want = Want("v1", Fact.PLATFORMS)

    for _ in range(3):
        assert settle(gatherer(source, store), wanting(want), ["v1"]).platforms == {"v1": ARM}

    assert len(asked(source, Fact.PLATFORMS)) == 1
    assert len(asked(source, Fact.DIGEST)) == 3


def test_an_image_that_does_not_say_when_it_was_built_is_remembered_too() -> None:
    source = FakeImages({"r.example/web:v1": FakeImage(digest_for("v1"), created=None)})
    store = FakeFacts()

    for _ in range(2):
        assert settle(gatherer(source, store), wanting(*created("v1")), ["v1"]).created == {
            "v1": None
        }

    assert len(asked(source, Fact.CREATED)) == 1


def test_of_what_is_no_longer_listed_a_little_is_kept_because_another_source_may_have_it() -> None:
    names = [f"v{number:04d}" for number in range(2 * KEPT_UNLISTED)]
    source, store = images(*names, "w"), FakeFacts()
    for start in range(0, len(names), READS):
        settle(gatherer(source, store), wanting(*created(*names[: start + READS])), names)

    assert len(store.kept[WEB].digests) == len(names)
    settle(gatherer(source, store), wanting(*created("w")), ["w"])

    assert "w" in store.kept[WEB].digests
    assert len(store.kept[WEB].digests) == KEPT_UNLISTED + 1
    assert set(store.kept[WEB].created) == {digest_for(tag) for tag in store.kept[WEB].digests}


def test_a_tag_that_stands_in_git_is_not_forgotten_when_it_is_no_longer_listed() -> None:
    source, store = images("v1", "v2"), FakeFacts()

    settle(gatherer(source, store), wanting(*created("v1", "v2")), ["v2"])

    assert FIELD.reference is not None
    assert FIELD.reference.tag == "v1"
    assert store.kept[WEB].digests.keys() == {"v1", "v2"}


@pytest.mark.parametrize("fact", Fact)
def test_a_fact_that_fails_is_known_by_its_error_for_this_cycle(fact: Fact) -> None:
    error = NotFoundError("no such image", where="r.example/web")
    broken = {
        Fact.DIGEST: FakeImage(error),
        Fact.PLATFORMS: FakeImage(digest_for("v1"), platforms=error),
        Fact.CREATED: FakeImage(digest_for("v1"), created=error),
    }
    source, store = FakeImages({"r.example/web:v1": broken[fact]}), FakeFacts()

    known = settle(gatherer(source, store), wanting(Want("v1", fact)), ["v1"])

    assert of(known, fact) == {"v1": error}
    assert len(asked(source, fact)) == 1
    assert store.kept[WEB].digests == {}


def test_a_failure_that_may_pass_is_tried_again_and_not_remembered() -> None:
    error = RegistryError("answered 503", where="r.example/web")
    source = FakeImages({"r.example/web:v1": error})
    store = FakeFacts()

    assert settle(gatherer(source, store), wanting(*created("v1")), ["v1"]).created == {"v1": error}
    assert len(asked(source, Fact.DIGEST)) == ATTEMPTS

    source.images = images("v1").images
    assert settle(gatherer(source, store), wanting(*created("v1")), ["v1"]).created == {
        "v1": NEW_YEAR
    }


def test_images_that_are_not_there_do_not_hold_up_those_that_are() -> None:
    tags = [f"v{number:03}" for number in range(2 * READS)]
    source, store = images(*tags[READS:]), FakeFacts()

    settle(gatherer(source, store), wanting(*created(*tags)), tags)
    known = settle(gatherer(source, store), wanting(*created(*tags)), tags)

    assert (
        sorted(tag for tag, at in known.created.items() if at in store_times(store))
        == (tags[READS:])
    )


def store_times(store: FakeFacts) -> set[datetime | None]:
    return set(store.kept[WEB].created.values())


def test_where_nobody_is_asked_what_is_given_stands_for_every_repository() -> None:
    given = Knowledge(created={"v1": NEW_YEAR})
    gathering = gatherer(images())
    gathering.facts = ImageFacts(given=given)

    decided, known = gathering.settle(
        wanting(*created("v1", "v2")), tags={WEB: (), API: ()}, pull_secrets=lambda _: ()
    )

    assert known == {WEB: given, API: given}
    assert decided.wants == {WEB: tuple(created("v2"))}


class Slow(FakeImages):
    """Images of which each takes a while, and after some of which something happens."""

    def then(self, clock: FakeClock, seconds: float, after: Callable[[int], None]) -> None:
        self.clock, self.seconds, self.after = clock, seconds, after

    def created_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> datetime | None:
        self.clock.sleep(self.seconds)
        self.after(len(self.asked))
        return super().created_of(repository, digest, pull_secrets=pull_secrets)


def many(
    count: int,
) -> tuple[Slow, Callable[[KnowledgeOf], Decisions], dict[Repository, tuple[str, ...]]]:
    """Return images of many repositories, what wants to know of each, and what is listed."""
    repositories = [Repository("r.example", f"acme/r{number}") for number in range(count)]
    found = {f"{each}:v1": FakeImage(digest_for(f"{each}")) for each in repositories}

    def decide(known: KnowledgeOf) -> Decisions:
        rows = (wanting(*created("v1"), repository=each)(known).by_report for each in repositories)
        return Decisions(tuple(row for rows_of_one in rows for row in rows_of_one))

    return Slow(found), decide, dict.fromkeys(repositories, ("v1",))


def test_what_takes_long_is_left_to_the_next_cycle_which_goes_on_with_it() -> None:
    source, decide, listed = many(3 * PART)
    store = FakeFacts()
    gathering = gatherer(source, store)
    source.then(gathering.clock, PATIENCE_S / PART / 2, lambda _: None)  # type: ignore[arg-type]  # a fake one

    decided, _ = gathering.settle(decide, tags=listed, pull_secrets=lambda _: ())

    assert len(decided.wants) == PART
    assert len(store.kept) == 2 * PART
    decided, _ = gatherer(source, store).settle(decide, tags=listed, pull_secrets=lambda _: ())
    assert len(asked(source, Fact.CREATED)) == 3 * PART


def test_what_was_read_before_the_process_was_to_end_is_kept() -> None:
    source, decide, listed = many(2 * PART)
    store = FakeFacts()
    gathering = gatherer(source, store)

    def end(count: int) -> None:
        if count > 2 * PART + 2:  # of digests and of creation times
            gathering.stop.ask()

    source.then(FakeClock(), 0, end)
    with pytest.raises(StoppedError):
        gathering.settle(decide, tags=listed, pull_secrets=lambda _: ())

    assert len(store.kept) == PART


def test_reading_ends_when_the_process_is_to_end() -> None:
    gathering = gatherer(images("v1"))
    gathering.stop.ask()

    with pytest.raises(StoppedError):
        settle(gathering, wanting(*created("v1")))
