"""Policies and rules that need to know more of an image than its tag."""

import itertools
from datetime import UTC, datetime

import pytest

from reconciler.core.images.knowledge import Fact, Knowledge
from reconciler.core.images.platform import Platform
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Selection, SelectionReason, select
from tests.core.images.choosing import (
    AMD,
    ARM,
    DOWN,
    GONE,
    Day,
    Outcome,
    created,
    created_on,
    outcome,
    pick,
    platforms_of,
    rules,
    said,
    wanted,
)

NEWER = SelectionReason.NEWER
BEST = SelectionReason.BEST
ADOPTED = SelectionReason.ADOPTED
DOWN_ALLOWED = SelectionReason.DOWNGRADE
NEWEST = SelectionReason.ALREADY_NEWEST
NO_MATCH = SelectionReason.NO_TAG_MATCHES
DOWNGRADE = SelectionReason.WOULD_DOWNGRADE
MISSING = SelectionReason.CURRENT_MISSING
UNKNOWN = SelectionReason.UNKNOWN_IMAGES
UNREADABLE = SelectionReason.UNREADABLE_IMAGES

NEW = rules("newest")


@pytest.mark.parametrize(
    ("asked", "current", "days", "expected"),
    [
        pytest.param(NEW, "a", {"a": 1, "b": 3, "c": 2}, ("b", NEWER), id="newest"),
        pytest.param(NEW, "b", {"a": 1, "b": 3, "c": 2}, (None, NEWEST), id="already-newest"),
        pytest.param(NEW, "a", {"a": 3, "b": 3, "c": 2}, (None, NEWEST), id="as-old-as-another"),
        pytest.param(NEW, "a", {"a": 1, "b": 3, "c": 3}, ("c", NEWER), id="a-tie-by-the-text"),
        pytest.param(NEW, "1.2", {"1.2": 1, "3": 3, "1.3": 3}, ("1.3", NEWER),
                     id="a-tie-by-the-shape"),
        pytest.param(NEW, "a", {"a": 1, "b": None, "c": 2}, ("c", NEWER), id="one-does-not-say"),
        pytest.param(NEW, "a", {"a": 1, "b": GONE, "c": 2}, ("c", NEWER), id="one-is-not-there"),
        pytest.param(NEW, "a", {"a": 1, "b": DOWN, "c": 2}, (None, UNREADABLE), id="one-fails"),
        pytest.param(NEW, "a", {"a": None, "b": 1}, ("b", ADOPTED), id="current-does-not-say"),
        pytest.param(NEW, "2.0", {"2.0": None, "1.9": 1}, (None, DOWNGRADE),
                     id="current-does-not-say-but-is-a-newer-version"),
        pytest.param(NEW, "a", {"a": DOWN, "b": 1}, (None, UNREADABLE), id="current-fails"),
        pytest.param(NEW, "a", {"a": GONE, "b": 1}, (None, MISSING), id="current-is-not-there"),
        pytest.param(NEW, None, {"a": 1, "b": 2}, ("b", BEST), id="no-current"),
        pytest.param(NEW, "2.0", {"2.0": 1, "1.9": 2}, ("1.9", NEWER), id="a-backport"),
        pytest.param(NEW, "latest", {"latest": 1, "b": 2}, ("b", NEWER), id="from-latest"),
        pytest.param(NEW, "b", {"latest": 9, "b": 2, "c": 1}, (None, NEWEST), id="not-to-latest"),
        pytest.param(rules("newest", pattern="^main-"), "latest", {"main-1": 1, "main-2": 2},
                     ("main-2", ADOPTED), id="unmatched-current-needs-no-time"),
        pytest.param(rules("newest", pattern="^1"), "2.0", {"2.0": 1, "1.9": 2},
                     (None, DOWNGRADE), id="unmatched-current-but-an-older-version"),
        pytest.param(rules("glob:main-*"), "main-1", {"main-1": 1, "main-2": 2, "dev": 3},
                     ("main-2", NEWER), id="glob"),
        pytest.param(rules("glob:main-*"), "latest", {"main-1": 1, "main-2": 2, "latest": 3},
                     ("main-2", ADOPTED), id="glob-does-not-match-current"),
        pytest.param(rules("regexp:^main"), "main-1", {"main-1": 1, "main-2": 2, "dev": 3},
                     ("main-2", NEWER), id="regexp"),
        pytest.param(rules("newest", downgrade=True), "a", {"a": GONE, "b": 1}, ("b", ADOPTED),
                     id="allowed-though-current-is-not-there"),
        pytest.param(NEW, "a", {}, (None, MISSING), id="nothing-listed"),
    ],
)  # fmt: skip
def test_creation_times_decide(
    asked: TagRules, current: str | None, days: dict[str, Day], expected: Outcome
) -> None:
    assert outcome(" ".join(days), asked, current, created_on(days)) == expected


def test_a_time_that_stands_for_none_is_turned_down() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    last, first = datetime(1979, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1980, 1, 2, tzinfo=UTC)
    buildpacks = datetime(1980, 1, 1, 0, 0, 1, tzinfo=UTC)
    knowledge = Knowledge(created={"a": epoch, "b": last, "c": first, "d": buildpacks})

    assert outcome("a b c d", NEW, None, knowledge) == ("c", BEST)
    assert said("a b c d", NEW, None, knowledge) == [
        ("c", "CHOSEN"),
        ("a", "was created in 1970, which stands for no time"),
        ("b", "was created in 1979, which stands for no time"),
        ("d", "was created in 1980, which stands for no time"),
    ]


def test_no_time_is_needed_where_nothing_else_matches() -> None:
    assert outcome("main dev", rules("glob:main"), "main") == (None, NEWEST)
    assert outcome("dev", rules("glob:main"), "dev") == (None, NO_MATCH)
    assert outcome("v1.2 v1.3", rules("glob:v*"), "v1.2") == ("v1.3", NEWER)


def test_an_image_is_held_until_all_creation_times_are_known() -> None:
    tags, asked = "a b c d latest x", rules("newest", pattern="^.(test)?$")

    assert pick(tags, asked, "b", created(d=4)) == Selection(
        None,
        UNKNOWN,
        "creation time known for 1 of 5",
        wants=wanted(Fact.CREATED, "b", "x", "c", "a"),
    )
    assert pick(tags, asked, "b", created(d=4, b=1, x=2, a=DOWN)) == Selection(
        None,
        UNKNOWN,
        "creation time known for 3 of 5; that of a cannot be read: does not answer",
        wants=wanted(Fact.CREATED, "c"),
        failures=(DOWN,),
    )
    assert pick(tags, asked, "b", created(d=4, b=1, x=2, a=DOWN, c=1)) == Selection(
        None,
        UNREADABLE,
        "creation time known for 4 of 5; that of a cannot be read: does not answer",
        failures=(DOWN,),
    )
    assert outcome(tags, asked, "b", created(d=4, b=1, x=2, a=3, c=1)) == ("d", NEWER)


def test_large_counts_are_readable() -> None:
    tags = [f"build-{number}" for number in range(1074)]
    held = select(tags, NEW, current="build-0", knowledge=created_on({"build-7": 7}))

    assert held.detail == "creation time known for 1 of 1,074"
    assert len(held.wants) == 1073


@pytest.mark.parametrize(
    ("knowledge", "expected"),
    [
        pytest.param(created(a=1, b=2), (None, UNKNOWN), id="its-time-is-not-known"),
        pytest.param(created(a=1, b=2, old=GONE), (None, MISSING), id="its-image-is-gone-too"),
        pytest.param(created(a=1, b=2, old=None), (None, MISSING), id="it-does-not-say"),
        pytest.param(created(a=1, b=2, old=DOWN), (None, UNREADABLE), id="its-time-fails"),
        pytest.param(created(a=1, b=3, old=2), ("b", NEWER), id="older-than-another"),
        pytest.param(created(a=1, b=2, old=3), (None, MISSING), id="newer-than-all"),
    ],
)
def test_a_current_tag_that_is_listed_no_longer_is_left_only_for_a_newer_one(
    knowledge: Knowledge, expected: Outcome
) -> None:
    assert outcome("a b", NEW, "old", knowledge) == expected


def test_of_a_missing_current_tag_its_own_time_is_wanted_first_and_alone() -> None:
    held = pick("a b", NEW, "old")

    assert held.wants == wanted(Fact.CREATED, "old")
    assert held.detail == "creation time known for 0 of 3"
    assert pick("a b", NEW, "old", created(old=3)).wants == wanted(Fact.CREATED, "b", "a")


BOTH = rules("semver:*", platforms=(AMD, ARM))


@pytest.mark.parametrize(
    ("asked", "current", "knowledge", "expected"),
    [
        pytest.param(BOTH, "v1", platforms_of(v3=[AMD, ARM]), ("v3", NEWER), id="has-all"),
        pytest.param(BOTH, "v1", platforms_of(v3=[AMD], v2=[ARM, AMD]), ("v2", NEWER), id="next"),
        pytest.param(BOTH, "v1", platforms_of(v3=GONE, v2=[ARM, AMD]), ("v2", NEWER), id="gone"),
        pytest.param(BOTH, "v1", platforms_of(v3=DOWN, v2=[ARM, AMD]), (None, UNREADABLE),
                     id="fails"),
        pytest.param(BOTH, "v1", platforms_of(v3=[], v2=[]), (None, NEWEST), id="only-the-current"),
        pytest.param(BOTH, "v1", platforms_of(v3=[], v2=[], v1=[]), (None, NEWEST),
                     id="the-current-is-not-asked"),
        pytest.param(BOTH, "v3", platforms_of(), (None, NEWEST), id="nothing-is-asked"),
        pytest.param(BOTH, "v4", platforms_of(), (None, MISSING), id="nor-when-missing"),
        pytest.param(BOTH, "main", platforms_of(v3=[], v2=[], v1=[]), (None, MISSING),
                     id="none-has-them"),
        pytest.param(BOTH, None, platforms_of(v3=[], v2=[], v1=[]), (None, NO_MATCH),
                     id="none-has-them-without-a-current"),
        pytest.param(BOTH, None, platforms_of(v3=[], v2=[AMD, ARM]), ("v2", BEST), id="no-current"),
        pytest.param(rules("semver:*", platforms=(ARM,), downgrade=True), "v3",
                     platforms_of(v3=[AMD], v2=[ARM]), ("v2", DOWN_ALLOWED), id="downgrade"),
        pytest.param(rules("semver:*", platforms=(ARM,), downgrade=True), "v3",
                     platforms_of(v3=[ARM]), (None, NEWEST), id="no-need-to-downgrade"),
        pytest.param(rules("semver:*", platforms=(ARM,), downgrade=True), "v3",
                     platforms_of(), (None, UNKNOWN), id="downgrade-asks-for-the-current"),
        pytest.param(rules("digest", platforms=(ARM,)), "v2", platforms_of(v2=[ARM]),
                     (None, NEWEST), id="digest"),
        pytest.param(rules("digest", platforms=(ARM,)), "v2", platforms_of(v2=[AMD]),
                     (None, NO_MATCH), id="digest-without-it"),
        pytest.param(rules("digest", platforms=(ARM,)), "v2", platforms_of(), (None, UNKNOWN),
                     id="digest-unknown"),
        pytest.param(rules("semver:*", platforms=(Platform("linux", "arm", "v6"),)), "v1",
                     platforms_of(v3=[Platform("linux", "arm", "v7")],
                                  v2=[Platform("linux", "arm", "v6")]), ("v2", NEWER),
                     id="variant"),
    ],
)  # fmt: skip
def test_only_images_that_have_all_platforms_are_chosen(
    asked: TagRules, current: str | None, knowledge: Knowledge, expected: Outcome
) -> None:
    assert outcome("v1 v2 v3", asked, current, knowledge) == expected


def test_platforms_are_wanted_of_the_best_until_one_has_all() -> None:
    tags = "v1 v2 v3"

    assert pick(tags, BOTH, "v1") == Selection(
        None,
        UNKNOWN,
        "the platforms of v3 are not known yet",
        wants=wanted(Fact.PLATFORMS, "v3"),
    )
    second = pick(tags, BOTH, "v1", platforms_of(v3=[AMD]))
    assert second.wants == wanted(Fact.PLATFORMS, "v2")
    failed = pick(tags, BOTH, "v1", platforms_of(v3=DOWN))
    assert (failed.failures, failed.wants) == ((DOWN,), ())
    assert failed.detail == "the platforms of v3 cannot be read: does not answer"


def test_two_spellings_of_one_version_may_run_on_different_platforms() -> None:
    known = platforms_of(**{"v2.0": [AMD], "v2": [AMD, ARM]})

    assert outcome("v1.0 v2 v2.0", BOTH, "v1.0", known) == ("v2", NEWER)


def test_that_no_image_has_the_platforms_is_said() -> None:
    known = platforms_of(v2=[])

    assert pick("v2", BOTH, None, known).detail == (
        "no tag that matches semver:=* has linux/amd64 and linux/arm64"
    )


def test_times_come_before_platforms() -> None:
    asked = rules("newest", platforms=(ARM,))
    times = created(a=1, b=2, c=3)

    assert pick("a b c", asked, "a").wants == wanted(Fact.CREATED, "a", "c", "b")
    assert pick("a b c", asked, "a", times).wants == wanted(Fact.PLATFORMS, "c")
    known = Knowledge(created=times.created, platforms=platforms_of(c=[AMD], b=[ARM]).platforms)
    assert outcome("a b c", asked, "a", known) == ("b", NEWER)


def test_verdicts_say_which_fact_stands_against_a_tag() -> None:
    known = platforms_of(v5=[AMD], v4=GONE, v3=[ARM, AMD])

    assert said("v1 v2 v3 v4 v5", BOTH, "v1", known) == [
        ("v5", "has no linux/arm64"),
        ("v4", "is listed, but its image is not there"),
        ("v3", "CHOSEN"),
        ("v2", "is older than v3"),
        ("v1", "is older than v3"),
    ]
    assert said("v1 v2 v3", BOTH, "v1", platforms_of(v3=[])) == [
        ("v3", "has no linux/amd64 and no linux/arm64"),
        ("v2", "has platforms that are not known yet"),
        ("v1", "CURRENT"),
    ]
    assert said("v1 v2", BOTH, "v1", platforms_of(v2=DOWN)) == [
        ("v2", "has platforms that cannot be read: does not answer"),
        ("v1", "CURRENT"),
    ]


def test_a_current_tag_that_lacks_a_platform_says_so() -> None:
    asked = rules("semver:*", platforms=(ARM,), downgrade=True)

    assert said("v1 v2", asked, "v2", platforms_of(v2=[AMD], v1=[ARM])) == [
        ("v2", "current, but has no linux/arm64"),
        ("v1", "CHOSEN"),
    ]


def test_a_current_tag_is_not_called_chosen_where_no_image_has_the_platforms() -> None:
    amd_alone = platforms_of(v2=[AMD], v1=[AMD])

    assert said("v1 v2", rules("digest", platforms=(ARM,)), "v2", amd_alone) == [
        ("v2", "current, but has no linux/arm64"),
        ("v1", "is not the current tag, on which the policy stays"),
    ]
    assert said("v1 v2", rules("semver:*", platforms=(ARM,), downgrade=True), "v2", amd_alone) == [
        ("v2", "current, but has no linux/arm64"),
        ("v1", "has no linux/arm64"),
    ]


@pytest.mark.parametrize("time", [None, GONE, DOWN, 1])
def test_a_current_tag_that_alone_matches_is_the_choice_whatever_its_time(time: Day) -> None:
    known = created(main=time)

    assert outcome("main v1", rules("glob:main"), "main", known) == (None, NEWEST)
    assert said("main v1", rules("glob:main"), "main", known) == [
        ("main", "CURRENT"),
        ("v1", "does not match 'main'"),
    ]


def test_verdicts_by_creation_say_what_is_known() -> None:
    times = created(a=1, b=2, d=None, e=GONE, f=DOWN)

    assert said("a b c d e f", NEW, "a", times) == [
        ("b", "cannot be compared before all creation times are known"),
        ("a", "CURRENT"),
        ("f", "has a creation time that cannot be read: does not answer"),
        ("c", "has a creation time that is not known yet"),
        ("d", "does not say when it was created"),
        ("e", "is listed, but its image is not there"),
    ]
    assert said("a b c", rules("glob:?"), "a", created(a=1, b=2, c=2)) == [
        ("c", "CHOSEN"),
        ("b", "is as old as c"),
        ("a", "is older than c"),
    ]
    assert said("a bc d", rules("glob:?"), "a", created(a=1, d=2)) == [
        ("d", "CHOSEN"),
        ("a", "is older than d"),
        ("bc", "does not match '?'"),
    ]
    assert said("a b", NEW, "gone", created(a=1, b=2, gone=GONE)) == [
        ("b", "cannot be compared with gone, whose image is gone"),
        ("a", "cannot be compared with gone, whose image is gone"),
    ]


def test_more_knowledge_never_changes_what_was_decided_with_less() -> None:
    asked = rules("newest", platforms=(ARM,))
    times = created(a=1, b=2, c=None, d=GONE).created
    places = platforms_of(a=[AMD], b=[ARM]).platforms
    facts = [*((Fact.CREATED, tag) for tag in times), *((Fact.PLATFORMS, tag) for tag in places)]

    for order in itertools.permutations(facts):
        decided: Outcome | None = None
        for count in range(len(order) + 1):
            known = Knowledge(
                created={tag: times[tag] for fact, tag in order[:count] if fact is Fact.CREATED},
                platforms={
                    tag: places[tag] for fact, tag in order[:count] if fact is Fact.PLATFORMS
                },
            )
            found = outcome("a b c d", asked, "a", known)
            assert decided is None or found == decided
            decided = found if found[1] is not UNKNOWN else None
        assert decided == ("b", NEWER)
