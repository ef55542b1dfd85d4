"""What install makes is what kustomize makes of the same manifests."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lab.build import require
from reconciler.adapters.packaged.manifests import own_manifests
from reconciler.core.installation.kinds import key_of
from reconciler.core.installation.overlays import built
from reconciler.core.installation.request import OWNER_LABEL, InstallRequest, objects_of
from reconciler.core.manifests.document import parse_documents
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError

ROOT = Path(__file__).parents[3]
SETTINGS = (ROOT / "manifests/base/reconcile.yaml").read_text()


def by_kustomize(folder: Path) -> dict[ObjectKey, Mapping[str, Any]]:
    """Return what kustomize makes of a folder, with the names that install gives."""
    done = subprocess.run(
        [str(require("kustomize")), "build", "--load-restrictor=LoadRestrictionsNone", str(folder)],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    text = done.stdout
    for body in documents(text):
        name = str(body["metadata"]["name"])
        if body["kind"] == "ConfigMap" and name.startswith("settings-"):
            text = text.replace(name, "settings")  # without the hash that kustomize adds
    return {key_of(body): body for body in documents(text)}


def documents(text: str) -> list[dict[str, Any]]:
    values = [
        to_value(each.root, path="built")
        for each in parse_documents(text, path="built")
        if each.root
    ]
    return [value for value in values if isinstance(value, dict)]


def without_hash(found: Mapping[ObjectKey, Mapping[str, Any]]) -> dict[ObjectKey, Any]:
    """Leave out what install alone has: which settings a pod was made with."""
    plain = json.loads(json.dumps(list(found.values())))
    for body in plain:
        if body["kind"] == "Deployment":
            del body["spec"]["template"]["metadata"]["annotations"]["reconcile/settings-hash"]
    return {key_of(body): body for body in plain}


def ours(**more: Any) -> dict[ObjectKey, Any]:  # noqa: ANN401 - of a request
    request = InstallRequest("reconcile", "reconcile:0.1.0", SETTINGS, **more)
    return without_hash(objects_of(request, own_manifests(), has_owner=False))


@pytest.mark.parametrize(
    ("overlay", "more"),
    [
        ("base", {}),
        ("cluster-wide", {"is_cluster_wide": True}),
        ("admin", {"is_admin": True}),
    ],
)
def test_the_objects_are_those_of_kustomize(overlay: str, more: Mapping[str, Any]) -> None:
    assert ours(**more) == by_kustomize(ROOT / "manifests" / overlay)


def test_another_namespace_moves_everything_as_kustomize_does(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    (tmp_path / "kustomization.yaml").write_text(
        "namespace: tools\nresources: [manifests/base]\n"
        "images: [{name: reconcile, newName: registry.example/acme/reconcile, newTag: v9}]\n"
    )

    request = InstallRequest("tools", "registry.example/acme/reconcile:v9", SETTINGS)

    found = without_hash(objects_of(request, own_manifests(), has_owner=False))
    assert found == by_kustomize(tmp_path)


def test_namespaces_tenants_and_secrets_are_those_of_kustomize(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    for name, namespace in (("namespace", "shop"), ("tenant", "blog")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(
            f"namespace: {namespace}\nresources: [../manifests/{name}]\n"
        )
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [manifests/base]\ncomponents: [manifests/secrets]\n"
    )

    found = ours(manages=("shop",), tenants=("blog",), syncs_secrets=True)

    expected = {
        key: body
        for folder in (tmp_path, tmp_path / "namespace", tmp_path / "tenant")
        for key, body in by_kustomize(folder).items()
    }
    # `namespace:` of a kustomization moves the subject of these bindings, too; ours stays where
    # the reconciler is, as `kubectl apply --namespace` has it.
    for body in expected.values():
        for subject in body.get("subjects", []):
            if subject["name"] == "reconcile":
                subject["namespace"] = "reconcile"
    assert found == expected


def test_every_object_says_whose_it_is_and_other_settings_make_another_pod() -> None:
    texts = own_manifests()
    one, other = (
        objects_of(InstallRequest("tools", "reconcile:1", settings), texts)
        for settings in ("git-url: a\n", "git-url: b\n")
    )

    assert {body["metadata"]["labels"][OWNER_LABEL] for body in one.values()} == {"tools"}
    changed = [key.kind for key in one if one[key] != other[key]]
    assert changed == ["ConfigMap", "Deployment"]
    kinds = [key.kind for key in one]
    assert (kinds[0], kinds[-1]) == ("Namespace", "Deployment")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "is missing among our own manifests"),
        ({"base/kustomization.yaml": "resources: [a.yaml]"}, "is missing"),
        ({"base/kustomization.yaml": "patches: []"}, "patches is not done here"),
        ({"base/kustomization.yaml": "a: ["}, "no valid YAML"),
    ],
)
def test_manifests_that_are_not_ours_are_refused(texts: dict[str, str], message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        built("base", texts)
