"""Syncs in this process against the lab's API server."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.build import build
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.report import Action
from reconciler.core.revision import Revision
from reconciler.errors import ManifestError
from reconciler.pipeline.contention import Contention
from reconciler.pipeline.events import Event
from reconciler.pipeline.neighbours import Kin
from reconciler.pipeline.patience import Patience
from reconciler.pipeline.sync import Synced, sync
from reconciler.settings import ClusterSettings, GitSettings, SourceSettings, SyncSettings

_numbers = itertools.count(1)


@dataclass
class Recorder:
    """Hears everything."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class Cluster:
    """One source's syncs, into a namespace of its own."""

    control_plane: ControlPlane
    namespace: str
    settings: SyncSettings = field(default_factory=lambda: SyncSettings(timeout_s=20.0))
    kubeconfig: Path | None = None
    url: str = ""  # its remote; one of its own, if none is given
    source: str = ""  # its name; the namespace's, if none is given
    account: ServiceAccount | None = None  # whom it acts as
    revisions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    revision: Revision = field(default_factory=lambda: Revision("main", "0" * 40))

    @classmethod
    def fresh(cls, control_plane: ControlPlane) -> "Cluster":
        """Return syncs into a new namespace, which exists."""
        namespace = f"sync{next(_numbers)}-{id(control_plane) % 1000}"
        control_plane.kubectl("create", "namespace", namespace)
        return cls(control_plane, namespace)

    def sync(
        self,
        *texts: str,
        is_complete: bool = True,
        contention: Contention | None = None,
        patience: Patience | None = None,
        kin: Kin | None = None,
        revision: Revision | None = None,
        **settings: object,
    ) -> Synced:
        """Sync manifests as a fresh process would; a new revision, if none is given."""
        self.revision = revision or Revision("main", f"{next(self.revisions):040x}")
        source = SourceSettings(
            name=self.source or self.namespace,
            git=GitSettings(url=self.url or f"https://git.example/{self.source or self.namespace}"),
            sync=replace(self.settings, **settings),  # type: ignore[arg-type]  # by name
            default_namespace=self.namespace,
        )
        connected = KubernetesCluster.connect(
            ClusterSettings(
                kubeconfig=self.kubeconfig or self.control_plane.kubeconfig,
                namespace=f"{self.namespace}-state",
            )
        )
        try:
            return sync(
                connected.acting_as(self.account) if self.account else connected,
                build({f"file{number}.yaml": text for number, text in enumerate(texts)}),
                source=source,
                revision=self.revision,
                unread=() if is_complete else [ManifestError("unreadable", where="bad.yaml:1")],
                progress=Recorder(),
                contention=contention,
                patience=patience,
                kin=kin,
            )
        finally:
            connected.close()

    def actions(self, synced: Synced) -> Mapping[str, Action]:
        """Return what was done, by ``kind/name``."""
        return {
            f"{report.key.kind.lower()}/{report.key.name}": report.action
            for report in synced.report.objects
        }

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind's objects in the namespace, but for what each one gets."""
        items = self.control_plane.get("-n", self.namespace, kind)["items"]
        names = [str(item["metadata"]["name"]) for item in items]
        return [name for name in names if name != "kube-root-ca.crt"]  # a controller's, some time

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.control_plane.kubectl("-n", self.namespace, *arguments, stdin=stdin)


def config_map(name: str, value: str = "1", extra: str = "") -> str:
    """Return a ConfigMap's manifest; ``extra`` goes into its metadata."""
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
{extra}data:
  key: '{value}'
"""


def deployment(name: str, image: str = "nginx:1", labels: str = "") -> str:
    """Return a Deployment's manifest."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}{labels}}}}}
    spec: {{containers: [{{name: web, image: "{image}"}}]}}
"""
