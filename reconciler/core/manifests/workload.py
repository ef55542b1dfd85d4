"""Where each kind of workload keeps its containers."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.manifests import helm_release, kustomization
from reconciler.core.manifests.container import Container, whole
from reconciler.core.manifests.document import Mapping, Node, Scalar, Sequence
from reconciler.core.objects.identity import ObjectKey, split_api_version

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_POD_SPECS = (
    ("spec", "template", "spec"),  # Deployment, StatefulSet, Job, Rollout, Knative Service …
    ("spec", "jobTemplate", "spec", "template", "spec"),  # CronJob
)
_MAX_LIST_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Workload:
    """An object that may run containers, or sets their images.

    Attributes:
        key: which object; the namespace as written, or the default one.
        annotations: its own, with their scalars, in order.
        containers: those of its pod template, then its image volumes; the images of a
            kustomization, or of a Helm release; empty for other objects.
        pod_spec: the pod template's spec; None for other objects.
        node: all of it.
    """

    key: ObjectKey
    annotations: tuple[tuple[Scalar, Node], ...]
    containers: tuple[Container, ...]
    pod_spec: Mapping | None
    node: Mapping


def workloads_in(
    root: Node | None, *, default_namespace: str, path: str = ""
) -> Iterator[Workload]:
    """Yield the objects of a document: itself, or the items of a ``List``.

    Args:
        root: of the document.
        default_namespace: of objects that name none.
        path: the manifest; kustomize knows its files by their names.
    """
    if isinstance(root, Mapping) and kustomization.is_kustomization(root, path):
        yield _kustomization(root, path, default_namespace)
        return
    yield from _objects(root, default_namespace, depth=0, seen=set())


def _objects(
    node: Node | None, default_namespace: str, *, depth: int, seen: set[int]
) -> Iterator[Workload]:
    """Yield objects, each once: lists of lists of aliases would never end."""
    if not isinstance(node, Mapping) or depth > _MAX_LIST_DEPTH or id(node) in seen:
        return
    seen.add(id(node))
    kind, items = node.text("kind"), node.get("items")
    if kind.endswith("List") and isinstance(items, Sequence):
        for item in items.inside:
            yield from _objects(item, default_namespace, depth=depth + 1, seen=seen)
    elif kind and node.text("apiVersion"):
        yield _workload(node, kind, default_namespace)


def _workload(node: Mapping, kind: str, default_namespace: str) -> Workload:
    group, _ = split_api_version(node.text("apiVersion"))
    metadata = node.mapping("metadata")
    name = metadata.text("name")
    namespace = metadata.text("namespace") or default_namespace
    spec = _pod_spec(node, kind)
    key = ObjectKey(group, kind, namespace, name)
    annotations = tuple(_annotations(node))
    if helm_release.is_helm_release(key):
        containers = helm_release.containers_of(node, annotations)
    else:
        containers = (*_containers(spec), *_image_volumes(spec))
    return Workload(
        key=key,
        annotations=annotations,
        containers=containers,
        pod_spec=spec,
        node=node,
    )


def _kustomization(root: Mapping, path: str, default_namespace: str) -> Workload:
    key = ObjectKey(
        kustomization.GROUP,
        kustomization.KIND,
        root.text("namespace") or default_namespace,
        kustomization.name_of(root, path),
    )
    containers = tuple(kustomization.containers_of(root))
    return Workload(key, tuple(_annotations(root)), containers, pod_spec=None, node=root)


def _annotations(node: Mapping) -> Iterator[tuple[Scalar, Node]]:
    pairs = node.mapping("metadata").mapping("annotations").merged_entries()
    return ((key, value) for key, value in pairs if isinstance(key, Scalar))


def _pod_spec(node: Mapping, kind: str) -> Mapping | None:
    paths = (("spec",),) if kind == "Pod" else _POD_SPECS
    for path in paths:
        at: Node | None = node
        for step in path:
            at = at.get(step) if isinstance(at, Mapping) else None
        if isinstance(at, Mapping):
            return at
    return None


def _containers(spec: Mapping | None) -> Iterator[Container]:
    for name in CONTAINER_LISTS if spec else ():
        entries = spec.get(name) if spec else None
        for entry in entries.inside if isinstance(entries, Sequence) else ():
            if isinstance(entry, Mapping):
                yield Container(entry.text("name"), whole(entry.get("image")), entry.line)


def _image_volumes(spec: Mapping | None) -> Iterator[Container]:
    """Yield the volumes that are images (Kubernetes, ``volumes[].image.reference``)."""
    volumes = spec.get("volumes") if spec else None
    for entry in volumes.inside if isinstance(volumes, Sequence) else ():
        image = entry.get("image") if isinstance(entry, Mapping) else None
        if isinstance(entry, Mapping) and isinstance(image, Mapping):
            yield Container(entry.text("name"), whole(image.get("reference")), entry.line)
