import itertools
from typing import TypeAlias

import pytest

from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Selection, SelectionReason, select

Outcome: TypeAlias = tuple[str | None, SelectionReason]

NEWER = SelectionReason.NEWER
ADOPTED = SelectionReason.ADOPTED
NEWEST = SelectionReason.ALREADY_NEWEST
NO_MATCH = SelectionReason.NO_TAG_MATCHES
DOWNGRADE = SelectionReason.WOULD_DOWNGRADE
MISSING = SelectionReason.CURRENT_MISSING
NO_VERSION = SelectionReason.NO_VERSION

SIGNATURE = f"sha256-{'0a' * 32}.sig"


def outcome(tags: str, policy: Policy, current: str) -> Outcome:
    selection = select(tags.split(), TagRules(policy), current=current)
    return selection.winner, selection.reason


@pytest.mark.parametrize(
    ("current", "tags", "expected"),
    [
        pytest.param("v3", "v3 v4", ("v4", NEWER), id="the-story"),
        pytest.param("v3", "v3 v4 4 5.0 v5.0", ("v4", NEWER), id="prefix-and-length"),
        pytest.param("1.25", "1.25 1.26.1 1.26", ("1.26", NEWER), id="same-length"),
        pytest.param("1.25", "1.25 1.26.1 2", (None, NEWEST), id="other-length-only"),
        pytest.param("v9", "v9 v10", ("v10", NEWER), id="by-value-not-by-text"),
        pytest.param(
            "1.25-alpine", "1.25-alpine 1.26 1.26-alpine 1.27-slim", ("1.26-alpine", NEWER),
            id="suffix",
        ),
        pytest.param(
            "1.25-alpine3.18", "1.25-alpine3.18 1.25-alpine3.19 1.26-alpine3.19", (None, NEWEST),
            id="suffixes-must-be-equal",
        ),
        pytest.param("3", "3 4 20240105", ("4", NEWER), id="dates-are-another-scheme"),
        pytest.param(
            "20240105", "20240105 20250203 4 99", ("20250203", NEWER), id="among-dates"
        ),
        pytest.param(
            "2024.01.05", "2024.01.05 2024.1.12 3.0.0", ("2024.1.12", NEWER), id="calendar"
        ),
        pytest.param("1.2-45", "1.2-45 1.2-9 1.2-100 1.3", ("1.2-100", NEWER), id="build-number"),
        pytest.param("1.2.3.4", "1.2.3.4 1.2.3.10 1.3.0", ("1.2.3.10", NEWER), id="four-numbers"),
        pytest.param("1.0.0", "1.0.0 1.1.0-rc.1 1.1.0-beta2", (None, NEWEST), id="only-releases"),
        pytest.param(
            "1.1.0-rc9", "1.1.0-rc9 1.1.0-rc10 1.2.0-beta1", ("1.1.0-rc10", NEWER), id="same-kind"
        ),
        pytest.param("1.1.0-rc9", "1.1.0-rc9 1.1.0-rc10 1.1.0", ("1.1.0", NEWER), id="release"),
        pytest.param("1.1.0-rc.9", "1.1.0-rc.9 1.1.0-rc10", ("1.1.0-rc10", NEWER), id="separator"),
        pytest.param("1.1-dev", "1.1-dev 1.2 1.2-dev", ("1.2-dev", NEWER), id="variant"),
        pytest.param("v3", "v1 v2 v3", (None, NEWEST), id="already-newest"),
        pytest.param("v3", "v3 03 v03 3", (None, NEWEST), id="another-spelling-is-no-update"),
        pytest.param("v3", "v1 v2", (None, MISSING), id="held-without-the-current-tag"),
        pytest.param("v3", "v1 v2 v03", (None, MISSING), id="held-beside-another-spelling"),
        pytest.param("v3", "v1 v4", ("v4", NEWER), id="newer-without-the-current-tag"),
        pytest.param("v3", "", (None, MISSING), id="held-when-nothing-is-listed"),
        pytest.param("v3", "latest main", (None, MISSING), id="held-when-nothing-fits"),
        pytest.param("latest", "latest v3", (None, NO_VERSION), id="latest-is-no-version"),
        pytest.param("main", "main v3", (None, NO_VERSION), id="a-branch-is-no-version"),
        pytest.param("7e10abc", "7e10abc 8.0.0 9e10abc", (None, NO_VERSION), id="commit"),
        pytest.param("v3", f"v3 {SIGNATURE} latest", (None, NEWEST), id="never-chosen"),
    ],
)  # fmt: skip
def test_the_default_policy_picks_the_highest_version_of_the_same_shape(
    current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, DEFAULT_POLICY, current) == expected


@pytest.mark.parametrize(
    ("policy", "current", "tags", "expected"),
    [
        pytest.param("^1.2", "1.2.0", "1.2.0 1.9.0 2.0.0", ("1.9.0", NEWER), id="highest"),
        pytest.param("^1.2", "1.9.0", "1.2.0 1.9.0 2.0.0", (None, NEWEST), id="already-newest"),
        pytest.param("*", "1.0.0", "1.0.0 1.1.0-rc.1", (None, NEWEST), id="no-pre-release"),
        pytest.param(
            ">=1.0.0-0", "1.0.0", "1.0.0 1.1.0-rc9 1.1.0-rc.10", ("1.1.0-rc9", NEWER),
            id="words-are-above-numbers",
        ),
        pytest.param("^1.1-0", "1.0.0", "1.1.0-rc.9 1.1.0-rc.10", ("1.1.0-rc.10", NEWER), id="rc"),
        pytest.param("^1", "1.2.0", "1.2.0 1.3.0.1 latest", (None, NEWEST), id="four-components"),
        pytest.param("*", "1.2.0", "1.2.0 v1.2.0 1.2 v1.2", (None, NEWEST), id="spellings"),
        pytest.param("*", "1.1", "1.1 1.2.0 v1.2 1.2", ("1.2", NEWER), id="same-shape-first"),
        pytest.param("*", "1-x", "1-x v1.2 1.2.0", ("1.2.0", NEWER), id="then-more-components"),
        pytest.param("*", "1-x", "1-x 1.2.0 v1.2.0", ("v1.2.0", NEWER), id="then-the-text"),
        pytest.param("^1", "2.5.0", "1.9.0 2.5.0", (None, DOWNGRADE), id="never-lower"),
        pytest.param("^1", "2.5.0", "1.9.0", (None, MISSING), id="never-lower-when-missing"),
        pytest.param("^1", "0.9.0", "0.9.0 1.9.0", ("1.9.0", NEWER), id="not-admitted-and-lower"),
        pytest.param("^1", "2.0.0-rc.1", "1.9.0 2.0.0-rc.1", (None, DOWNGRADE), id="pre-release"),
        pytest.param("^2", "2.0.0-rc.1", "2.0.0-rc.1 2.0.0", ("2.0.0", NEWER), id="out-of-pre"),
        pytest.param("^1", "latest", "latest 1.9.0", ("1.9.0", ADOPTED), id="latest-is-left"),
        pytest.param("^1", "latest", "1.9.0", ("1.9.0", ADOPTED), id="missing-latest-is-left"),
        pytest.param("^1", "main", "main 1.9.0", ("1.9.0", ADOPTED), id="a-branch-is-left"),
        pytest.param("^1", "7e10abc", "7e10abc 1.9.0", ("1.9.0", ADOPTED), id="a-commit-is-left"),
        pytest.param("^1", "20240105", "20240105 1.9.0", ("1.9.0", ADOPTED), id="other-scheme"),
        pytest.param("^2024", "9.1", "9.1 2024.01", ("2024.01", ADOPTED), id="to-a-calendar"),
        pytest.param("*", "20240105", "20240105 1.9.0", (None, NEWEST), id="admitted-scheme"),
        pytest.param("*", "20240105", "1.9.0", (None, MISSING), id="admitted-scheme-missing"),
        pytest.param("*", "1.2.3.4", "1.2.3.4 1.2.2", (None, DOWNGRADE), id="four-to-lower"),
        pytest.param("*", "1.2.3.4", "1.2.3.4 1.2.3", (None, DOWNGRADE), id="four-to-three"),
        pytest.param("*", "1.2.3.4", "1.2.3.4 1.2.4", ("1.2.4", ADOPTED), id="four-to-higher"),
        pytest.param("*", "1.2.3.0", "1.2.3.0 1.2.3", ("1.2.3", ADOPTED), id="four-to-equal"),
        pytest.param("*", "1.5_x", "1.5_x 1.4.9", (None, DOWNGRADE), id="suffix-to-lower"),
        pytest.param("*", "1.5_x", "1.5_x 1.5.0", ("1.5.0", ADOPTED), id="suffix-to-its-release"),
        pytest.param("*", "8u312", "8u312 7.9 8.0.1", ("8.0.1", ADOPTED), id="glued-suffix"),
        pytest.param("*", "8u312", "7.9", (None, MISSING), id="lower-and-missing"),
        pytest.param("^9", "1.0", "1.0 2.0", (None, NO_MATCH), id="nothing-matches"),
        pytest.param("^9", "1.0", "2.0", (None, MISSING), id="nothing-matches-and-missing"),
        pytest.param("^9", "latest", "latest", (None, NO_MATCH), id="latest-and-nothing-else"),
        pytest.param("*", "1.0", "1.0 1.1+b -2 3/4", (None, NEWEST), id="what-is-no-tag"),
        pytest.param("*", "1.0", "1.0 1" + "0" * 18, ("1" + "0" * 18, NEWER), id="large-number"),
    ],
)  # fmt: skip
def test_semver_picks_the_highest_version_that_the_constraint_admits(
    policy: str, current: str, tags: str, expected: Outcome
) -> None:
    assert outcome(tags, parse_policy(f"semver:{policy}"), current) == expected


@pytest.mark.parametrize(
    ("policy", "current", "tags", "detail"),
    [
        pytest.param("*", "1.0", "1.0 1.1", "1.1 is newer than 1.0", id="newer"),
        pytest.param("*", "1.0", "1.0", "1.0 is the newest", id="newest"),
        pytest.param(
            "*", "latest", "1.1", "1.1 is the policy's best; 'latest' has no place in its order",
            id="adopted",
        ),
        pytest.param(
            "<2", "2.0", "1.9 2.0", "the policy's best is 1.9, older than 2.0", id="downgrade"
        ),
        pytest.param(
            "^9", "2.0", "1.9 2.0", "none of 2 listed tags matches semver:^9", id="no-match"
        ),
        pytest.param(
            "*", "2.0", "1.9", "the registry no longer lists 2.0, and nothing newer", id="missing"
        ),
    ],
)  # fmt: skip
def test_a_selection_says_why_with_the_tags_in_question(
    policy: str, current: str, tags: str, detail: str
) -> None:
    selection = select(tags.split(), TagRules(parse_policy(f"semver:{policy}")), current=current)

    assert selection.detail == detail


def test_without_a_version_the_default_policy_asks_for_a_policy() -> None:
    assert select(["v3"], TagRules(DEFAULT_POLICY), current="main") == Selection(
        None, NO_VERSION, "'main' is no version: give a policy, e.g. 'semver:*'"
    )


def test_the_order_of_the_tags_makes_no_difference() -> None:
    tags = ("1.2", "v1.2", "1.2.0", "v1.2.0", "1.02")
    policy = parse_policy("semver:*")

    for current in ("1.1", "v1.1", "1.1.0", "latest"):
        picked = {
            select(order, TagRules(policy), current=current)
            for order in itertools.permutations(tags)
        }
        assert len(picked) == 1


def test_a_choice_once_made_stands() -> None:
    tags = ("1.2", "v1.2", "1.2.0", "v1.2.0", "20240105", "latest", "main", "1.2.0.7")
    policy = parse_policy("semver:<1000")

    for current in tags:
        winner = select(tags, TagRules(policy), current=current).winner or current
        assert select(tags, TagRules(policy), current=winner).winner is None
