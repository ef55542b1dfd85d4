"""The cluster, as each source may use it: the composition root's part that is about clusters."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.adapters.cluster.access import is_given
from reconciler.adapters.cluster.account_probe import ClusterAccountProbe
from reconciler.adapters.cluster.checkup import ClusterProbe as KubernetesProbe
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.adapters.cluster.control import ConfigMapControls
from reconciler.adapters.cluster.on_demand import OnDemand
from reconciler.adapters.cluster.pull_secrets import ClusterPullSecrets
from reconciler.core.lease import LEASE_S
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.control import Suspension
from reconciler.errors import ClusterError, ReconcilerError
from reconciler.identity import is_gone, own_identity
from reconciler.pipeline.acting import AccountProbe
from reconciler.pipeline.cluster_checkup import ClusterProbe, Reach
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.leadership import Leadership, LeaseStore
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.recorder import Recorder
from reconciler.pipeline.registry_port import SecretSource
from reconciler.settings import FOLDER_PREFIX, Settings, SourceSettings
from reconciler.stop import Stop

POD_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
ONCE_LOOK_S = 1.0
ONCE_PATIENCE_S = 3 * LEASE_S  # whoever renews it, or the API server's silence, is told before


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a source's turn is ours.

    Attributes:
        obstacle: why it is not; None: it is.
        stop: asks for the end when it is ours no more.
    """

    obstacle: ClusterError | None = None
    stop: Stop | None = None


@contextmanager
def shared(settings: Settings) -> Iterator[KubernetesCluster | None]:
    """Give the one connection of a process to its cluster; None if no source is synced.

    Raises:
        SettingsError: a source is synced, and there is no cluster.
    """
    if not any(source.is_synced for source in settings.sources):
        yield None
        return
    with controlling(settings) as (_, connected):
        yield connected


def clusters(
    settings: Settings,
    stack: ExitStack,
    stop: Stop,
    *,
    is_local: bool,
    connected: KubernetesCluster | None = None,
) -> Callable[[SourceSettings], tuple[Cluster | None, SecretSource | None]]:
    """Return what gives each source its cluster, if it is synced, and where registry secrets are.

    Those are read for sources that are not synced, too, if a cluster is given (but no cluster is
    asked for what is done in a local folder alone). It is not required: nothing is opened before a
    registry asks for a login, and what fails then is a reason in the registry's refusal. A source
    with a ServiceAccount reads both with its rights: manifests name whose secrets they want.

    Args:
        settings: of all sources.
        stack: closes the connections at its end.
        stop: ends waits for an API server that is busy.
        is_local: whether a folder takes the place of the remotes.
        connected: the cluster, if there is a connection to it; who opened it closes it.

    Raises:
        SettingsError: a source is synced, and there is no cluster.
    """
    if any(source.is_synced for source in settings.sources):
        if connected is None:
            connected = KubernetesCluster.connect(settings.cluster, stop=stop)
            stack.callback(connected.close)
        own = connected

        def connected_for(source: SourceSettings) -> tuple[Cluster | None, SecretSource | None]:
            cluster = own.acting_as(source.service_account)
            return cluster if source.is_synced else None, cluster.pull_secrets()

        return connected_for
    if is_local or not is_given(settings.cluster):
        return lambda _source: (None, None)
    connection = OnDemand(settings.cluster, stop=stop)
    stack.callback(connection.close)
    return lambda source: (
        None,
        ClusterPullSecrets(lambda: connection.get(source.service_account)),
    )


def suspension_of(
    source: SourceSettings, cluster: Cluster | None
) -> Callable[[], Suspension | None]:
    """Return what asks the cluster who has suspended a source; where none can be asked, nobody has.

    A folder is what somebody wants to have applied now: nobody suspends it.
    """

    def ask() -> Suspension | None:
        if cluster is None or source.name.startswith(FOLDER_PREFIX):
            return None
        try:
            return cluster.control(source.name).suspension
        except ReconcilerError:  # the cycle stumbles over it, too, and tells
            return None

    return ask


def leadership(
    leases: LeaseStore, sources: Iterable[str], on_change: Callable[[str, bool], None]
) -> Leadership:
    """Return what holds the leases of sources for this process.

    Args:
        leases: of the cluster.
        sources: their names.
        on_change: told when we begin or cease to lead one.
    """
    return Leadership(
        leases,
        sources,
        identity=own_identity(),
        is_gone=partial(is_gone, is_pod=POD_NAMESPACE_FILE.is_file()),
        on_change=on_change,
        random=random.random,
    )


def recorder(
    settings: Settings, cluster: KubernetesCluster, *, clock: Clock, stop: Stop
) -> Recorder | None:
    """Return what writes events beside the workloads of all sources; None: nobody wants that.

    Args:
        settings: of all sources.
        cluster: where they are synced to.
        clock: tells how long ago something was written.
        stop: ends the writing.
    """
    if not settings.has_events:
        return None
    stores = {
        source.name: cluster.acting_as(source.service_account).events()
        for source in settings.sources
        if source.is_synced
    }
    return Recorder(stores, clock=clock, stop=stop)


@contextmanager
def turn(cluster: KubernetesCluster | None, source: SourceSettings) -> Iterator[Turn]:
    """Give one source's turn to a process that runs one cycle, when nobody else has it.

    A holder that has not renewed its lease for its whole time is waited for, up to 15 seconds.
    Without a cluster, the turn is nobody else's.
    """
    is_ours = not source.is_synced or source.sync.dry_run or source.name.startswith(FOLDER_PREFIX)
    if cluster is None or is_ours:
        yield Turn()
        return
    led = leadership(cluster.leases(), [source.name], lambda _source, _is_led: None)
    end = Stop()
    led.look()
    first, patience_s = led.sighting(source.name), ONCE_PATIENCE_S
    while not led.leads(source.name):
        time.sleep(ONCE_LOOK_S)
        patience_s -= ONCE_LOOK_S
        led.look()
        is_renewed = led.sighting(source.name) != first
        if not led.leads(source.name) and (is_renewed or patience_s <= 0):
            yield Turn(
                ClusterError(
                    f"is led by {led.holder(source.name)}: 'reconcile sync' asks it for a cycle",
                    where=f"source {source.name!r}",
                )
            )
            return
    led.start(end)
    try:
        yield Turn(stop=Stop().child(lambda: not led.leads(source.name)))
    finally:
        end.ask()
        led.release()


@contextmanager
def controlling(settings: Settings) -> Iterator[tuple[ConfigMapControls, KubernetesCluster]]:
    """Give what is said of sources in the cluster; closes the connections at the end.

    Raises:
        SettingsError: there is no cluster.
    """
    connected = KubernetesCluster.connect(settings.cluster)
    try:
        yield connected.controls(), connected
    finally:
        connected.close()


@contextmanager
def probing(settings: Settings) -> Iterator[ClusterProbe]:
    """Give what tries the access to the cluster; closes its connections at the end."""
    probe = KubernetesProbe(settings.cluster)
    try:
        yield probe
    finally:
        probe.close()


@contextmanager
def reaching(
    settings: Settings, probe: ClusterProbe
) -> Iterator[Callable[[SourceSettings], Reach]]:
    """Give what a source's checkup needs of a cluster that answers; closes it at the end.

    Raises:
        SettingsError: there is no cluster.
    """
    with controlling(settings) as (_, connected):

        def reach(source: SourceSettings) -> Reach:
            return Reach(probe, connected.acting_as(source.service_account), connected.leases())

        yield reach


@contextmanager
def acting(settings: Settings, account: ServiceAccount) -> Iterator[AccountProbe]:
    """Give what tries whether we can act as a ServiceAccount; closes its connections at the end."""
    connection = OnDemand(settings.cluster)
    try:
        yield ClusterAccountProbe(lambda: connection.get(account), account)
    finally:
        connection.close()
