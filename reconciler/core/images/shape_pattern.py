"""The expression that all tags of one shape match.

A repository has thousands of tags and a container asks for those of its own shape: one match tells
them from the others and reads their numbers, at a fifth of the cost of taking each tag apart.
"""

import functools
import re
from collections.abc import Callable
from typing import TypeAlias

from reconciler.core.images.shape import (
    BUILD,
    MAX_DIGITS,
    MAX_TAG,
    SCHEME_DIGITS,
    Place,
    Shape,
    ShapedTag,
    take_apart,
)

PlaceOf: TypeAlias = Callable[[str], Place | None]

_NUMBER = rf"([0-9]{{1,{MAX_DIGITS}}})"
_YEAR = rf"([0-9]{{{SCHEME_DIGITS},{MAX_DIGITS}}})"
_SMALL = rf"([0-9]{{1,{SCHEME_DIGITS - 1}}})"


def places_like(current: ShapedTag) -> PlaceOf:
    """Return what tells the place of a tag of this shape: a release, or of this kind before it.

    None for other tags; else what :attr:`ShapedTag.order` of the tag taken apart is.
    """
    return _places(current.shape, current.pre_kind)


@functools.lru_cache(maxsize=256)  # a cycle's images have few shapes
def _places(shape: Shape, pre_kind: str) -> PlaceOf:
    if shape.suffix and shape.suffix[0] not in "-_":
        return functools.partial(_taken_apart, shape)  # glued to a number, it may be a commit
    count = shape.length
    numbers = r"\.".join([_YEAR if shape.is_dated else _SMALL, *[_NUMBER] * (count - 1)])
    if pre_kind:
        match = re.compile(rf"{shape.prefix}{numbers}(?:-(?i:{pre_kind})[.-]?{_NUMBER})?").fullmatch
        return functools.partial(_before_release, match, count, pre_kind)
    if shape.suffix == BUILD:
        match = re.compile(rf"{shape.prefix}{numbers}-{_NUMBER}").fullmatch
        return functools.partial(_build, match, count)
    match = re.compile(rf"{shape.prefix}{numbers}{re.escape(shape.suffix)}").fullmatch
    return functools.partial(_release, match)


_Match: TypeAlias = Callable[[str], re.Match[str] | None]


def _release(match: _Match, text: str) -> Place | None:
    found = match(text)
    if found is None or len(text) > MAX_TAG:
        return None
    return (tuple(map(int, found.groups())), True, "", -1, -1)


def _build(match: _Match, count: int, text: str) -> Place | None:
    found = match(text)
    if found is None or len(text) > MAX_TAG:
        return None
    numbers = tuple(map(int, found.groups()))
    return (numbers[:count], True, "", -1, numbers[count])


def _before_release(match: _Match, count: int, kind: str, text: str) -> Place | None:
    found = match(text)
    if found is None or len(text) > MAX_TAG:
        return None
    *texts, pre = found.groups()
    numbers = tuple(map(int, texts[:count]))
    return (numbers, True, "", -1, -1) if pre is None else (numbers, False, kind, int(pre), -1)


def _taken_apart(shape: Shape, text: str) -> Place | None:
    apart = take_apart(text)
    return apart.order if apart and apart.shape == shape else None
