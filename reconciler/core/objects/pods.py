"""Why the pods of a workload are not ready, in the words of the kubelet and the scheduler."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.objects.fields import (
    field_of,
    items_of,
    mapping_of,
    number_of,
    text_of,
    texts_of,
)
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.words import one_line

_DEPLOYMENT = GroupKind("apps", "Deployment")
_OWNERS = frozenset(
    {_DEPLOYMENT, GroupKind("batch", "Job"), GroupKind("", "ReplicationController")}
    | {GroupKind("apps", kind) for kind in ("DaemonSet", "ReplicaSet", "StatefulSet")}
)
_BEGINNING = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons that say nothing but that it is not the container's turn yet."""

_OPERATORS = {"In": "in", "NotIn": "notin"}


@dataclass(frozen=True, slots=True)
class PodOwner:
    """A workload that makes pods.

    Attributes:
        uid: its uid.
        selector: which pods may be its own, as a label selector's text.
    """

    key: ObjectKey
    uid: str
    selector: str

    @classmethod
    def of(cls, key: ObjectKey, item: Mapping[str, object]) -> "PodOwner | None":
        """Return the workload that a whole object is; None if it makes no pods by itself."""
        uid = text_of(field_of(item, "metadata", "uid"))
        selector = selector_text(field_of(item, "spec", "selector"))
        is_owner = key.group_kind in _OWNERS and uid and selector
        return cls(key, uid, selector) if is_owner else None

    def controls(self, pod: Mapping[str, object]) -> bool:
        """Whether a pod is its own, and not merely labelled alike.

        A Deployment's pods belong to ReplicaSets, which are named for it and for the hash of the
        template that its pods are labelled with.
        """
        labels = texts_of(field_of(pod, "metadata", "labels"))
        for reference in items_of(field_of(pod, "metadata", "ownerReferences")):
            if field_of(reference, "controller") is not True:
                continue
            if self.key.group_kind != _DEPLOYMENT:
                return field_of(reference, "uid") == self.uid
            name = f"{self.key.name}-{labels.get('pod-template-hash', '')}"
            return (field_of(reference, "kind"), field_of(reference, "name")) == (
                "ReplicaSet",
                name,
            )
        return False


@dataclass(frozen=True, slots=True)
class PodTrouble:
    """What keeps a pod from being ready.

    Attributes:
        uid: the pod's.
        words: what its status says; empty if it says nothing of use.
    """

    name: str
    uid: str
    words: str

    def __str__(self) -> str:
        return f"pod {self.name}: {self.words or 'is not ready'}"


def troubles(owner: PodOwner, pods: Iterable[Mapping[str, object]]) -> tuple[PodTrouble, ...]:
    """Return the pods of a workload that are not ready: those that say why first, newest first."""
    found = [pod for pod in pods if owner.controls(pod) and not _is_fine(pod)]
    found.sort(key=lambda pod: text_of(field_of(pod, "metadata", "name")))
    found.sort(
        key=lambda pod: text_of(field_of(pod, "metadata", "creationTimestamp")), reverse=True
    )
    made = [
        PodTrouble(
            text_of(field_of(pod, "metadata", "name")),
            text_of(field_of(pod, "metadata", "uid")),
            why_not_ready(pod),
        )
        for pod in found
    ]
    return tuple(sorted(made, key=lambda trouble: not trouble.words))


def why_not_ready(pod: Mapping[str, object]) -> str:
    """Return what a pod waits for, or died of; empty if its status does not say.

    What a container wrote itself (its termination message) is left out: it may be anything.
    """
    return one_line(next(_reasons(pod), ""))


def selector_text(selector: object) -> str:
    """Return a label selector, or a mapping of labels, as a query writes it; empty for none."""
    spec = mapping_of(selector)
    is_structured = any(isinstance(value, (Mapping, list)) for value in spec.values())
    labels = texts_of(spec.get("matchLabels")) if is_structured else texts_of(spec)
    parts = [f"{name}={value}" for name, value in sorted(labels.items())]
    for each in items_of(spec.get("matchExpressions")) if is_structured else ():
        name, operator = text_of(field_of(each, "key")), text_of(field_of(each, "operator"))
        values = ",".join(text_of(value) for value in items_of(field_of(each, "values")))
        if operator in _OPERATORS:
            parts.append(f"{name} {_OPERATORS[operator]} ({values})")
        else:
            parts.append(f"!{name}" if operator == "DoesNotExist" else name)
    return ",".join(parts)


def _is_fine(pod: Mapping[str, object]) -> bool:
    if field_of(pod, "status", "phase") == "Succeeded" or field_of(
        pod, "metadata", "deletionTimestamp"
    ):
        return True
    return any(
        (field_of(each, "type"), field_of(each, "status")) == ("Ready", "True")
        for each in items_of(field_of(pod, "status", "conditions"))
    )


def _reasons(pod: Mapping[str, object]) -> Iterator[str]:
    """Yield what stands in a pod's status, the most telling first."""
    status = mapping_of(pod.get("status"))
    if status.get("phase") == "Failed" and status.get("reason"):
        yield _joined(text_of(status.get("reason")), text_of(status.get("message")))
    conditions = [mapping_of(each) for each in items_of(status.get("conditions"))]
    for each in conditions:
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            yield _joined("cannot be scheduled", text_of(each.get("message")))
    groups = (
        ("init container", items_of(status.get("initContainerStatuses"))),
        ("container", items_of(status.get("containerStatuses"))),
    )
    for what, containers in groups:
        yield from _ends(what, containers)
    for each in conditions:
        if each.get("status") == "False" and each.get("type") == "Ready" and each.get("message"):
            yield text_of(each.get("message"))


def _ends(what: str, containers: Sequence[object]) -> Iterator[str]:
    """Yield what containers wait for, then which have ended badly, then which are not ready."""
    for each in containers:
        waiting = mapping_of(field_of(each, "state", "waiting"))
        reason = text_of(waiting.get("reason"))
        if reason == "CrashLoopBackOff":  # its message is only how long the kubelet waits
            yield f"{_name(what, each)}: {reason}{_end(field_of(each, 'lastState', 'terminated'))}"
        elif reason and reason not in _BEGINNING:
            yield f"{_name(what, each)}: {_joined(reason, text_of(waiting.get('message')))}"
    for each in containers:
        ended = mapping_of(field_of(each, "state", "terminated"))
        if number_of(ended.get("exitCode")) != 0:
            yield f"{_name(what, each)}: ended{_end(ended)}"
    for each in containers:
        if field_of(each, "state", "running") is not None and field_of(each, "ready") is not True:
            restarts = number_of(field_of(each, "restartCount"))
            last = _end(field_of(each, "lastState", "terminated"))
            again = f", restarted {restarts} times{last}" if restarts else ""
            yield f"{_name(what, each)}: is running, but not ready{again}"


def _name(what: str, container: object) -> str:
    return f"{what} {text_of(field_of(container, 'name'))}"


def _end(terminated: object) -> str:
    """Return how a container ended: `` (exit code 137, OOMKilled)``; empty if it is not told."""
    ended = mapping_of(terminated)
    if not ended:
        return ""
    reason = text_of(ended.get("reason"))
    suffix = f", {reason}" if reason not in ("", "Error", "Completed") else ""
    return f" (exit code {number_of(ended.get('exitCode'))}{suffix})"


def _joined(reason: str, message: str) -> str:
    return f"{reason}: {message}" if message else reason
