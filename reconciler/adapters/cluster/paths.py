"""The paths of the Kubernetes API."""

from urllib.parse import quote

from reconciler.core.objects.resource import Resource


def collection_path(resource: Resource, namespace: str = "") -> str:
    """Return the path of all objects of a resource, or of those in one namespace."""
    root = f"/apis/{resource.group}" if resource.group else "/api"
    scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
    return f"{root}/{resource.version}{scope}/{resource.plural}"


def object_path(resource: Resource, *, namespace: str, name: str) -> str:
    """Return the path of one object; the namespace counts only if the resource has one."""
    scope = namespace if resource.is_namespaced else ""
    return f"{collection_path(resource, scope)}/{quote(name, safe='')}"
