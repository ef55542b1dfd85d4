from reconciler.core.objects.definitions import DEFINITION, defined_by
from reconciler.core.objects.identity import GroupKind, ObjectKey
from tests.fakes.objects import desired_object

CRD = ObjectKey(DEFINITION.group, DEFINITION.kind, "", "webs.acme.example")


def test_what_a_definition_serves_is_told_by_kind_and_everything_else_passed_over() -> None:
    versions = [
        {"name": "v1", "served": True},
        {"name": "v1alpha1", "served": False},
        {"name": "v2", "served": True},
    ]
    spec = {"group": "acme.example", "names": {"kind": "Web"}, "versions": versions}

    found = defined_by([desired_object(), desired_object(CRD, spec=spec)])

    assert found == {GroupKind("acme.example", "Web"): {"v1", "v2"}}


def test_a_definition_that_is_not_one_defines_nothing_that_is_served() -> None:
    found = defined_by([desired_object(CRD, spec={"versions": "v1"}), desired_object(CRD)])

    assert not any(found.values())
