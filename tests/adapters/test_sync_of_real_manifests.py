"""Syncs of what stands in the manifests that people have, on a real API server."""

import pytest

from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import RefusedError
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

RBAC = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n"
CERTIFICATE = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME}\nspec: {containers: [CONTAINER]}\n"


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


def test_an_aggregated_role_keeps_the_rules_that_the_control_plane_gives_it(
    cluster: Cluster,
) -> None:
    name = cluster.namespace
    role = f"""\
{RBAC}metadata: {{name: {name}}}
aggregationRule: {{clusterRoleSelectors: [{{matchLabels: {{{name}: "true"}}}}]}}
rules: []  # filled in
"""
    part = f"""\
{RBAC}metadata: {{name: {name}-part, labels: {{{name}: "true"}}}}
rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]
"""

    cluster.sync(role, part)
    cluster.kubectl("wait", f"clusterrole/{name}", "--for=jsonpath={.rules[0].resources[0]}=pods")
    again = cluster.sync(role, part)

    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_a_certificate_that_is_injected_for_a_webhook_stays(cluster: Cluster) -> None:
    name = cluster.namespace
    hooks = f"""\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: {name}}}
webhooks:
- name: a.{name}.example
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {{caBundle: Cg==, service: {{name: nobody, namespace: {name}}}}}
  rules: [{{apiGroups: [{name}], apiVersions: [v1], operations: [CREATE], resources: [none]}}]
"""
    path = "/webhooks/0/clientConfig/caBundle"
    patch = f'[{{"op": "add", "path": "{path}", "value": "{CERTIFICATE}"}}]'

    cluster.sync(hooks)
    cluster.kubectl(
        "patch",
        "validatingwebhookconfiguration",
        name,
        "--field-manager=cainjector",
        "--type=json",
        f"--patch={patch}",
    )
    again = cluster.sync(hooks)

    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_the_control_plane_counts_the_revisions_of_an_exported_deployment(
    cluster: Cluster,
) -> None:
    revision = "metadata: {name: web, annotations: {deployment.kubernetes.io/revision: '7'}}"
    exported = deployment("web").replace("metadata: {name: web}", revision)

    cluster.sync(exported)
    again = cluster.sync(exported)

    assert cluster.actions(again) == {"deployment/web": Action.UNCHANGED}


def test_what_others_add_where_nothing_was_written_is_no_change(cluster: Cluster) -> None:
    nothing = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {}}\ndata: {}\n"

    cluster.sync(nothing)
    cluster.kubectl("annotate", "configmap", "a", "note=theirs")
    cluster.kubectl("patch", "configmap", "a", '--patch={"data":{"ca.crt":"theirs"}}')
    again = cluster.sync(nothing)

    assert cluster.actions(again) == {"configmap/a": Action.UNCHANGED}


def test_what_the_api_server_cannot_read_holds_back_its_object_until_a_person_mends_it(
    cluster: Cluster,
) -> None:
    quantity = POD.replace("NAME", "a").replace(
        "CONTAINER", "{name: a, image: b, resources: {requests: {cpu: 1 core}}}"
    )
    binary = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\nbinaryData: {a: '**'}\n"
    time = (
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: c}\n"
        "spec: {renewTime: 2024-01-01T00:00:00Z}\n"
    )

    synced = cluster.sync(quantity, binary, time, config_map("good"))

    assert cluster.actions(synced)["configmap/good"] is Action.CREATED
    assert [type(each) for each in synced.problems] == [RefusedError] * 3
    assert {str(each).partition(":")[0] for each in synced.problems} == {
        "file0.yaml",
        "file1.yaml",
        "file2.yaml",
    }


def test_what_can_only_be_asked_of_an_api_server_holds_back_itself_alone(
    cluster: Cluster,
) -> None:
    review = "apiVersion: authentication.k8s.io/v1\nkind: TokenReview\nmetadata: {name: a}\n"
    binding = "apiVersion: v1\nkind: Binding\nmetadata: {name: b}\ntarget: {name: c}\n"

    synced = cluster.sync(review, binding, config_map("good"))

    assert cluster.actions(synced)["configmap/good"] is Action.CREATED
    first, second = sorted(map(str, synced.problems))
    assert first.startswith("file0.yaml:1: tokenreview.authentication.k8s.io/a: objects of Token")
    assert second.startswith("file1.yaml:1: binding/b (")
    assert second.endswith("objects of Binding are not kept: it cannot be applied")
