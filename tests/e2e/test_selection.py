"""The sources of one file, spread over several processes, on real parts."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.objects.applyset import PART_OF_LABEL
from tests.e2e.running import running
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

SOURCES = """\
sources:
- name: app
  git-path: [workloads]
  depends-on: [base]
- name: base
  git-path: [namespaces]
"""
FREE = """\
sources:
- name: base
  git-path: [namespaces]
- name: app
  git-path: [workloads]
"""
EXTRA = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: extra, namespace: NAMESPACE}
"""


def config(folder: Path, text: str = SOURCES) -> tuple[str, str]:
    (folder / "reconcile.yaml").write_text(text)
    return "--config", str(folder / "reconcile.yaml")


def extra(world: World) -> bytes:
    return EXTRA.replace("NAMESPACE", world.name).encode()


def found(world: World, name: str = "extra") -> Any:  # noqa: ANN401 - what kubectl prints
    said = world.control_plane.kubectl(
        *("get", "-n", world.name, "configmap", name, "--ignore-not-found", "-o", "json")
    )
    return json.loads(said)["metadata"] if said else None


def test_a_run_is_of_the_named_sources_alone_and_waits_for_others_by_the_cluster(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path)

    held = world.run(*given, "--source", "app")
    assert held.code == 1
    assert "waits for source 'base', which was never synced" in held.err
    assert world.cluster_image() == ""

    base = world.run(*given, "--source", "base", "-o", "json")
    assert (base.code, [each["name"] for each in base.json["sources"]]) == (0, ["base"])
    done = world.run(*given, "--source", "app")

    assert (done.code, done.err) == (0, "")
    assert world.cluster_image() == f"{world.image}:v3"
    both = world.run(*given, "--source", "app", "--source", "base", "-o", "json")
    assert [each["name"] for each in both.json["sources"]] == ["base", "app"]
    assert both.code == 0


def test_one_that_lags_behind_on_the_same_branch_is_waited_for(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path)
    assert world.run(*given).code == 0
    world.remote.put({"workloads/extra.yaml": extra(world)})

    behind = world.run(*given, "--source", "app")

    assert behind.code == 1
    assert "which has not come to the branch's newest commit yet" in behind.err
    assert found(world) is None
    assert world.run(*given, "--source", "base").code == 0
    assert world.run(*given, "--source", "app").code == 0
    assert found(world)


def test_what_moves_to_a_source_that_is_not_selected_is_not_pruned(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path, FREE)
    world.remote.put({"workloads/extra.yaml": extra(world)})
    assert world.run(*given).code == 0
    before = found(world)
    world.remote.put({"namespaces/extra.yaml": extra(world), "workloads/extra.yaml": None})

    world.run(*given, "--source", "app")
    assert found(world)["uid"] == before["uid"]
    assert world.run(*given, "--source", "base").code == 0
    assert world.run(*given, "--source", "app").code == 0

    after = found(world)
    assert after["uid"] == before["uid"]
    assert after["labels"][PART_OF_LABEL] != before["labels"][PART_OF_LABEL]


def test_two_sources_that_want_one_object_are_found_in_two_processes(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path, FREE)
    files = {f"{folder}/extra.yaml": extra(world) for folder in ("workloads", "namespaces")}
    world.remote.put(files)
    assert world.run(*given, "--source", "base").code == 0

    second = world.run(*given, "--source", "app")

    assert second.code == 3
    assert "belongs to source 'base', and source 'app' wants it too" in second.err


def test_a_source_that_is_not_selected_is_not_taken_for_one_that_was_renamed(
    world: World, tmp_path: Path
) -> None:
    twins = FREE.replace("[workloads]", "[namespaces]")
    given = config(tmp_path, twins)
    assert world.run(*given, "--source", "base").code == 0

    twin = world.run(*given, "--source", "app")

    assert twin.code == 3
    assert "belongs to source 'base', and source 'app' wants it too" in twin.err
    assert world.run(*given, "--source", "base").code == 0


def test_a_source_that_was_renamed_in_the_file_goes_on_with_its_objects(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path, FREE)
    world.remote.put({"workloads/extra.yaml": extra(world)})
    assert world.run(*given).code == 0
    before = found(world)
    config(tmp_path, FREE.replace("name: app", "name: shop"))

    gone = world.run(*given, "--source", "app")
    assert gone.code == 2
    assert "--source: no source 'app' among base, shop" in gone.err
    assert world.run(*given, "--source", "base").code == 0
    assert world.run(*given, "--source", "shop").code == 0

    after = found(world)
    assert after["uid"] == before["uid"]
    assert after["labels"][PART_OF_LABEL] != before["labels"][PART_OF_LABEL]


def test_two_processes_have_a_source_each_and_the_one_asks_the_other(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path)
    with (
        running(
            world, *given, "--source", "app", "--data-dir", str(tmp_path / "a"), interval="1h"
        ) as app,
        running(
            world, *given, "--source", "base", "--data-dir", str(tmp_path / "b"), interval="1h"
        ) as base,
    ):
        app.until_said("cycle.finished", source="app", result="ok")
        base.until_said("cycle.finished", source="base", result="ok")
        assert app.said("loop.started")[0]["sources"] == ["app"]
        assert not app.said("cycle.finished", source="base")
        metrics = base.ask("/metrics")
        assert 'source="base"' in metrics
        assert 'source="app"' not in metrics
        asked = len(base.said("cycle.finished"))

        world.remote.put({"workloads/extra.yaml": extra(world)})
        assert world.call("sync", *given, "app").code == 1  # it waits, and asks for the other
        base.until(lambda: len(base.said("cycle.finished")) > asked)
        app.until(lambda: found(world))

        assert [app.stop(), base.stop()] == [0, 0]


def test_a_process_ends_when_its_source_has_left_the_file_and_else_goes_on_with_its_own(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path, FREE)
    with running(world, *given, "--source", "base", interval="1h") as process:
        process.until_said("cycle.finished", source="base", result="ok")

        config(tmp_path, FREE + "  timeout: 20s\n- name: third\n  git-path: [third]\n")
        process.until_said("config.refused")  # `timeout` is nobody's own
        config(tmp_path, FREE + "  interval: 2h\n- name: third\n  git-path: [third]\n")
        process.until_said("loop.started", count=2)
        assert [each["sources"] for each in process.said("loop.started")] == [["base"], ["base"]]

        config(tmp_path, FREE.replace("name: base", "name: ground"))

        assert process.wait() == 2
        assert "--source: no source 'base' among ground, app" in process.text
        assert '"is_clean": true' in process.text


def test_a_source_that_leaves_no_trace_in_the_cluster_cannot_be_waited_for(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path, SOURCES + "  sync: false\n")

    done = world.run(*given, "--source", "app")

    assert done.code == 2
    assert "both must be run by one process" in done.err


def test_commands_that_talk_to_the_cluster_know_the_selected_sources_alone(
    world: World, tmp_path: Path
) -> None:
    given = config(tmp_path)
    assert world.run(*given).code == 0

    both = world.call("status", *given, "-o", "json").json
    one = world.call("status", *given, "-o", "json", "--source", "app").json
    other = world.call("status", *given, "base", "--source", "app")
    images = world.call("images", *given, "-o", "json", "--source", "base").json

    assert [each["name"] for each in both["sources"]] == ["app", "base"]
    assert [each["name"] for each in one["sources"]] == ["app"]
    assert other.code == 2
    assert "no source 'base'" in other.err
    assert str(images).count("nginx") == 0
