"""What holds for all references, versions, constraints and selections."""

import contextlib
import itertools
import re
from datetime import UTC, datetime
from random import Random

import semver
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.glob import Glob
from reconciler.core.images.knowledge import Created, Fact, Knowledge, Platforms
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import (
    DEFAULT_POLICY,
    MatchPolicy,
    Policy,
    SemverPolicy,
    ShapePolicy,
    parse_policy,
)
from reconciler.core.images.reference import ImageReference, is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.shape import take_apart
from reconciler.core.images.shape_pattern import places_like
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.images.tag_list import parse_tag_list, print_tag_list
from reconciler.core.images.verdict import verdicts
from reconciler.core.images.version import Version, parse_version
from reconciler.errors import (
    ConstraintSyntaxError,
    NotFoundError,
    PolicySyntaxError,
    ReconcilerError,
    ReferenceSyntaxError,
    RegistryError,
)

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

ARM, AMD = Platform("linux", "arm64"), Platform("linux", "amd64")

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
POLICIES: st.SearchStrategy[Policy] = st.one_of(
    st.just(DEFAULT_POLICY),
    CONSTRAINTS.map(SemverPolicy),
    st.sampled_from(
        [
            *("major", "minor", "patch", "newest", "digest"),
            *("numeric:asc", "numeric:desc", "alphabetical:asc", "alphabetical:desc"),
            *("glob:*", "glob:1*", "glob:*a*", "regexp:[0-9]$", "regexp:latest|main"),
        ]
    ).map(parse_policy),
)
FILTERS = st.sampled_from(
    [
        None,
        None,
        TagFilter(Pattern("^v?(?P<n>[0-9.]+)"), "$n"),
        TagFilter(Pattern("^[^l]")),
        TagFilter(Pattern("-(.+)$"), "1.$1"),
    ]
)
PLATFORMS = st.sampled_from([(), (), (ARM,), (AMD, ARM)])
RULES = st.builds(TagRules, POLICIES, FILTERS, PLATFORMS, st.booleans())
CAREFUL_RULES = st.builds(TagRules, POLICIES, FILTERS, PLATFORMS)
TIMES: st.SearchStrategy[datetime | ReconcilerError | None] = st.sampled_from(
    [
        *(datetime(2024, 6, day, tzinfo=UTC) for day in (1, 2, 3)),
        datetime(1970, 1, 1, tzinfo=UTC),
        None,
        NotFoundError("gone"),
        RegistryError("down"),
    ]
)
PLACES: st.SearchStrategy[frozenset[Platform] | ReconcilerError] = st.sampled_from(
    [frozenset({ARM, AMD}), frozenset({AMD}), frozenset(), RegistryError("down")]
)


@st.composite
def all_known(draw: st.DrawFn) -> tuple[list[str], str, Knowledge]:
    """Tags, a current one, and everything that can be known of them."""
    tags = draw(LISTS)
    current = draw(TAGS | st.sampled_from(tags) if tags else TAGS)
    every = sorted({*tags, current})
    created: Created = {tag: draw(TIMES) for tag in every}
    platforms: Platforms = {
        tag: known if isinstance(known := created[tag], NotFoundError) else draw(PLACES)
        for tag in every
    }
    return tags, current, Knowledge(created=created, platforms=platforms)


KNOWN = all_known()
HELD = (SelectionReason.UNKNOWN_IMAGES, SelectionReason.UNREADABLE_IMAGES)

HOSTS = st.sampled_from(["", "docker.io/", "localhost:5000/", "r.example/", "[::1]:5000/", "REG/"])
PATHS = st.from_regex(
    r"[a-z0-9]{1,3}(?:(?:\.|_|__|-{1,2}|/)[a-z0-9]{1,3}){0,3}", fullmatch=True
).filter(lambda path: not {".", "_"} <= set(path.partition("/")[0]))  # that is no host
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


@given(POLICIES | ANYTHING.map("semver:{}".format) | ANYTHING)
def test_a_text_is_a_policy_or_refused(text: Policy | str) -> None:
    with contextlib.suppress(PolicySyntaxError):
        policy = parse_policy(text) if isinstance(text, str) else text

        assert policy == DEFAULT_POLICY or parse_policy(str(policy)) == policy


@given(TAGS | ANYTHING, TAGS)
@example("1.2-RC3", "1.1-rc2")
@example("1" * 18, "2024")
@example("1" * 19, "2024")
@example("1234567e1", "2e1")
@example("1.2" + "_" * 126, "1.3" + "_" * 126)
def test_the_expression_of_a_shape_tells_what_taking_a_tag_apart_does(
    text: str, current: str
) -> None:
    mine, other = take_apart(current), take_apart(text)
    if mine is None:
        return
    is_like = other is not None and other.shape == mine.shape
    is_candidate = other is not None and (other.is_release or other.pre_kind == mine.pre_kind)

    expected = other.order if other and is_like and is_candidate else None
    assert places_like(mine)(text) == expected


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=10))
def test_a_glob_is_the_expression_that_it_stands_for(glob: str, text: str) -> None:
    expected = re.fullmatch(glob.replace("*", ".*"), text) is not None

    assert Glob(glob).matches(text) is expected


@given(KNOWN, RULES, st.randoms())
def test_a_selection_depends_neither_on_the_order_of_the_tags_nor_on_duplicates(
    known: tuple[list[str], str, Knowledge], rules: TagRules, random: Random
) -> None:
    tags, current, knowledge = known
    mixed = [*tags, *tags[:3]]
    random.shuffle(mixed)
    one = select(tags, rules, current=current, knowledge=knowledge)
    judged = verdicts(tags, rules, current=current, knowledge=knowledge)

    assert select(mixed, rules, current=current, knowledge=knowledge) == one
    assert verdicts(mixed, rules, current=current, knowledge=knowledge) == judged


@given(KNOWN, CAREFUL_RULES)
def test_a_lower_tag_is_never_chosen(
    known: tuple[list[str], str, Knowledge], rules: TagRules
) -> None:
    tags, current, knowledge = known
    selection = select(tags, rules, current=current, knowledge=knowledge)
    if selection.winner is None:
        return
    back = select([selection.winner, current], rules, current=selection.winner, knowledge=knowledge)

    assert back.winner is None or selection.reason is SelectionReason.ADOPTED
    assert selection.reason in (SelectionReason.NEWER, SelectionReason.ADOPTED)
    if rules.tag_filter is None and isinstance(rules.policy, ShapePolicy | SemverPolicy):
        old, new = take_apart(current), take_apart(selection.winner)
        if old and new and old.shape.is_dated == new.shape.is_dated:
            assert (*new.numbers, 0, 0, 0)[:3] >= (*old.numbers, 0, 0, 0)[:3]


@given(KNOWN, RULES)
def test_a_choice_once_made_stands(
    known: tuple[list[str], str, Knowledge], rules: TagRules
) -> None:
    tags, current, knowledge = known
    winner = select(tags, rules, current=current, knowledge=knowledge).winner
    if winner is None:
        return
    again = select(tags, rules, current=winner, knowledge=knowledge)
    if again.winner and isinstance(rules.policy, MatchPolicy):  # a version was left for by time
        winner = again.winner
        again = select(tags, rules, current=winner, knowledge=knowledge)

    assert winner in tags
    assert again.winner is None
    assert again.reason in (SelectionReason.ALREADY_NEWEST, *HELD)


@given(KNOWN, RULES, st.randoms())
def test_more_knowledge_never_changes_what_was_decided(
    known: tuple[list[str], str, Knowledge], rules: TagRules, random: Random
) -> None:
    tags, current, knowledge = known
    facts = [(Fact.CREATED, tag) for tag in knowledge.created]
    facts += [(Fact.PLATFORMS, tag) for tag in knowledge.platforms]
    random.shuffle(facts)
    created, platforms = dict(knowledge.created), dict(knowledge.platforms)
    final = select(tags, rules, current=current, knowledge=knowledge)

    while facts:  # forget one after the other
        fact, tag = facts.pop()
        (created if fact is Fact.CREATED else platforms).pop(tag)
        less = Knowledge(created=dict(created), platforms=dict(platforms))
        found = select(tags, rules, current=current, knowledge=less)
        if found.reason not in HELD:
            assert (found.winner, found.reason) == (final.winner, final.reason)


@given(KNOWN, RULES)
def test_reading_what_is_wanted_leads_to_a_decision(
    known: tuple[list[str], str, Knowledge], rules: TagRules
) -> None:
    tags, current, knowledge = known
    final = select(tags, rules, current=current, knowledge=knowledge)
    created: dict[str, datetime | ReconcilerError | None] = {}
    platforms: dict[str, frozenset[Platform] | ReconcilerError] = {}
    found = select(tags, rules, current=current)

    while found.wants:
        assert found.reason is SelectionReason.UNKNOWN_IMAGES
        for want in found.wants:
            if want.fact is Fact.CREATED:
                assert want.tag not in created
                created[want.tag] = knowledge.created[want.tag]
            else:
                assert want.tag not in platforms
                platforms[want.tag] = knowledge.platforms[want.tag]
        less = Knowledge(created=dict(created), platforms=dict(platforms))
        found = select(tags, rules, current=current, knowledge=less)

    assert (found.winner, found.reason) == (final.winner, final.reason)


@given(KNOWN, RULES)
def test_every_tag_gets_one_verdict_and_the_winner_is_the_chosen_one(
    known: tuple[list[str], str, Knowledge], rules: TagRules
) -> None:
    tags, current, knowledge = known
    winner = select(tags, rules, current=current, knowledge=knowledge).winner
    given_verdicts = verdicts(tags, rules, current=current, knowledge=knowledge)
    chosen = [each.tag for each in given_verdicts if each.is_chosen]

    assert sorted(each.tag for each in given_verdicts) == sorted(set(tags))
    assert chosen == [winner] if winner else chosen in ([], [current])
    assert all(each.reason for each in given_verdicts)


@given(KNOWN, RULES)
def test_a_list_that_was_kept_gives_the_same_answer(
    known: tuple[list[str], str, Knowledge], rules: TagRules
) -> None:
    tags, current, knowledge = known
    kept = print_tag_list(tags, knowledge)
    read = parse_tag_list(kept, name="tags")
    one = select(tags, rules, current=current, knowledge=knowledge)
    other = select(read.tags, rules, current=current, knowledge=read.knowledge)

    assert one.winner == other.winner or one.reason in HELD
    assert one.reason is other.reason or one.reason in HELD


@given(st.lists(TAGS, min_size=3, max_size=3), POLICIES, TAGS)
def test_every_order_is_total(tags: list[str], policy: Policy, current: str) -> None:
    same = datetime(2024, 6, 1, tzinfo=UTC)
    knowledge = Knowledge(created=dict.fromkeys([*tags, current], same))
    rules = TagRules(policy, allows_downgrade=True)

    def best(*few: str) -> str | None:
        selection = select(few, rules, current=current, knowledge=knowledge)
        stays = selection.reason is SelectionReason.ALREADY_NEWEST
        return current if stays else selection.winner

    ranked = [tag for tag in dict.fromkeys(tags) if best(tag)]
    pairs = {best(*pair) for pair in itertools.combinations(ranked, 2)}

    assert pairs <= set(ranked)
    if len(ranked) == 3:
        assert best(*ranked) in pairs
        assert len(pairs) == 2  # no circle


@given(st.lists(ANYTHING | TAGS, max_size=6), RULES, ANYTHING | TAGS)
def test_no_tag_is_too_odd_to_be_judged(tags: list[str], rules: TagRules, current: str) -> None:
    winner = select(tags, rules, current=current).winner

    assert winner is None or is_tag(winner)
    assert len(verdicts(tags, rules, current=current)) == len(set(tags))
