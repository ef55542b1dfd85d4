"""What a registry says of how many requests are left: a metric, and a reason to wait.

There is no standard yet; these are read (drafts are of draft-ietf-httpapi-ratelimit-headers):

- ``RateLimit: "default";r=50;t=30`` with ``RateLimit-Policy: "default";q=100;w=60`` (draft 08), and
  before that ``RateLimit: limit=100, remaining=50, reset=30`` (draft 07);
- ``RateLimit-Limit``, ``-Remaining``, ``-Reset`` (draft 03): Docker Hub's are ``100;w=21600`` and
  without a reset, GitLab's reset is a time;
- ``X-RateLimit-Limit``, ``-Remaining``, ``-Reset``: GitHub's reset is a time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

MAX_HEADER: Final = 1024
_ITEM: Final = re.compile(r"[ \t]*([^,;=]*)(?:=([^,;]*))?(;[^,]*)?(?:,|$)")
_NUMBER: Final = re.compile(r"[ \t]*([0-9]{1,12})[ \t]*(?:[;,.]|$)")
_A_TIME: Final = 1_000_000_000
"""Seconds from which on a reset is a time since 1970 and not a span."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How many requests a registry still takes.

    Attributes:
        remaining: until the limit counts anew.
        limit: how many there are in all; None: it does not say.
        reset_s: seconds until the limit counts anew; None: it does not say.
    """

    remaining: int
    limit: int | None = None
    reset_s: float | None = None


def rate_limit_of(headers: Mapping[str, str], *, now_s: float) -> RateLimit | None:
    """Return what the headers of an answer say; None if that is nothing.

    Args:
        headers: looked up in any case.
        now_s: the wall clock, seconds since 1970.
    """
    combined = headers.get("RateLimit", "")
    if combined:
        return _combined(combined, headers.get("RateLimit-Policy", ""))
    for prefix in ("RateLimit", "X-RateLimit"):
        remaining = _number(headers.get(f"{prefix}-Remaining", ""))
        if remaining is not None:
            limit = _number(headers.get(f"{prefix}-Limit", ""))
            reset = _number(headers.get(f"{prefix}-Reset", ""))
            return RateLimit(remaining, limit, _span_s(reset, now_s))
    return None


def _combined(header: str, policy: str) -> RateLimit | None:
    """Read the header that holds everything; of several limits the one with the least left."""
    items = list(_items(header))
    plain = {name: value for name, value, _ in items}
    if "remaining" in plain:
        return _limit(plain, remaining="remaining", limit="limit", reset="reset")
    quotas = {name: parameters for name, _, parameters in _items(policy)}
    found = [
        _limit({**quotas.get(name, {}), **parameters}, remaining="r", limit="q", reset="t")
        for name, _, parameters in items
    ]
    return min(filter(None, found), key=lambda each: each.remaining, default=None)


def _limit(
    values: Mapping[str, str], *, remaining: str, limit: str, reset: str
) -> RateLimit | None:
    left = _number(values.get(remaining, ""))
    if left is None:
        return None
    reset_s = _number(values.get(reset, ""))
    return RateLimit(left, _number(values.get(limit, "")), reset_s)


def _items(header: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the name, the value and the parameters of each item of a list."""
    if len(header) > MAX_HEADER:
        return
    for found in _ITEM.finditer(header):
        pairs = (each.partition("=") for each in (found[3] or "").split(";"))
        parameters = {key.strip().lower(): value.strip() for key, _, value in pairs}
        yield found[1].strip().strip('"').lower(), (found[2] or "").strip(), parameters


def _number(text: str) -> int | None:
    found = _NUMBER.match(text)
    return int(found[1]) if found else None


def _span_s(reset: int | None, now_s: float) -> float | None:
    if reset is None or reset < _A_TIME:
        return reset
    return max(0.0, reset - now_s)
