"""Proposing: what is to be done with the branch that holds our proposals."""

import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.decision import Skip
from reconciler.core.manifests.images import FieldKey, SkipReason
from reconciler.core.message import parse_by, parse_trailers
from reconciler.core.proposal import BranchTip
from reconciler.core.revision import Revision

_OPEN: Final = frozenset({SkipReason.REGISTRY_FAILED, SkipReason.UNKNOWN_IMAGES})
_SHA256_HEX: Final = 64
_NO_CLUSTER: Final = "-"


class Step(enum.Enum):
    """What is to be done with the branch."""

    NOTHING = "there is nothing to propose, and nothing of ours to take away"
    KEEP = "it holds what is proposed"
    WAIT = "it is not known yet what is to be proposed"
    MOVE = "it is to hold one commit of ours on the base"
    REMOVE = "nothing is left to propose"
    BLOCKED = "others committed on it, and it lacks what is proposed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be proposed.

    Attributes:
        base: what it is to stand on.
        contents: the new contents of files of the base, by path; may be empty.
        signature: of our commits: ``default@1f3a9c02``.
        undecided: fields of which nobody knows yet what becomes of them.
    """

    base: Revision
    contents: Mapping[str, bytes]
    signature: str
    undecided: Collection[FieldKey] = ()

    @property
    def blobs(self) -> Mapping[str, str]:
        """The ids that git gives the contents."""
        is_sha256 = len(self.base.commit) == _SHA256_HEX
        return {path: _blob(it, is_sha256=is_sha256) for path, it in self.contents.items()}


def next_step(tip: BranchTip | None, wanted: Wanted) -> Step:
    """Return what is to be done with a branch of proposals.

    A commit is ours if we committed it and it names this source; anything else is never thrown
    away, unless the base has it already.
    """
    if tip is None:
        return Step.MOVE if wanted.contents else Step.NOTHING
    if not is_ours(tip, wanted.signature):
        return _among_others(tip, wanted)
    blobs = wanted.blobs
    if blobs and tip.parents == (wanted.base.commit,) and tip.changed == blobs:
        return Step.KEEP
    if not tip.is_merged and proposed_fields(tip.message) & set(wanted.undecided):
        return Step.WAIT
    return Step.MOVE if blobs else Step.REMOVE


def is_ours(tip: BranchTip, signature: str) -> bool:
    """Whether a commit is of this source, and nobody amended it.

    While a cluster cannot be asked, its name is not known: that makes no difference.
    """
    source, _, cluster = signature.partition("@")
    by, _, of = (parse_by(tip.message) or "").partition("@")
    is_same = cluster == of or _NO_CLUSTER in (cluster, of)
    return tip.is_by_us and by == source and is_same


def proposed_fields(message: str) -> frozenset[FieldKey]:
    """Return the fields that a commit of ours writes."""
    return frozenset(trailer.key for trailer in parse_trailers(message))


def undecided_fields(skips: Iterable[Skip]) -> frozenset[FieldKey]:
    """Return the fields that stay as they are only because something could not be asked."""
    return frozenset(skip.field.key for skip in skips if skip.reason in _OPEN)


def _among_others(tip: BranchTip, wanted: Wanted) -> Step:
    """Return what is to be done where the newest commit is not ours."""
    if not wanted.contents:
        return Step.NOTHING
    if tip.is_merged:
        return Step.MOVE
    has_all = all(tip.changed.get(path) == blob for path, blob in wanted.blobs.items())
    return Step.KEEP if has_all else Step.BLOCKED


def _blob(content: bytes, *, is_sha256: bool) -> str:
    """Return the id of a content: gitformat, a header and the content hashed."""
    data = b"blob %d\0%b" % (len(content), content)
    if is_sha256:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
