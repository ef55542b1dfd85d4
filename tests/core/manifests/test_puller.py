import pytest

from reconciler.core.images.pull_secret import Puller
from reconciler.core.manifests.images import inspect

CONTAINERS = "containers: [{name: a, image: w:1}]"


def manifest(kind: str, spec: str, *, namespace: str = "") -> str:
    metadata = f"name: web, {namespace} annotations: {{fluxcd.io/automated: 'true'}}"
    return f"apiVersion: example.org/v1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec: {spec}\n"


def puller(text: str) -> Puller:
    (field,) = inspect("a.yaml", text, default_namespace="base").fields
    return field.puller


def pod(more: str) -> Puller:
    return puller(manifest("Pod", f"{{{CONTAINERS}, {more}}}"))


POD = f"{{imagePullSecrets: [{{name: regcred}}], serviceAccountName: shop, {CONTAINERS}}}"
TEMPLATE = f"{{template: {{spec: {POD}}}}}"


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Pod", POD),
        *(
            (kind, TEMPLATE)
            for kind in (
                "Deployment",
                "StatefulSet",
                "DaemonSet",
                "ReplicaSet",
                "ReplicationController",
                "Job",
                "Rollout",
            )
        ),
        ("CronJob", f"{{jobTemplate: {{spec: {TEMPLATE}}}}}"),
    ],
)
def test_every_kind_of_workload_says_who_pulls_its_images(kind: str, spec: str) -> None:
    assert puller(manifest(kind, spec)) == Puller("base", ("regcred",), "shop")


def test_items_of_lists_say_it_too() -> None:
    item = manifest("Deployment", TEMPLATE).replace("\n", ", ").removesuffix(", ")

    assert puller(f"{{apiVersion: v1, kind: List, items: [{{{item}}}]}}").service_account == "shop"


def test_secrets_stand_in_the_workloads_namespace() -> None:
    text = manifest("Pod", POD, namespace="namespace: web,")

    assert puller(text) == Puller("web", ("regcred",), "shop")


@pytest.mark.parametrize(
    ("more", "account"),
    [
        pytest.param("serviceAccountName: new", "new", id="name"),
        pytest.param("serviceAccount: old", "old", id="legacy"),
        pytest.param("serviceAccount: old, serviceAccountName: new", "new", id="both"),
        pytest.param("serviceAccount: old, serviceAccountName: ''", "old", id="empty"),
        pytest.param("hostNetwork: true", "default", id="none"),
        pytest.param("serviceAccountName: [new]", "default", id="no-text"),
    ],
)
def test_the_service_account_is_the_one_that_the_pods_would_run_as(more: str, account: str) -> None:
    assert pod(more).service_account == account


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        pytest.param("[{name: b}, {name: a}]", ("b", "a"), id="in-order"),
        pytest.param("[{name: a}, {name: b}, {name: a}]", ("a", "b"), id="once"),
        pytest.param("[{name: ''}, {}, {name: a}]", ("a",), id="nameless"),
        pytest.param("[a, [a], {name: [a]}]", (), id="not-entries"),
        pytest.param("{name: a}", (), id="no-list"),
        pytest.param("null", (), id="null"),
    ],
)
def test_pull_secrets_are_named_in_the_order_of_the_manifest(
    listed: str, names: tuple[str, ...]
) -> None:
    assert pod(f"imagePullSecrets: {listed}").secrets == names


def test_anchors_and_merge_keys_are_followed() -> None:
    text = (
        "x-pull: &pull {imagePullSecrets: [{name: regcred}], serviceAccountName: shop}\n"
        + manifest("Pod", f"{{<<: *pull, {CONTAINERS}}}")
    )

    assert puller(text) == Puller("base", ("regcred",), "shop")
