import pytest

from reconciler.core.objects.filled_in import without_filled_in
from reconciler.core.objects.identity import GroupKind

CONFIG_MAP = GroupKind("", "ConfigMap")
DEPLOYMENT = GroupKind("apps", "Deployment")
ROLE = GroupKind("rbac.authorization.k8s.io", "ClusterRole")
WEBHOOKS = GroupKind("admissionregistration.k8s.io", "MutatingWebhookConfiguration")
DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
API_SERVICE = GroupKind("apiregistration.k8s.io", "APIService")
PLACEHOLDERS = [
    pytest.param("", id="empty"),
    pytest.param("Cg==", id="kubebuilder"),
    pytest.param(None, id="null"),
]
CERTIFICATE = "LS0tLS1CRUdJTg=="


def test_rules_that_the_control_plane_fills_in_are_not_sent() -> None:
    aggregated = {"aggregationRule": {"clusterRoleSelectors": []}, "rules": []}
    plain: dict[str, object] = {"aggregationRule": None, "rules": []}

    assert "rules" not in without_filled_in(ROLE, aggregated)
    assert without_filled_in(ROLE, plain) == plain


def test_the_revision_that_a_deployment_was_exported_with_is_not_sent() -> None:
    exported = {"deployment.kubernetes.io/revision": "7", "note": "ours"}
    body: dict[str, object] = {"metadata": {"name": "a", "annotations": exported}}

    sent = without_filled_in(DEPLOYMENT, body)

    assert sent == {"metadata": {"name": "a", "annotations": {"note": "ours"}}}


@pytest.mark.parametrize("nothing", [pytest.param({}, id="empty"), pytest.param(None, id="null")])
def test_what_is_empty_and_may_be_added_to_is_not_sent(nothing: object) -> None:
    metadata = {"name": "a", "annotations": nothing, "labels": nothing}
    template = {"metadata": {"annotations": nothing}, "spec": {"nodeSelector": {}}}

    workload = without_filled_in(DEPLOYMENT, {"metadata": metadata, "spec": {"template": template}})
    config_map = without_filled_in(CONFIG_MAP, {"metadata": {"name": "a"}, "data": nothing})

    assert workload == {
        "metadata": {"name": "a"},
        "spec": {"template": {"metadata": {}, "spec": {"nodeSelector": {}}}},
    }
    assert config_map == {"metadata": {"name": "a"}}


@pytest.mark.parametrize("bundle", PLACEHOLDERS)
def test_bundles_that_hold_no_certificate_are_not_sent(bundle: object) -> None:
    client = {"url": "https://a", "caBundle": bundle}
    bare = {"url": "https://a"}

    hooks = without_filled_in(WEBHOOKS, {"webhooks": [{"name": "a", "clientConfig": client}, 1]})
    definition = without_filled_in(
        DEFINITION, {"spec": {"conversion": {"webhook": {"clientConfig": client}}}}
    )
    service = without_filled_in(API_SERVICE, {"spec": {"group": "a", "caBundle": bundle}})

    assert hooks == {"webhooks": [{"name": "a", "clientConfig": bare}, 1]}
    assert definition == {"spec": {"conversion": {"webhook": {"clientConfig": bare}}}}
    assert service == {"spec": {"group": "a"}}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(API_SERVICE, {"spec": {"caBundle": CERTIFICATE}}, id="a-certificate"),
        pytest.param(API_SERVICE, {"spec": {"caBundle": "no base64"}}, id="no-base64"),
        pytest.param(API_SERVICE, {"spec": {"caBundle": 1}}, id="no-text"),
        pytest.param(API_SERVICE, {"spec": "caBundle"}, id="no-mapping"),
        pytest.param(DEFINITION, {"spec": {"conversion": {"strategy": "None"}}}, id="no-webhook"),
        pytest.param(WEBHOOKS, {"webhooks": None}, id="no-webhooks"),
        pytest.param(DEPLOYMENT, {"metadata": {"name": "a"}}, id="no-annotations"),
        pytest.param(DEPLOYMENT, {"metadata": {"labels": {"a": "b"}}}, id="labels"),
        pytest.param(CONFIG_MAP, {"spec": {"caBundle": ""}}, id="another-kind"),
    ],
)
def test_what_says_something_is_sent_as_it_is_written(
    kind: GroupKind, body: dict[str, object]
) -> None:
    assert without_filled_in(kind, body) == body
