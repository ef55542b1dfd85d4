"""How an object is doing, by the rules of kstatus.

The rules follow ``sigs.k8s.io/cli-utils`` 0.37, ``pkg/kstatus/status``, with these differences:

- A Deployment that is paused is Current if all its replicas are of the newest template and
  available: kstatus waits for a rollout that nobody has asked for.
- A DaemonSet that is updated by hand (``OnDelete``) does not wait for pods to be updated, as a
  StatefulSet does not.
- ReplicationControllers are judged as ReplicaSets are, PersistentVolumes by their phase, and
  APIServices, Gateways and GatewayClasses by the condition that says that they work; kstatus has no
  rules for them, and calls them Current.
- A ``Ready`` condition that tells of an earlier generation (``observedGeneration`` in it) is in
  progress. Kubernetes API conventions: "If metadata.generation is currently 12, but the
  .status.conditions[x].observedGeneration is 9, the condition is out of date".
- A pod that cannot be scheduled is in progress for good, where kstatus calls it failed after 15 s:
  no clock is read here, and an autoscaler may yet bring a node.
- What kstatus answers with an error (a status that is no mapping, an unknown pod phase) is
  ``Status.UNKNOWN``.
- The group ``extensions``, which no server offers any more, has no rules of its own.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.observed import Condition, Observed
from reconciler.core.objects.pods import why_not_ready
from reconciler.core.objects.words import one_line


class Status(enum.Enum):
    """Where an object is on its way to what its spec asks for, in kstatus's words."""

    IN_PROGRESS = "InProgress"
    CURRENT = "Current"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A status, and what a person should know about it."""

    status: Status
    message: str

    @property
    def is_current(self) -> bool:
        """Whether the object is as its spec asks."""
        return self.status is Status.CURRENT


def health_of(item: Mapping[str, object] | None) -> Health:
    """Return the health of a whole object as the API server gives it; None for one not there."""
    if item is None:
        return Health(Status.NOT_FOUND, "is not in the cluster")
    observed = Observed(item)
    if not observed.is_well_formed:
        return Health(Status.UNKNOWN, "its status cannot be read")
    return _generic(observed) or _RULES.get(observed.group_kind, _by_ready_condition)(observed)


def _generic(observed: Observed) -> Health | None:
    """Return what the properties that all kinds share tell, if they decide."""
    if observed.text("metadata", "deletionTimestamp"):
        waiting_for = ", ".join(observed.finalizers)
        suffix = f", when this is done: {waiting_for}" if waiting_for else ""
        return Health(Status.TERMINATING, one_line(f"is being deleted{suffix}"))
    generation = observed.number("metadata", "generation")
    seen = observed.number("status", "observedGeneration", default=generation)
    if observed.has("metadata", "generation") and seen != generation:
        return _in_progress(f"generation {generation} is not observed yet, only {seen}")
    for condition in observed.conditions:
        if condition.type == "Reconciling" and condition.is_true:
            return _in_progress(condition.text)
        if condition.type == "Stalled" and condition.is_true:
            return _failed(condition.text)
    return None


def _by_ready_condition(observed: Observed) -> Health:
    """Judge a kind without rules of its own; without a ``Ready`` condition it counts as current."""
    return _by_condition("Ready", observed) or _current("exists")


def _by_condition(kind: str, observed: Observed) -> Health | None:
    """Judge by the first condition of a type that is one of True, False and Unknown."""
    generation = observed.number("metadata", "generation")
    for condition in observed.conditions:
        if condition.type != kind or condition.status not in {"True", "False", "Unknown"}:
            continue
        if condition.generation is not None and condition.generation < generation:
            return _in_progress(f"{kind} is told of generation {condition.generation} only")
        return _current(f"is {kind.lower()}") if condition.is_true else _in_progress(condition.text)
    return None


def _working(kind: str) -> Callable[[Observed], Health]:
    """Return the rule of kinds that do not work before a condition says so."""
    return lambda observed: (
        _by_condition(kind, observed) or _in_progress(f"is not {kind.lower()} yet")
    )


def _persistent_volume(observed: Observed) -> Health:
    phase = observed.text("status", "phase")
    if phase == "Failed":
        return _failed(observed.text("status", "message", default="its reclamation failed"))
    return (
        _in_progress("is not available yet")
        if phase in {"", "Pending"}
        else _current(phase.lower())
    )


def _always_current(_: Observed) -> Health:
    return _current("exists")


def _deployment(observed: Observed) -> Health:
    progressing, available = observed.condition("Progressing"), observed.condition("Available")
    if progressing and progressing.reason == "ProgressDeadlineExceeded":
        return _failed(f"made no progress within its deadline: {progressing.text}")
    wanted = observed.number("spec", "replicas", default=1)
    total = observed.number("status", "replicas")
    updated = observed.number("status", "updatedReplicas")
    return (
        _short_of("created", total, wanted, observed.condition("ReplicaFailure"))
        or _short_of("updated", updated, wanted)
        or _surplus(total, wanted)
        or _short_of("available", observed.number("status", "availableReplicas"), updated)
        or _short_of("ready", observed.number("status", "readyReplicas"), wanted)
        or _deployment_conditions(observed, progressing, available)
    )


def _deployment_conditions(
    observed: Observed, progressing: Condition | None, available: Condition | None
) -> Health:
    # Without a deadline the controller keeps no Progressing condition.
    deadline = observed.number("spec", "progressDeadlineSeconds", default=_NO_DEADLINE)
    is_complete = progressing is not None and (
        (progressing.is_true and progressing.reason == "NewReplicaSetAvailable")
        or (progressing.reason == "DeploymentPaused" and observed.flag("spec", "paused"))
    )
    if deadline != _NO_DEADLINE and not is_complete:
        return _in_progress("its new replica set is not available yet")
    if available is None or not available.is_true:
        return _in_progress("is not available yet")
    return _current(f"{observed.number('status', 'replicas')} replicas are available")


def _stateful_set(observed: Observed) -> Health:
    if observed.text("spec", "updateStrategy", "type") == "OnDelete":
        return _current("is updated by hand (OnDelete)")
    wanted = observed.number("spec", "replicas", default=1)
    total = observed.number("status", "replicas")
    return (
        _short_of("created", total, wanted)
        or _short_of("ready", observed.number("status", "readyReplicas"), wanted)
        or _surplus(total, wanted)
        or _stateful_set_revision(observed, wanted)
    )


def _stateful_set_revision(observed: Observed, wanted: int) -> Health:
    updated = observed.number("status", "updatedReplicas")
    partition = observed.number("spec", "updateStrategy", "rollingUpdate", "partition", default=-1)
    if partition != -1:
        done = _current(f"{updated} replicas are updated, as its partition asks")
        return _short_of("updated", updated, wanted - partition) or done
    behind = _short_of("current", observed.number("status", "currentReplicas"), wanted)
    if behind:
        return behind
    if observed.text("status", "currentRevision") != observed.text("status", "updateRevision"):
        return _in_progress("its replicas are not all of the new revision")
    return _current(f"{wanted} replicas are ready")


def _daemon_set(observed: Observed) -> Health:
    for path in (("metadata", "generation"), ("status", "observedGeneration")):
        if not observed.has(*path):
            return _in_progress("is not observed yet")
    wanted = observed.number("status", "desiredNumberScheduled", default=-1)
    if wanted == -1:
        return _in_progress("how many nodes need it is not known yet")
    is_by_hand = observed.text("spec", "updateStrategy", "type") == "OnDelete"
    updated = wanted if is_by_hand else observed.number("status", "updatedNumberScheduled")
    return (
        _short_of("scheduled", observed.number("status", "currentNumberScheduled"), wanted)
        or _short_of("updated", updated, wanted)
        or _short_of("available", observed.number("status", "numberAvailable"), wanted)
        or _short_of("ready", observed.number("status", "numberReady"), wanted)
        or _current(f"{wanted} replicas are ready")
    )


def _replica_set(observed: Observed) -> Health:
    for condition in observed.conditions:
        if condition.type == "ReplicaFailure" and condition.is_true:
            return _in_progress(condition.text)
    wanted = observed.number("spec", "replicas", default=1)
    return (
        _short_of("labelled", observed.number("status", "fullyLabeledReplicas"), wanted)
        or _short_of("available", observed.number("status", "availableReplicas"), wanted)
        or _short_of("ready", observed.number("status", "readyReplicas"), wanted)
        or _surplus(observed.number("status", "replicas"), wanted)
        or _current(f"{wanted} replicas are available")
    )


def _pod(observed: Observed) -> Health:
    match observed.text("status", "phase"):
        case "Succeeded":
            return _current("has completed")
        case "Failed":
            return _current("has completed, but without success")
        case "Running":
            return _running_pod(observed)
        case "Pending":
            unscheduled = observed.condition("PodScheduled")
            is_stuck = unscheduled is not None and unscheduled.is_false
            return _in_progress(
                unscheduled.text if unscheduled and is_stuck else _why("is pending", observed)
            )
        case "":
            return _in_progress("is not observed yet")
        case phase:
            return Health(Status.UNKNOWN, f"is in the unknown phase {phase!r}")


def _running_pod(observed: Observed) -> Health:
    if any(each.type == "Ready" and each.is_true for each in observed.conditions):
        return _current("is ready")
    looping = observed.crash_looping_containers
    if looping:
        return _failed(f"containers crash again and again: {', '.join(looping)}")
    return _in_progress(_why("is not ready", observed))


def _why(what: str, pod: Observed) -> str:
    why = why_not_ready(pod.item)
    return f"{what}: {why}" if why else what


def _job(observed: Observed) -> Health:
    completions = observed.number(
        "spec", "completions", default=observed.number("spec", "parallelism", default=1)
    )
    succeeded, failed = observed.number("status", "succeeded"), observed.number("status", "failed")
    for condition in observed.conditions:
        if condition.type == "Complete" and condition.is_true:
            return _current(f"has completed: {succeeded}/{completions} succeeded")
        if condition.type == "Failed" and condition.is_true:
            return _failed(f"{failed} pods failed: {condition.text}")
    if not observed.text("status", "startTime"):
        is_suspended = observed.flag("spec", "suspend")
        return _in_progress("is suspended" if is_suspended else "has not started yet")
    return _current(f"is running: {succeeded}/{completions} succeeded, {failed} failed")


def _service(observed: Observed) -> Health:
    is_balancer = observed.text("spec", "type") == "LoadBalancer"
    if is_balancer and not observed.text("spec", "clusterIP"):
        return _in_progress("has no cluster IP yet")
    return _current("exists")


def _volume_claim(observed: Observed) -> Health:
    phase = observed.text("status", "phase", default="unknown")
    return _current("is bound") if phase == "Bound" else _in_progress(f"is not bound: {phase}")


def _custom_resource_definition(observed: Observed) -> Health:
    for condition in observed.conditions:
        if condition.type == "NamesAccepted" and condition.is_false:
            return _failed(condition.text)
        if condition.type == "Established":
            if condition.is_true:
                return _current("is established")
            if condition.is_false and condition.reason != "Installing":
                return _failed(condition.text)
    return _in_progress("is not established yet")


def _short_of(
    participle: str, count: int, wanted: int, failure: Condition | None = None
) -> Health | None:
    if count >= wanted:
        return None
    why = f": {failure.text}" if failure and failure.is_true else ""
    return _in_progress(f"{count} of {wanted} replicas {participle}{why}")


def _surplus(total: int, wanted: int) -> Health | None:
    surplus = total - wanted
    return _in_progress(f"{surplus} old replicas are still there") if surplus > 0 else None


def _current(message: str) -> Health:
    return Health(Status.CURRENT, message)


def _in_progress(message: str) -> Health:
    return Health(Status.IN_PROGRESS, message)


def _failed(message: str) -> Health:
    return Health(Status.FAILED, message)


_NO_DEADLINE = 2**31 - 1  # the controller's own sign for "no deadline"

_RULES: Mapping[GroupKind, Callable[[Observed], Health]] = {
    GroupKind("", "ConfigMap"): _always_current,
    GroupKind("", "PersistentVolumeClaim"): _volume_claim,
    GroupKind("", "PersistentVolume"): _persistent_volume,
    GroupKind("", "Pod"): _pod,
    GroupKind("", "ReplicationController"): _replica_set,
    GroupKind("", "Secret"): _always_current,
    GroupKind("", "Service"): _service,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _custom_resource_definition,
    GroupKind("apiregistration.k8s.io", "APIService"): _working("Available"),
    GroupKind("apps", "DaemonSet"): _daemon_set,
    GroupKind("apps", "Deployment"): _deployment,
    GroupKind("apps", "ReplicaSet"): _replica_set,
    GroupKind("apps", "StatefulSet"): _stateful_set,
    GroupKind("batch", "CronJob"): _always_current,
    GroupKind("batch", "Job"): _job,
    GroupKind("gateway.networking.k8s.io", "Gateway"): _working("Programmed"),
    GroupKind("gateway.networking.k8s.io", "GatewayClass"): _working("Accepted"),
    GroupKind("policy", "PodDisruptionBudget"): _always_current,
}
