"""What a cache file says of one repository's images, as bytes and back."""

from dataclasses import astuple
from datetime import datetime
from typing import TypeAlias

import msgspec

from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import Repository
from reconciler.errors import PolicySyntaxError

VERSION = 2
READABLE = frozenset({1, VERSION})
"""The first version has no origins, and is the same but for that."""

_Origin: TypeAlias = tuple[str, str, str, str, str]


class _Image(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What is known of one digest; a part that is missing is not known."""

    created: datetime | msgspec.UnsetType | None = msgspec.UNSET
    platforms: list[str] | msgspec.UnsetType = msgspec.UNSET
    origin: _Origin | msgspec.UnsetType = msgspec.UNSET


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """One cache file."""

    version: int
    repository: str
    tags: dict[str, str]
    images: dict[str, _Image]
    failed: list[str]


def encode(repository: Repository, facts: Facts) -> bytes:
    """Return facts as the content of a file."""
    images: dict[str, _Image] = {}
    for digest, at in facts.created.items():
        images.setdefault(digest, _Image()).created = at
    for digest, platforms in facts.platforms.items():
        images.setdefault(digest, _Image()).platforms = sorted(map(str, platforms))
    for digest, origin in facts.origins.items():
        images.setdefault(digest, _Image()).origin = astuple(origin)
    content = _Content(VERSION, str(repository), dict(facts.digests), images, sorted(facts.failed))
    return msgspec.json.encode(content)


def decode(repository: Repository, content: bytes) -> Facts:
    """Return the facts of a file; none if it was written by another version.

    Raises:
        ValueError: it is no such file, or about another repository.
    """
    try:
        found = msgspec.json.decode(content, type=_Content)
        if found.repository != str(repository):
            raise ValueError("is about another repository")
        return _facts(found) if found.version in READABLE else NO_FACTS
    except (msgspec.MsgspecError, PolicySyntaxError) as error:
        raise ValueError(str(error)) from error


def _facts(content: _Content) -> Facts:
    created: dict[str, datetime | None] = {}
    platforms: dict[str, frozenset[Platform]] = {}
    origins: dict[str, Origin] = {}
    for digest, image in content.images.items():
        if image.created is not msgspec.UNSET:
            created[digest] = _with_zone(image.created)
        if image.platforms is not msgspec.UNSET:
            platforms[digest] = frozenset(map(Platform.parse, image.platforms))
        if image.origin is not msgspec.UNSET:
            origins[digest] = Origin(*image.origin)
    return Facts(content.tags, created, platforms, frozenset(content.failed), origins)


def _with_zone(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise ValueError(f"{at} has no zone")
    return at
