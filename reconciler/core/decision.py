"""Decision: what becomes of each image field, given what the registries list and what is known."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.policy import DigestPolicy, MatchPolicy, NewestPolicy
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.core.images.rules import NOTHING_TAKEN_BACK, TagRules
from reconciler.core.images.selection import Selection, SelectionReason, select
from reconciler.core.manifests.images import FileReport, ImageField, SkipReason
from reconciler.errors import ManifestError, ReconcilerError

Tags: TypeAlias = Mapping[Repository, Collection[str] | ReconcilerError]
"""The tags of each repository, or why they could not be had."""

KnowledgeOf: TypeAlias = Mapping[Repository, Knowledge]
"""What is known of the images of repositories; of one that is not there, nothing."""

Wants: TypeAlias = Mapping[Repository, tuple[Want, ...]]
"""The facts that are missing, each once, in the order in which they are worth reading."""


class Select(Protocol):
    """What :func:`reconciler.core.images.selection.select` is, or what remembers its answers."""

    def __call__(
        self, tags: Collection[str], rules: TagRules, *, current: str, knowledge: Knowledge
    ) -> Selection:
        """Return the tag that a container should run, or the reason to leave it."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """An image field that gets another tag, digest, or both.

    Attributes:
        link: where a person reads what is new; empty if nobody looked, or there is none.
    """

    field: ImageField
    old: ImageReference
    new: ImageReference
    link: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """An image field that stays as it is.

    Attributes:
        reason: why.
        detail: the same for a person.
        wants: facts with which it might not stay.
        failures: why some facts cannot be had, or what a person must look at.
    """

    field: ImageField
    reason: SkipReason
    detail: str
    wants: tuple[Want, ...] = ()
    failures: tuple[ReconcilerError, ...] = ()


Decision: TypeAlias = Change | Skip

_SKIPS = {
    SelectionReason.ALREADY_NEWEST: SkipReason.ALREADY_NEWEST,
    SelectionReason.NO_TAG_MATCHES: SkipReason.NO_TAG_MATCHES,
    SelectionReason.WOULD_DOWNGRADE: SkipReason.WOULD_DOWNGRADE,
    SelectionReason.CURRENT_MISSING: SkipReason.CURRENT_MISSING,
    SelectionReason.NO_VERSION: SkipReason.NO_VERSION,
    SelectionReason.UNKNOWN_IMAGES: SkipReason.UNKNOWN_IMAGES,
    SelectionReason.UNREADABLE_IMAGES: SkipReason.REGISTRY_FAILED,
}
_OPEN = frozenset({SelectionReason.UNKNOWN_IMAGES, SelectionReason.UNREADABLE_IMAGES})
_FOR_A_PERSON = frozenset({SkipReason.NO_VERSION, SkipReason.NO_TAG, SkipReason.INVALID})


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of all image fields.

    Attributes:
        by_report: of each manifest's fields, in the reports' order.
    """

    by_report: tuple[tuple[Decision, ...], ...] = ()

    @property
    def changed(self) -> frozenset[str]:
        """The paths of the manifests in which something changes."""
        return frozenset(
            each.field.path for made in self.by_report for each in made if isinstance(each, Change)
        )

    @property
    def wants(self) -> Wants:
        """The facts with which some image might not stay as it is."""
        found: dict[Repository, dict[Want, None]] = {}
        for made in self.by_report:
            for each in made:
                if isinstance(each, Skip) and each.wants and each.field.reference:
                    wanted = found.setdefault(each.field.reference.repository, {})
                    wanted.update(dict.fromkeys(each.wants))
        return {repository: tuple(wanted) for repository, wanted in found.items()}

    @property
    def present(self) -> Mapping[Repository, frozenset[str]]:
        """The tags that stand in Git."""
        found: dict[Repository, set[str]] = {}
        for made in self.by_report:
            for each in made:
                if each.field.reference:
                    tags = found.setdefault(each.field.reference.repository, set())
                    tags.add(each.field.reference.effective_tag)
        return {repository: frozenset(tags) for repository, tags in found.items()}


def decide(
    reports: Iterable[FileReport],
    tags: Tags,
    knowledge: KnowledgeOf | None = None,
    *,
    choose: Select = select,
) -> Decisions:
    """Return what becomes of every image field. Deterministic, and asks nobody.

    With more knowledge, what was held may be decided; nothing else is decided differently.

    Args:
        reports: of all manifests.
        tags: for every repository of :func:`reconciler.core.plan.repositories`.
        knowledge: of the repositories' images.
        choose: selects among the tags of one repository.
    """
    known = knowledge or {}
    return Decisions(
        tuple(
            tuple(_decide(field, tags, known, choose) for field in report.fields)
            for report in reports
        )
    )


def _decide(field: ImageField, tags: Tags, known: KnowledgeOf, choose: Select) -> Decision:
    if field.obstacle or field.reference is None:
        obstacle = field.obstacle
        reason = obstacle.reason if obstacle else SkipReason.INVALID
        return _skip(field, reason, obstacle.detail if obstacle else reason.value)
    old = field.reference
    listed = tags[old.repository]
    if isinstance(listed, ReconcilerError):
        return Skip(field, SkipReason.REGISTRY_FAILED, str(listed), failures=(listed,))
    knowledge = known.get(old.repository, NOTHING_KNOWN)
    selection = choose(listed, field.rules, current=old.effective_tag, knowledge=knowledge)
    if selection.winner is None and (held := _held(field, listed, knowledge, choose, selection)):
        return held
    for tag in _to_check(field.rules, old.effective_tag, selection.winner, knowledge):
        if tag in listed and isinstance(digest := _digest(field, tag, knowledge), Skip):
            return digest
    if selection.winner is not None:
        return _move(field, old, selection.winner, knowledge)
    return _stay(field, old, selection.detail, knowledge)


def _held(
    field: ImageField,
    listed: Collection[str],
    knowledge: Knowledge,
    choose: Select,
    selection: Selection,
) -> Skip | None:
    """Return the skip of a field for which nothing was selected; None if it has the newest."""
    is_open = selection.reason in _OPEN  # another tag may still be chosen
    if not is_open and (tag := _taken_back(field, listed, knowledge, choose)):
        known = field.rules.taken_back
        detail = f"{tag} {known.reason_of(tag)}"
        if not known.by:
            detail += ", and something else stands there now"
        return _skip(field, SkipReason.TAKEN_BACK, detail)
    if selection.reason is SelectionReason.ALREADY_NEWEST:
        return None
    made = _skip(field, _SKIPS[selection.reason], selection.detail)
    return replace(made, wants=selection.wants, failures=(*made.failures, *selection.failures))


def _taken_back(
    field: ImageField, listed: Collection[str], knowledge: Knowledge, choose: Select
) -> str:
    """Return the tag that would be chosen if nobody had taken it back; empty if there is none."""
    if not field.rules.taken_back.tags or field.reference is None:
        return ""
    rules = replace(field.rules, taken_back=NOTHING_TAKEN_BACK)
    current = field.reference.effective_tag
    winner = choose(listed, rules, current=current, knowledge=knowledge).winner
    return winner if winner and field.rules.taken_back.commit_of(winner) else ""


def _skip(field: ImageField, reason: SkipReason, detail: str) -> Skip:
    error = ManifestError(detail, where=field.where)
    return Skip(field, reason, detail, failures=(error,) if reason in _FOR_A_PERSON else ())


def _to_check(
    rules: TagRules, current: str, winner: str | None, knowledge: Knowledge
) -> Iterator[str]:
    """Yield the tags by whose age it was decided, and that may have been moved since it was read.

    What is no longer listed cannot be checked, and is what it was.
    """
    if isinstance(rules.policy, NewestPolicy | MatchPolicy):
        matter = dict.fromkeys((current, winner or current))
        yield from (tag for tag in matter if tag in knowledge.remembered)


def _move(field: ImageField, old: ImageReference, winner: str, knowledge: Knowledge) -> Decision:
    """Move to another tag; where there is a digest, or is to be one, together with it."""
    if old.digest is None and not field.rules.pins_digest:
        return Change(field, old, old.with_tag(winner))
    digest = _digest(field, winner, knowledge)
    if isinstance(digest, Skip):
        return digest
    return Change(field, old, old.with_tag(winner, digest=digest))


def _stay(field: ImageField, old: ImageReference, detail: str, knowledge: Knowledge) -> Decision:
    """Stay with the tag, and look after its digest: one follows the registry, or is kept."""
    newest = Skip(field, SkipReason.ALREADY_NEWEST, detail)
    follows = isinstance(field.rules.policy, DigestPolicy)
    if not follows and not field.rules.pins_digest:
        return newest
    tag = old.effective_tag
    digest = _digest(field, tag, knowledge)
    if isinstance(digest, Skip):
        return digest
    if old.digest is None or (follows and old.digest != digest):
        if digest in field.rules.taken_back.digests:
            detail = f"{digest} stood there before, and was replaced"
            return Skip(field, SkipReason.TAKEN_BACK, detail)
        return Change(field, old, old.with_tag(tag, digest=digest))
    if old.digest == digest or not _is_comparable(old.digest, digest):
        return newest
    detail = f"{tag} was moved to {digest}; the digest in Git is kept"
    return Skip(field, SkipReason.TAG_MOVED, detail)


def _is_comparable(old: str, new: str) -> bool:
    """Whether two digests are by the same algorithm; else they tell nothing of each other."""
    return old.partition(":")[0] == new.partition(":")[0]


def _digest(field: ImageField, tag: str, knowledge: Knowledge) -> str | Skip:
    """Return the digest that a tag has now, or the skip of a field that needs it."""
    digest = knowledge.digests.get(tag)
    if isinstance(digest, ReconcilerError):
        detail = f"the digest of {tag} cannot be read: {digest.message}"
        return Skip(field, SkipReason.REGISTRY_FAILED, detail, failures=(digest,))
    if digest is None:
        detail = f"the digest of {tag} is not known yet"
        wants = (Want(tag, Fact.DIGEST),)
        return Skip(field, SkipReason.UNKNOWN_IMAGES, detail, wants=wants)
    return digest
