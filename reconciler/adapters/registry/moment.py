"""Reads when an image was built: the times of RFC 3339 that its makers wrote into it."""

import re
from datetime import UTC, datetime
from typing import Final

_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,32}))?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FIRST: Final = datetime(1980, 1, 2, tzinfo=UTC)
"""What builds that are to be repeatable write is no time of building: 1970, the year 1, and
the first day of 1980."""


def read_moment(text: object) -> datetime | None:
    """Return the moment, in UTC; None if it is no RFC 3339, or not after 1 January 1980.

    Digits beyond microseconds are dropped: Go writes nanoseconds.
    """
    found = _MOMENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    date, time, fraction, zone = found.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{date}T{time}.{(fraction or '0')[:6]:0<6}{offset}")
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return in_utc if in_utc >= _FIRST else None
