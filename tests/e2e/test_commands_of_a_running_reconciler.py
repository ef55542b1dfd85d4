"""``sync``, ``status``, ``suspend`` and ``resume``, and a reconciler that hears of them."""

import json
from typing import Any

import pytest

from tests.e2e.running import running
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]


def control(world: World) -> dict[str, Any]:
    """Return what is said of the source in the cluster."""
    found = world.control_plane.get(
        "-n", f"{world.name}-state", "configmap", "reconcile-default.control"
    )
    return {name: json.loads(text) for name, text in found["data"].items()}


def test_a_running_reconciler_is_asked_followed_suspended_and_resumed(world: World) -> None:
    with running(world, interval="1h") as process:
        process.until_said("cycle.finished", result="ok")
        assert world.call("status").out.splitlines()[1].split()[:2] == ["default", "yes"]

        world.push("v4")
        synced = world.call("sync", "--user", "jane")
        commit = world.remote.tip()[:7]
        assert (synced.code, synced.err) == (0, "")
        assert synced.out.splitlines() == [
            f"Synchronizing with {world.git_url}",
            f"Revision of main to apply is {commit}",
            f"Waiting for {commit} to be applied ...",
            "Done.",
        ]
        assert world.cluster_image() == f"{world.image}:v4"
        assert process.said("loop.asked", by="jane", source="default")

        held = world.call("suspend", "-m", "Waits for the\nmigration\x9b", "--user", "jane")
        assert held.code == 0
        assert held.out.startswith("Source default is suspended by jane since 20")
        process.until_said("source.suspended", by="jane")
        process.until_said("cycle.finished", result="suspended")
        world.push("v5")
        asked = world.call("sync")
        assert asked.code == 0
        assert "Nothing is done: the source is suspended by jane" in asked.out
        assert "\x9b" not in asked.out
        assert 'reconcile_suspended{source="default"} 1.0' in process.ask("/metrics")
        once = world.run()
        assert once.code == 1
        assert "is led by" in once.err
        assert world.run("--dry-run").code == 4  # it only reads
        status = world.call("status", "-o", "json")
        assert (status.code, status.json["sources"][0]["suspended"]["by"]) == (0, "jane")
        assert world.tags_committed()[-1] == "Update nginx to v4"

        again = world.call("suspend", "default", "-m", "Still", "--user", "joe")
        assert again.out.startswith("Source default was suspended by jane")
        resumed = world.call("resume")
        assert resumed.out.startswith("Source default is resumed; it was suspended by joe")
        assert world.call("resume").out == "Source default was not suspended\n"
        process.until(lambda: world.cluster_image() == f"{world.image}:v5")
        assert process.said("source.resumed")
        assert process.stop() == 0

    assert control(world)["answered.json"]["result"] == "suspended"
    world.call("suspend", "--user", "jane")
    once = world.run()
    assert (once.code, once.err) == (0, "")
    assert once.out.startswith("Source default is suspended by jane")
    assert world.run("-o", "json").json["sources"][0]["suspended"]["by"] == "jane"


def test_a_cycle_that_fails_is_told_with_its_exit_code(world: World) -> None:
    with running(world, interval="1h") as process:
        process.until_said("cycle.finished", result="ok")
        bad = (
            b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'not valid', namespace: default}\n"
        )
        world.remote.put({"workloads/bad.yaml": bad})
        done = world.call("sync")
        assert (done.code, world.call("status").code) == (3, 3)
        assert process.stop() == 0

    assert done.err.startswith("error: ")
    assert "not valid" in done.err


def test_where_nobody_runs_or_nothing_is_known_that_is_said(world: World) -> None:
    for command in ("sync", "status", "suspend", "resume"):
        done = world.call(command)
        assert (done.code, "no source was ever synced" in done.err) == (2, True), command
    assert world.run().code == 0
    assert world.call("status", "defualt").err.rstrip().endswith("did you mean 'default'?")

    done = world.call("sync")

    assert done.code == 1
    assert "nobody has answered for 20 s" in done.err
