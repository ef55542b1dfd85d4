"""Sources that wait for others, on real parts."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import running
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

GATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: gate, namespace: NAMESPACE}
spec:
  replicas: 1
  selector: {matchLabels: {app: gate}}
  template:
    metadata: {labels: {app: gate, lab/fail: "FAILS"}}
    spec: {containers: [{name: gate, image: "gate:1"}]}
"""
SOURCES = """\
sources:
- name: app
  git-path: [workloads]
  depends-on: [base]
- name: base
  git-path: [namespaces]
"""


def put_gate(world: World, *, fails: bool) -> None:
    """Have the base's Deployment in Git."""
    text = GATE.replace("NAMESPACE", world.name).replace("FAILS", str(fails).lower())
    world.remote.put({"namespaces/gate.yaml": text.encode()})


def config(folder: Path) -> tuple[str, str]:
    (folder / "reconcile.yaml").write_text(SOURCES)
    return "--config", str(folder / "reconcile.yaml")


def status_of_app(world: World) -> Mapping[str, Any]:
    """Return what the state object tells of the source that waits."""
    state = world.control_plane.get("-n", f"{world.name}-state", "configmap", "reconcile-app")
    found: Mapping[str, Any] = json.loads(state["data"]["status.json"])
    return found


def test_a_source_is_synced_when_the_one_that_it_depends_on_is_healthy_and_updated_before(
    world: World, tmp_path: Path
) -> None:
    put_gate(world, fails=True)
    world.push("v4")

    held = world.run(*config(tmp_path), "--timeout", "3s")

    waits = "failed: waits for source 'base', which is not ready: deployment.apps/gate"
    assert held.code == 1
    assert [line for line in held.err.splitlines() if line.startswith(waits)]
    assert "Update nginx to v4" in world.tags_committed()
    assert world.cluster_image() == ""
    status = status_of_app(world)
    assert (status["ready"], status["applied"]) == (False, "")
    assert status["message"].startswith("waits for source 'base', which is not ready")
    dry = world.run(*config(tmp_path), "--dry-run")
    assert dry.code == 4
    assert f"{world.image}:v4" in dry.out  # it waits for nobody

    put_gate(world, fails=False)
    done = world.run(*config(tmp_path), "--timeout", "100s")

    assert (done.code, done.err) == (0, "")
    assert world.cluster_image() == f"{world.image}:v4"
    again = world.run(*config(tmp_path), "-o", "json")
    assert [each["name"] for each in again.json["sources"]] == ["base", "app"]


def test_running_continuously_it_is_asked_for_as_soon_as_that_one_is_ready(
    world: World, tmp_path: Path
) -> None:
    put_gate(world, fails=True)
    with running(world, *config(tmp_path), "--timeout", "10m", interval="1h") as process:
        process.until_said("problem.transient", source="app", kind="dependency")

        put_gate(world, fails=False)
        process.signal(signal.SIGHUP)

        process.until_said("cycle.finished", source="app", result="ok")
        assert process.said("problem.passed", source="app", kind="dependency")
        process.stop()
    assert world.cluster_image() == f"{world.image}:v3"


def test_a_process_that_begins_does_not_call_ready_sources_unready(
    world: World, tmp_path: Path
) -> None:
    assert world.run(*config(tmp_path)).code == 0
    before = status_of_app(world)
    assert before["ready"]

    with running(world, *config(tmp_path), interval="1h") as process:
        process.until_said("cycle.finished", source="app", result="ok")
        process.stop()

    assert status_of_app(world) == before


def test_a_source_waits_for_one_that_another_process_runs(world: World, tmp_path: Path) -> None:
    put_gate(world, fails=True)
    ours, app, base = config(tmp_path), ("--source", "app"), ("--source", "base")

    early = world.run(*ours, *app)
    assert early.code == 1
    assert "waits for source 'base', which was never synced" in early.err
    failed = world.run(*ours, *base, "--timeout", "3s")
    assert failed.code == 1
    assert "deployment.apps/gate" in failed.err
    late = world.run(*ours, *app)
    assert "waits for source 'base', which is not ready: " in late.err
    assert world.cluster_image() == ""

    with running(world, *ours, *app, interval="1s") as process:
        process.until_said("cycle.finished", result="transient")
        put_gate(world, fails=False)
        assert (
            world.run(*ours, *base, "--timeout", "100s", "--data-dir", str(tmp_path / "b")).code
            == 0
        )
        process.until(lambda: world.cluster_image() == f"{world.image}:v3")
        process.until_said("cycle.finished", result="ok")
        assert {line["source"] for line in process.said("cycle.finished")} == {"app"}
        assert process.stop() == 0


def test_a_process_neither_adopts_nor_prunes_what_a_source_has_that_it_leaves_to_others(
    world: World, tmp_path: Path
) -> None:
    assert world.run(*config(tmp_path), "--timeout", "100s").code == 0
    sources = SOURCES.replace("[workloads]", "[nothing]").replace("name: app", "name: new")
    sources = sources.replace("  depends-on: [base]\n", "")
    more = "\n- name: app\n  git-path: [workloads]\n"
    (tmp_path / "reconcile.yaml").write_text(sources.rstrip() + more)
    world.remote.put({"nothing/empty.yaml": b""})

    done = world.run("--config", str(tmp_path / "reconcile.yaml"), "--source", "new", "--no-wait")

    assert done.code == 0
    assert world.cluster_image() == f"{world.image}:v3"
    assert status_of_app(world)["ready"]
