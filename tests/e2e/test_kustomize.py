"""A branch with kustomizations: built, updated where they set an image, applied, and then quiet."""

import os

import pytest

from lab.build import require
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
metadata:
  name: overlay
  annotations: {fluxcd.io/automated: "true"}
resources:
- ../namespaces
- ../workloads
images:
- name: IMAGE
  newTag: v3  # by us
configMapGenerator:
- name: page
  namespace: NAMESPACE
  files: [index.html]
"""
BASE = "resources: [nginx-service.yaml, nginx-deployment.yaml]\n"


@pytest.fixture
def kustomized(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The story, with an overlay that sets the image."""
    folder = require("kustomize").parent
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    overlay = OVERLAY.replace("IMAGE", world.image).replace("NAMESPACE", world.name)
    world.remote.put(
        {
            "prod/kustomization.yaml": overlay.encode(),
            "prod/index.html": b"This is version 3\n",
            "workloads/kustomization.yaml": BASE.encode(),
            "namespaces/kustomization.yaml": b"resources: [web-ns.yaml]\n",
        },
        "Lay something over it",
    )
    return world


def test_an_overlay_is_applied_updated_and_then_left_alone(kustomized: World) -> None:
    world = kustomized
    first = world.run()
    assert first.code == 0, first.err
    assert world.cluster_image() == f"{world.image}:v3"

    world.push("v4")
    done = world.run()

    assert done.code == 0, done.err
    assert world.cluster_image() == f"{world.image}:v4"
    overlay = world.remote.content("main:prod/kustomization.yaml").decode()
    assert "  newTag: v4  # by us\n" in overlay
    assert f"{world.image}:v3" in world.manifest()

    mark = world.control_plane.mark()
    again = world.run()
    assert again.code == 0, again.err
    assert world.control_plane.writes(since=mark) == []


def test_a_file_that_only_kustomize_reads_is_seen_and_what_it_gave_before_is_pruned(
    kustomized: World,
) -> None:
    world = kustomized
    assert world.run().code == 0
    world.remote.put({"prod/index.html": b"This is version 4\n"}, "Say it")

    done = world.run("-o", "json")

    assert done.code == 0, done.err
    (source,) = done.json["sources"]
    actions = {
        (each["action"], each["name"].partition("-")[0])
        for each in source["sync"]["objects"]
        if each["kind"] == "ConfigMap"
    }
    assert actions == {("created", "page"), ("deleted", "page")}


def test_one_that_cannot_be_built_prunes_nothing(kustomized: World) -> None:
    world = kustomized
    assert world.run().code == 0
    world.remote.put({"prod/index.html": None}, "Lose it")

    done = world.run()

    assert done.code == 3
    assert "prod: kustomize cannot build it: " in done.err
    assert world.cluster_image() == f"{world.image}:v3"


def test_a_local_overlay_is_compared_and_applied(kustomized: World) -> None:
    world = kustomized
    folder = world.folder / "here"
    for path, content in world.remote.files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)

    assert world.call("diff", str(folder)).code == 4
    applied = world.call("apply", str(folder))
    assert applied.code == 0, applied.err
    assert world.call("diff", str(folder)).out == ""


def test_variables_are_filled_in_and_a_new_value_is_applied(kustomized: World) -> None:
    world = kustomized
    page = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: said, namespace: {world.name}}}
data: {{zone: "${{ZONE}}", where: "${{PLACE:=here}}"}}
"""
    world.remote.put({"workloads/said.yaml": page.encode()}, "Say where")
    world.remote.put(
        {"workloads/kustomization.yaml": BASE.replace("]", ", said.yaml]").encode()}, "Use it"
    )
    state = f"{world.name}-state"
    world.control_plane.kubectl("create", "namespace", state)
    world.control_plane.kubectl(
        "-n", state, "create", "configmap", "cluster", "--from-literal=ZONE=north"
    )
    flags = ("--variables", "ZONE=south", "--variables", "configmap/cluster")

    def said() -> object:
        return world.control_plane.get("-n", world.name, "configmap", "said")["data"]

    first = world.run(*flags)
    assert first.code == 0, first.err
    assert said() == {"zone": "north", "where": "here"}

    patch = '{"data": {"ZONE": "west"}}'
    world.control_plane.kubectl("-n", state, "patch", "configmap", "cluster", "-p", patch)
    assert world.run(*flags).code == 0
    assert said() == {"zone": "west", "where": "here"}

    world.control_plane.kubectl("-n", state, "delete", "configmap", "cluster")
    gone = world.run(*flags)
    assert gone.code == 3
    assert 'configmaps "cluster" not found' in gone.err
    assert said() == {"zone": "west", "where": "here"}
