"""Secrets that do not print themselves."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MASK = "***"
_SHORTEST = 4  # masking shorter texts would mask half the language
_QUOTED = re.compile(r'(\b(?:Invalid|Duplicate|Unsupported) value: )"(?:[^"\\]|\\.)*(?:"|$)')
"""As the API server's validation quotes what it refuses."""
_CUT = re.compile(r"(…|\.\.\.)")
"""Where somebody has shortened a message; its end may be such a place without saying so."""


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


def redact_quotes(message: str, texts: Iterable[str]) -> str:
    """Return another program's message without secret texts, and without values that it quotes.

    Args:
        message: its lines may have been joined.
        texts: what is not to be told, however that program writes it: as JSON, in base64, by line.
    """
    quoted = _QUOTED.sub(rf'\1"{MASK}"', message)
    secrets = {each for text in texts for each in _spellings(text)}
    parts = _CUT.split(redact(quoted, map(Secret, secrets)))
    return "".join(_without_beginning(part, secrets) for part in parts)


def _without_beginning(text: str, secrets: Iterable[str]) -> str:
    """Return a text that was cut off, without the part of a secret at its end."""
    end = len(text)
    for each in secrets:
        at = text.find(each[:_SHORTEST]) if len(each) >= _SHORTEST else -1
        while -1 < at < end:
            if each.startswith(text[at:]):
                end = at
            at = text.find(each[:_SHORTEST], at + 1)
    return text if end == len(text) else f"{text[:end]}{MASK}"


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield " ".join(text.split())
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    yield from (line.strip() for line in text.splitlines())
