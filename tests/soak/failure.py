"""What a long run finds."""

from collections.abc import Iterable, Sequence


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
