"""Reads commits as git stores them: who, when, and the message."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from reconciler.core.history import Message

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""Of one commit, and of those that are in memory at once: a hundred thousand images."""

_HEADER: Final = re.compile(rb"^(author|committer) (.*)$", re.MULTILINE)
_PERSON: Final = re.compile(r"(.*?) ?(-?[0-9]{1,18}) ([+-])([0-9]{2})([0-9]{2})")
_LATEST: Final = 253_402_300_799  # the end of the year 9999, as far as a datetime goes


def chunks(sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Yield ids in their order, as many at a time as are not too large together.

    Args:
        sizes: by id, bytes; what is larger alone is left out.
        most: bytes of one chunk.
    """
    chunk: list[str] = []
    taken = 0
    for each, size in sizes.items():
        if size > most:
            continue
        if chunk and taken + size > most:
            yield chunk
            chunk, taken = [], 0
        chunk.append(each)
        taken += size
    if chunk:
        yield chunk


def has_parent(raw: bytes) -> bool:
    """Whether a commit object names one before it, whether or not that is there."""
    return b"\nparent " in raw.partition(b"\n\n")[0]


def parents_of(raw: bytes) -> tuple[str, ...]:
    """Return the commits that a commit object names as those before it."""
    lines = raw.partition(b"\n\n")[0].split(b"\n")
    found = (line.removeprefix(b"parent ") for line in lines if line.startswith(b"parent "))
    return tuple(line.decode("ascii", "replace") for line in found)


def committer_of(raw: bytes) -> str:
    """Return who made a commit object: ``Name <address>``; empty if it does not say."""
    head, _, _ = raw.partition(b"\n\n")
    headers = {name.decode(): value for name, value in _HEADER.findall(head)}
    return _person(headers.get("committer", b""))[0]


def message_of(commit: str, raw: bytes) -> Message:
    """Return what a commit object says; a broken date is the beginning of 1970.

    gitformat-commit: headers, an empty line, the message. What ``encoding`` says of it makes no
    difference: our lines are ASCII, and anybody may name a codec there that is no encoding of text.
    """
    head, _, text = raw.partition(b"\n\n")
    headers = {name.decode(): value for name, value in _HEADER.findall(head)}
    author, _ = _person(headers.get("author", b""))
    _, at = _person(headers.get("committer", b""))
    return Message(commit, at, author, text.decode("utf-8", "replace"))


def _person(line: bytes) -> tuple[str, datetime]:
    text = line.decode("utf-8", "replace")
    found = _PERSON.fullmatch(text)
    if found is None:
        return text, datetime.fromtimestamp(0, UTC)
    who, seconds, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours) % 24, minutes=int(minutes) % 60)
    zone = timezone(-offset if sign == "-" else offset)
    at = min(max(int(seconds), 0), _LATEST - 86_400)
    return who, datetime.fromtimestamp(at, zone)
