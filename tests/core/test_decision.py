from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.core.decision import Change, Decision, Skip, decide
from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DigestPolicy, NewestPolicy
from reconciler.core.images.reference import Repository
from reconciler.core.images.rules import DEFAULT_RULES, TagRules, TakenBack
from reconciler.core.manifests.images import SkipReason, inspect
from reconciler.errors import NotFoundError, RegistryError

REPOSITORY = Repository("r.example", "acme/web")
OLD, NEW, OTHER = (f"sha256:{each * 64}" for each in "0ab")
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [{name: web, image: IMAGE}]}}}
"""
PIN = TagRules(pins_digest=True)


def decision(
    image: str,
    *listed: str,
    rules: TagRules = DEFAULT_RULES,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Decision:
    text = MANIFEST.replace("IMAGE", f"r.example/acme/web{image}")
    report = inspect("a.yaml", text, default_namespace="x")
    fields = tuple(replace(field, rules=rules) for field in report.fields)
    report = replace(report, fields=fields)
    made = decide([report], {REPOSITORY: listed}, {REPOSITORY: knowledge})
    ((only,),) = made.by_report
    assert made.wants == ({REPOSITORY: only.wants} if isinstance(only, Skip) and only.wants else {})
    return only


def new_of(made: Decision) -> str:
    assert isinstance(made, Change)
    return str(made.new).removeprefix("r.example/acme/web")


def test_tag_and_digest_move_together() -> None:
    known = Knowledge(digests={"v4": NEW})

    assert new_of(decision(f":v3@{OLD}", "v3", "v4", knowledge=known)) == f":v4@{NEW}"


@pytest.mark.parametrize("algorithm", ["sha384:" + "1" * 96, "sha512:" + "1" * 128])
def test_a_digest_of_another_algorithm_gives_way_to_the_one_of_the_registry(algorithm: str) -> None:
    known = Knowledge(digests={"v4": NEW})

    assert new_of(decision(f":v3@{algorithm}", "v3", "v4", knowledge=known)) == f":v4@{NEW}"


def test_without_the_new_digest_nothing_moves_and_it_is_wanted() -> None:
    made = decision(f":v3@{OLD}", "v3", "v4", knowledge=Knowledge(digests={"v3": OLD}))

    assert isinstance(made, Skip)
    assert made.reason is SkipReason.UNKNOWN_IMAGES
    assert made.detail == "the digest of v4 is not known yet"
    assert made.wants == (Want("v4", Fact.DIGEST),)


def test_a_digest_that_cannot_be_read_is_a_skip_with_the_reason_and_a_problem() -> None:
    error = RegistryError("answered 500", where="https://r.example")
    made = decision(f":v3@{OLD}", "v3", "v4", knowledge=Knowledge(digests={"v4": error}))

    assert isinstance(made, Skip)
    assert made.reason is SkipReason.REGISTRY_FAILED
    assert made.detail == "the digest of v4 cannot be read: answered 500"
    assert made.failures == (error,)


def test_a_digest_is_left_alone_without_a_question_while_its_tag_is_the_newest() -> None:
    made = decision(f":v3@{OLD}", "v3")

    assert isinstance(made, Skip)
    assert (made.reason, made.wants) == (SkipReason.ALREADY_NEWEST, ())


@pytest.mark.parametrize(
    ("image", "listed", "new"),
    [
        pytest.param(":v3", ("v3", "v4"), f":v4@{NEW}", id="newer"),
        pytest.param(":v4", ("v3", "v4"), f":v4@{NEW}", id="already-the-newest"),
    ],
)
def test_pin_adds_the_digest_to_a_tag(image: str, listed: tuple[str, ...], new: str) -> None:
    assert new_of(decision(image, *listed, rules=PIN, knowledge=Knowledge({"v4": NEW}))) == new


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(OLD, SkipReason.ALREADY_NEWEST, id="the-same"),
        pytest.param(NEW, SkipReason.TAG_MOVED, id="moved"),
    ],
)
def test_pin_keeps_the_digest_of_a_tag_that_was_moved_and_tells(
    now: str, reason: SkipReason
) -> None:
    made = decision(f":v3@{OLD}", "v3", rules=PIN, knowledge=Knowledge({"v3": now}))

    assert isinstance(made, Skip)
    assert (made.reason, made.wants) == (reason, ())
    if reason is SkipReason.TAG_MOVED:
        assert made.detail == f"v3 was moved to {NEW}; the digest in Git is kept"


def test_digests_by_two_algorithms_tell_nothing_of_a_move() -> None:
    made = decision(f":v3@sha512:{'1' * 128}", "v3", rules=PIN, knowledge=Knowledge({"v3": NEW}))

    assert isinstance(made, Skip)
    assert made.reason is SkipReason.ALREADY_NEWEST


FOLLOW = TagRules(policy=DigestPolicy())


@pytest.mark.parametrize(
    ("image", "now"),
    [
        pytest.param(":v3", NEW, id="not-pinned-yet"),
        pytest.param(f":v3@{OLD}", NEW, id="moved"),
        pytest.param(f":v3@sha512:{'1' * 128}", NEW, id="another-algorithm"),
    ],
)
def test_the_digest_policy_follows_the_registry_and_keeps_the_tag(image: str, now: str) -> None:
    made = decision(image, "v3", "v4", rules=FOLLOW, knowledge=Knowledge({"v3": now}))

    assert new_of(made) == f":v3@{now}"


def test_the_digest_policy_means_latest_where_no_tag_is_written() -> None:
    made = decision("", "latest", "v4", rules=FOLLOW, knowledge=Knowledge({"latest": NEW}))

    assert new_of(made) == f":latest@{NEW}"


def test_the_digest_policy_rests_while_the_tag_does_also_beside_a_pin() -> None:
    known = Knowledge({"v3": OLD})

    for rules in (FOLLOW, replace(FOLLOW, pins_digest=True)):
        made = decision(f":v3@{OLD}", "v3", "v4", rules=rules, knowledge=known)
        assert isinstance(made, Skip)
        assert made.reason is SkipReason.ALREADY_NEWEST
    moved = Knowledge({"v3": NEW})
    assert new_of(decision(f":v3@{OLD}", "v3", rules=rules, knowledge=moved)) == f":v3@{NEW}"


def test_pin_wants_the_digest_of_the_tag_that_stands_there() -> None:
    made = decision(":v3", "v3", rules=PIN)

    assert isinstance(made, Skip)
    assert made.wants == (Want("v3", Fact.DIGEST),)


NEWEST = TagRules(policy=NewestPolicy())
AGES = {
    tag: datetime(2026, month, 1, tzinfo=UTC) for month, tag in enumerate(("v2", "v3", "v4"), 1)
}
REMEMBERED = Knowledge(created=AGES, remembered=frozenset(AGES))


def test_what_was_remembered_of_present_and_winning_tag_is_checked_before_it_counts() -> None:
    known = REMEMBERED
    wanted: list[Want] = []
    while isinstance(made := decision(":v3", *AGES, rules=NEWEST, knowledge=known), Skip):
        wanted += made.wants
        tags = frozenset(want.tag for want in wanted)
        known = replace(known, digests=dict.fromkeys(tags, NEW), remembered=known.remembered - tags)

    assert wanted == [Want("v3", Fact.DIGEST), Want("v4", Fact.DIGEST)]
    assert new_of(made) == ":v4"


def test_what_is_remembered_of_ages_is_nothing_to_policies_that_go_by_tags() -> None:
    assert new_of(decision(":v3", *AGES, knowledge=REMEMBERED)) == ":v4"


def test_a_remembered_tag_that_cannot_be_checked_decides_nothing() -> None:
    error = NotFoundError("no tag 'v3'", where="r.example/acme/web")
    known = replace(REMEMBERED, digests={"v3": error})

    made = decision(":v3", *AGES, rules=NEWEST, knowledge=known)

    assert isinstance(made, Skip)
    assert made.failures == (error,)


def test_a_remembered_tag_that_is_no_longer_listed_cannot_be_checked_and_need_not_be() -> None:
    created = {"v3": datetime(2026, 1, 1, tzinfo=UTC), "v4": datetime(2026, 2, 1, tzinfo=UTC)}
    known = Knowledge({"v4": NEW}, created=created, remembered=frozenset({"v3"}))

    made = decision(":v3", "v4", rules=NEWEST, knowledge=known)

    assert new_of(made) == ":v4"


def test_every_want_stands_once_in_the_order_of_the_fields() -> None:
    text = MANIFEST.replace("IMAGE}", f"r.example/acme/web:v3@{OLD}}}, {{name: b, image: b:v1}}, "
                            f"{{name: c, image: r.example/acme/web:v2@{OLD}}}")  # fmt: skip
    report = inspect("a.yaml", text, default_namespace="x")
    docker = Repository("docker.io", "library/b")
    made = decide([report], {REPOSITORY: ("v3", "v4"), docker: ("v1",)})

    assert made.wants == {REPOSITORY: (Want("v4", Fact.DIGEST),)}


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        pytest.param(None, SkipReason.UNKNOWN_IMAGES, id="not-known"),
        pytest.param(RegistryError("answered 500"), SkipReason.REGISTRY_FAILED, id="unreadable"),
    ],
)
def test_that_a_tag_was_taken_back_does_not_hide_what_another_one_waits_for(
    fact: RegistryError | None, reason: SkipReason
) -> None:
    arm = Platform("linux", "arm64")
    rules = TagRules(platforms=(arm,), taken_back=TakenBack((("v5", "3a33f0a"),)))
    known = Knowledge(platforms={"v5": frozenset({arm}), **({"v4": fact} if fact else {})})

    made = decision(":v3", "v3", "v4", "v5", rules=rules, knowledge=known)

    assert isinstance(made, Skip)
    assert made.reason is reason
    assert made.wants == (() if fact else (Want("v4", Fact.PLATFORMS),))
    assert made.failures == ((fact,) if fact else ())


def test_that_a_tag_was_taken_back_is_said_where_nothing_else_is_to_be_had() -> None:
    rules = TagRules(taken_back=TakenBack((("v5", "3a33f0a"),)))

    made = decision(":v4", "v3", "v4", "v5", rules=rules)

    assert isinstance(made, Skip)
    assert made.reason is SkipReason.TAKEN_BACK
