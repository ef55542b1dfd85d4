"""Located: one piece of YAML as nodes that know where they stand, in the text and among events.

Other than a :class:`~reconciler.core.manifests.document.Document`, aliases are nodes of their own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.core.manifests.parser import (
    ALIAS,
    DOCUMENT_START,
    ENDS,
    MAPPING_START,
    MARKS,
    SCALAR,
    STARTS,
    Parser,
    Part,
)


class Sign(NamedTuple):
    """What an event means and how it looks; where it stands is left out."""

    kind: type
    anchor: str | None = None
    tag: str | None = None
    value: str | None = None
    style: str = ""
    is_marked: bool = False  # a flow collection; of a document: whether its mark is written


@dataclass(slots=True)
class Spot:
    """A node: a scalar, an alias, a mapping or a sequence.

    Attributes:
        sign: of its (first) event.
        start: offset of its first character, anchor and tag included; of a block collection: of
            its first entry.
        end: offset after its last character; of a block collection somewhere behind it.
        first: the number of its first event.
        last: the number of its last event.
        inside: its keys and values by turns, or its items.
    """

    sign: Sign
    start: int
    end: int
    first: int
    last: int
    inside: list["Spot"] = field(default_factory=list)

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return self.sign.kind is MAPPING_START

    @property
    def is_scalar(self) -> bool:
        """Whether it is a scalar."""
        return self.sign.kind is SCALAR

    @property
    def is_flow(self) -> bool:
        """Whether it is written in braces or brackets."""
        return self.sign.is_marked

    @property
    def has_properties(self) -> bool:
        """Whether it is an alias, or has an anchor or a tag written in front of it."""
        return self.sign.anchor is not None or self.sign.tag is not None

    @property
    def pairs(self) -> list[tuple["Spot", "Spot"]]:
        """The entries of a mapping."""
        return list(zip(self.inside[::2], self.inside[1::2], strict=True))

    def entry(self, key: str) -> tuple["Spot", "Spot"] | None:
        """Return the first entry with that key, or None; merged ones are not looked at."""
        found = (each for each in self.pairs if each[0].is_scalar and each[0].sign.value == key)
        return next(found, None)


def signs_of(text: str, *, path: str) -> list[Sign]:
    """Return the signs of a piece's events.

    Raises:
        ManifestError: it cannot be read.
    """
    part = Part(text, 0, 1)
    return Parser(path).parse(part, lambda raw_events, _: [_sign(raw) for raw in raw_events])


def mappings_of(text: str, *, path: str) -> Iterator[Spot]:
    """Yield the mappings of a piece, each after those inside it.

    Raises:
        ManifestError: it cannot be read.
    """
    yield from Parser(path).parse(Part(text, 0, 1), _mappings)


def _mappings(raw_events: Iterable[Any], shift: int) -> list[Spot]:
    found: list[Spot] = []
    awaiting: list[Spot] = []
    for number, raw in enumerate(raw_events):
        kind = type(raw)
        if kind in STARTS or kind is SCALAR or kind is ALIAS:
            start, end = raw.start_mark.index + shift, raw.end_mark.index + shift
            spot = Spot(_sign(raw), start, end, number, number)
            if awaiting:
                awaiting[-1].inside.append(spot)
            if kind in STARTS:
                awaiting.append(spot)
        elif kind in ENDS:
            ended = awaiting.pop()
            ended.end, ended.last = raw.end_mark.index + shift, number
            found += [ended] if ended.is_mapping else []
    return found


def _sign(raw: Any) -> Sign:  # noqa: ANN401 - ruamel's events
    kind = type(raw)
    if kind is SCALAR:
        return Sign(kind, raw.anchor, _tag(raw), raw.value, raw.style or "")
    if kind in STARTS:
        return Sign(kind, raw.anchor, _tag(raw), is_marked=bool(raw.flow_style))
    if kind is ALIAS:
        return Sign(kind, raw.anchor)
    if kind is DOCUMENT_START:
        return Sign(kind, is_marked=bool(raw.explicit))
    return Sign(kind, is_marked=kind in MARKS and bool(raw.explicit))


def _tag(raw: Any) -> str | None:  # noqa: ANN401 - as above
    return None if raw.ctag is None else str(raw.ctag)
