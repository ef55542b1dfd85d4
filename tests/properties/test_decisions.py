"""Whoever reads what a decision wants, fact by fact, decides as if all had been known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.decision import Decision, Skip, decide
from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import parse_policy
from reconciler.core.images.reference import Repository
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests.images import SkipReason, inspect
from reconciler.errors import NotFoundError, RegistryError

REPOSITORY = Repository("r.example", "web")
MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {containers: [{name: web, image: "r.example/web:IMAGE"}]}
"""
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
GONE, DOWN = NotFoundError("no such image"), RegistryError("answered 503")
POLICIES = ("semver:*", "minor", "glob:*", "glob:v*", "regexp:^v", "newest", "numeric:asc",
            "alphabetical:desc", "digest")  # fmt: skip

TAGS = ("v1", "v2", "v3", "v10", "latest", "main", "work", "1.0.0", "1.1.0", "7")

tags = st.sampled_from(TAGS)
digests = st.sampled_from([*(f"sha256:{each * 64}" for each in "0ab"), GONE, DOWN])
platforms = st.sampled_from(
    [frozenset({AMD64}), frozenset({AMD64, ARM64}), frozenset[Platform](), GONE, DOWN]
)
created = st.sampled_from(
    [*(datetime(year, 1, 1, tzinfo=UTC) for year in (1970, 2024, 2025, 2026)), None, GONE, DOWN]
)
rules = st.builds(
    TagRules,
    policy=st.sampled_from(POLICIES).map(parse_policy),
    platforms=st.sampled_from([(), (AMD64,), (AMD64, ARM64)]),
    allows_downgrade=st.booleans(),
    pins_digest=st.booleans(),
)


every = st.builds(
    Knowledge,
    st.fixed_dictionaries(dict.fromkeys(TAGS, digests)),
    st.fixed_dictionaries(dict.fromkeys(TAGS, platforms)),
    st.fixed_dictionaries(dict.fromkeys(TAGS, created)),
)


def decision(image: str, listed: list[str], rules: TagRules, knowledge: Knowledge) -> Decision:
    report = inspect("a.yaml", MANIFEST.replace("IMAGE", image), default_namespace="x")
    fields = tuple(replace(field, rules=rules) for field in report.fields)
    listed_by = {REPOSITORY: tuple(listed)}
    ((made,),) = decide(
        [replace(report, fields=fields)], listed_by, {REPOSITORY: knowledge}
    ).by_report
    return made


def told(made: Decision) -> tuple[object, ...]:
    """Return what is decided; words may tell how much was known."""
    if isinstance(made, Skip):
        return made.reason, *map(str, made.failures)
    return (made.new,)


def with_fact(knowledge: Knowledge, want: Want, everything: Knowledge) -> Knowledge:
    """Return the knowledge with one more fact."""

    def one_more(some: Mapping[str, object], all_of_it: Mapping[str, object]) -> dict[str, object]:
        assert want.tag not in some
        return {**some, want.tag: all_of_it[want.tag]}

    match want.fact:
        case Fact.DIGEST:
            more = one_more(knowledge.digests, everything.digests)
            return replace(knowledge, digests=more)  # type: ignore[arg-type]  # of the same kind
        case Fact.PLATFORMS:
            more = one_more(knowledge.platforms, everything.platforms)
            return replace(knowledge, platforms=more)  # type: ignore[arg-type]  # likewise
        case Fact.CREATED:
            more = one_more(knowledge.created, everything.created)
            return replace(knowledge, created=more)  # type: ignore[arg-type]  # likewise


images = st.builds(str.__add__, tags, st.sampled_from(["", f"@sha256:{'0' * 64}"]))


@given(images, st.lists(tags, unique=True), rules, every, st.integers(1, 3))
def test_fact_by_fact_the_same_is_decided_as_with_all_of_them(
    image: str, listed: list[str], rules: TagRules, everything: Knowledge, at_once: int
) -> None:
    knowledge = NOTHING_KNOWN
    made = decision(image, listed, rules, knowledge)
    while isinstance(made, Skip) and made.wants:
        assert made.reason is SkipReason.UNKNOWN_IMAGES
        for want in made.wants[:at_once]:
            knowledge = with_fact(knowledge, want, everything)
        made = decision(image, listed, rules, knowledge)

    assert told(made) == told(decision(image, listed, rules, everything))
