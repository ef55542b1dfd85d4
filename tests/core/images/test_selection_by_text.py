"""Policies that look at nothing but texts, and filters before them."""

import pytest

from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import SelectionReason
from tests.core.images.choosing import Outcome, outcome, pick, rules, said

NEWER = SelectionReason.NEWER
BEST = SelectionReason.BEST
ADOPTED = SelectionReason.ADOPTED
DOWN_ALLOWED = SelectionReason.DOWNGRADE
NEWEST = SelectionReason.ALREADY_NEWEST
NO_MATCH = SelectionReason.NO_TAG_MATCHES
DOWNGRADE = SelectionReason.WOULD_DOWNGRADE
MISSING = SelectionReason.CURRENT_MISSING
NO_VERSION = SelectionReason.NO_VERSION


@pytest.mark.parametrize(
    ("policy", "current", "tags", "expected"),
    [
        pytest.param("major", "1.2.3", "1.2.3 1.3.0 2.0.0", ("2.0.0", NEWER), id="any-step"),
        pytest.param("minor", "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", ("1.3.0", NEWER), id="minor"),
        pytest.param("patch", "1.2.3", "1.2.3 1.2.9 1.3.0 2.0.0", ("1.2.9", NEWER), id="patch"),
        pytest.param("patch", "1.2.3", "1.2.3 1.3.0 2.0.0", (None, NEWEST), id="only-larger-steps"),
        pytest.param("minor", "v3", "v3 v4", (None, NEWEST), id="one-number-is-the-major"),
        pytest.param("patch", "1.2", "1.2 1.3", (None, NEWEST), id="two-numbers-have-no-patch"),
        pytest.param("patch", "1.2.3.4", "1.2.3.4 1.2.3.5 1.2.4.0 1.3.0.0", ("1.2.4.0", NEWER),
                     id="behind-the-patch"),
        pytest.param("minor", "1.2-rc1", "1.2-rc1 1.2-rc2 1.3 2.0", ("1.3", NEWER),
                     id="out-of-a-pre-release"),
        pytest.param("minor", "1.2-alpine", "1.2-alpine 1.3 1.3-alpine 2.0-alpine",
                     ("1.3-alpine", NEWER), id="same-suffix"),
        pytest.param("minor", "2024.01.05", "2024.01.05 2024.11.2 2025.01.01",
                     ("2024.11.2", NEWER), id="calendar"),
        pytest.param("patch", "main", "main 1.0", (None, NO_VERSION), id="no-version"),
        pytest.param("minor", "1.2.3", "1.2.2", (None, MISSING), id="missing"),
    ],
)  # fmt: skip
def test_steps_are_the_default_rule_and_go_no_further(
    policy: str, current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, rules(policy), current) == expected


@pytest.mark.parametrize(
    ("policy", "current", "tags", "expected"),
    [
        pytest.param("glob:1.*", "1.2", "1.2 1.10 1.9 2.0 1.11.0", ("1.10", NEWER), id="highest"),
        pytest.param("glob:*-alpine", "1.2-alpine", "1.2-alpine 1.3 1.3-alpine",
                     ("1.3-alpine", NEWER), id="suffix"),
        pytest.param("glob:*", "1.2", "1.2 1.3-rc1 1.3-alpine", (None, NEWEST), id="shape-counts"),
        pytest.param("regexp:^1\\.", "1.2", "1.2 1.3 2.0", ("1.3", NEWER), id="regexp"),
        pytest.param("regexp:\\.1", "1.2", "1.2 2.1 3.10 4.2", ("3.10", NEWER), id="unanchored"),
        pytest.param("glob:1.*", "2.5", "2.5 1.9", (None, DOWNGRADE), id="never-lower"),
        pytest.param("glob:v*", "1.2", "1.2 v1.3", (None, NO_MATCH), id="no-match-of-its-shape"),
        pytest.param("glob:1.*", "1.9", "1.8", (None, MISSING), id="missing"),
    ],
)  # fmt: skip
def test_from_a_version_a_pattern_picks_the_highest_version_of_its_shape(
    policy: str, current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, rules(policy), current) == expected


@pytest.mark.parametrize(
    ("policy", "current", "tags", "expected"),
    [
        pytest.param("numeric:asc", "9", "9 10 100 20", ("100", NEWER), id="largest"),
        pytest.param("numeric:desc", "9", "9 10 8 100", ("8", NEWER), id="smallest"),
        pytest.param("numeric:asc", "9", "9 main 1.2.3 1e9 0x10 latest", (None, NEWEST),
                     id="what-is-no-number-is-turned-down"),
        pytest.param("numeric:asc", "1.5", "1.5 1.50 1.05", (None, NEWEST), id="the-same-number"),
        pytest.param("numeric:asc", "9007199254740992", "9007199254740992 9007199254740993",
                     ("9007199254740993", NEWER), id="no-rounding"),
        pytest.param("numeric:asc", "0.1", "0.1 0.10000000000000000001",
                     ("0.10000000000000000001", NEWER), id="no-rounding-of-fractions"),
        pytest.param("numeric:asc", "7", "5 6", (None, MISSING), id="missing"),
        pytest.param("numeric:asc", "7", "5 8", ("8", NEWER), id="missing-and-higher"),
        pytest.param("numeric:asc", "main", "main 5", ("5", ADOPTED), id="a-word-is-left"),
        pytest.param("numeric:asc", "1.2.3", "1.2.3 1", (None, DOWNGRADE), id="older-version"),
        pytest.param("numeric:asc", "1.2.3", "1.2.3 20240105", ("20240105", ADOPTED),
                     id="another-scheme-is-left"),
        pytest.param("numeric:asc", "main", "main dev", (None, NO_MATCH), id="no-number"),
        pytest.param("alphabetical:asc", "b", "a b c", ("c", NEWER), id="last"),
        pytest.param("alphabetical:desc", "b", "a b c", ("a", NEWER), id="first"),
        pytest.param("alphabetical:desc", "ab", "a ab abc", ("a", NEWER), id="shorter-is-first"),
        pytest.param("alphabetical:asc", "1.10", "1.10 1.9", ("1.9", NEWER), id="by-letters"),
        pytest.param("alphabetical:asc", "B", "B a", ("a", NEWER), id="capitals-come-first"),
        pytest.param("alphabetical:asc", "c", "a b", (None, MISSING), id="missing-last"),
        pytest.param("alphabetical:asc", "main", "main latest", (None, NEWEST), id="not-latest"),
        pytest.param("alphabetical:asc", "latest", "latest 1-a 1-b", ("1-b", ADOPTED),
                     id="latest-is-no-letter"),
        pytest.param("alphabetical:desc", "latest", "latest m-a", ("m-a", ADOPTED),
                     id="latest-is-left"),
        pytest.param("alphabetical:asc", "latest", "latest", (None, NO_MATCH), id="latest-alone"),
        pytest.param("digest", "main", "main v9", (None, NEWEST), id="digest-stays"),
        pytest.param("digest", "latest", "latest v9", (None, NEWEST), id="digest-of-latest"),
        pytest.param("digest", "main", "v9", (None, MISSING), id="digest-of-a-missing-tag"),
    ],
)  # fmt: skip
def test_policies_of_texts_pick_the_end_of_their_order(
    policy: str, current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, rules(policy), current) == expected


def test_without_a_current_tag_the_best_is_picked() -> None:
    assert outcome("1 5 3", rules("numeric:asc"), None) == ("5", BEST)
    assert outcome("a c b", rules("alphabetical:desc"), None) == ("a", BEST)
    assert outcome("a c b", rules("digest"), None) == (None, NO_MATCH)
    assert outcome("1.0 1.1", rules("minor"), None) == (None, NO_VERSION)


TIMESTAMP = "^main-(?P<ts>[0-9]{8}T[0-9]{4})-[0-9a-f]+$"


@pytest.mark.parametrize(
    ("asked", "current", "tags", "expected"),
    [
        pytest.param(
            rules("alphabetical:asc", pattern=TIMESTAMP, extract="$ts"),
            "main-20240105T1200-fff",
            "main-20240105T1200-fff main-20240106T0900-aaa dev-20250101T0000-ccc",
            ("main-20240106T0900-aaa", NEWER),
            id="timestamp",
        ),
        pytest.param(
            rules("numeric:asc", pattern="-([0-9]+)$", extract="$1"),
            "b-9",
            "b-9 a-10 c-x",
            ("a-10", NEWER),
            id="number",
        ),
        pytest.param(
            rules("semver:^1", pattern="^web-(.+)$", extract="$1"),
            "web-1.0",
            "web-1.0 web-1.2 api-1.9 1.8 web-2.0",
            ("web-1.2", NEWER),
            id="constraint",
        ),
        pytest.param(
            rules("", pattern="^web-(.+)$", extract="$1"),
            "web-v1.0",
            "web-v1.0 web-1.2 web-v1.1",
            ("web-v1.1", NEWER),
            id="shape-of-the-extracted-text",
        ),
        pytest.param(
            rules("minor", pattern="-alpine$"),
            "1.2-alpine",
            "1.2-alpine 1.3-alpine 1.4 2.0-alpine",
            ("1.3-alpine", NEWER),
            id="no-template",
        ),
        pytest.param(
            rules("glob:v1.*", pattern="^web-(.+)$", extract="$1"),
            "web-v1.0",
            "web-v1.0 web-v1.1 web-v2.0",
            ("web-v1.1", NEWER),
            id="glob-sees-the-extracted-text",
        ),
        pytest.param(
            rules("semver:*", pattern="^(?:web|api)-(.+)$", extract="$1"),
            "web-1.0",
            "web-1.0 api-1.0",
            (None, NEWEST),
            id="two-tags-with-one-text",
        ),
        pytest.param(
            rules("semver:*", pattern="^(?:web|api)-(.+)$", extract="$1"),
            "main",
            "main api-1.0 web-1.0",
            ("web-1.0", ADOPTED),
            id="the-tag-settles-it",
        ),
        pytest.param(
            rules("semver:*", pattern="-alpine$"),
            "1.2",
            "1.2 1.1-alpine 1.3",
            (None, NO_MATCH),
            id="pre-release-by-semver",
        ),
        pytest.param(
            rules("semver:*", pattern="^web-(.+)$", extract="$1"),
            "1.2",
            "1.2 web-1.3",
            ("web-1.3", ADOPTED),
            id="unmatched-current-is-left",
        ),
        pytest.param(
            rules("semver:*", pattern="^web-(.+)$", extract="$1"),
            "1.2",
            "1.2 web-1.2",
            ("web-1.2", ADOPTED),
            id="unmatched-current-is-left-for-the-same-version",
        ),
        pytest.param(
            rules("semver:*", pattern="^web-(.+)$", extract="$1"),
            "1.2",
            "1.2 web-1.1",
            (None, DOWNGRADE),
            id="unmatched-current-but-not-for-an-older-one",
        ),
        pytest.param(
            rules("numeric:asc", pattern="^b-(.+)$", extract="$1"),
            "20",
            "20 b-7",
            (None, DOWNGRADE),
            id="unmatched-current-numbers-too",
        ),
        pytest.param(
            rules("alphabetical:asc", pattern="^b-(.+)$", extract="$1"),
            "z",
            "z b-a",
            ("b-a", ADOPTED),
            id="unmatched-current-letters-do-not-compare",
        ),
        pytest.param(
            rules("semver:*", pattern="^web-(.+)$", extract="$1"),
            "web-1.2",
            "web-1.1",
            (None, MISSING),
            id="missing",
        ),
        pytest.param(
            rules("digest", pattern="^web-"),
            "main",
            "main web-1",
            (None, NEWEST),
            id="digest-has-no-filter",
        ),
    ],
)
def test_a_filter_says_which_tags_are_looked_at_and_what_is_ordered(
    asked: TagRules, current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, asked, current) == expected


def test_a_filter_that_names_latest_gives_it_a_place_between_letters() -> None:
    asked = rules("alphabetical:asc", pattern="^(latest|[0-9].*)$")

    assert outcome("latest 1-a", asked, "latest") == (None, NEWEST)


def test_odd_texts_of_a_registry_reach_no_expression() -> None:
    asked = rules("regexp:.*", pattern=".*")

    assert pick("\udc80 1.0 1.1", asked, "1.0").winner == "1.1"
    assert pick("\udc80 1.0", asked, "\udc80").winner is None
    odd = rules("regexp:.*", pattern=".*", extract="\ud800$0")
    assert pick("1.0 1.1", odd, "1.0").winner is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(rules("glob:*"), None, id="matched"),
        pytest.param(rules("glob:lat*"), None, id="matched-more-closely"),
        pytest.param(rules("glob:latest"), "latest", id="named"),
        pytest.param(rules("regexp:^(latest|x)$"), "latest", id="named-in-an-expression"),
        pytest.param(rules("alphabetical:asc", pattern="latest"), "latest", id="by-the-filter"),
        pytest.param(rules("alphabetical:asc", pattern="te"), None, id="not-by-the-filter"),
    ],
)
def test_latest_is_chosen_only_where_a_pattern_names_it(
    asked: TagRules, expected: str | None
) -> None:
    found = said("latest", asked, None)

    assert (found[0][1] != "is 'latest', which names no version") is (expected is not None)


@pytest.mark.parametrize(
    ("policy", "current", "tags", "expected"),
    [
        pytest.param("semver:^1", "2.5", "1.9 2.5", ("1.9", DOWN_ALLOWED), id="lower"),
        pytest.param("semver:^1", "1.5", "1.9 1.5", ("1.9", NEWER), id="higher"),
        pytest.param("semver:^1", "1.9", "1.9 01.9", (None, NEWEST), id="another-spelling"),
        pytest.param("semver:^1", "2.5", "1.9", ("1.9", DOWN_ALLOWED), id="missing"),
        pytest.param("", "v3", "v1 v2", ("v2", DOWN_ALLOWED), id="missing-of-its-shape"),
        pytest.param("", "v3", "v2 v03", ("v03", DOWN_ALLOWED), id="missing-but-for-a-spelling"),
        pytest.param("", "v3", "main", (None, MISSING), id="missing-and-nothing-else"),
        pytest.param("semver:^1", "1.2.3.4", "1.2.3.4 1.2.3", ("1.2.3", DOWN_ALLOWED),
                     id="older-version-of-another-kind"),
        pytest.param("numeric:asc", "9", "7 8", ("8", DOWN_ALLOWED), id="smaller-number"),
        pytest.param("digest", "main", "v9", (None, MISSING), id="digest-has-no-lower-tag"),
    ],
)  # fmt: skip
def test_a_lower_tag_is_chosen_where_the_rules_allow_it(
    policy: str, current: str, tags: str, expected: Outcome
) -> None:
    asked = rules(policy, downgrade=True)

    assert outcome(tags, asked, current) == expected
    if expected[0]:
        assert outcome(f"{tags} {current}", rules(policy), current)[0] != expected[0] or (
            expected[1] is NEWER
        )


@pytest.mark.parametrize(
    ("asked", "current", "tags", "detail"),
    [
        pytest.param(rules("numeric:asc"), "5", "5 7", "7 is larger than 5", id="numbers"),
        pytest.param(rules("numeric:desc"), "5", "5", "5 is the smallest", id="smallest"),
        pytest.param(rules("alphabetical:asc"), "b", "b c", "c is after b", id="letters"),
        pytest.param(rules("alphabetical:asc"), "b", "a",
                     "the registry no longer lists b, and nothing after it", id="missing"),
        pytest.param(rules("digest"), "main", "main", "main is the one to stay on", id="digest"),
        pytest.param(rules("semver:^1", downgrade=True), "2.0", "1.9 2.0",
                     "1.9 is the policy's best; it is older than 2.0, which its rules allow",
                     id="downgrade"),
        pytest.param(rules("glob:v*"), "1.2", "1.2 v3",
                     "none of 2 listed tags has the shape #.# of 1.2 and matches glob:v*",
                     id="no-match-of-the-shape"),
        pytest.param(rules(pattern="^x"), "1.2", "1.2",
                     "none of 1 listed tags has the shape #.# of 1.2 and matches the filter ^x",
                     id="no-match-of-the-filter"),
    ],
)  # fmt: skip
def test_a_selection_says_why(asked: TagRules, current: str, tags: str, detail: str) -> None:
    assert pick(tags, asked, current).detail == detail


def test_verdicts_of_steps_and_patterns_name_the_rule() -> None:
    assert said("1.2.3 1.3.0 1.2.4 1.2.5-rc1 1.2", rules("patch"), "1.2.3") == [
        ("1.2.4", "CHOSEN"),
        ("1.2.3", "is older than 1.2.4"),
        ("1.2", "has another shape: #.#, not #.#.#"),
        ("1.2.5-rc1", "is a pre-release"),
        ("1.3.0", "is more than a patch step from 1.2.3"),
    ]
    assert said("1.2 1.3 2.0", rules("glob:1.*"), "1.2") == [
        ("1.3", "CHOSEN"),
        ("1.2", "is older than 1.3"),
        ("2.0", "does not match '1.*'"),
    ]


def test_verdicts_of_texts_name_the_rule() -> None:
    long = "1" * 257
    assert said("7 8 07 x latest", rules("numeric:asc"), "7") == [
        ("8", "CHOSEN"),
        ("7", "is smaller than 8"),
        ("07", "is smaller than 8"),
        ("latest", "is 'latest', which names no version"),
        ("x", "is no number"),
    ]
    assert said("7 07 9", rules("numeric:desc"), "7") == [
        ("7", "CURRENT"),
        ("07", "is the same number as 7"),
        ("9", "is larger than 7"),
    ]
    assert said("1", rules("numeric:asc", pattern="1", extract=long), None) == [
        ("1", f"gives {long!r}, which is too long a number")
    ]
    assert said("a b main", rules("digest"), "main") == [
        ("main", "CURRENT"),
        ("a", "is not the current tag, on which the policy stays"),
        ("b", "is not the current tag, on which the policy stays"),
    ]
    assert said("a-1 b-1 c-0", rules("alphabetical:asc", pattern="-(.)", extract="$1"), "c-0") == [
        ("b-1", "CHOSEN"),
        ("a-1", "is ordered by the same text as b-1"),
        ("c-0", "is before b-1"),
    ]


def test_verdicts_with_a_filter_say_what_was_ordered() -> None:
    asked = rules("semver:^1", pattern="^web-(.+)$", extract="$1")

    assert said("web-1.0 web-1.1 web-2.0 web-x main", asked, "main") == [
        ("web-1.1", "CHOSEN"),
        ("web-1.0", "is older than web-1.1"),
        ("main", "current, but does not match the filter '^web-(.+)$'"),
        ("web-2.0", "gives '2.0', which is not ^1, which ends before 2.0.0"),
        ("web-x", "gives 'x', which is no semantic version"),
    ]
