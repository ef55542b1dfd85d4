"""How a build fares, as its Job and its pod tell it."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.core.images.reference import is_digest
from reconciler.core.kaniko.job import CLONE, EXECUTOR
from reconciler.core.objects.fields import field_of, items_of, mapping_of, text_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.pods import PodOwner, why_not_ready
from reconciler.core.objects.words import one_line

JOB: Final = GroupKind("batch", "Job")
_HOPELESS: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
"""Reasons to wait that no time can take away."""

Item = Mapping[str, object]


class Stage(enum.Enum):
    """Where a build is."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Stage.SUCCEEDED, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of a build at a moment.

    Attributes:
        stage: where it is.
        why: what it waits for, or failed of; empty: that is not told.
        pod: the name of its pod; empty: there is none.
        pod_uid: likewise.
        logging: the containers that have begun, in the order of their work.
        finished: those of them that have ended.
        digest: of the image that was pushed; empty: it is not known.
        is_hopeless: whether it waits for what will not come.
    """

    stage: Stage
    why: str = ""
    pod: str = ""
    pod_uid: str = ""
    logging: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    digest: str = ""
    is_hopeless: bool = False


def progress_of(job: Item | None, pods: Sequence[Item]) -> Progress:
    """Return how a build fares.

    Args:
        job: as it is; None: it is not there any more.
        pods: some that are labelled like its own, whole.
    """
    if job is None:
        return Progress(Stage.FAILED, "its Job was deleted")
    pod = _pod_of(job, pods)
    ending = _ending(job)
    if pod is None:
        return ending or Progress(Stage.PENDING)
    phase = text_of(field_of(pod, "status", "phase"))
    known = Progress(
        Stage.PENDING,
        pod=text_of(field_of(pod, "metadata", "name")),
        pod_uid=text_of(field_of(pod, "metadata", "uid")),
        logging=_those_that_are(pod, "running", "terminated"),
        finished=_those_that_are(pod, "terminated"),
    )
    if phase == "Succeeded" or (ending and ending.stage is Stage.SUCCEEDED):
        return replace(known, stage=Stage.SUCCEEDED, digest=_digest(pod))
    why = why_not_ready(pod)
    if ending or phase == "Failed":
        return replace(known, stage=Stage.FAILED, why=(ending.why if ending else "") or why)
    if _those_that_are(pod, "running"):
        return replace(known, stage=Stage.RUNNING)
    return replace(known, why=why, is_hopeless=_is_hopeless(pod))


def _ending(job: Item) -> Progress | None:
    """Return how a Job has ended; None while it has not.

    Of a failure the pod tells more than the Job, except where the Job's time was over: then there
    is no pod any more.
    """
    for each in map(mapping_of, items_of(field_of(job, "status", "conditions"))):
        if each.get("status") != "True":
            continue
        if each.get("type") == "Complete":
            return Progress(Stage.SUCCEEDED)
        if each.get("type") == "Failed":
            reason, message = text_of(each.get("reason")), text_of(each.get("message"))
            is_told_by_pod = reason == "BackoffLimitExceeded"
            why = "" if is_told_by_pod else one_line(f"{reason}: {message}".strip(": "))
            return Progress(Stage.FAILED, why)
    return None


def _pod_of(job: Item, pods: Sequence[Item]) -> Item | None:
    """Return the newest pod of a Job."""
    name = text_of(field_of(job, "metadata", "name"))
    namespace = text_of(field_of(job, "metadata", "namespace"))
    owner = PodOwner.of(ObjectKey(JOB.group, JOB.kind, namespace, name), job)
    own = [pod for pod in pods if owner is not None and owner.controls(pod)]
    own.sort(key=lambda pod: text_of(field_of(pod, "metadata", "creationTimestamp")))
    return own[-1] if own else None


def _states(pod: Item) -> dict[str, Mapping[str, object]]:
    """Return the states of a pod's containers, by name."""
    statuses = [
        *items_of(field_of(pod, "status", "initContainerStatuses")),
        *items_of(field_of(pod, "status", "containerStatuses")),
    ]
    return {
        text_of(field_of(each, "name")): mapping_of(field_of(each, "state")) for each in statuses
    }


def _those_that_are(pod: Item, *words: str) -> tuple[str, ...]:
    """Return the containers in one of these states, in the order of their work."""
    states = _states(pod)
    return tuple(
        name for name in (CLONE, EXECUTOR) if any(word in states.get(name, {}) for word in words)
    )


def _is_hopeless(pod: Item) -> bool:
    reasons = {text_of(field_of(state, "waiting", "reason")) for state in _states(pod).values()}
    return bool(reasons & _HOPELESS)


def _digest(pod: Item) -> str:
    """Return what the executor has written into its termination message, if that is a digest."""
    message = text_of(field_of(_states(pod).get(EXECUTOR), "terminated", "message")).strip()
    return message if is_digest(message) else ""
