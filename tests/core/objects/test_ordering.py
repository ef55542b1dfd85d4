import pytest

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.ordering import Stage, removal_order, stage_of, stages
from tests.fakes.objects import NGINX, desired_object, key

NAMESPACE = key("Namespace", "web", namespace="")
SERVICE = key("Service")
WEBHOOK = ObjectKey("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "x")
INGRESS = key("Ingress", group="networking.k8s.io")
ROLE = key("Role", group="rbac.authorization.k8s.io")
CONFIG = key("ConfigMap")
ORDER = (NAMESPACE, ROLE, CONFIG, SERVICE, NGINX, INGRESS, WEBHOOK)


@pytest.mark.parametrize(
    ("group", "kind", "stage"),
    [
        ("apiextensions.k8s.io", "CustomResourceDefinition", Stage.DEFINITIONS),
        ("", "Namespace", Stage.DEFINITIONS),
        ("storage.k8s.io", "StorageClass", Stage.CLASSES),
        ("scheduling.k8s.io", "PriorityClass", Stage.CLASSES),
        ("node.k8s.io", "RuntimeClass", Stage.CLASSES),
        ("networking.k8s.io", "IngressClass", Stage.CLASSES),
        ("gateway.networking.k8s.io", "GatewayClass", Stage.CLASSES),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding", Stage.CLASSES),
        ("", "ServiceAccount", Stage.CONFIG),
        ("", "PersistentVolumeClaim", Stage.CONFIG),
        ("networking.k8s.io", "NetworkPolicy", Stage.CONFIG),
        ("", "Service", Stage.SERVICES),
        ("serving.knative.dev", "Service", Stage.OTHERS),
        ("batch", "CronJob", Stage.WORKLOADS),
        ("cert-manager.io", "Certificate", Stage.OTHERS),
        ("autoscaling", "HorizontalPodAutoscaler", Stage.OTHERS),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", Stage.ADMISSION),
        ("apiregistration.k8s.io", "APIService", Stage.ADMISSION),
    ],
)
def test_every_kind_has_its_stage(group: str, kind: str, stage: Stage) -> None:
    assert stage_of(GroupKind(group, kind)) is stage


def test_what_others_need_is_applied_first_and_what_may_stand_in_the_way_last() -> None:
    groups = stages(desired_object(each) for each in reversed(ORDER))

    assert [[each.key for each in group] for group in groups] == [[each] for each in ORDER]


def test_objects_of_one_stage_are_together_in_the_order_of_their_keys() -> None:
    job, other = key("Job", group="batch"), key("Deployment", "a", group="apps")

    (group,) = stages(desired_object(each) for each in (job, NGINX, other))

    assert [each.key for each in group] == [other, NGINX, job]


def test_no_objects_have_no_stages() -> None:
    assert stages([]) == ()


def test_removal_goes_the_other_way() -> None:
    assert removal_order(ORDER) == tuple(reversed(ORDER))
