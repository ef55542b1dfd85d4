"""Thirty lists of tags: what we pick is what docs/policies.md says, also as a user tries it."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from reconciler.core.images.knowledge import Knowledge
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.images.tag_list import print_tag_list
from tests.interfaces.program import program

ROOT = Path(__file__).parents[1]
Case: TypeAlias = dict[str, Any]

CASES: list[Case] = tomllib.loads((ROOT / "tests/data/policies/cases.toml").read_text())["case"]
TRIES = [
    pytest.param(case, tried, id=f"{number}-{tried['policy']}")
    for number, case in enumerate(CASES, start=1)
    for tried in case["ours"]
]
WORDS = {
    "stays": "stays",
    "asks": "asks for a policy",
    "none": "none",
    "open": "?",
}


def tags_of(case: Case) -> list[str]:
    """Return the tags in the order in which their images were built."""
    if "count" in case:
        return [f"1.{number // 100}.{number % 100}" for number in range(case["count"])]
    return str(case["tags"]).split()


def known_of(case: Case) -> Knowledge:
    """Return what is known of them: one was built an hour after the other."""
    first = datetime(2024, 6, 1, tzinfo=UTC)
    tags = tags_of(case)
    return Knowledge(created={tag: first + timedelta(hours=n) for n, tag in enumerate(tags)})


def rules_of(tried: dict[str, str]) -> TagRules:
    """Return the rules of one try."""
    policy = tried["policy"]
    pattern = tried.get("filter")
    return TagRules(
        DEFAULT_POLICY if policy == "default" else parse_policy(policy),
        tag_filter=TagFilter(Pattern(pattern), tried["extract"]) if pattern else None,
    )


def row(number: int, case: Case) -> str:
    """Return a case as a row of the page's table."""
    ours = "; ".join(
        shown(each["picks"])
        if each["policy"] == "default"
        else f"{how(each)}: {shown(each['picks'])}"
        for each in case["ours"]
    )
    tags = f"`{case['tags']}`"
    cells = (number, case["trap"], tags, f"`{case['current']}`", ours, *map(shown, case["others"]))
    return "| " + " | ".join(map(str, cells)) + " |"


def how(tried: dict[str, str]) -> str:
    """Return how a policy was tried."""
    if "filter" not in tried:
        return f"`{tried['policy']}`"
    return f"`{tried['policy']}` of `{tried['extract']}` in `{tried['filter']}`"


def shown(pick: str) -> str:
    """Return a tag, or one of the fixed words."""
    return WORDS.get(pick) or f"`{pick}`"


def test_the_page_has_the_thirty_cases() -> None:
    text = (ROOT / "docs/policies.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line[2].isdigit()]

    assert len(CASES) == 30
    assert rows == [row(number, case) for number, case in enumerate(CASES, start=1)]


@pytest.mark.parametrize(("case", "tried"), TRIES)
def test_what_the_page_says_is_what_is_picked(case: Case, tried: dict[str, str]) -> None:
    tags = tags_of(case)
    found = select(tags, rules_of(tried), current=case["current"], knowledge=known_of(case))
    word = "asks" if found.reason is SelectionReason.NO_VERSION else "stays"

    assert (found.winner or word) == tried["picks"]
    assert found.winner is None or found.reason in (SelectionReason.NEWER, SelectionReason.ADOPTED)


@pytest.mark.parametrize("number", range(1, len(CASES) + 1))
def test_a_user_who_tries_it_offline_sees_the_same(number: int, tmp_path: Path) -> None:
    case = CASES[number - 1]
    tried = case["ours"][-1]
    file = tmp_path / "tags"
    file.write_text(print_tag_list(tags_of(case), known_of(case)))
    options = [f"--{name}={tried[name]}" for name in ("filter", "extract") if name in tried]

    done = program(
        *("policy", "test", tried["policy"], "--current", case["current"]),
        *(*options, "--tags-file", str(file), "-o", "json"),
    )

    assert (done.code, done.err) == (0, "")
    if tried["picks"] == "stays":
        assert done.json["selected"] in (case["current"], None)
    else:
        assert done.json["selected"] == tried["picks"]
