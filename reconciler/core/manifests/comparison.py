"""Compares a piece of YAML with what it was before, by its events: only planned scalars differ.

What is compared are digests of all events: kind, anchor, tag, value and style of each, and where
the scalars begin. That of the original is taken while it is read the first time. In the edited
piece each planned scalar must begin where it did, and say what was planned, in the style that was
planned; it is then counted in as it was before, and what is behind it with its old place. The same
digest means the same events: the edited piece differs in the planned scalars and in nothing else.

It is enough to look at those pieces of two texts that are not the same characters, if both texts
were cut (:func:`~reconciler.core.manifests.parser.cut`) and gave as many pieces:

- Pieces are parsed alone, so the same characters give the same events. No anchor holds beyond its
  document, and a text with directives, which stand before the mark of theirs, is one piece.
- An edit that makes a document start, or hides one, gives more or fewer pieces. One that moved a
  border without that would leave pieces with other events.
- A piece may hold several documents (behind ``...``, or a mark behind a lone carriage return); all
  of them are in its digest, and how their starts and ends are marked.
"""

import hashlib
import marshal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from reconciler.core.manifests.parser import (
    ALIAS,
    DOCUMENT_END,
    DOCUMENT_START,
    MAPPING_END,
    MAPPING_START,
    MARKS,
    SCALAR,
    SEQUENCE_END,
    SEQUENCE_START,
    STARTS,
    Parser,
    Part,
)
from reconciler.errors import ManifestError

_NEVER: Final = 2**63
_DIGEST_BYTES: Final = 32
_TOGETHER: Final = 10_000  # signs hashed in one go: those of a large document are never all there
_MARSHAL_FORMAT: Final = 2  # with later ones it matters which texts are one object
_STREAM: Final = 0  # stands at both ends of every piece
_ENDS: Final = {MAPPING_END: 1, SEQUENCE_END: 2}
_CODES: Final = {
    MAPPING_START: 3,
    SEQUENCE_START: 4,
    ALIAS: 5,
    DOCUMENT_START: 6,
    DOCUMENT_END: 7,
}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a piece of a text was when it was read.

    Attributes:
        start: the offset at which it begins.
        characters: a digest of them.
        events: a digest of its events.
    """

    start: int
    characters: bytes
    events: bytes

    def is_of(self, part: Part) -> bool:
        """Whether it was taken of this very piece."""
        return self.start == part.start and self.characters == _characters(part)


@dataclass(frozen=True, slots=True)
class PlannedScalar:
    """A scalar that is to say something else.

    Attributes:
        start: where it begins in the original, counted from the start of its piece.
        end: where the characters that are replaced end there.
        growth: how many characters more there are afterwards.
        before: its value and its style.
        after: those that it is to have.
    """

    start: int
    end: int
    growth: int
    before: tuple[str, str]
    after: tuple[str, str]


class _Stop(NamedTuple):
    """A place of an edited piece: a planned scalar is to begin there, or has grown."""

    at: int
    planned: PlannedScalar | None = None
    growth: int = 0


class Signing:
    """Takes a digest of a piece's events as they pass through, to whoever else wants them."""

    def __init__(self, planned: Sequence[PlannedScalar] = ()) -> None:
        """Begin.

        Args:
            planned: what differs from the original; each is signed as it was there.
        """
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self._signs: list[object] = []
        self._stops = deque(_stops(planned))
        self._moved = 0  # from places in this piece to those in the original
        self._unmet = len(planned)

    def through(self, raw_events: Iterable[Any], shift: int) -> Iterator[Any]:
        """Yield the events.

        Args:
            raw_events: of one piece.
            shift: what must be added to their offsets, so that they count from its start.
        """
        signs = self._signs
        add = signs.append
        moved, stop = shift, self._stops[0].at - shift
        for raw in raw_events:
            kind = type(raw)
            if kind is SCALAR:
                index = raw.start_mark.index
                if index >= stop:
                    signs += self._passed(raw, index + shift)
                    moved, stop = shift + self._moved, self._stops[0].at - shift
                elif raw.style or raw.anchor is not None or raw.ctag is not None:
                    signs += _of_scalar(raw, raw.value, raw.style, index + moved)
                else:  # as most are: written out, because a call for each costs as much again
                    add(raw.value)
                    add(index + moved)
            elif kind in _ENDS:
                add(_ENDS[kind])
            else:
                add(_sign(kind, raw))
                if len(signs) > _TOGETHER:
                    self._flush()
            yield raw

    def fingerprint(self, part: Part) -> Fingerprint | None:
        """Return that of the piece that has passed; None if a planned scalar was not there."""
        self._flush()
        if self._unmet:
            return None
        return Fingerprint(part.start, _characters(part), self._hash.digest())

    def _passed(self, raw: Any, start: int) -> tuple[object, ...]:  # noqa: ANN401 - ruamel's events
        """Return the signs of a scalar at or behind a place where the texts differ."""
        value, style, planned = raw.value, raw.style or "", None
        while start >= self._stops[0].at:
            stop = self._stops.popleft()
            self._moved -= stop.growth
            if stop.planned and stop.at == start and stop.planned.after == (value, style):
                planned = stop.planned
        if planned is None:
            return _of_scalar(raw, value, style, start + self._moved)
        self._unmet -= 1
        return _of_scalar(raw, *planned.before, planned.start)

    def _flush(self) -> None:
        self._hash.update(marshal.dumps(self._signs, _MARSHAL_FORMAT))
        self._signs.clear()


def differs_as_planned(
    before: Part,
    after: Part,
    planned: Sequence[PlannedScalar],
    *,
    known: Fingerprint | None,
    path: str,
) -> bool:
    """Whether a piece differs from the original in the planned scalars, all of them, and no more.

    Args:
        before: the original; what cannot be read is like nothing.
        after: the edited one.
        planned: in any order.
        known: the fingerprint of the original, if it was taken; else that is parsed again.
        path: for messages.
    """
    try:
        if known is None or not known.is_of(before):
            known = _fingerprint(before, (), path)
        found = _fingerprint(after, planned, path)
    except ManifestError:
        return False
    return known is not None and found is not None and known.events == found.events


def _fingerprint(part: Part, planned: Sequence[PlannedScalar], path: str) -> Fingerprint | None:
    def take(raw_events: Iterable[Any], shift: int) -> Fingerprint | None:
        signing = Signing(planned)
        deque(signing.through(raw_events, shift - part.start), maxlen=0)
        return signing.fingerprint(part)

    return Parser(path).parse(part, take)


def _stops(planned: Iterable[PlannedScalar]) -> Iterator[_Stop]:
    grown = 0
    for each in sorted(planned, key=lambda each: each.start):
        yield _Stop(each.start + grown, each)
        yield _Stop(each.end + grown + each.growth, growth=each.growth)
        grown += each.growth
    yield _Stop(_NEVER)


def _of_scalar(raw: Any, value: str, style: str | None, start: int) -> tuple[object, ...]:  # noqa: ANN401
    """Return the signs of a scalar: a text and its place, or a tuple if there is more to say."""
    anchor, tag = raw.anchor, raw.ctag
    if not style and anchor is None and tag is None:
        return value, start
    return ((value, style or "", start, anchor, tag if tag is None else str(tag)),)


def _sign(kind: type, raw: Any) -> object:  # noqa: ANN401 - ruamel's events
    """Return the sign of another event: a number, or a tuple of what else it says."""
    code = _CODES.get(kind, _STREAM)
    if kind in STARTS:
        anchor, tag, is_flow = raw.anchor, raw.ctag, raw.flow_style
        if anchor is None and tag is None and not is_flow:
            return code
        return code, anchor, tag if tag is None else str(tag), bool(is_flow)
    if kind is ALIAS:
        return code, raw.anchor
    return (code, bool(raw.explicit)) if kind in MARKS else code


def _characters(part: Part) -> bytes:
    text = part.text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()
