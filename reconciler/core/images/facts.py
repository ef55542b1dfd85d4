"""Facts: what was read of a repository's images, as far as it is worth keeping over cycles.

A digest names the same bytes for ever, so what is known by digest stays true. Which digest a tag
has does not: it is what was so when it was last looked at.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read of one repository's images.

    Attributes:
        digests: by tag, when it was last looked at; what comes first was looked at the longest ago,
            if it matters.
        created: by digest, when the image was built; None if it does not say.
        platforms: by digest, what the image runs on.
        origins: by digest, where the image comes from; what was read last comes last.
        failed: the tags that could not be read the last time; they come after the others, or a
            few broken ones would take up each cycle's budget.
    """

    digests: Mapping[str, str] = field(default_factory=dict)
    created: Mapping[str, datetime | None] = field(default_factory=dict)
    platforms: Mapping[str, frozenset[Platform]] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def of_tags(self, tags: Collection[str]) -> "Facts":
        """Return what is about some tags and the images that they name; and all origins."""
        digests = {tag: digest for tag, digest in self.digests.items() if tag in tags}
        images = frozenset(digests.values())
        return Facts(
            digests,
            {digest: at for digest, at in self.created.items() if digest in images},
            {digest: found for digest, found in self.platforms.items() if digest in images},
            self.failed.intersection(tags),
            self.origins,
        )


NO_FACTS = Facts()
