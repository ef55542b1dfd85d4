"""The paths of the Kubernetes API."""

from urllib.parse import quote

from reconciler.core.objects.resource import Resource
from reconciler.errors import RefusedError


def collection_path(resource: Resource, namespace: str = "") -> str:
    """Return the path of all objects of a resource, or of those in one namespace.

    Raises:
        RefusedError: that is no name of a namespace.
    """
    root = f"/apis/{resource.group}" if resource.group else "/api"
    scope = f"/namespaces/{_step(namespace)}" if namespace else ""
    return f"{root}/{resource.version}{scope}/{resource.plural}"


def object_path(resource: Resource, *, namespace: str, name: str) -> str:
    """Return the path of one object; the namespace counts only if the resource has one.

    Raises:
        RefusedError: that is no name, or none of a namespace.
    """
    scope = namespace if resource.is_namespaced else ""
    return f"{collection_path(resource, scope)}/{_step(name)}"


def _step(name: str) -> str:
    """Return a name as one step of a path.

    Dots are not escaped, and a client or proxy may take these two for what they are in a path:
    ``namespaces/../secrets`` are the Secrets of all namespaces.
    """
    if name in (".", ".."):
        raise RefusedError(f"no object is called {name!r}")
    return quote(name, safe="")
