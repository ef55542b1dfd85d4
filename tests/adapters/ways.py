"""Ways in which others change objects that Git has: what is ours to mend, and what is theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.objects.applyset import PART_OF_LABEL
from tests.adapters.raw_requests import APPLY_PATCH, JSON_PATCH, STRATEGIC_PATCH, Raw
from tests.simulators.fault_proxy import until

Change = Callable[[Raw, str, Mapping[str, Any]], object]
"""What somebody does, given the object's path and the object as it was applied."""


@dataclass(frozen=True)
class Way:
    """Something that somebody does to one object.

    Attributes:
        name: the way's; the object has it too.
        manifest: the object, but for its name.
        change: does it.
    """

    name: str
    manifest: Mapping[str, Any]
    change: Change

    @property
    def text(self) -> Mapping[str, Any]:
        """The manifest with the object's name in it."""
        metadata = {**self.manifest.get("metadata", {}), "name": self.name}
        return {**self.manifest, "metadata": metadata}

    def path(self, raw: Raw) -> str:
        return raw.path(self.manifest["kind"], self.name, self.manifest["apiVersion"])


def _config(**metadata: object) -> Mapping[str, Any]:
    data = {"key": "1", "other": "2"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _deployment(**spec: object) -> Mapping[str, Any]:
    container = {
        "name": "web",
        "image": "nginx:1",
        "args": ["-a", "-b"],
        "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 80}, {"containerPort": 81}],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - in a container
    }
    pod = {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    selector = {"matchLabels": {"app": "web"}}
    wanted = {"replicas": 0, "selector": selector, "template": template, **spec}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": wanted}


def _service(**spec: object) -> Mapping[str, Any]:
    ports = [{"name": "http", "port": 80}, {"name": "more", "port": 81}]
    wanted = {"selector": {"app": "web"}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "spec": wanted}


def _custom() -> Mapping[str, Any]:
    spec = {"size": 1, "list": ["a"]}
    return {"apiVersion": "ways.example/v1", "kind": "Way", "spec": spec}


CONFIG: Mapping[str, Any] = _config()
DEPLOYMENT = _deployment()
SERVICE = _service()
CUSTOM = _custom()
SECRET: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "stringData": {"password": "canary"},
}
ROLE: Mapping[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}
ACCOUNT: Mapping[str, Any] = {"apiVersion": "v1", "kind": "ServiceAccount"}
CLAIM: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "none",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}
CRON: Mapping[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "spec": {
        "schedule": "@yearly",
        "suspend": False,
        "jobTemplate": {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "web", "image": "nginx:1"}],
                    }
                }
            }
        },
    },
}
JOB: Mapping[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "spec": CRON["spec"]["jobTemplate"]["spec"],
}
POD: Mapping[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
}
SCALER: Mapping[str, Any] = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "spec": {
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
    },
}
BUDGET: Mapping[str, Any] = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "none"}}},
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
DEFINITION: Mapping[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "ways.ways.example"},
    "spec": {
        "group": "ways.example",
        "scope": "Namespaced",
        "names": {"plural": "ways", "singular": "way", "kind": "Way"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer"},
                                    "list": {"type": "array", "items": {"type": "string"}},
                                    "colour": {"type": "string", "default": "red"},
                                    "note": {"type": "string"},
                                },
                            },
                            "status": {"type": "object", "properties": {"is": {"type": "string"}}},
                        },
                    }
                },
            }
        ],
    },
}


def _merge(body: object, *, manager: str = "kubectl-patch") -> Change:
    return lambda raw, path, _: raw.patch(path, body, manager=manager)


def _strategic(body: object, *, manager: str = "kubectl-patch") -> Change:
    return lambda raw, path, _: raw.patch(path, body, kind=STRATEGIC_PATCH, manager=manager)


def _json(*operations: Mapping[str, object], manager: str = "kubectl-patch") -> Change:
    return lambda raw, path, _: raw.patch(path, list(operations), kind=JSON_PATCH, manager=manager)


def _remove(pointer: str) -> Change:
    return _json({"op": "remove", "path": pointer})


def _status(body: object) -> Change:
    return lambda raw, path, _: raw.patch(f"{path}/status", body, manager="controller")


def _apply(body: Mapping[str, Any], *, manager: str, force: str = "true") -> Change:
    def change(raw: Raw, path: str, item: Mapping[str, Any]) -> object:
        named = {"name": item["metadata"]["name"]}
        whole = {**body, "metadata": {**body.get("metadata", {}), **named}}
        return raw.patch(path, whole, kind=APPLY_PATCH, manager=manager, force=force)

    return change


def _scale(manager: str) -> Change:
    return lambda raw, path, _: raw.patch(
        f"{path}/scale", {"spec": {"replicas": 2}}, manager=manager
    )


def _edit(raw: Raw, path: str, item: Mapping[str, Any]) -> None:
    raw.put(path, {**item, "data": {**item["data"], "key": "edited"}}, manager="kubectl-edit")


def _replace(raw: Raw, path: str, item: Mapping[str, Any]) -> None:
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": item["metadata"]["name"]}}
    raw.put(path, {**bare, "data": {"else": "where"}}, manager="kubectl-replace")


def _recreate(raw: Raw, path: str, item: Mapping[str, Any]) -> None:
    raw.delete(path)
    body = {"metadata": {"name": item["metadata"]["name"]}, "data": {"key": "another's"}}
    raw.post(path.rpartition("/")[0], body, manager="kubectl-create")


def _container(**fields: object) -> Mapping[str, object]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", **fields}]}}}}


_FIRST = "/spec/template/spec/containers/0"
_STRIPPED = {"op": "replace", "path": "/metadata/managedFields", "value": [{}]}
_KEPT = {"finalizers": ["ways.example/ours"]}

OURS: tuple[Way, ...] = (
    Way("edit", CONFIG, _edit),
    Way("merge-patch", CONFIG, _merge({"data": {"key": "drift"}})),
    Way("json-patch", CONFIG, _json({"op": "replace", "path": "/data/key", "value": "drift"})),
    Way("strategic-patch", DEPLOYMENT, _strategic(_container(image="drift:1"))),
    Way("scale", DEPLOYMENT, _scale("kubectl-scale")),
    Way("delete", CONFIG, lambda raw, path, _: raw.delete(path)),
    Way("delete-and-create", CONFIG, _recreate),
    Way("replace", CONFIG, _replace),
    Way("key-removed", CONFIG, _remove("/data/key")),
    Way("label-removed", _config(labels={"a": "1"}), _remove("/metadata/labels/a")),
    Way("label-changed", _config(labels={"a": "1"}), _merge({"metadata": {"labels": {"a": "2"}}})),
    Way("annotation-removed", _config(annotations={"a": "1"}), _remove("/metadata/annotations/a")),
    Way("set-label-removed", CONFIG, _merge({"metadata": {"labels": {PART_OF_LABEL: None}}})),
    Way("finalizer-removed", _config(**_KEPT), _merge({"metadata": {"finalizers": None}})),
    Way("managed-fields-stripped", CONFIG, _json(_STRIPPED)),
    Way(
        "managed-fields-stripped-and-changed",
        CONFIG,
        _json(_STRIPPED, {"op": "replace", "path": "/data/key", "value": "drift"}),
    ),
    Way(
        "same-manager-changes",
        CONFIG,
        _apply({**_config(), "data": {"key": "drift", "other": "2"}}, manager="reconcile"),
    ),
    Way(
        "same-manager-sends-less",
        CONFIG,
        _apply({**_config(), "data": {"other": "2"}}, manager="reconcile"),
    ),
    Way(
        "same-manager-by-another-verb",
        CONFIG,
        _merge({"data": {"key": "drift"}}, manager="reconcile"),
    ),
    Way(
        "forced-by-another-manager",
        CONFIG,
        _apply({**_config(), "data": {"key": "drift"}}, manager="rival"),
    ),
    Way(
        "applied-from-the-client",
        CONFIG,
        _merge({"data": {"key": "drift"}}, manager="kubectl-client-side-apply"),
    ),
    Way("image", DEPLOYMENT, _strategic(_container(image="drift:2"), manager="kubectl-set")),
    Way("environment", DEPLOYMENT, _strategic(_container(env=[{"name": "A", "value": "2"}]))),
    Way(
        "argument-added", DEPLOYMENT, _json({"op": "add", "path": f"{_FIRST}/args/-", "value": "c"})
    ),
    Way("port-removed", DEPLOYMENT, _remove(f"{_FIRST}/ports/1")),
    Way(
        "volume-removed",
        DEPLOYMENT,
        _json(
            {"op": "remove", "path": f"{_FIRST}/volumeMounts"},
            {"op": "remove", "path": "/spec/template/spec/volumes"},
        ),
    ),
    Way("set-to-null", _deployment(minReadySeconds=5), _merge({"spec": {"minReadySeconds": None}})),
    Way("secret", SECRET, _merge({"data": {"password": "ZHJpZnQ="}})),
    Way("secret-key-removed", SECRET, _merge({"data": {"password": None}})),
    Way("service-selector", SERVICE, _merge({"spec": {"selector": {"app": "drift"}}})),
    Way("service-port", SERVICE, _json({"op": "remove", "path": "/spec/ports/1"})),
    Way(
        "rule-added",
        ROLE,
        _json({"op": "add", "path": "/rules/-", "value": {**ROLE["rules"][0], "verbs": ["list"]}}),
    ),
    Way("suspended", CRON, _merge({"spec": {"suspend": True}})),
    Way("autoscaler", SCALER, _merge({"spec": {"maxReplicas": 9}})),
    Way("custom-object", CUSTOM, _merge({"spec": {"size": 9}})),
    Way("custom-list", CUSTOM, _merge({"spec": {"list": ["b"]}})),
)


def _own(raw: Raw, path: str, _: Mapping[str, Any]) -> None:
    owner = raw.get(raw.path("ConfigMap", "kube-root-ca.crt"))["metadata"]
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner["name"],
        "uid": owner["uid"],
    }
    raw.patch(path, {"metadata": {"ownerReferences": [reference]}})


def _disown(raw: Raw, path: str, _: Mapping[str, Any]) -> None:
    entries = raw.patch(path, {"data": {"theirs": "1"}}, manager="passing")["metadata"]
    kept = [each for each in entries["managedFields"] if each["manager"] != "passing"]
    raw.patch(path, {"metadata": {"managedFields": kept}})


def _await_node(raw: Raw, path: str, _: Mapping[str, Any]) -> None:
    until(lambda: bool(raw.get(path)["spec"].get("nodeName")))


_SIDECAR = {"containers": [{"name": "proxy", "image": "proxy:1"}]}
_TOLERATIONS = {"tolerations": [{"key": "a", "operator": "Exists"}]}
_RESTART = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}

THEIRS: tuple[Way, ...] = (
    Way("nothing", CONFIG, lambda *_: None),
    Way("foreign-annotation", CONFIG, _merge({"metadata": {"annotations": {"theirs": "1"}}})),
    Way("foreign-label", CONFIG, _merge({"metadata": {"labels": {"theirs": "1"}}})),
    Way("foreign-key", CONFIG, _merge({"data": {"theirs": "1"}})),
    Way("foreign-key-of-a-secret", SECRET, _merge({"data": {"theirs": "MQ=="}})),
    Way("foreign-finalizer", CONFIG, _merge({"metadata": {"finalizers": ["ways.example/theirs"]}})),
    Way(
        "second-finalizer",
        _config(**_KEPT),
        _json({"op": "add", "path": "/metadata/finalizers/-", "value": "ways.example/theirs"}),
    ),
    Way("owner", CONFIG, _own),
    Way("written-as-it-was", CONFIG, lambda raw, path, item: raw.put(path, item)),
    Way("shared", CONFIG, _apply(CONFIG, manager="second", force="false")),
    Way("managed-fields-of-another", CONFIG, _disown),
    Way("status", DEPLOYMENT, _status({"status": {"observedGeneration": 1}})),
    Way("no-replicas-in-git-scaled-by-hand", _deployment(replicas=None), _scale("kubectl-scale")),
    Way("no-replicas-in-git-autoscaled", _deployment(replicas=None), _scale("autoscaler")),
    Way("sidecar", DEPLOYMENT, _strategic({"spec": {"template": {"spec": _SIDECAR}}})),
    Way("environment-added", DEPLOYMENT, _strategic(_container(env=[{"name": "B", "value": "2"}]))),
    Way("tolerations", DEPLOYMENT, _merge({"spec": {"template": {"spec": _TOLERATIONS}}})),
    Way("rollout-restart", DEPLOYMENT, _merge({"spec": {"template": {"metadata": _RESTART}}})),
    Way("rollout-pause", DEPLOYMENT, _merge({"spec": {"paused": True}})),
    Way(
        "revision",
        DEPLOYMENT,
        _merge({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}}),
    ),
    Way("node-port", _service(type="NodePort"), lambda *_: None),
    Way("cluster-address", SERVICE, lambda *_: None),
    Way(
        "load-balancer",
        _service(type="LoadBalancer"),
        _status({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}),
    ),
    Way("volume-name", CLAIM, _merge({"spec": {"volumeName": "volume"}})),
    Way("token-of-an-account", ACCOUNT, _merge({"secrets": [{"name": "generated"}]})),
    Way("pull-secret-of-an-account", ACCOUNT, _merge({"imagePullSecrets": [{"name": "added"}]})),
    Way("node", POD, _await_node),
    Way("job-selector", JOB, lambda *_: None),
    Way("autoscaler-status", SCALER, _status({"status": {"desiredReplicas": 2}})),
    Way("budget-status", BUDGET, _status({"status": {"currentHealthy": 2}})),
    Way("custom-status", CUSTOM, _status({"status": {"is": "well"}})),
    Way("custom-default", CUSTOM, lambda *_: None),
    Way("custom-field", CUSTOM, _merge({"spec": {"note": "theirs"}})),
)
