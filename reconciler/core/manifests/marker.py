"""Markers: comments behind a value that say what is to stand there.

Those of Flux v2 (fluxcd.io, "Configure image update for custom resources") name an ImagePolicy, and
a part of the image: ``# {"$imagepolicy": "flux-system:podinfo:tag"}``. Our own say all themselves:
``# {"$image": {"name": "ghcr.io/acme/web", "policy": "semver:^1.2", "part": "tag"}}``.
"""

import enum
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.images.policy import DEFAULT_POLICY, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests.annotation_keys import shown
from reconciler.core.nearest import nearest
from reconciler.errors import ManifestError, PolicySyntaxError

_FLUX = "$imagepolicy"
_OWN = "$image"
_START = re.compile(r'#[ \t]*(?=\{[ \t]*"\$image(?:policy)?"[ \t]*:)')
_BLANKS = re.compile(r"[ \t\ufeff]*")
_LONGEST = 4096  # characters of a marker: a hostile line may hold very many
_NAME, _POLICY, _PART = _KEYS = ("name", "policy", "part")
_OWN_PARTS = ("tag", "digest")
_DECODER = json.JSONDecoder()


class Part(enum.Enum):
    """Which part of an image reference a value is."""

    WHOLE = ""
    NAME = "name"
    TAG = "tag"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class PolicyMarker:
    """A marker of Flux v2; ``namespace`` and ``name`` are those of an ImagePolicy."""

    namespace: str
    name: str
    part: Part

    @property
    def policy(self) -> str:
        """The policy as the marker names it."""
        return f"{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True)
class OwnMarker:
    """A marker of ours.

    Attributes:
        name: the image without tag; empty if the value has it.
        rules: how the tag is chosen.
        part: what the value is.
    """

    name: str
    rules: TagRules
    part: Part


Marker: TypeAlias = PolicyMarker | OwnMarker


@dataclass(frozen=True, slots=True)
class FoundMarker:
    """A marker in a text.

    Attributes:
        start: the offset of its ``#``.
        line: from 1.
        line_start: the offset at which that begins.
        marker: what it says, or what is wrong with it.
    """

    start: int
    line: int
    line_start: int
    marker: Marker | ManifestError


def markers_in(text: str, *, path: str) -> Iterator[FoundMarker]:
    """Yield the markers that share a line with something before them, wherever they stand.

    Others are remarks, or values that are commented out.

    Args:
        text: the whole file.
        path: for messages.
    """
    line, line_start, position, is_comment = 1, 0, 0, None
    for found in _START.finditer(text):
        start = found.start()
        breaks = text.count("\n", position, start)
        if breaks:
            line_start = text.rindex("\n", position, start) + 1
        if breaks or is_comment is None:
            line += breaks
            blanks = _BLANKS.match(text, line_start)
            is_comment = blanks is not None and text.startswith("#", blanks.end())
        position = start
        if not is_comment:
            yield FoundMarker(start, line, line_start, _read(text, found.end(), f"{path}:{line}"))


def _read(text: str, start: int, where: str) -> Marker | ManifestError:
    try:
        return _parse(text[start : start + _LONGEST].partition("\n")[0], where=where)
    except ManifestError as error:
        return error


def _parse(source: str, *, where: str) -> Marker:
    try:
        body, _ = _DECODER.raw_decode(source)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"invalid marker {shown(source)}: is no JSON", where=where) from error
    if len(body) > 1:
        raise ManifestError(f"invalid marker {shown(source)}: has more than one key", where=where)
    if _FLUX in body:
        return _of_flux(body[_FLUX], where=where)
    return _own(body[_OWN], where=where)


def _of_flux(value: object, *, where: str) -> PolicyMarker:
    names = value.split(":") if isinstance(value, str) else []
    is_whole = len(names) == 2  # noqa: PLR2004 - namespace and name
    parts = {each.value: each for each in Part if each is not Part.WHOLE}
    part = Part.WHOLE if is_whole else parts.get(names[2]) if len(names) == 3 else None  # noqa: PLR2004
    if part is None or not all(names):
        reason = "write NAMESPACE:NAME, and after another colon tag, name or digest for a part"
        raise ManifestError(f"invalid marker {shown(str(value))}: {reason}", where=where)
    return PolicyMarker(names[0], names[1], part)


def _own(value: object, *, where: str) -> OwnMarker:
    if not isinstance(value, dict):
        raise ManifestError(f"invalid marker: {_OWN!r} needs keys: name, policy, part", where=where)
    for key, each in value.items():
        if key not in _KEYS:
            hint = nearest(key, _KEYS)
            raise ManifestError(f"invalid marker: unknown key {shown(key)}{hint}", where=where)
        if not isinstance(each, str):
            raise ManifestError(f"invalid marker: {key!r} must be a text", where=where)
    name, part = value.get(_NAME, ""), value.get(_PART, "")
    if part and part not in _OWN_PARTS:
        message = f"invalid marker: part must be 'tag' or 'digest', not {shown(part)}"
        raise ManifestError(message, where=where)
    if part and not name:
        message = "invalid marker: name the image, of which the value is a part"
        raise ManifestError(message, where=where)
    return OwnMarker(name, _rules(value.get(_POLICY), where=where), Part(part))


def _rules(text: str | None, *, where: str) -> TagRules:
    try:
        return TagRules(policy=DEFAULT_POLICY if text is None else parse_policy(text))
    except PolicySyntaxError as error:
        message = f"invalid marker: invalid policy {shown(error.text)}: {error.reason}"
        raise ManifestError(message, where=where) from error
