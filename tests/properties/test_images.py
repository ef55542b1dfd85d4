"""What holds for all references, versions, constraints and selections."""

import contextlib
from random import Random

import semver
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.policy import (
    DEFAULT_POLICY,
    Policy,
    SemverPolicy,
    parse_policy,
)
from reconciler.core.images.reference import ImageReference, is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.shape import take_apart
from reconciler.core.images.verdict import verdicts
from reconciler.core.images.version import Version, parse_version
from reconciler.errors import ConstraintSyntaxError, PolicySyntaxError, ReferenceSyntaxError

NUMBERS = st.sampled_from(["0", "1", "2", "3", "10", "02", "2024"])
SUFFIXES = st.sampled_from(
    ["", "", "", "-0", "-1", "-rc.1", "-rc.2", "-rc10", "-rc9", "-beta2", "-alpine", "-dev"]
)
VERSION_TEXTS = st.builds(
    lambda prefix, numbers, suffix: prefix + ".".join(numbers) + suffix,
    st.sampled_from(["", "", "v"]),
    st.lists(NUMBERS, min_size=1, max_size=3),
    SUFFIXES,
)
OTHER_TAGS = st.sampled_from(
    [
        "latest",
        "main",
        "1.2.3.4",
        "1.2_x",
        "3.0rc1",
        "7e10abc",
        "20240105",
        f"sha256-{'0' * 64}.sig",
    ]
)
TAGS = st.one_of(VERSION_TEXTS, VERSION_TEXTS, OTHER_TAGS)
LISTS = st.lists(TAGS, max_size=12)

OPERATORS = st.sampled_from(["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^"])
PARTS = st.sampled_from(["0", "1", "2", "3", "02", "x", "*", "2024"])
OPERANDS = st.builds(
    lambda prefix, parts, suffix: prefix + ".".join(parts) + suffix,
    st.sampled_from(["", "", "v"]),
    st.lists(PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "", "-0", "-rc.1", "+b.1"]),
)
RANGES = st.builds("{} - {}".format, OPERANDS, OPERANDS)
GROUPS = st.builds(
    str.join,
    st.sampled_from([" ", ",", ", "]),
    st.lists(RANGES | st.builds("{}{}".format, OPERATORS, OPERANDS), min_size=1, max_size=3),
)
CONSTRAINT_TEXTS = st.lists(GROUPS, min_size=1, max_size=3).map(" || ".join)
CONSTRAINTS = CONSTRAINT_TEXTS.map(Constraint.parse)
POLICIES: st.SearchStrategy[Policy] = st.just(DEFAULT_POLICY) | CONSTRAINTS.map(SemverPolicy)

HOSTS = st.sampled_from(["", "docker.io/", "localhost:5000/", "r.example/", "[::1]:5000/", "REG/"])
PATHS = st.from_regex(r"[a-z0-9]{1,3}(?:(?:\.|_|__|-{1,2}|/)[a-z0-9]{1,3}){0,3}", fullmatch=True)
REFERENCE_TEXTS = st.builds(
    lambda *parts: "".join(parts),
    HOSTS,
    PATHS,
    st.just("") | TAGS.map(":{}".format),
    st.sampled_from(["", f"@sha256:{'0a' * 32}", f"@sha512:{'0a' * 64}"]),
)

NEAR_MISSES = st.text("0123456789.-+vxX*|,<>=!~^ \t\nabc:/@_[]", max_size=40)
ANYTHING = st.text(max_size=40) | NEAR_MISSES


def version(text: str) -> Version:
    parsed = parse_version(text)
    assert parsed is not None
    return parsed


@given(REFERENCE_TEXTS, TAGS)
def test_a_reference_is_printed_as_it_was_written(text: str, tag: str) -> None:
    reference = ImageReference.parse(text)
    moved = reference.with_tag(tag)

    assert str(reference) == text
    assert str(moved) == f"{reference.name}:{tag}"
    assert ImageReference.parse(str(moved)) == moved
    assert ImageReference.parse(str(reference.repository)).repository == reference.repository


@given(ANYTHING | REFERENCE_TEXTS.flatmap(lambda text: NEAR_MISSES.map(text.__add__)))
def test_a_text_is_a_reference_or_refused(text: str) -> None:
    with contextlib.suppress(ReferenceSyntaxError):
        assert str(ImageReference.parse(text)) == text


@given(VERSION_TEXTS)
def test_a_version_is_printed_as_it_was_written_and_its_canonical_form_is_as_high(
    text: str,
) -> None:
    parsed = version(text)

    assert str(parsed) == text
    assert version(parsed.canonical).precedence == parsed.precedence


@given(VERSION_TEXTS, VERSION_TEXTS)
def test_the_order_of_versions_is_semvers_own(left: str, right: str) -> None:
    one, other = version(left), version(right)
    compared = semver.Version.parse(one.canonical).compare(other.canonical)

    assert (one.precedence > other.precedence) - (one.precedence < other.precedence) == compared


@given(CONSTRAINTS, VERSION_TEXTS)
def test_a_constraint_and_its_printed_form_admit_the_same_versions(
    constraint: Constraint, text: str
) -> None:
    printed = Constraint.parse(str(constraint))

    assert printed == constraint
    assert str(printed) == str(constraint)
    assert printed.admits(version(text)) is constraint.admits(version(text))
    assert (constraint.refusal(version(text)) is None) is constraint.admits(version(text))


@given(ANYTHING | CONSTRAINT_TEXTS.flatmap(lambda text: NEAR_MISSES.map(text.__add__)))
@example("1" + " " * 510 + "-")
@example("1-" + "-" * 510)
@example("=" * 512)
def test_a_text_is_a_constraint_or_refused(text: str) -> None:
    with contextlib.suppress(ConstraintSyntaxError):
        constraint = Constraint.parse(text)

        assert Constraint.parse(str(constraint)) == constraint


@given(ANYTHING | ANYTHING.map("semver:{}".format))
def test_a_text_is_a_policy_or_refused(text: str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        policy = parse_policy(text)

        assert parse_policy(str(policy)) == policy


@given(LISTS, POLICIES, TAGS, st.randoms())
def test_a_selection_depends_neither_on_the_order_of_the_tags_nor_on_duplicates(
    tags: list[str], policy: Policy, current: str, random: Random
) -> None:
    mixed = [*tags, *tags[:3]]
    random.shuffle(mixed)

    assert select(mixed, TagRules(policy), current=current) == select(
        tags, TagRules(policy), current=current
    )
    assert verdicts(mixed, TagRules(policy), current=current) == verdicts(
        tags, TagRules(policy), current=current
    )


@given(LISTS, POLICIES, TAGS)
def test_an_older_version_is_never_chosen(tags: list[str], policy: Policy, current: str) -> None:
    selection = select(tags, TagRules(policy), current=current)
    old, new = take_apart(current), take_apart(selection.winner or "")

    if old and new and old.shape.is_dated == new.shape.is_dated:
        assert (*new.numbers, 0, 0, 0)[:3] >= (*old.numbers, 0, 0, 0)[:3]
    if selection.reason is SelectionReason.NEWER and isinstance(policy, SemverPolicy):
        assert version(selection.winner or "").precedence > version(current).precedence


@given(LISTS, POLICIES, TAGS)
def test_a_choice_once_made_stands(tags: list[str], policy: Policy, current: str) -> None:
    winner = select(tags, TagRules(policy), current=current).winner

    if winner is not None:
        assert winner in tags
        assert winner != current
        assert (
            select(tags, TagRules(policy), current=winner).reason is SelectionReason.ALREADY_NEWEST
        )


@given(LISTS, POLICIES, TAGS)
def test_every_tag_gets_one_verdict_and_the_winner_is_the_chosen_one(
    tags: list[str], policy: Policy, current: str
) -> None:
    winner = select(tags, TagRules(policy), current=current).winner
    given_verdicts = verdicts(tags, TagRules(policy), current=current)
    chosen = [each.tag for each in given_verdicts if each.is_chosen]

    assert sorted(each.tag for each in given_verdicts) == sorted(set(tags))
    assert chosen == [winner] if winner else chosen in ([], [current])
    assert given_verdicts[: len(chosen)] == tuple(v for v in given_verdicts if v.is_chosen)
    assert all(each.reason for each in given_verdicts)


@given(st.lists(ANYTHING | TAGS, max_size=6), POLICIES, ANYTHING | TAGS)
def test_no_tag_is_too_odd_to_be_judged(tags: list[str], policy: Policy, current: str) -> None:
    winner = select(tags, TagRules(policy), current=current).winner

    assert winner is None or is_tag(winner)
    assert len(verdicts(tags, TagRules(policy), current=current)) == len(set(tags))
