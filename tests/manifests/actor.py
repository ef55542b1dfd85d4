"""The program, run as the ServiceAccount of an installation, and what it asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.audit import Asked
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.identity import ObjectKey, split_api_version
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.health import by_kind, wait_for_health
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop
from tests.e2e.world import Done, World
from tests.manifests.installation import NAMESPACE, USER, Grant, Installation

KINDS = Path(__file__).parents[1] / "data" / "kinds"


def kinds(name: str) -> str:
    """Return manifests of one object a kind."""
    return (KINDS / f"{name}.yaml").read_text()


def deleted(manifests: str) -> list[ObjectKey]:
    """Return the keys of objects that are not there, of the kinds and namespaces of manifests."""
    keys = []
    for document in parse_documents(manifests, path=""):
        item: Any = to_value(document.root, path="") if document.root else {}
        group, _ = split_api_version(item["apiVersion"])
        namespace = item["metadata"].get("namespace", "")
        keys.append(ObjectKey(group, item["kind"], namespace, "deleted"))
    return keys


@dataclass
class Actor:
    """One who syncs a story with the rights of an installation and no others."""

    world: World
    installation: Installation
    _mark: int = field(init=False)

    def __post_init__(self) -> None:
        self._mark = self.world.control_plane.mark()

    def run(self, *more: str) -> Done:
        """Run the program."""
        kubeconfig = str(self.installation.kubeconfig())
        return self.world.run("--kubeconfig", kubeconfig, "--namespace", NAMESPACE, *more)

    def succeed(self, *more: str) -> None:
        """Run the program, which ends with everything healthy and nothing said."""
        done = self.run("--timeout", "90s", *more)
        assert (done.code, done.err) == (0, "")

    def put(self, text: str | None, *, name: str = "kinds") -> None:
        """Have manifests in Git, beside the story's own; None: not any more."""
        content = None if text is None else self._own(text).encode()
        self.world.remote.put({f"workloads/{name}.yaml": content})

    def kubectl(self, verb: str, *arguments: str, manifests: str) -> None:
        """Do something with objects, as an administrator."""
        control_plane = self.world.control_plane
        control_plane.kubectl(verb, "-f", "-", *arguments, stdin=self._own(manifests))

    def wait_in_vain(self, manifests: str, needed: Collection[Grant]) -> None:
        """Wait for objects as if somebody had deleted them right after they were applied.

        Nobody else is waited for of the kinds that are healthy by being there.

        Args:
            manifests: of the kinds.
            needed: what it has asked for after that; it waits longer if the machine is too busy.
        """
        settings = ClusterSettings(self.installation.kubeconfig(), namespace=NAMESPACE)
        cluster = KubernetesCluster.connect(settings)
        wanted = by_kind(deleted(self._own(manifests)), Catalog.of(cluster).any_resource)
        for timeout_s in (5.0, 20.0, 60.0):
            wait_for_health(
                cluster,
                wanted,
                part_of="nobody",
                timeout_s=timeout_s,
                on_wait=lambda: None,
                stop=Stop(),
            )
            if self.used() >= set(needed):
                break
        cluster.close()

    def asked(self) -> Sequence[Asked]:
        """Return what it has asked for so far."""
        return self.world.control_plane.asked(since=self._mark, user=USER)

    def used(self, *namespaces: str) -> set[Grant]:
        """Return what it was granted in namespaces; empty: in those and outside of any."""
        return {
            (each.group, each.resource, each.verb)
            for each in self.asked()
            if each.status != 403 and (not namespaces or each.namespace in namespaces)
        }

    def denied(self) -> list[Asked]:
        """Return what it was refused, but for the question whether a right is for all namespaces.

        That is asked first for each kind, and the answer "no" is as good as a "yes".
        """
        wide = ("list", "watch")
        refused = [each for each in self.asked() if each.status == 403]
        return [each for each in refused if each.namespace or each.verb not in wide]

    def _own(self, text: str) -> str:
        return text.replace("NAMESPACE", self.world.name)
