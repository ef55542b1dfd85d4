"""Cluster checkup: try the access to a cluster, and the rights for what manifests hold."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from reconciler.core.build import BuildResult, resolve
from reconciler.core.checkup import Check, Checkup, failed, passed, skipped, warned
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.definitions import defined_by
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.right import Right, named, rights_for, rule_for, summary_of
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    ImpersonationError,
    NotServedError,
    ReconcilerError,
    RefusedError,
    TransientError,
)
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.leadership import LeaseStore
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.variables import variables_of
from reconciler.pipeline.view import View
from reconciler.settings import SourceSettings

MOST_NAMES: Final = 20
"""Objects of one kind and namespace that are asked about by name, where all are not granted."""

MOST_RIGHTS: Final = 2000
"""Rights that are asked about one by one: a request each."""

OF_A_SOURCE: Final = ("build", "kinds", "rights", "state", "lease")
"""What is tried of each source in a cluster."""


class ClusterProbe(Protocol):
    """Tries the access to a cluster step by step. Changes nothing."""

    @property
    def name(self) -> str:
        """What the cluster is called."""
        ...

    def check_server(self) -> Iterable[Check]:
        """Try the API server and compare clocks; what goes wrong is a failed :class:`Check`."""
        ...

    def lacking(
        self, rights: Sequence[Right], account: ServiceAccount | None = None
    ) -> Sequence[Right]:
        """Return the rights that we, or a ServiceAccount, do not have, in their order.

        Raises:
            ImpersonationError: we may not act as it.
            SettingsError, AccessDeniedError, ClusterError: it cannot be asked.
        """
        ...

    def try_memory(self, source: str) -> str:
        """Write what the cluster keeps of a source, as a dry run; return what is to be told.

        Raises:
            SettingsError, AccessDeniedError, RefusedError, ClusterError: it could not be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """A cluster that answers, as a source's checkup needs it.

    Attributes:
        probe: tries rights.
        cluster: what is asked for as in a cycle.
        leases: who leads.
    """

    probe: ClusterProbe
    cluster: Cluster
    leases: LeaseStore


def examine_cluster(probe: ClusterProbe) -> Checkup:
    """Try the API server."""
    return Checkup(probe.name, tuple(probe.check_server()))


def examine_in_cluster(
    source: SourceSettings, parts: Parts, view: View | None, reach: Reach
) -> Iterator[Check]:
    """Yield what is found of a source in a cluster that answers.

    Args:
        source: whose manifests.
        parts: by which they are read and built.
        view: the branch; None: it could not be read.
        reach: the cluster.
    """
    if view is None:
        yield from (skipped(each, "the branch is not read") for each in OF_A_SOURCE[:3])
    else:
        yield from _of_manifests(source, parts, view, reach)
    yield _tried("state", lambda: _state(source, reach))
    yield _tried("lease", lambda: _lease(source, reach))


def _of_manifests(
    source: SourceSettings, parts: Parts, view: View, reach: Reach
) -> Iterator[Check]:
    try:
        catalog = Catalog.of(reach.cluster)
        view = parts.reader(source).with_texts(view)
        variables = variables_of(source.variables, reach.cluster)
        built = resolve(
            parts.build(view, view.texts, variables),
            namespaced=catalog.is_namespaced,
            default_namespace=source.default_namespace,
        )
    except ReconcilerError as error:
        yield _failure("build", error)
        yield from (skipped(each, "see build") for each in ("kinds", "rights"))
        return
    yield _build(built)
    served, missing = _served(built.objects, catalog)
    yield _kinds(built.objects, missing, catalog)
    yield _tried("rights", lambda: _rights(source, served, reach.probe))


def _build(built: BuildResult) -> Check:
    count = f"{len(built.objects):,} object{'' if len(built.objects) == 1 else 's'}"
    if not built.problems:
        return passed("build", count)
    more = f"; and {len(built.problems) - 1} more" if len(built.problems) > 1 else ""
    return failed(
        "build",
        f"{count}, and {built.problems[0]}{more}",
        cause="what cannot be built is not applied, and holds back all deletions",
        remedy="reconcile diff",
    )


def _served(
    objects: Sequence[DesiredObject], catalog: Catalog
) -> tuple[list[tuple[Resource, ObjectKey]], list[tuple[DesiredObject, ReconcilerError]]]:
    """Return by which resources objects are served, and those that are not."""
    defined = defined_by(objects)
    served: list[tuple[Resource, ObjectKey]] = []
    missing: list[tuple[DesiredObject, ReconcilerError]] = []
    for each in objects:
        try:
            served.append((catalog.resource(each), each.key))
        except ReconcilerError as error:
            if each.key.group_kind not in defined:  # else it comes with them
                missing.append((each, error))
    return served, missing


def _kinds(
    objects: Sequence[DesiredObject],
    missing: Sequence[tuple[DesiredObject, ReconcilerError]],
    catalog: Catalog,
) -> Check:
    if missing:
        first, error = missing[0]
        more = f"; and {len(missing) - 1} more" if len(missing) > 1 else ""
        is_silent = isinstance(error, ClusterError)
        cause = "its definition (CRD) is not installed, or this version is not served any more"
        if is_silent:
            cause = "the server behind an APIService is down"
        elif not isinstance(error, NotServedError):
            cause = "such objects are only asked for"
        group = first.key.group
        return failed(
            "kinds",
            f"{first.origin}: {error.message}{more}",
            cause=cause,
            remedy=f"kubectl api-resources --api-group={group}" if group else "",
            may_pass=is_silent,
        )
    if catalog.served.silent:
        (group, version), reason = next(iter(catalog.served.silent.items()))
        cause = "the server behind that APIService is down: its objects are left alone meanwhile"
        return warned(
            "kinds", f"{group}/{version}: {reason}", cause=cause, remedy="kubectl get apiservices"
        )
    kinds = len({each.key.group_kind for each in objects})
    return passed("kinds", f"{kinds} kind{'' if kinds == 1 else 's'}, all of them served")


def _rights(
    source: SourceSettings, served: Sequence[tuple[Resource, ObjectKey]], probe: ClusterProbe
) -> Check:
    account = source.service_account
    who = f"serviceaccount {account}" if account else "who runs this"
    wanted = rights_for(served, has_prune=source.sync.prune)
    denied = _not_even_by_name(_lacking(wanted.must, probe, account), served, probe, account)
    remedy = _ask_command(denied[0], account) if denied else ""
    if denied:
        return failed(
            "rights",
            f"{who} may not {summary_of(denied)}",
            cause=f"no role with this rule is bound to it there: {rule_for(denied)}",
            remedy=remedy,
        )
    lacking = _not_even_by_name(_lacking(wanted.should, probe, account), served, probe, account)
    if lacking:
        return warned(
            "rights",
            f"{who} may apply all, but not {summary_of(lacking)}",
            cause=f"what leaves Git stays, or is not seen; the rule: {rule_for(lacking)}",
            remedy=_ask_command(lacking[0], account),
        )
    count = f"all {len(served):,} objects" if len(served) > 1 else "what there is"
    return passed("rights", f"{who} may apply {count}")


def _lacking(
    rights: Sequence[Right], probe: ClusterProbe, account: ServiceAccount | None
) -> list[Right]:
    """Return the rights that are lacking; what is granted in all namespaces is asked about once.

    Where that is not so, of very many namespaces some are asked about: what is granted in one by
    one has been granted by hand, or by a list.
    """
    everywhere = sorted({replace(each, namespace="") for each in rights if each.namespace})
    lacking = set(probe.lacking(everywhere, account))
    single = [
        each for each in rights if not each.namespace or replace(each, namespace="") in lacking
    ]
    return list(probe.lacking(single[:MOST_RIGHTS], account))


def _not_even_by_name(
    denied: Sequence[Right],
    served: Sequence[tuple[Resource, ObjectKey]],
    probe: ClusterProbe,
    account: ServiceAccount | None,
) -> list[Right]:
    """Leave out the rights that are granted for each single object (``resourceNames``)."""
    found: list[Right] = []
    for right in denied:
        names = [
            key.name
            for resource, key in served
            if (resource.group, resource.plural) == (right.group, right.resource)
            if (key.namespace if resource.is_namespaced else "") == right.namespace
        ]
        is_nameable = right.verb not in ("create", "list") and len(names) <= MOST_NAMES
        if not is_nameable or probe.lacking(named(right, names), account):
            found.append(right)
    return found


def _ask_command(right: Right, account: ServiceAccount | None) -> str:
    where = f" --namespace {right.namespace}" if right.namespace else ""
    who = f" --as {account.user}" if account else ""
    return f"kubectl auth can-i {right.verb} {right.full_resource}{where}{who}"


def _state(source: SourceSettings, reach: Reach) -> Check:
    status = reach.cluster.state(source.name).status()
    said = reach.probe.try_memory(source.name)
    if not status.reason and not status.message:
        return passed("state", f"{said}; never synced yet")
    return passed(
        "state", f"{said}; {'ready' if status.is_ready else f'not ready: {status.message}'}"
    )


def _lease(source: SourceSettings, reach: Reach) -> Check:
    found = reach.leases.all().get(source.name)
    if found is None or not found.holder:
        return passed("lease", "nobody leads at present")
    return passed("lease", f"{found.holder} leads")


def _tried(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except ReconcilerError as error:
        return _failure(name, error)


def _failure(name: str, error: ReconcilerError) -> Check:
    match error:
        case TransientError():
            cause = "the API server failed, or did not answer"
        case ImpersonationError():
            cause = "we may not act as the source's ServiceAccount: see acting"
        case AccessDeniedError() if name in ("state", "lease"):
            cause = "the Role of our namespace (manifests/base, state-role.yaml) is not bound to us"
        case RefusedError():
            cause = "a quota or a webhook of the cluster, or an object of that name is another's"
        case _:
            cause = "it will fail the same way until it is changed"
    return failed(name, str(error), cause=cause, may_pass=isinstance(error, TransientError))
