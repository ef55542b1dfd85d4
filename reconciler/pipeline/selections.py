"""Selections: what was selected before is not selected again from the same list."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge
from reconciler.core.images.listing import Listing
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Selection, select

_Key: TypeAlias = tuple[bytes, TagRules, str | None]
_Made: TypeAlias = dict[_Key, tuple[Knowledge, Selection]]


@dataclass(slots=True)
class Selections:
    """Remembers what was selected in the last cycle, and in this one.

    A cycle decides again when it has learnt more of some images, or when somebody pushed in
    between; and most lists are the same in the next cycle. Losing it costs only time.

    Attributes:
        made: how many were made afresh.
    """

    made: int = 0
    _now: _Made = field(default_factory=dict)
    _before: _Made = field(default_factory=dict)

    def next_cycle(self) -> None:
        """Forget what the cycle that ends has not asked for."""
        self._before, self._now = self._now, {}

    def select(
        self,
        tags: Collection[str],
        rules: TagRules,
        *,
        current: str | None,
        knowledge: Knowledge = NOTHING_KNOWN,
    ) -> Selection:
        """Return what :func:`reconciler.core.images.selection.select` does."""
        if not isinstance(tags, Listing):
            return select(tags, rules, current=current, knowledge=knowledge)
        key = (tags.fingerprint, rules, current)
        known = self._now.get(key) or self._before.get(key)
        if known is None or (known[0] is not knowledge and known[0] != knowledge):
            self.made += 1
            known = (knowledge, select(tags, rules, current=current, knowledge=knowledge))
        self._now[key] = known
        return known[1]
