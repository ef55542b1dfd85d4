"""Short forms for tests that select."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from reconciler.core.images.knowledge import Fact, Knowledge, Want
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Selection, SelectionReason, select
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.images.verdict import verdicts
from reconciler.errors import NotFoundError, ReconcilerError, RegistryError

Outcome: TypeAlias = tuple[str | None, SelectionReason]
Day: TypeAlias = int | ReconcilerError | None

GONE = NotFoundError("there is no such image")
DOWN = RegistryError("does not answer")

ARM = Platform("linux", "arm64")
AMD = Platform("linux", "amd64")


def rules(
    policy: str = "",
    *,
    pattern: str = "",
    extract: str = "",
    platforms: tuple[Platform, ...] = (),
    downgrade: bool = False,
) -> TagRules:
    """Return the rules of an image."""
    return TagRules(
        parse_policy(policy) if policy else DEFAULT_POLICY,
        tag_filter=TagFilter(Pattern(pattern), extract) if pattern else None,
        platforms=platforms,
        allows_downgrade=downgrade,
    )


def created(**days: Day) -> Knowledge:
    """Return what is known of images that were created on days of June 2024; ``_`` is ``-``."""
    return created_on({tag.replace("_", "-"): day for tag, day in days.items()})


def created_on(days: Mapping[str, Day]) -> Knowledge:
    """Return what is known of images that were created on days of June 2024."""
    return Knowledge(
        created={
            tag: datetime(2024, 6, day, tzinfo=UTC) if isinstance(day, int) else day
            for tag, day in days.items()
        }
    )


def platforms_of(**known: Iterable[Platform] | ReconcilerError) -> Knowledge:
    """Return what is known of what images run on."""
    return Knowledge(
        platforms={
            tag: each if isinstance(each, ReconcilerError) else frozenset(each)
            for tag, each in known.items()
        }
    )


def pick(
    tags: str, asked: TagRules, current: str | None, knowledge: Knowledge | None = None
) -> Selection:
    """Select among tags written in one line."""
    return select(tags.split(), asked, current=current, knowledge=knowledge or Knowledge())


def outcome(
    tags: str, asked: TagRules, current: str | None, knowledge: Knowledge | None = None
) -> Outcome:
    """Return what is picked, and why."""
    selection = pick(tags, asked, current, knowledge)
    return selection.winner, selection.reason


def said(
    tags: str, asked: TagRules, current: str | None, knowledge: Knowledge | None = None
) -> list[tuple[str, str]]:
    """Return the verdicts; a chosen tag's reason is in capitals."""
    found = verdicts(tags.split(), asked, current=current, knowledge=knowledge or Knowledge())
    return [(each.tag, each.reason.upper() if each.is_chosen else each.reason) for each in found]


def wanted(fact: Fact, *tags: str) -> tuple[Want, ...]:
    """Return the same want of several tags."""
    return tuple(Want(tag, fact) for tag in tags)
