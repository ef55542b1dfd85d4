"""The order of creation: the newest image is the best."""

from collections.abc import Iterable
from datetime import UTC, datetime

from reconciler.core.images.glob import Glob
from reconciler.core.images.knowledge import Created, Fact
from reconciler.core.images.order import UNKNOWN, Rank, Words
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.viewpoint import Viewpoint
from reconciler.errors import NotFoundError, ReconcilerError

EARLIEST = datetime(1980, 1, 2, tzinfo=UTC)
"""Before it there is no time but a sign that none was recorded: builders that give the same bytes
for the same sources write the epoch, 1970, or the first day that a ZIP archive can name, 1 January
1980 (Cloud Native Buildpacks: its first second)."""

_WORDS = Words("newer than", "older than", "as old as", "newest")
_THING = Fact.CREATED.value


class CreationOrder:
    """Tags that match, by the creation times of their images."""

    words = _WORDS

    def __init__(
        self, created: Created, current: Viewpoint, *, pattern: Glob | Pattern | None = None
    ) -> None:
        """Order by what is known.

        Args:
            created: the times that are known, by tag.
            current: where it is seen from.
            pattern: what must match, if anything.
        """
        self._created = created
        self._pattern = pattern
        self._current = current.tag
        self.has_current = bool(current.tag and current.is_matched and self.admits(current.text))

    def admits(self, text: str) -> bool:
        """Whether a tag's time matters at all."""
        return self._pattern is None or self._pattern.matches(text)

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the tag's time, or None if it does not match, or has no time that is one."""
        return self._place(tag) if self.admits(text) else None

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place, or why it is not known."""
        if not self.admits(text):
            return f"does not match {str(self._pattern)!r}"
        match self._created.get(tag, UNKNOWN):
            case None:
                return "does not say when it was created"
            case datetime() as time:
                return f"was created in {time.year}, which stands for no time"
            case NotFoundError():
                return "is listed, but its image is not there"
            case ReconcilerError() as error:
                return f"has a {_THING} that cannot be read: {error.message}"
            case _:
                return f"has a {_THING} that is not known yet"

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's time; None if it has none."""
        del best
        place = self._place(self._current) if self.has_current else None
        return place or None

    def is_lost(self, *, is_listed: bool) -> bool:
        """Whether the current tag had a place that nobody can tell any more: its image is gone."""
        if not self.has_current:
            return False
        known = self._created.get(self._current, UNKNOWN)
        return isinstance(known, NotFoundError) or (not is_listed and self._place_of(known) is None)

    def gaps(self, tags: Iterable[str]) -> list[str]:
        """Return the tags, in their order, of which it is not known whether they have a place."""
        return [tag for tag in tags if self._place(tag) == UNKNOWN]

    def _place(self, tag: str) -> Rank | None:
        return self._place_of(self._created.get(tag, UNKNOWN))

    @staticmethod
    def _place_of(known: datetime | ReconcilerError | Rank | None) -> Rank | None:
        match known:
            case None | NotFoundError():
                return None
            case datetime():
                return (known,) if known >= EARLIEST else None
            case _:
                return UNKNOWN
