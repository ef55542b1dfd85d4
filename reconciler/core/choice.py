"""Choice: an image that a person chose for a workload, in place of a policy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.core.decision import Change, Decision, Decisions, Skip
from reconciler.core.images.contest import Contest
from reconciler.core.images.knowledge import NOTHING_KNOWN
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.core.images.rules import DEFAULT_RULES, NOTHING_TAKEN_BACK
from reconciler.core.manifests.edit import is_editable
from reconciler.core.manifests.images import (
    FileReport,
    ImageField,
    Obstacle,
    SkipReason,
    obstacle_of,
)
from reconciler.core.nearest import nearest
from reconciler.errors import NotFoundError, ReferenceSyntaxError

_FORCEABLE = frozenset({SkipReason.LOCKED, SkipReason.BAD_ANNOTATION})
_GETS_A_TAG = frozenset({SkipReason.NO_TAG, SkipReason.PINNED_BY_DIGEST})
_STAND_IN = "image"  # before a tag that stands alone, so that it reads as a reference


@dataclass(frozen=True, slots=True)
class Choice:
    """An image that a person chose.

    Attributes:
        name: of the image, as written; empty: whichever the workload runs.
        repository: the same as a value; None: likewise.
        tag: of the image.
        digest: of the image; None: what the tag names now, where a digest is written.
        containers: those that are meant; empty: all that run that image.
        is_forced: whether locks, and policies that do not admit it, count for nothing.
    """

    name: str
    repository: Repository | None
    tag: str
    digest: str | None = None
    containers: tuple[str, ...] = ()
    is_forced: bool = False

    @classmethod
    def parse(
        cls, text: str, *, containers: Iterable[str] = (), is_forced: bool = False
    ) -> "Choice":
        """Return what ``IMAGE:TAG``, ``:TAG``, or either with ``@DIGEST`` says.

        Raises:
            ReferenceSyntaxError: it says no image, or names no tag.
        """
        is_tag_alone = text.startswith(":")
        try:
            reference = ImageReference.parse(f"{_STAND_IN}{text}" if is_tag_alone else text)
        except ReferenceSyntaxError as error:
            raise ReferenceSyntaxError(text, error.reason) from error
        if reference.tag is None:
            raise ReferenceSyntaxError(text, "names no tag; write IMAGE:TAG, or :TAG alone")
        return cls(
            name="" if is_tag_alone else reference.name,
            repository=None if is_tag_alone else reference.repository,
            tag=reference.tag,
            digest=reference.digest,
            containers=tuple(dict.fromkeys(containers)),
            is_forced=is_forced,
        )


def meant_fields(fields: Sequence[ImageField], choice: Choice) -> tuple[ImageField, ...]:
    """Return the fields of a workload that are to have the chosen image; at least one.

    All of them are of one repository.

    Args:
        fields: of one workload, at least one.
        choice: what was chosen.

    Raises:
        NotFoundError: there is no such container or image, or it is not clear which is meant.
    """
    workload = fields[0].workload.workload
    known = tuple(dict.fromkeys(field.container for field in fields))
    unknown = [each for each in choice.containers if each not in known]
    if unknown:
        told = (f"{each!r}{nearest(each, known)}" for each in unknown)
        has = ", ".join(known)
        raise NotFoundError(f"{workload} has no container {', '.join(told)}; it has {has}")
    asked = [
        each for each in fields if not choice.containers or each.container in choice.containers
    ]
    meant = tuple(each for each in asked if each.reference and _is_of(each.reference, choice))
    if not meant:
        runs = ", ".join(dict.fromkeys(each.text for each in asked))
        names = [each.reference.name for each in asked if each.reference]
        hint = nearest(choice.name, names)
        who = (
            f"{workload} runs no image {choice.name!r}" if choice.name else f"{workload} runs none"
        )
        raise NotFoundError(f"{who}{hint or f'; it runs {runs}'}")
    repositories = {each.reference.repository for each in meant if each.reference}
    if len(repositories) > 1:
        runs = ", ".join(f"{each.container} ({each.text})" for each in meant)
        raise NotFoundError(f"{workload} runs several images: {runs}; name one, or a --container")
    return meant


def needs_digest(field: ImageField, choice: Choice) -> bool:
    """Whether a digest is to stand beside the tag."""
    is_pinned = field.reference is not None and field.reference.digest is not None
    return is_pinned or choice.digest is not None or field.rules.pins_digest


def objections(fields: Sequence[ImageField], text: str, choice: Choice) -> tuple[str, ...]:
    """Return why fields may not, or cannot, have the chosen image; each once.

    Args:
        fields: those that are meant, by a report in which they count as automated.
        text: their manifest.
        choice: what was chosen.
    """
    found = (
        f"{field.workload.workload} {field.container} {reason}"
        for field in fields
        if (reason := _objection(field, text, choice))
    )
    return tuple(dict.fromkeys(found))


def decide_by_hand(
    reports: Iterable[FileReport],
    fields: Sequence[ImageField],
    choice: Choice,
    *,
    digest: str | None,
) -> Decisions:
    """Return the decisions by which some fields get the chosen image, and all others stay.

    Args:
        reports: of all manifests.
        fields: those that are meant, of these reports.
        choice: what was chosen.
        digest: what stands beside the tag, where a digest does; None only if none does.
    """
    meant = {id(field) for field in fields}

    def made(field: ImageField) -> Decision:
        old = field.reference
        if id(field) not in meant or old is None:
            return Skip(field, SkipReason.ALREADY_NEWEST, "was not chosen")
        beside = digest if needs_digest(field, choice) else None
        new = old.with_tag(choice.tag, digest=beside)
        is_so = (old.tag, old.digest) == (new.tag, new.digest)
        stays = Skip(field, SkipReason.ALREADY_NEWEST, "already so")
        return stays if is_so else Change(field, old, new)

    return Decisions(tuple(tuple(map(made, report.fields)) for report in reports))


def _is_of(reference: ImageReference, choice: Choice) -> bool:
    return choice.repository is None or reference.repository == choice.repository


def _objection(field: ImageField, text: str, choice: Choice) -> str:
    obstacle = _obstacle(field, text, choice)
    if obstacle is not None:
        is_forceable = obstacle.reason in _FORCEABLE
        return f"{obstacle.detail}; --force releases it" if is_forceable else obstacle.detail
    refusal = "" if choice.is_forced else _refusal(field, choice)
    if not refusal:
        return ""
    return f"has the policy {field.rules.policy}: {choice.tag} {refusal}; set another, or --force"


def _obstacle(field: ImageField, text: str, choice: Choice) -> Obstacle | None:
    """Return what keeps a field from having the chosen image."""
    known, reference = field.obstacle, field.reference
    if known is not None and known.reason in _FORCEABLE and choice.is_forced:
        known = None
    if known is not None and known.reason in _GETS_A_TAG and field.written.may_get_tag:
        known = None
    if known is not None or reference is None:
        return known or Obstacle(SkipReason.INVALID, SkipReason.INVALID.value)
    if not reference.has_meant_tag and field.written.may_get_tag:
        reference = reference.with_tag(choice.tag, digest=reference.digest)
    return obstacle_of(
        field.written,
        reference,
        replace(field.rules, pins_digest=needs_digest(field, choice)),
        is_editable=all(is_editable(text, each) for each in field.written.scalars),
    )


def _refusal(field: ImageField, choice: Choice) -> str:
    """Return why a policy that somebody gave does not admit the tag; empty if it does."""
    rules = replace(field.rules, taken_back=NOTHING_TAKEN_BACK)
    if (rules.policy, rules.tag_filter) == (DEFAULT_RULES.policy, DEFAULT_RULES.tag_filter):
        return ""
    contest = Contest([choice.tag], rules, current=choice.tag, knowledge=NOTHING_KNOWN)
    if contest.order is not None and choice.tag not in contest.refused:
        return ""
    return contest.refusal(choice.tag) if contest.order else "is no version"
