"""Linking: an image that a kustomization sets is left alone where it stands."""

from textwrap import indent

import pytest

from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.manifests.linking import link

APP = """\
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {containers: [{name: web, image: "r.example/web:v1"}, {name: api, image: "api:v1@DIGEST"}]}
""".replace("DIGEST", f"sha256:{'a' * 64}")
SETS_WEB = "images: [{name: r.example/web, newTag: v2}]\n"


def linked(files: dict[str, str]) -> tuple[FileReport, ...]:
    reports = [inspect(path, text, default_namespace="x") for path, text in files.items()]
    return link(reports, files)


def details(files: dict[str, str]) -> list[str]:
    """Return why the images stay as they are; empty for those that do not."""
    return [
        field.obstacle.detail if field.obstacle else ""
        for report in linked(files)
        for field in report.fields
    ]


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        pytest.param("kustomization.yaml", "resources: [base/app.yaml]", id="file"),
        pytest.param("base/kustomization.yml", "resources: [./app.yaml]", id="same-folder"),
        pytest.param("eu/Kustomization", "bases: [../base/]", id="folder"),
        pytest.param("eu/kustomization.yaml", "components: [../between]", id="through-another"),
    ],
)
def test_what_a_kustomization_builds_upon_is_overridden(path: str, reached: str) -> None:
    files = {
        "base/app.yaml": APP,
        "base/kustomization.yaml": "resources: [app.yaml, more.yaml]\n",
        "between/kustomization.yaml": "resources: [../base, ../between, ../eu]\n",
    } | {path: f"{reached}\n{SETS_WEB}"}

    assert details(files) == [f"is set in {path}:2", ""]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("{name: api, newName: b}", id="new-name"),
        pytest.param("{name: api, digest: x}", id="digest"),
    ],
)
def test_an_image_is_meant_by_its_name_without_tag_and_digest(entry: str) -> None:
    files = {"app.yaml": APP, "kustomization.yaml": f"resources: [app.yaml]\nimages: [{entry}]\n"}

    assert details(files) == ["", "is set in kustomization.yaml:2"]


@pytest.mark.parametrize(
    "kustomization",
    [
        pytest.param(
            "resources: [app.yaml]\nimages: [{name: web, newTag: v2}, x]", id="other-name"
        ),
        pytest.param("resources: [app.yaml]\nimages: [{name: r.example/web}]", id="sets-nothing"),
        pytest.param("resources: [https://r.example/app.yaml]\n" + SETS_WEB, id="elsewhere"),
        pytest.param("resources: {app.yaml: x}\n" + SETS_WEB, id="no-list"),
        pytest.param("resources: [[app.yaml]]\n" + SETS_WEB, id="no-text"),
        pytest.param(SETS_WEB, id="builds-upon-nothing"),
    ],
)
def test_what_no_kustomization_sets_is_updated(kustomization: str) -> None:
    assert details({"app.yaml": APP, "kustomization.yaml": kustomization}) == ["", ""]


def test_an_entry_of_a_kustomization_is_overridden_by_one_that_builds_upon_it() -> None:
    annotated = 'metadata: {annotations: {fluxcd.io/automated: "true"}}\n'
    files = {
        "base/kustomization.yaml": annotated + "images: [{name: w, newName: a, newTag: v1}]\n",
        "eu/kustomization.yaml": "resources: [../base]\nimages:\n- {name: a, newTag: v1}\n",
    }

    assert details(files) == ["is set in eu/kustomization.yaml:3"]


def test_the_first_that_sets_an_image_is_named() -> None:
    files = {
        "app.yaml": APP,
        "eu/kustomization.yaml": f"resources: [../app.yaml]\n{SETS_WEB}",
        "kustomization.yaml": f"resources: [app.yaml]\n{SETS_WEB}",
    }

    assert details(files)[0] == "is set in eu/kustomization.yaml:2"


def test_what_was_in_the_way_before_is_told() -> None:
    locked = APP.replace('"true"', '"true", fluxcd.io/locked: "true"')
    files = {"app.yaml": locked, "kustomization.yaml": f"resources: [app.yaml]\n{SETS_WEB}"}

    assert details(files) == ["locked", "locked"]


def test_reports_that_nobody_says_anything_of_stay_the_same_ones() -> None:
    reports = linked({"app.yaml": APP, "kustomization.yaml": f"resources: [x]\n{SETS_WEB}"})

    assert all(new is old for new, old in zip(link(reports), reports, strict=True))


DEPLOYED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, annotations: {fluxcd.io/automated: "true"}}
spec:
  template:
    spec: {containers: [{name: web, image: "r.example/web:v1"}, {name: api, image: "api:v1"}]}
"""
MERGE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: prod}
spec:
  template:
    spec:
      containers:
      - name: web
        image: r.example/mirror/web:v9
"""
OPERATION = "[{op: replace, path: /spec/template/spec/containers/0/image, value: r.example/web:v9}]"
UPON = "resources: [app.yaml]\n"


def block(text: str) -> str:
    return "|-\n" + "".join(f"    {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    ("kustomization", "line"),
    [
        pytest.param(f"patches:\n- patch: {block(MERGE)}", 3, id="inline"),
        pytest.param("patches:\n- path: patch.yaml\n", 3, id="in-a-file"),
        pytest.param("patchesStrategicMerge:\n- ./patch.yaml\n", 3, id="merge-in-a-file"),
        pytest.param(f"patchesStrategicMerge:\n- {block(MERGE)}", 3, id="merge-inline"),
        pytest.param(
            "patches:\n- path: patch.yaml\n  target: {kind: Deploy.*, name: a.+, group: apps}\n", 3,
            id="with-a-target",
        ),
        pytest.param(
            f"patches:\n- {{target: {{kind: Deployment}}, patch: '{OPERATION}'}}\n", 3,
            id="operations",
        ),
        pytest.param(
            f"patchesJson6902:\n- target: {{name: app, version: v1}}\n  patch: {block(OPERATION)}",
            3,
            id="operations-of-old",
        ),
        pytest.param(
            "patchesJson6902:\n- {target: {name: app}, path: operations.json}\n", 3,
            id="operations-in-a-file",
        ),
    ],
)  # fmt: skip
def test_an_image_that_a_patch_sets_is_not_updated_where_it_stands(
    kustomization: str, line: int
) -> None:
    files = {
        "app.yaml": DEPLOYED,
        "kustomization.yaml": UPON + kustomization,
        "operations.json": OPERATION,
        "patch.yaml": MERGE,
    }

    assert details(files) == [f"is set in kustomization.yaml:{line}", ""]


@pytest.mark.parametrize(
    "kustomization",
    [
        pytest.param("patches: [{path: nowhere.yaml}, x, {}]", id="nothing-there"),
        pytest.param("patches: [{path: patch.yaml, target: {name: other}}]", id="other-name"),
        pytest.param("patches: [{path: patch.yaml, target: {name: ap}}]", id="part-of-the-name"),
        pytest.param("patches: [{path: patch.yaml, target: {name: '['}}]", id="no-pattern"),
        pytest.param("patches: [{path: patch.yaml, target: {kind: Job}}]", id="other-kind"),
        pytest.param("patches: [{path: patch.yaml, target: {group: batch}}]", id="other-group"),
        pytest.param(
            "patches: [{path: patch.yaml, target: {labelSelector: a=b}}]", id="nobody-can-tell"
        ),
        pytest.param("patches: [{path: replicas.yaml}]", id="no-image"),
        pytest.param("patches: [{path: operations.json}]", id="operations-without-target"),
        pytest.param(
            "patches: [{target: {name: app}, patch: '[x, {op: test, path: /a/image, value: b}]'}]",
            id="tests",
        ),
        pytest.param(
            "patches: [{target: {name: app}, patch: '[{op: add, path: /image, value: r.x/c}]'}]",
            id="another-image",
        ),
        pytest.param("patches: [{target: {name: app}, patch: '{'}]", id="no-yaml"),
        pytest.param("patchesStrategicMerge: [{a: b}]", id="no-text"),
    ],
)  # fmt: skip
def test_an_image_that_no_patch_sets_is_updated(kustomization: str) -> None:
    files = {
        "app.yaml": DEPLOYED,
        "kustomization.yaml": UPON + kustomization,
        "operations.json": OPERATION,
        "patch.yaml": MERGE,
        "replicas.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\n",
    }

    assert details(files) == ["", ""]


def test_the_only_image_of_a_workload_is_the_one_that_an_operation_sets() -> None:
    one = DEPLOYED.replace(', {name: api, image: "api:v1"}', "").replace("name: app", "name: one")
    operation = OPERATION.replace("r.example/web:v9", "elsewhere.example/w:v9")
    files = {
        "app.yaml": DEPLOYED,
        "kustomization.yaml": "resources: [app.yaml, one.yaml]\n"
        f"patches: [{{target: {{kind: Deployment}}, patch: '{operation}'}}]",
        "one.yaml": one,
    }

    assert details(files) == ["", "", "is set in kustomization.yaml:2"]


BUILD = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: flux-system}
  path: PATH
  images:
  - {name: r.example/web, newTag: v2}
"""


@pytest.mark.parametrize("folder", ["./apps", "apps/", "/apps/prod/..", "./", "''"])
def test_what_flux_sets_in_a_folder_is_not_updated_where_it_stands(folder: str) -> None:
    files = {
        "apps/a/app.yaml": DEPLOYED,
        "apps/b/app.yaml": DEPLOYED,
        "apps/b/kustomization.yaml": "resources: [app.yaml]\n",
        "apps/b/other/app.yaml": DEPLOYED,
        "flux/apps.yaml": "# of Flux\n---\n" + BUILD.replace("PATH", folder),
    }

    assert details(files) == ["is set in flux/apps.yaml:10", ""] * 2 + ["", ""]


def test_what_flux_patches_is_not_updated_where_it_stands() -> None:
    patch = indent(f"patches:\n- patch: {block(MERGE)}", "  ")
    build = BUILD.replace("PATH", "apps").partition("  images:")[0] + patch
    files = {
        "app.yaml": DEPLOYED,
        "apps/base/app.yaml": DEPLOYED,
        "apps/kustomization.yaml": "resources: [base/app.yaml]\n",
        "flux.yaml": build,
    }

    assert details(files) == ["", "", "is set in flux.yaml:8", ""]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("PATH", "appsandmore"),
        ("GitRepository", "OCIRepository"),
        ("newTag: v2", "other: x"),
        ("kind: Kustomization", "kind: Other"),
        ("kustomize.toolkit.fluxcd.io/v1", "example.org/v1 # kustomize.toolkit.fluxcd.io"),
    ],
)
def test_what_flux_does_not_set_is_updated(old: str, new: str) -> None:
    build = BUILD.replace(old, new).replace("PATH", "apps")

    assert details({"apps/app.yaml": DEPLOYED, "flux.yaml": build}) == ["", ""]
