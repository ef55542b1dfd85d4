"""Secrets that do not print themselves."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MASK = "***"
_SHORTEST = 4  # masking shorter texts would mask half the language


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret text. ``repr`` and ``str`` give ``***``; :meth:`reveal` gives the text."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """Return the secret itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every secret of four characters or more masked, the longest first."""
    revealed = {secret.reveal() for secret in secrets}
    for secret in sorted(revealed, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text
