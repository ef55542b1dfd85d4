"""Whose registry secrets a workload's images are pulled with."""

from collections.abc import Iterator

from reconciler.core.images.pull_secret import DEFAULT_ACCOUNT, Puller
from reconciler.core.manifests.document import Mapping, Sequence
from reconciler.core.manifests.helm_release import is_helm_release, target_namespace
from reconciler.core.manifests.workload import Workload


def puller_of(workload: Workload) -> Puller:
    """Return who pulls the images of a workload, as its pod spec says.

    ``serviceAccount`` is the older name of ``serviceAccountName`` and counts where that is not set
    (Kubernetes, ``Convert_v1_PodSpec_To_core_PodSpec``); pods that name none get ``default``. What
    runs the images of a Helm release is not known, but for the namespace.
    """
    spec = workload.pod_spec
    if spec is None:
        is_release = is_helm_release(workload.key)
        target = target_namespace(workload.node) if is_release else ""
        return Puller(target or workload.key.namespace)
    account = spec.text("serviceAccountName") or spec.text("serviceAccount") or DEFAULT_ACCOUNT
    return Puller(workload.key.namespace, tuple(dict.fromkeys(_secrets(spec))), account)


def _secrets(spec: Mapping) -> Iterator[str]:
    """Yield the names of ``imagePullSecrets``; the kubelet, too, passes over entries without one.

    (``getPullSecretsForPod``: the API server admits them, kubernetes#99454.)
    """
    listed = spec.get("imagePullSecrets")
    for entry in listed.inside if isinstance(listed, Sequence) else ():
        if isinstance(entry, Mapping) and (name := entry.text("name")):
            yield name
