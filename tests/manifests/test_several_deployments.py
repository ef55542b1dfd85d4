"""Two pods, and sources spread over Deployments, as the guides have them."""

import re
from pathlib import Path
from typing import Any

import pytest

from lab.cluster import Cluster
from reconciler.config_file import read_config
from reconciler.configuration import read_settings
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from tests.manifests.installation import MANIFESTS, ROOT, Installation, installed, overlay

pytestmark = [pytest.mark.cluster]

GUIDE = ROOT / "docs" / "guide" / "several-deployments.md"


@pytest.fixture
def guided(tmp_path: Path) -> Path:
    """The folder of the guide, with its files."""
    (tmp_path / "reconcile").symlink_to(ROOT)
    blocks = re.findall(
        r"^```yaml\n# (\S+)\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(blocks) == 3
    for path, text in blocks:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path / "cluster"


def objects(cluster: Cluster, folder: Path) -> dict[str, Any]:
    """Return what a kustomization makes, by kind and name."""
    text = cluster.kubectl("kustomize", str(folder))
    found: list[Any] = [to_value(each.root, path="") for each in parse_documents(text, path="")]
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in found}


def selects(selector: dict[str, str], pods: Any) -> bool:  # noqa: ANN401 - of a Deployment
    labels: dict[str, str] = pods["spec"]["template"]["metadata"]["labels"]
    return selector.items() <= labels.items()


def test_each_deployment_of_the_guide_has_sources_of_its_own_and_pods_of_its_own(
    control_plane: Cluster, guided: Path
) -> None:
    made = objects(control_plane, guided)
    pods = {name: made[f"Deployment/{name}"] for name in ("reconcile", "reconcile-blog")}
    read = read_config(guided / "reconcile.yaml")

    assert sum(name.startswith("Deployment/") for name in made) == 2
    for name, source in (("reconcile", "shop"), ("reconcile-blog", "blog")):
        spec = pods[name]["spec"]["template"]["spec"]
        (option,) = spec["containers"][0]["args"][2:]
        assert option == f"--source={source}"
        settings = read_settings(flags={"source": (source,)}, environment={}, file=read)
        assert [each.name for each in settings.sources] == [source]
        assert spec["serviceAccountName"] == "reconcile"
        settings_of = [each for each in spec["volumes"] if each["name"] == "settings"]
        assert f"ConfigMap/{settings_of[0]['configMap']['name']}" in made
        for selector in (
            pods[name]["spec"]["selector"]["matchLabels"],
            made[f"Service/{name}"]["spec"]["selector"],
        ):
            assert [each for each in pods if selects(selector, pods[each])] == [name]


def test_an_api_server_takes_what_the_guide_makes(control_plane: Cluster, guided: Path) -> None:
    with installed(control_plane, MANIFESTS / "base"):
        said = control_plane.kubectl(
            *("apply", "-k", str(guided), "--server-side", "--dry-run=server", "--force-conflicts")
        )

    assert "deployment.apps/reconcile-blog serverside-applied (server dry run)" in said
    assert "deployment.apps/reconcile serverside-applied (server dry run)" in said


def test_two_pods_are_a_component_beside_any_overlay(
    control_plane: Cluster, tmp_path: Path
) -> None:
    folder = overlay(tmp_path, resources=[MANIFESTS / "base"], components=[MANIFESTS / "replicas"])

    with installed(control_plane, folder) as installation:
        spec = deployment(installation)["spec"]
        budget = installation.cluster.get("-n", "reconcile", "poddisruptionbudget", "reconcile")

    assert (spec["replicas"], spec["strategy"]["type"]) == (2, "RollingUpdate")
    assert selects(budget["spec"]["selector"]["matchLabels"], {"spec": spec})
    assert spec["template"]["spec"]["affinity"]["podAntiAffinity"]


def deployment(installation: Installation) -> Any:  # noqa: ANN401 - what kubectl prints
    return installation.cluster.get("-n", "reconcile", "deployment", "reconcile")
