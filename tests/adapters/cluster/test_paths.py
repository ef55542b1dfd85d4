import pytest

from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.core.objects.resource import Resource
from reconciler.errors import RefusedError

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
NODE = Resource("", "v1", "Node", "nodes", is_namespaced=False)


def test_a_name_is_one_step_of_a_path_whatever_it_holds() -> None:
    path = object_path(CONFIG_MAP, namespace="a/b", name="../c?d#e%2f")

    assert path == "/api/v1/namespaces/a%2Fb/configmaps/..%2Fc%3Fd%23e%252f"


@pytest.mark.parametrize("name", [".", ".."])
def test_what_leads_elsewhere_in_a_path_is_the_name_of_nothing(name: str) -> None:
    for namespace, of_object in ((name, "a"), ("a", name)):
        with pytest.raises(RefusedError, match="no object is called"):
            object_path(CONFIG_MAP, namespace=namespace, name=of_object)
    with pytest.raises(RefusedError):
        collection_path(CONFIG_MAP, name)


def test_the_namespace_of_what_has_none_is_not_judged() -> None:
    assert object_path(NODE, namespace="..", name="a") == "/api/v1/nodes/a"
