"""Verdicts: what became of each tag, and which rule turned it down."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge
from reconciler.core.images.order import Spelling, TagOrder, spelling_key
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import (
    NO_TAG,
    Candidates,
    choose,
    never,
    order_of,
    sort_out,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one tag.

    Attributes:
        is_chosen: whether the policy picks it (it may be the current one).
        reason: ``chosen``, ``current``, or the rule that turned it down.
    """

    tag: str
    is_chosen: bool
    reason: str


def verdicts(
    tags: Iterable[str],
    rules: TagRules,
    *,
    current: str | None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> tuple[Verdict, ...]:
    """Return what became of each distinct tag: the candidates best first, then the rest by name."""
    del knowledge  # no policy so far looks at more than tags
    current = NO_TAG if current is None else current
    order = order_of(rules.policy, current)
    listed = frozenset(tags)
    if order is None:
        reason = f"cannot be compared with {current!r}, which is no version"
        return tuple(Verdict(tag, is_chosen=False, reason=reason) for tag in sorted(listed))
    candidates, refused = sort_out(listed, order, current)
    return (
        *_of_candidates(candidates, order, current, is_listed=current in listed),
        *(_of_refused(tag, order, current) for tag in sorted(refused)),
    )


def _of_candidates(
    candidates: Candidates, order: TagOrder, current: str, *, is_listed: bool
) -> Iterator[Verdict]:
    """Return the verdicts on the tags that have a place in an order, best first."""
    if not candidates:
        return
    selection = choose(candidates, order, current, is_listed=is_listed)
    chosen = selection.winner or current
    key = spelling_key(current)
    top = max(candidates)
    chosen_rank = top if selection.winner else order.floor(max(candidates[top], key=key))
    for rank in sorted(candidates, reverse=True):
        for tag in _best_first(candidates[rank], key):
            if tag == chosen:
                yield Verdict(
                    tag, is_chosen=True, reason="chosen" if selection.winner else "current"
                )
            elif rank == chosen_rank:
                yield Verdict(tag, is_chosen=False, reason=f"is another spelling of {chosen}")
            else:
                yield Verdict(tag, is_chosen=False, reason=f"is older than {chosen}")


def _best_first(spellings: list[str], key: Callable[[str], Spelling]) -> list[str]:
    """Return the spellings of one version, the preferred one first; nearly always there is one."""
    return sorted(spellings, key=key, reverse=True) if len(spellings) > 1 else spellings


def _of_refused(tag: str, order: TagOrder, current: str) -> Verdict:
    reason = never(tag, current) or order.refusal(tag)
    return Verdict(
        tag, is_chosen=False, reason=f"current, but {reason}" if tag == current else reason
    )
