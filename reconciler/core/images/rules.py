"""Rules: all that a manifest asks of one container's image."""

from dataclasses import dataclass

from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, Policy
from reconciler.core.images.tag_filter import TagFilter


@dataclass(frozen=True, slots=True)
class TagRules:
    """How the tag of one container is chosen.

    Attributes:
        policy: which of the tags is the best.
        tag_filter: which tags are looked at, and which text of theirs is ordered; None: all, whole.
        platforms: what the image must run on, all of them; empty: anything.
        allows_downgrade: whether the policy's best is taken even if it is lower.
        pins_digest: whether the digest is written beside the tag.
    """

    policy: Policy = DEFAULT_POLICY
    tag_filter: TagFilter | None = None
    platforms: tuple[Platform, ...] = ()
    allows_downgrade: bool = False
    pins_digest: bool = False


DEFAULT_RULES = TagRules()
