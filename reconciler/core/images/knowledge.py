"""Knowledge: what is known of a repository's images beside their tags, and what is still wanted.

A selection is pure: it never asks. Where it cannot decide without a fact of some image it says
which one it wants; whoever may ask a registry does, and selects again with more knowledge.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from reconciler.core.images.platform import Platform
from reconciler.errors import ReconcilerError


class Fact(enum.Enum):
    """What can be known of a tag's image."""

    DIGEST = "digest"
    PLATFORMS = "platforms"
    CREATED = "creation time"


@dataclass(frozen=True, slots=True)
class Want:
    """A fact that is needed to decide."""

    tag: str
    fact: Fact


Digests: TypeAlias = Mapping[str, str | ReconcilerError]
Platforms: TypeAlias = Mapping[str, frozenset[Platform] | ReconcilerError]
Created: TypeAlias = Mapping[str, datetime | ReconcilerError | None]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of the images of one repository, by tag. A fact that failed holds its error.

    Attributes:
        digests: of what the tag names: the index, where there is one (``sha256:<64 hex>``).
        platforms: what it runs on.
        created: when it was built, with its zone; None if it does not say.
        remembered: the tags of which that was read in an earlier cycle. They may have been moved
            since; the digest of those that matter is asked for before anything is decided by it.
        recalled: likewise, the tags whose platforms were read in an earlier cycle: that is enough
            to turn one down, and not to choose it.
    """

    digests: Digests = field(default_factory=dict)
    platforms: Platforms = field(default_factory=dict)
    created: Created = field(default_factory=dict)
    remembered: frozenset[str] = frozenset()
    recalled: frozenset[str] = frozenset()


NOTHING_KNOWN = Knowledge()
