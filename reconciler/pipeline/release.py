"""Release: give one workload an image that a person chose, in Git."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconciler.core.choice import Choice, decide_by_hand, meant_fields, needs_digest, objections
from reconciler.core.decision import Change
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import FileReport, ImageField, inspect
from reconciler.core.manifests.linking import link
from reconciler.core.nearest import nearest
from reconciler.core.plan import make_plan
from reconciler.errors import (
    ManifestError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    TransientError,
)
from reconciler.pipeline.by_hand import Chosen, Done, Edited, Look, Order, carry_out
from reconciler.pipeline.events import Scanning
from reconciler.pipeline.inquiry import inquire
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.registry_port import ImageSource

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the registry says of the chosen image.

    Attributes:
        digest: what is to stand beside the tag; None: that is not known.
        notes: what a person may not expect.
    """

    digest: str | None
    notes: tuple[str, ...] = ()


def release(looks: Sequence[Look], order: Order, choice: Choice) -> Done[Change]:
    """Give the workload that is meant the chosen image, in one commit.

    Its trailers lift what was taken back. The registry is asked whether there is such an image, and
    where a digest is written, for that of the tag.

    Raises:
        NotFoundError: there is no such workload, container or image, or it is not clear which.
        RefusedError: the workload is locked, or its policy does not admit the image.
        ManifestError: the image cannot be edited exactly.
        RegistryError, ClusterError, AccessDeniedError: the registry could not be asked.
        GitError, AccessDeniedError, RefusedError: the remote failed or declined.
    """
    answers: dict[tuple[Repository, bool], _Answer] = {}

    def edit(at: Chosen) -> Edited[Change]:
        reports = _reports(at)
        text = at.look.view.texts[at.place.path]
        fields = meant_fields(_fields(reports, at), choice)
        refused = objections(fields, text, choice)
        if refused:
            raise RefusedError("\n".join(refused), where=at.place.where)
        has_digest = any(needs_digest(each, choice) for each in fields)
        question = (_repository(fields), has_digest)
        if question not in answers:  # asked once, however often the branch is read again
            answers[question] = _asked(at.look, fields, choice, has_digest=has_digest)
        return _edited(at, reports, fields, order=order, choice=choice, answer=answers[question])

    return carry_out(looks, order, edit)


def _reports(at: Chosen) -> tuple[FileReport, ...]:
    """Return the reports of all manifests, as if the workload that is meant were automated."""
    view, place = at.look.view, at.place
    namespace = at.look.source.default_namespace
    own = inspect(
        place.path, view.texts[place.path], default_namespace=namespace, by_hand={place.key}
    )
    reports = [own if each.path == place.path else each for each in at.look.reports]
    return link(reports, view.texts)


def _fields(reports: Sequence[FileReport], at: Chosen) -> list[ImageField]:
    """Return the workload's fields.

    Raises:
        NotFoundError: it has none.
        ManifestError: its manifest is wrong.
    """
    report = next(each for each in reports if each.path == at.place.path)
    fields = [each for each in report.fields if each.workload == at.place.key]
    if not fields:
        raise NotFoundError(f"{at.place.key.workload} runs no image", where=at.place.where)
    return fields


def _edited(
    at: Chosen,
    reports: Sequence[FileReport],
    fields: Sequence[ImageField],
    *,
    order: Order,
    choice: Choice,
    answer: _Answer,
) -> Edited[Change]:
    decided = decide_by_hand(reports, fields, choice, digest=answer.digest)
    plan = make_plan(reports, at.look.view.texts, decided)
    wanted = [each for made in decided.by_report for each in made if isinstance(each, Change)]
    if len(plan.changes) < len(wanted):
        left = next(each for each in plan.skips if each.detail and _is_among(each.field, wanted))
        raise ManifestError(left.detail, where=left.field.where)
    workload = at.place.key.workload
    message = (
        at.look.parts.wording(at.look.source).of_release(
            plan.changes,
            workload=workload,
            branch=at.look.view.revision.branch,
            message=order.message,
        )
        if plan.changes
        else ""
    )
    notes = (*answer.notes, *_notes(at, fields))
    return Edited(plan.changes, plan.contents, message, notes)


def _is_among(field: ImageField, changes: Sequence[Change]) -> bool:
    return any(each.field is field for each in changes)


def _notes(at: Chosen, fields: Sequence[ImageField]) -> Iterator[str]:
    automated = {
        field.key for report in at.look.reports for field in report.fields if not field.obstacle
    }
    if any(field.key in automated for field in fields):
        name = at.place.key.workload
        yield (
            f"{name} is automated: a cycle may choose another tag; 'reconcile lock {name}' keeps "
            "this one"
        )


def _asked(at: Look, fields: Sequence[ImageField], choice: Choice, *, has_digest: bool) -> _Answer:
    """Ask the registry for the image.

    Raises:
        NotFoundError: there is no such image.
        RegistryError, ClusterError, AccessDeniedError: it could not be asked, and what it would
            have said is needed.
    """
    desk = _Desk(at.parts, fields)
    digest = desk.digest_of(choice.tag)
    if isinstance(digest, NotFoundError):
        raise NotFoundError(desk.lack_of(choice.tag)) from digest
    if isinstance(digest, ReconcilerError):
        may_force = choice.digest is not None or not has_digest
        if choice.is_forced and may_force:
            return _Answer(choice.digest, (f"the image was not looked for: {digest}",))
        raise _unasked(digest, may_force=may_force)
    if choice.digest is None or choice.digest == digest:
        return _Answer(digest)
    problem = desk.problem_of(choice.digest)
    if problem is not None:
        message = f"{choice.digest} cannot be released: {problem.message}; {choice.tag} is {digest}"
        raise NotFoundError(message, where=problem.where) from problem
    return _Answer(choice.digest, (f"the tag {choice.tag} names another digest now: {digest}",))


def _unasked(error: ReconcilerError, *, may_force: bool) -> ReconcilerError:
    """Return the error of a registry that could not be asked, with what helps."""
    remedy = "--force releases the image unseen" if may_force else "write the digest behind the tag"
    kind = TransientError if isinstance(error, TransientError) else RefusedError
    return kind(f"{error.message}; {remedy}", where=error.where)


def _repository(fields: Sequence[ImageField]) -> Repository:
    """Return the one repository that fields which are meant have."""
    return next(each.reference.repository for each in fields if each.reference)


class _Desk:
    """Asks the registry of some fields, with their logins, as a cycle does."""

    def __init__(self, parts: Parts, fields: Sequence[ImageField]) -> None:
        self._parts = parts
        self._repository = _repository(fields)
        self._pullers = tuple(dict.fromkeys(each.puller for each in fields))

    def digest_of(self, tag: str) -> str | ReconcilerError:
        """Return the digest that a tag names, or why it is not known."""
        return self._asked(
            lambda images, logins: images.digest_of(self._repository, tag, pull_secrets=logins)
        )

    def problem_of(self, digest: str) -> ReconcilerError | None:
        """Return why an image cannot be had by its digest; None if it can."""
        found = self._asked(
            lambda images, logins: images.platforms_of(
                self._repository, digest, pull_secrets=logins
            )
        )
        return found if isinstance(found, ReconcilerError) else None

    def lack_of(self, tag: str) -> str:
        """Return what to say of a tag that is not there, with the nearest that is."""
        tags = self._inquired(
            lambda logins: self._parts.registries.list_tags(self._repository, pull_secrets=logins)
        )
        hint = "" if isinstance(tags, ReconcilerError) else nearest(tag, tags)
        return f"{self._repository} has no tag {tag!r}{hint}"

    def _asked(
        self, question: Callable[[ImageSource, Iterable[PullCredential]], Value]
    ) -> Value | ReconcilerError:
        images = self._parts.image_facts.source
        if images is None:
            return NotFoundError("there is no registry to ask", where=str(self._repository))
        return self._inquired(lambda logins: question(images, logins))

    def _inquired(
        self, question: Callable[[Iterable[PullCredential]], Value]
    ) -> Value | ReconcilerError:
        secrets = PullSecrets(self._parts.secrets)
        self._parts.progress.tell(Scanning(1))
        answers = inquire(
            {self._repository: self._repository},
            lambda _: question(secrets.of(self._pullers)),
            clock=self._parts.clock,
            jitter=self._parts.jitter,
            stop=self._parts.stop,
        )
        return answers[self._repository]
