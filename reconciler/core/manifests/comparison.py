"""Compares two pieces of YAML by their events: whether they mean and look the same.

Kind, anchor, tag, value and style must be equal, event by event; places may differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.manifests.parser import ALIAS, MARKS, SCALAR, STARTS, Parser, Part
from reconciler.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Wish:
    """What a scalar is to be: its value, and its style where it is written plain now."""

    value: str
    plain_style: str = ""


def met_wishes(
    before: Part, after: Part, wishes: Mapping[int, Wish], *, path: str
) -> frozenset[int] | None:
    """Return the wishes that ``after`` fulfils, if it is else like ``before``; None if it is not.

    Args:
        before: the original; what cannot be read is like nothing.
        after: with other scalars.
        wishes: by the offset at which the scalar's event begins in the original.
        path: for messages.
    """
    try:
        events, shift = Parser(path).parse(before, lambda found, shift: (list(found), shift))
        return Parser(path).parse(
            after, lambda others, _: _compare(events, others, shift=shift, wishes=wishes)
        )
    except ManifestError:
        return None


def _compare(
    events: Sequence[Any], others: Iterable[Any], *, shift: int, wishes: Mapping[int, Wish]
) -> frozenset[int] | None:
    met: set[int] = set()
    count = 0
    for event, other in zip(events, others, strict=False):
        count += 1
        kind = type(event)
        if kind is not type(other):
            return None
        if kind is not SCALAR:
            if not _is_same(kind, event, other):
                return None
        elif not (  # all but a few are: what makes them others is looked up for those alone
            event.value == other.value
            and event.style == other.style
            and event.anchor == other.anchor
            and event.ctag is other.ctag
        ):
            start = event.start_mark.index + shift
            if not _is_same_scalar(event, other, wishes.get(start)):
                return None
            if start in wishes:
                met.add(start)
    is_whole = count == len(events) and next(iter(others), None) is None
    return frozenset(met) if is_whole else None


def _is_same_scalar(event: Any, other: Any, wish: Wish | None) -> bool:  # noqa: ANN401 - ruamel's
    value, style = event.value, event.style or ""
    if wish is not None:
        value, style = wish.value, style or wish.plain_style
    return (
        value == other.value
        and style == (other.style or "")
        and event.anchor == other.anchor
        and event.tag == other.tag
    )


def _is_same(kind: type, event: Any, other: Any) -> bool:  # noqa: ANN401 - as above
    if kind in STARTS:
        return (
            event.anchor == other.anchor
            and (event.ctag is other.ctag or event.tag == other.tag)
            and bool(event.flow_style) == bool(other.flow_style)
        )
    if kind is ALIAS:
        return bool(event.anchor == other.anchor)
    return kind not in MARKS or bool(event.explicit) == bool(other.explicit)
