"""What a long run finds."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

EVERY_S = 30.0


class SoakError(AssertionError):
    """Something is not as promised; the message says what, and how to see it again."""


def demand(is_true: object, message: str) -> None:
    """Raise if something is not true.

    Raises:
        SoakError: it is not.
    """
    if not is_true:
        raise SoakError(message)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which a share of the values is; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def lines(texts: Sequence[str]) -> str:
    """Return texts as lines, the first hundred of them."""
    return "\n".join(texts[:100])


@dataclass
class Progress:
    """Tells now and then how far a run is.

    Attributes:
        say: what is told how.
    """

    say: Callable[[str], object] = lambda _: None
    _last: float = field(default_factory=time.monotonic)

    def tell(self, text: str) -> None:
        """Tell it, if nothing was told for a while."""
        if time.monotonic() - self._last > EVERY_S:
            self._last = time.monotonic()
            self.say(text)
