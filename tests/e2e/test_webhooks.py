"""Webhooks, on real parts: a registry that tells what was pushed, a commit that is told of."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.ports import free_port
from lab.registry import Registry
from tests.adapters.notify.test_webhook import Received, received
from tests.adapters.telemetry.test_traces import spans_of
from tests.e2e.running import Running, running
from tests.e2e.world import World

__all__ = ["received"]  # a fixture

pytestmark = [pytest.mark.cluster, pytest.mark.registry]

SECRET = "correct horse battery staple"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def telling_registry(tmp_path: Path, port: int) -> Iterator[Registry]:
    """A registry that tells us of what is pushed."""
    registry = Registry(tmp_path / "registry", has_password=True)
    registry.folder.mkdir()
    registry.notify(f"http://127.0.0.1:{port}/hooks/registry/distribution", SECRET)
    registry.start()
    yield registry
    registry.stop()


def hook(process: Running, name: str, said: object) -> int:
    """Send what a forge would."""
    body = json.dumps(said).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"http://{process.said('loop.started')[0]['addresses'][0]}/hooks/git/{name}",
        body,
        {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={signature}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return int(answer.status)


def test_a_pushed_tag_is_in_the_cluster_and_a_pushed_commit_too_without_waiting_for_the_clock(
    tmp_path: Path, control_plane: ControlPlane, telling_registry: Registry, port: int
) -> None:
    world = World.create(f"hooked{port}", tmp_path, control_plane, telling_registry)
    (tmp_path / "secret").write_text(SECRET)
    flags = ("--webhook-secret-file", str(tmp_path / "secret"), "--listen", f"127.0.0.1:{port}")
    with running(world, *flags, interval="1h") as process:
        process.until_said("cycle.finished", result="ok")
        for tag in ("v4", "v5"):
            world.push(tag)
        process.until(lambda: world.cluster_image() == f"{world.image}:v5")
        described = ("-n", world.name, "describe", "deployment", "nginx-deployment")
        process.until(lambda: "ImageUpdated" in control_plane.kubectl(*described))
        process.until_said("webhook.received", result="accepted")
        commit = world.remote.put(
            {"workloads/more.yaml": config_map(world.name).encode()}, "Add a ConfigMap"
        )
        push = {
            "ref": "refs/heads/main",
            "after": commit,
            "repository": {"full_name": "/".join(Path(world.git_url).parts[-2:])},
        }
        assert hook(process, "github", push) == 202
        process.until_said("cycle.finished", created=1)
        assert hook(process, "github", push) == 200  # it has seen this commit
        assert process.stop() == 0

    assert world.tags_committed()[-2:] == ["Update nginx to v5", "Add a ConfigMap"]
    assert SECRET not in process.text


def test_who_wants_to_be_told_is_told_of_an_update(world: World, received: Received) -> None:
    (world.folder / "url").write_text(received.url)
    flags = ("--notify-url-file", str(world.folder / "url"), "--notify", "updated")
    with running(world, *flags, "--log-level", "debug", interval="1s") as process:
        process.until_said("cycle.finished", result="ok")
        world.push("v4")
        process.until_said("tiding.told", kind="updated")
        assert process.stop() == 0

    ((_, body),) = received.requests
    assert json.loads(body)["changes"][0]["to"] == f"{world.image}:v4"
    assert received.url not in process.text


def test_apprise_services_are_told_beside_the_url(world: World, received: Received) -> None:
    (world.folder / "urls").write_text(received.url.replace("http:", "json:") + "/s3cret\n")
    (world.folder / "url").write_text("http://127.0.0.1:1/nobody")
    flags = ("--notify-apprise-file", str(world.folder / "urls"), "--notify", "updated")
    more = ("--notify-url-file", str(world.folder / "url"), "--log-level", "debug")
    with running(world, *flags, *more, interval="1s") as process:
        process.until_said("cycle.finished", result="ok")
        world.push("v4")
        process.until_said("tiding.told", kind="updated")
        assert process.stop() == 0

    ((_, body),) = received.requests
    assert f"{world.image}:v3 -> {world.image}:v4" in json.loads(body)["message"]
    assert "s3cret" not in process.text


def test_cycles_are_traced_where_an_endpoint_is_named(
    world: World, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    received.status = 200
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url.partition("/hooks")[0])
    with running(world, interval="1h") as process:
        process.until_said("cycle.finished", result="ok")
        assert process.stop() == 0

    who, spans = spans_of(received)
    assert who["service.name"] == "reconcile"
    assert {"cycle", "read", "scan", "update", "sync"} <= set(spans)
    cycle = spans["cycle"]
    for each in spans.values():
        assert cycle.start_time_unix_nano <= each.start_time_unix_nano
        assert each.end_time_unix_nano <= cycle.end_time_unix_nano


def config_map(namespace: str) -> str:
    return (
        "apiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: more, namespace: {namespace}}}\ndata: {{one: '1'}}\n"
    )
