"""What the manifests say, and that an API server takes them."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.cluster import Cluster
from reconciler.config_file import read_config
from reconciler.configuration import read_settings
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.pruning import BUDGET_LEAST, BUDGET_PERCENT, NEVER_PRUNED
from reconciler.pipeline.health import PASSIVE
from reconciler.release import VERSION
from tests.manifests.installation import (
    MANIFESTS,
    NAMESPACE,
    OVERLAYS,
    Installation,
    installed,
    overlay,
)

pytestmark = [pytest.mark.cluster]

RULES = sorted(MANIFESTS.rglob("*role*.yaml"))


@pytest.fixture(scope="module")
def base(control_plane: Cluster) -> Iterator[Installation]:
    with installed(control_plane, MANIFESTS / "base") as installation:
        yield installation


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_api_server_takes_every_overlay(base: Installation, name: str) -> None:
    folder = str(MANIFESTS / name)

    said = base.cluster.kubectl(
        *("apply", "-k", folder, "--server-side", "--dry-run=server", "--force-conflicts")
    )

    assert "deployment.apps/reconcile serverside-applied (server dry run)" in said
    assert len(said.splitlines()) > 10


def test_an_api_server_takes_the_binding_for_a_namespace(base: Installation) -> None:
    folder = str(MANIFESTS / "namespace")

    said = base.cluster.kubectl(
        *("apply", "-n", "default", "-k", folder, "--server-side", "--dry-run=server")
    )

    assert said.splitlines() == [
        "rolebinding.rbac.authorization.k8s.io/reconcile serverside-applied (server dry run)"
    ]


def test_a_tenant_may_be_of_any_namespace(base: Installation, tmp_path: Path) -> None:
    folder = overlay(tmp_path, resources=[MANIFESTS / "tenant"])
    with (folder / "kustomization.yaml").open("a") as file:
        file.write("namespace: shop\n")

    built = base.cluster.kubectl("kustomize", str(folder))

    assert re.findall(r"^  namespace: (.+)$", built, re.MULTILINE) == [
        *["shop"] * 3,  # ServiceAccount, Role, and the RoleBinding of the ServiceAccount
        "shop",  # … whose subject it is
        "shop",
        NAMESPACE,  # ours
    ]


def test_secrets_can_be_added_to_any_overlay(control_plane: Cluster, tmp_path: Path) -> None:
    folder = overlay(tmp_path, resources=[MANIFESTS / "base"], components=[MANIFESTS / "secrets"])

    assert "name: reconcile-secrets" in control_plane.kubectl("kustomize", str(folder))


def test_the_pod_is_admitted_where_the_strictest_standard_is_enforced(base: Installation) -> None:
    labels = base.cluster.get("namespace", NAMESPACE)["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    base.cluster.kubectl(
        *("-n", NAMESPACE, "rollout", "status", "deployment/reconcile", "--timeout=60s")
    )


def test_the_deployment_is_of_this_release_and_has_settings_that_can_be_read(
    base: Installation, tmp_path: Path
) -> None:
    pod = pod_spec(base)
    name = next(each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each)
    settings = base.cluster.get("-n", NAMESPACE, "configmap", name)["data"]
    (tmp_path / "reconcile.yaml").write_text(settings["reconcile.yaml"])

    read = read_settings(
        environment={},
        flags={},
        file=read_config(tmp_path / "reconcile.yaml"),
        defaults={"data-dir": "/data"},
    )

    container = pod["containers"][0]
    mounts = tuple(f"{each['mountPath']}/" for each in container["volumeMounts"])
    assert container["image"] == f"reconcile:{VERSION}"
    assert container["args"] == ["--config", "/etc/reconcile/settings/reconcile.yaml"]
    assert str(read.sources[0].git.ssh_key_file).startswith(mounts)
    assert str(read.sources[0].git.known_hosts_file).startswith(mounts)


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_every_rule_has_its_reason_beside_it(path: Path) -> None:
    lines = path.read_text().splitlines()
    rules = [number for number, line in enumerate(lines) if line.startswith("- apiGroups")]
    bare = [number + 1 for number in rules if not is_reasoned(lines, number)]

    assert rules or "binding" in path.stem
    assert bare == []


def is_reasoned(lines: list[str], number: int) -> bool:
    """Whether a comment stands above a rule, or above its neighbours right before it."""
    while not lines[number - 1].startswith("#"):
        number -= 1
        if not re.match(r"- apiGroups|  (resources|resourceNames|verbs):", lines[number]):
            return False
    return True


def test_there_are_no_wildcards_and_nothing_that_hands_out_rights() -> None:
    text = "".join(path.read_text() for path in RULES)
    code = re.sub("#.*", "", text)

    assert "*" not in code
    assert not re.search(r"escalate|bind\b|exec|rbac\.authorization\.k8s\.io\]", code)
    assert [path.parent.name for path in RULES if "[impersonate]" in path.read_text()] == ["tenant"]


def test_it_may_act_as_nobody_but_those_who_are_named() -> None:
    (rule,) = rules_of("tenant/impersonation-role.yaml", "reconcile-as-deployer")

    assert rule["resources"] == ["serviceaccounts"]
    assert rule["resourceNames"] == ["deployer"]
    assert rule["verbs"] == ["impersonate"]


def test_no_rule_is_for_what_the_program_never_does() -> None:
    kept = {f"{kind.kind.lower()}s" for kind in NEVER_PRUNED}
    passive = {f"{kind.kind.lower()}s" for kind in PASSIVE}
    for path, name in TABLES.items():
        if not path.endswith("state-role.yaml"):
            for rule in rules_of(path, name):
                assert "delete" not in rule["verbs"] or kept.isdisjoint(rule["resources"])
                assert "watch" not in rule["verbs"] or passive.isdisjoint(rule["resources"])


def test_the_guide_says_how_much_is_deleted_at_most() -> None:
    text = " ".join((MANIFESTS.parent / "docs" / "guide" / "security.md").read_text().split())

    assert f"more than max({BUDGET_LEAST}, {BUDGET_PERCENT} %) of what it applied" in text
    kept = "Namespaces, PersistentVolumes, PersistentVolumeClaims or custom resource definitions"
    assert f"deletes {kept};" in text
    assert len(NEVER_PRUNED) == 4


TABLES = {
    "base/state-role.yaml": "reconcile",
    "base/identity-role.yaml": "reconcile-identity",
    "base/workloads-role.yaml": "reconcile-workloads",
    "secrets/secrets-role.yaml": "reconcile-secrets",
    "cluster-wide/cluster-wide-role.yaml": "reconcile-cluster-wide",
    "tenant/impersonation-role.yaml": "reconcile-as-deployer",
}
"""Where the roles stand whose rules the guide shows in tables, in its order."""


def test_the_tables_of_the_guide_are_the_rules_of_the_manifests() -> None:
    text = (MANIFESTS.parent / "docs" / "guide" / "security.md").read_text()
    tables = re.findall(r"^\| group \| resources .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    shown = [[row_of(line) for line in table.splitlines()] for table in tables]

    assert shown == [
        [shown_rule(rule) for rule in rules_of(path, name)] for path, name in TABLES.items()
    ]


def row_of(line: str) -> tuple[str, str, str]:
    _, group, resources, verbs, *_ = (cell.strip() for cell in line.split("|"))
    return group, resources, verbs


def shown_rule(rule: Mapping[str, list[str]]) -> tuple[str, str, str]:
    names = f" ({rule['resourceNames'][0]} alone)" if "resourceNames" in rule else ""
    (group,) = rule["apiGroups"]
    return group or "core", ", ".join(rule["resources"]) + names, ", ".join(rule["verbs"])


def rules_of(path: str, name: str) -> list[dict[str, list[str]]]:
    documents = parse_documents((MANIFESTS / path).read_text(), path=path)
    objects: list[Any] = [to_value(each.root, path=path) for each in documents if each.root]
    (rules,) = (
        each["rules"] for each in objects if each["metadata"]["name"] == name and "rules" in each
    )
    return list(rules)


def pod_spec(installation: Installation) -> Any:  # noqa: ANN401 - whatever the cluster has
    deployment = installation.cluster.get("-n", NAMESPACE, "deployment", "reconcile")
    return deployment["spec"]["template"]["spec"]
