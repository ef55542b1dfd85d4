"""What somebody wants to have installed, and the objects that it takes."""

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.installation.kinds import key_of, place_of
from reconciler.core.installation.overlays import Body, built, marks_of
from reconciler.core.objects.fields import items_of, mapping_of
from reconciler.core.objects.identity import ObjectKey

OWNER_LABEL: Final = "reconcile/installed-in"
"""On all that ``install`` makes: the namespace of the installation that it belongs to."""

SETTINGS: Final = "settings"
SETTINGS_KEY: Final = "reconcile.yaml"
_SETTINGS_HASH: Final = "reconcile/settings-hash"
_OURS: Final = "reconcile"  # the namespace that our manifests name
_TENANT: Final = "web"  # and that of their tenant
_HASH_LETTERS: Final = 16


@dataclass(frozen=True, slots=True)
class InstallRequest:
    """What somebody wants to have installed.

    Attributes:
        namespace: where.
        image: of the reconciler.
        settings: the text of its configuration file.
        is_admin: whether it may do everything.
        is_cluster_wide: whether it manages all namespaces.
        syncs_secrets: whether it may sync Secrets.
        manages: namespaces that are given to it.
        tenants: namespaces with a ServiceAccount that sources act as.
    """

    namespace: str
    image: str
    settings: str
    is_admin: bool = False
    is_cluster_wide: bool = False
    syncs_secrets: bool = False
    manages: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()


def objects_of(
    request: InstallRequest, texts: Mapping[str, str], *, has_owner: bool = True
) -> dict[ObjectKey, Body]:
    """Return the objects that a request takes, in the order in which they are made.

    Args:
        request: what is wanted.
        texts: our manifests, by path.
        has_owner: whether they say that ``install`` made them.

    Raises:
        ManifestError: our manifests are not as they were made.
    """
    bodies = list(_bodies(request, texts))
    if has_owner:
        for body in bodies:
            labels = {**mapping_of(body["metadata"].get("labels")), OWNER_LABEL: request.namespace}
            body["metadata"] = {**body["metadata"], "labels": labels}
    found = {key_of(body): body for body in bodies}
    return dict(sorted(found.items(), key=lambda item: place_of(item[0])))


def _bodies(request: InstallRequest, texts: Mapping[str, str]) -> Iterator[Body]:
    moved = {_OURS: request.namespace}
    main = "base"
    if request.is_admin or request.is_cluster_wide:
        main = "admin" if request.is_admin else "cluster-wide"
    for body in built(main, texts):
        yield _with_settings(_relocated(body, moved), request)
    if request.syncs_secrets:
        yield from built("secrets", texts)
    for namespace in dict.fromkeys(request.manages):
        for body in built("namespace", texts):
            body["metadata"] = {**body["metadata"], "namespace": namespace}
            yield _relocated(body, {_OURS: request.namespace}, only_subjects=True)
    for namespace in dict.fromkeys(request.tenants):
        for body in built("tenant", texts):
            yield _relocated(body, {**moved, _TENANT: namespace})
    metadata = marks_of("base", texts)
    yield {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SETTINGS, "namespace": request.namespace, **metadata},
        "data": {SETTINGS_KEY: request.settings},
    }


def _relocated(body: Body, moved: Mapping[str, str], *, only_subjects: bool = False) -> Body:
    """Put an object, and whom it speaks of, into other namespaces, as kustomize does."""
    found = copy.deepcopy(body)
    metadata = found["metadata"]
    if not only_subjects and "namespace" in metadata:
        metadata["namespace"] = moved.get(metadata["namespace"], metadata["namespace"])
    if found.get("kind") == "Namespace":
        metadata["name"] = moved.get(metadata["name"], metadata["name"])
    for subject in items_of(found.get("subjects")):
        if isinstance(subject, dict) and "namespace" in subject:
            subject["namespace"] = moved.get(subject["namespace"], subject["namespace"])
    return found


def _with_settings(body: Body, request: InstallRequest) -> Body:
    """Give our pod its image, and let it be another one when its settings are."""
    if body.get("kind") != "Deployment":
        return body
    template = body["spec"]["template"]
    template["spec"]["containers"][0]["image"] = request.image
    digest = hashlib.sha256(request.settings.encode()).hexdigest()[:_HASH_LETTERS]
    metadata = template["metadata"]
    metadata["annotations"] = {**metadata.get("annotations", {}), _SETTINGS_HASH: digest}
    return body
