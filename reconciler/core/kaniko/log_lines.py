"""The log of a container, from pieces of bytes to lines with their times."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_LINE_BYTES: Final = 64 * 1024
"""Longer lines are told in parts."""

_STAMPED: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,18}(?:Z|[+-][0-9:]{5})) ?")
_FRACTION: Final = re.compile(r"(:[0-9]{2})(?:\.([0-9]{1,9}))?(?=Z|[+-])")
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a container's log.

    Attributes:
        time: when it was written, with nine digits after the second, so that texts compare as
            times do; empty: it does not say.
        text: without its end.
    """

    time: str
    text: str


def lines_of(pieces: Iterable[bytes]) -> Iterator[LogLine]:
    """Yield the lines of a log with time stamps, as the kubelet serves it, as soon as they end."""
    pending = b""
    for piece in pieces:
        *whole, pending = (pending + piece).split(b"\n")
        for line in whole:
            yield from _parts(line)
        while len(pending) > MAX_LINE_BYTES:
            yield _line(pending[:MAX_LINE_BYTES])
            pending = pending[MAX_LINE_BYTES:]
    if pending:
        yield from _parts(pending)


def since_of(time: str) -> str:
    """Return from which time on a log is asked for: the API knows whole seconds."""
    return _FRACTION.sub(r"\1", time)


def _parts(line: bytes) -> Iterator[LogLine]:
    yield _line(line[:MAX_LINE_BYTES])
    for start in range(MAX_LINE_BYTES, len(line), MAX_LINE_BYTES):
        yield _line(line[start : start + MAX_LINE_BYTES])


def _line(line: bytes) -> LogLine:
    text = line.decode(errors="replace").removesuffix("\r")
    found = _STAMPED.match(text)
    if found is None:
        return LogLine("", text)
    return LogLine(_in_full(found[1]), text[found.end() :])


def _in_full(time: str) -> str:
    return _FRACTION.sub(
        lambda found: f"{found[1]}.{(found[2] or '').ljust(_DIGITS, '0')}", time, 1
    )
