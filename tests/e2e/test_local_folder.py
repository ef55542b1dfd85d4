"""``diff`` and ``apply``: a folder, or the remote branch, against a real cluster."""

from pathlib import Path

import pytest

from lab import story
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, namespace: NAMESPACE}
data: {key: VALUE}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: password, namespace: NAMESPACE}
stringData: {password: VALUE}
"""


@pytest.fixture
def folder(world: World, tmp_path: Path) -> Path:
    """A folder with a namespace, two ConfigMaps and a Secret."""
    path = tmp_path / "My_Shop"
    path.mkdir()
    (path / "namespace.yaml").write_text(story.NAMESPACE.replace(" web", f" {world.name}"))
    for name in ("one", "two"):
        put(world, path, name)
    secret = SECRET.replace("NAMESPACE", world.name).replace("VALUE", "hunter2-first")
    (path / "secret.yaml").write_text(secret)
    return path


def put(world: World, folder: Path, name: str, value: str = "x") -> None:
    text = SETTINGS.replace("NAMESPACE", world.name).replace("NAME", name)
    (folder / f"{name}.yaml").write_text(text.replace("VALUE", value))


def actions(world: World, *arguments: str) -> dict[str, str]:
    """Apply, and return what was done by kind and name."""
    done = world.call("apply", *arguments, "-o", "json")
    assert done.code == 0, done.err
    (source,) = done.json["sources"]
    objects = source["sync"]["objects"]
    return {f"{each['kind']}/{each['name']}": each["action"] for each in objects}


def test_a_folder_is_a_source_of_its_own(world: World, folder: Path) -> None:
    before = world.call("diff", str(folder))
    assert before.code == 4
    assert before.out.count("\n+++ b/") == 4
    assert "hunter2" not in before.out

    first = world.call("apply", str(folder))
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[0] == f"Synchronizing with {folder}"
    assert first.out.splitlines()[1].startswith("Revision of folder to apply is ")
    assert f"configmap/one (namespace {world.name}) created" in first.out
    assert first.out.splitlines()[-1] == "Done."

    mark = world.control_plane.mark()
    assert world.call("diff", str(folder)).out == ""
    assert set(actions(world, str(folder)).values()) == {"unchanged"}
    assert world.control_plane.writes(since=mark) == []

    put(world, folder, "one", "new")
    (folder / "two.yaml").unlink()
    secret = folder / "secret.yaml"
    secret.write_text(secret.read_text().replace("first", "second"))
    look = world.call("diff", str(folder))
    assert look.err == ""
    assert look.code == 4
    assert "-  key: x\n+  key: new\n" in look.out
    assert f"--- a/configmap/two (namespace {world.name})\n" in look.out
    assert '-  password: "*** (before)"\n+  password: "*** (after)"\n' in look.out
    assert "hunter2" not in look.out
    assert world.control_plane.writes(since=mark) == []

    assert actions(world, str(folder)) == {
        "ConfigMap/one": "configured",
        "ConfigMap/two": "deleted",
        "Namespace/" + world.name: "unchanged",
        "Secret/password": "configured",
    }


def test_folders_of_the_same_name_leave_each_other_alone(
    world: World, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / folder.name
    other.mkdir(parents=True)
    put(world, other, "three")  # not the namespace: an object is of one source alone

    actions(world, str(folder))
    mine = actions(world, str(other))

    assert mine == {"ConfigMap/three": "created"}
    assert world.control_plane.get("-n", world.name, "configmap", "one")


def test_folders_of_the_same_relative_path_leave_each_other_alone(
    world: World, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / folder.name
    other.mkdir(parents=True)
    put(world, other, "three")

    def applied(path: Path) -> dict[str, str]:
        monkeypatch.chdir(path.parent)
        return actions(world, path.name)

    applied(folder)
    assert applied(other) == {"ConfigMap/three": "created"}
    assert set(applied(folder).values()) == {"unchanged"}
    assert set(applied(other).values()) == {"unchanged"}


def test_a_name_makes_two_places_one_source(world: World, folder: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    actions(world, str(folder), "--name", "shop")
    folder.rename(moved)
    (moved / "two.yaml").unlink()

    done = actions(world, str(moved), "--name", "shop")

    assert done["ConfigMap/two"] == "deleted"
    state = world.control_plane.get(
        "-n", f"{world.name}-state", "configmap", "reconcile-local-shop"
    )
    assert '"revision":"folder@sha256:' in state["data"]["state.0.json"]


def test_a_folder_is_not_taken_for_another_that_had_its_path(world: World, folder: Path) -> None:
    actions(world, str(folder), "--name", "first")
    for name in ("one.yaml", "two.yaml", "secret.yaml", "namespace.yaml"):
        (folder / name).unlink()
    put(world, folder, "three")

    done = actions(world, str(folder), "--name", "second")

    assert done == {"ConfigMap/three": "created"}
    assert world.control_plane.get("-n", world.name, "configmap", "one")
    assert world.control_plane.get(
        "-n", f"{world.name}-state", "configmap", "reconcile-local-first"
    )


def test_pruning_is_guarded_as_always(world: World, folder: Path) -> None:
    for number in range(8):
        put(world, folder, f"more{number}")
    actions(world, str(folder))
    for number in range(8):
        (folder / f"more{number}.yaml").unlink()

    held = world.call("apply", str(folder))
    assert held.code == 3
    assert "8 objects would be deleted, over the limit of 5" in held.err
    revision = held.err.split("--prune-allow ")[1].split()[0]

    allowed = world.call("apply", str(folder), "--prune-allow", revision)
    assert allowed.code == 0
    assert allowed.out.count(" deleted\n") == 8


def test_one_manifest_can_be_applied(world: World, folder: Path) -> None:
    actions(world, str(folder / "namespace.yaml"))

    assert actions(world, str(folder / "one.yaml")) == {"ConfigMap/one": "created"}


def test_the_diff_of_the_remote_branch_is_the_sync_part_of_a_dry_run(world: World) -> None:
    world.push("v4")  # an update would commit it; a sync alone does not
    first = world.call("diff")
    assert first.code == 4
    assert f'image: "{world.image}:v3"\n' in first.out
    assert "v4" not in first.out

    world.run("--no-update")
    mark, tip = world.control_plane.mark(), world.remote.tip()
    assert (world.call("diff").code, world.call("diff").out) == (0, "")
    assert world.control_plane.writes(since=mark) == []
    assert world.remote.tip() == tip


def test_wrong_input_is_named(world: World, folder: Path) -> None:
    for arguments, message in {
        ("diff", "--name", "x"): "--name goes with a PATH",
        ("apply", str(folder), "--name", "No_Name"): "--name: 'No_Name' is no name: lower-case",
        ("apply", str(folder / "none")): "cannot read it: No such file or directory",
        ("diff", str(folder), "--kubeconfig", "/none"): "--kubeconfig: no such file: '/none'",
    }.items():
        done = world.call(*arguments)

        assert (done.code, done.out) == (2, "")
        assert message in done.err
