"""Rules: all that a manifest asks of one container's image, and what Git says against it."""

from dataclasses import dataclass, field

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, Policy
from reconciler.core.images.tag_filter import TagFilter


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What commits of ours wrote for an image and people took back, or replaced.

    Attributes:
        tags: that are not chosen again, each with the commit that wrote it, shortened; by tag.
        digests: of the present tag, that are not followed back.
        by: what is known of who took a tag back, in words; by tag. Nobody looks unless asked to.
    """

    tags: tuple[tuple[str, str], ...] = ()
    digests: frozenset[str] = frozenset()
    by: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tags or self.digests)

    def commit_of(self, tag: str) -> str:
        """Return the commit that wrote a tag which was taken back; empty if none did."""
        return dict(self.tags).get(tag, "")

    def reason_of(self, tag: str) -> str:
        """Return what is known of how a tag was taken back, for a person."""
        commit, by = self.commit_of(tag), dict(self.by).get(tag, "")
        if by:
            return f"was taken back in {by}; we wrote it in {commit}"
        return f"was taken back: {commit} wrote it" if commit else "was taken back"


NOTHING_TAKEN_BACK = TakenBack()


@dataclass(frozen=True, slots=True)
class TagRules:
    """How the tag of one container is chosen.

    Attributes:
        policy: which of the tags is the best.
        tag_filter: which tags are looked at, and which text of theirs is ordered; None: all, whole.
        platforms: what the image must run on, all of them; empty: anything.
        allows_downgrade: whether the policy's best is taken even if it is lower.
        pins_digest: whether the digest is written beside the tag.
        taken_back: what Git remembers against some tags and digests.
        excluded: tags that one of these matches are never chosen.
    """

    policy: Policy = DEFAULT_POLICY
    tag_filter: TagFilter | None = None
    platforms: tuple[Platform, ...] = ()
    allows_downgrade: bool = False
    pins_digest: bool = False
    taken_back: TakenBack = NOTHING_TAKEN_BACK
    excluded: tuple[Pattern, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the hash once: each cycle looks up what was selected by the rules of a field."""
        object.__setattr__(self, "_hash", hash(self._key))

    def __hash__(self) -> int:
        return self._hash

    @property
    def _key(self) -> tuple[object, ...]:
        digests = (self.allows_downgrade, self.pins_digest)
        return (
            self.policy,
            self.tag_filter,
            self.platforms,
            *digests,
            self.taken_back,
            self.excluded,
        )


DEFAULT_RULES = TagRules()
