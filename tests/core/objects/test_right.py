"""The rights that a sync takes."""

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.right import Right, named, rights_for, rule_for, summary_of

DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", is_namespaced=True)
SECRETS = Resource("", "v1", "Secret", "secrets", is_namespaced=True)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", is_namespaced=False)
WEB = ObjectKey("apps", "Deployment", "web", "nginx")


def verbs(rights: tuple[Right, ...]) -> list[str]:
    return [each.verb for each in rights]


def test_several_objects_of_a_kind_and_namespace_take_the_rights_once() -> None:
    other = ObjectKey("apps", "Deployment", "web", "api")

    wanted = rights_for([(DEPLOYMENTS, WEB), (DEPLOYMENTS, other)], has_prune=True)

    assert verbs(wanted.must) == ["create", "patch"]
    assert verbs(wanted.should) == ["delete", "get", "list"]
    assert wanted.must[0] == Right("apps", "deployments", "web", "create")


def test_without_prune_nothing_is_to_be_deleted() -> None:
    assert verbs(rights_for([(DEPLOYMENTS, WEB)], has_prune=False).should) == ["get", "list"]


def test_secrets_need_not_be_listed_and_namespaces_not_be_deleted() -> None:
    secret = rights_for([(SECRETS, ObjectKey("", "Secret", "web", "s"))], has_prune=True)
    namespace = rights_for([(NAMESPACES, ObjectKey("", "Namespace", "", "web"))], has_prune=True)

    assert verbs(secret.should) == ["delete", "get"]
    assert verbs(namespace.should) == ["get", "list"]
    assert {each.namespace for each in namespace.must} == {""}


def test_rights_are_told_by_kind_and_namespace_and_not_more_than_five() -> None:
    rights = [Right("", f"kind{number}", "web", "patch") for number in range(7)]
    rights += [Right("", "kind0", "web", "create")]

    said = summary_of(rights)

    assert said.startswith("create, patch kind0 in namespace web; patch kind1 in namespace web")
    assert said.endswith("; and 2 more")
    assert summary_of([]) == ""


def test_the_rule_is_of_the_first_and_of_all_its_verbs() -> None:
    rights = [Right("apps", "deployments", "a", "patch"), Right("apps", "deployments", "b", "get")]

    assert rule_for(rights) == 'apiGroups: ["apps"], resources: [deployments], verbs: [get, patch]'


def test_a_review_names_what_there_is() -> None:
    assert Right("", "secrets", "", "get").attributes == {"resource": "secrets", "verb": "get"}
    assert [each.name for each in named(Right("", "s", "n", "get"), ["a", "b"])] == ["a", "b"]
