"""A watch of the lab's API server, with a proxy between that fails where it is told to."""

import itertools
import json
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.watch import Told, Watch
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Listed, Resource
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NoAnswerError,
    NotFoundError,
    ReconcilerError,
)
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop
from tests.adapters.raw_requests import Raw
from tests.simulators.fault_proxy import Answer, Cut, Fault, FaultProxy, Stall, until

pytestmark = pytest.mark.cluster

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
WATCHING = r"configmaps\?.*watch=true"
LISTING = r"configmaps\?.*limit="
PATIENCE_S = 300.0
_numbers = itertools.count(1)


def failure(status: int, **more: object) -> bytes:
    return json.dumps({"kind": "Status", "code": status, "message": "simulated", **more}).encode()


def event(kind: str, item: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), item)


class World:
    """ConfigMaps of one case, a proxy, and a watch through it."""

    def __init__(self, plane: ControlPlane, authority: Authority, folder: Path, user: str) -> None:
        self.label = f"watch{next(_numbers)}"
        self.plane = plane
        self.raw = Raw(plane, self.label)
        self.raw.make_namespace(self.label)
        kubeconfig = plane.kubeconfig_for(user) if user else plane.kubeconfig
        self.proxy = FaultProxy(kubeconfig, authority, folder / self.label)
        self.connection = Connection.open(ClusterSettings(kubeconfig=self.proxy.kubeconfig))
        self.end = Stop()
        self.heard: list[Told] = []
        self.error: ReconcilerError | None = None
        self._watching: threading.Thread | None = None

    def put(self, name: str, value: str = "1", namespace: str = "") -> None:
        """Make or change a ConfigMap of the case."""
        raw = Raw(self.plane, namespace or self.label)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"case": self.label}},
            "data": {"value": value},
        }
        raw.patch(
            raw.path("ConfigMap", name),
            body,
            kind="application/apply-patch+yaml",
            force="true",
        )
        raw.close()

    def watch(
        self, *namespaces: str, timeout_s: float = PATIENCE_S, silence_s: float = 90.0
    ) -> None:
        """Begin to watch."""
        watch = Watch(
            self.connection,
            CONFIG_MAPS,
            selector=f"case={self.label}",
            deadline=time.monotonic() + timeout_s,
            until=self.end,
        )
        self._watching = threading.Thread(
            target=self._follow, args=(replace(watch, silence_s=silence_s), namespaces), daemon=True
        )
        self._watching.start()

    def _follow(self, watch: Watch, namespaces: Collection[str]) -> None:
        try:
            for told in watch.told(namespaces):
                self.heard.append(told)
        except ReconcilerError as error:
            self.error = error

    def values(self) -> list[str]:
        """Return what was heard: values of objects, ``-`` and name, or ``.`` for a list's end."""
        return [
            "."
            if isinstance(told, Listed)
            else f"-{told.name}"
            if isinstance(told, ObjectKey)
            else told["data"]["value"]
            for told in tuple(self.heard)
        ]

    def hear(self, value: str) -> None:
        """Wait until something is heard."""
        until(lambda: value in self.values() or self.error is not None)
        assert self.error is None

    def asked(self, what: str) -> int:
        """Return how many requests there were of a sort: ``watch=true``, ``limit=``."""
        return sum(what in request for request in tuple(self.proxy.requests))

    def is_watching(self) -> bool:
        return self.asked("watch=true") > 0

    def join(self) -> None:
        """Wait until the watch has ended."""
        assert self._watching is not None
        self._watching.join(120)
        assert not self._watching.is_alive()

    def close(self) -> None:
        self.end.ask()
        if self._watching is not None:
            self.join()
        self.connection.close()
        self.raw.close()


@pytest.fixture
def world(control_plane: ControlPlane, authority: Authority, tmp_path: Path) -> Iterator[World]:
    made = World(control_plane, authority, tmp_path, "")
    with made.proxy:
        yield made
        made.close()


def test_a_watch_that_is_cut_goes_on_where_it_was_without_a_list(world: World) -> None:
    world.put("a")
    world.watch()
    world.hear("1")
    world.put("a", "2")
    world.hear("2")
    world.proxy.on("GET", WATCHING, Cut(), times=2)
    world.proxy.cut_all()
    world.put("a", "3")
    world.put("b", "4")
    world.raw.delete(world.raw.path("ConfigMap", "b"))

    world.hear("-b")

    assert world.values() == ["1", ".", "2", "3", "4", "-b"]
    assert world.asked("limit=") == 1


SURVIVED = [
    pytest.param(Cut(), 1, id="cut"),
    pytest.param(Stall(), 1, id="silence"),
    pytest.param(Answer(200, body=b""), 1, id="ended"),
    pytest.param(Answer(200, body=b'{"type":"ADDED","object":{"apiV'), 1, id="half-a-line"),
    pytest.param(Answer(200, body=b"\xff\xfe\n"), 1, id="no-json"),
    pytest.param(Answer(200, body=b"[1]\n"), 2, id="no-event"),
    pytest.param(Answer(200, body=event("ADDED", b"{}")), 2, id="no-object"),
    pytest.param(Answer(200, body=event("ERROR", failure(410))), 2, id="too-old-event"),
    pytest.param(Answer(410, body=failure(410)), 2, id="too-old-answer"),
    pytest.param(Answer(200, body=event("ERROR", failure(500))), 2, id="error-event"),
    pytest.param(Answer(429, headers={"Retry-After": "1"}), 2, id="too-many"),
    pytest.param(Answer(503), 2, id="unavailable"),
    pytest.param(Answer(504, body=failure(504)), 2, id="version-too-new"),
    pytest.param(Answer(403, body=failure(403)), 1, id="forbidden-while-it-starts"),
    pytest.param(Answer(401, body=failure(401)), 1, id="unknown-while-it-starts"),
]


@pytest.mark.parametrize(("fault", "lists"), SURVIVED)
def test_a_watch_survives(world: World, fault: Fault, lists: int) -> None:
    world.put("a")
    world.proxy.on("GET", WATCHING, fault, times=2)
    world.watch(silence_s=1.0 if isinstance(fault, Stall) else 90.0)
    world.hear("1")
    until(lambda: world.asked("watch=true") > 2)
    world.put("a", "2")

    world.hear("2")

    assert world.asked("limit=") in (range(1, 2) if lists == 1 else range(2, 4))


def test_an_api_server_that_is_gone_for_a_while_is_waited_for(world: World) -> None:
    world.put("a")
    world.watch()
    world.hear("1")
    until(world.is_watching)
    world.proxy.die_at(len(world.proxy.requests) + 1, is_forwarded=False)
    world.proxy.cut_all()
    world.put("a", "2")
    time.sleep(1.5)
    assert world.values() == ["1", "."]
    world.proxy.reset()

    world.hear("2")

    assert world.asked("limit=") == 0


def test_a_list_that_fails_is_begun_anew(world: World) -> None:
    world.put("a")
    world.proxy.on("GET", LISTING, Answer(503), times=1)
    world.proxy.on("GET", LISTING, Answer(410, body=failure(410)), times=1)
    world.watch()

    world.hear(".")

    assert world.values() == ["1", "."]


@pytest.mark.parametrize("timeout_s", [0.0, PATIENCE_S])
def test_where_nothing_can_be_listed_there_is_no_wait(world: World, timeout_s: float) -> None:
    world.proxy.on("GET", LISTING, Answer(500))
    world.watch(timeout_s=timeout_s)

    world.join()

    assert isinstance(world.error, ClusterError)
    assert world.values() == []


def test_a_wait_that_ends_without_a_connection_says_so(world: World) -> None:
    world.proxy.on("GET", WATCHING, Cut())
    world.watch(timeout_s=2.0)

    world.join()

    assert isinstance(world.error, NoAnswerError)


def test_a_kind_that_is_not_served_any_more_is_not_waited_for(world: World) -> None:
    world.proxy.on("GET", WATCHING, Answer(404, body=failure(404)))
    world.watch()

    world.join()

    assert isinstance(world.error, NotFoundError)


def test_an_object_as_large_as_etcd_takes_it_is_heard_of(world: World) -> None:
    large = "x" * 1_000_000
    world.watch()
    until(world.is_watching)
    world.put("a", large)

    world.hear(large)


def test_where_all_namespaces_are_forbidden_each_is_watched_at_the_same_time(
    control_plane: ControlPlane, authority: Authority, tmp_path: Path
) -> None:
    world = World(control_plane, authority, tmp_path, "limited")
    spaces = [f"{world.label}-{letter}" for letter in "ab"]
    for space in spaces:
        world.raw.make_namespace(space)
        inside = ("-n", space, "create")
        verbs = "--verb=list,watch"
        control_plane.kubectl(*inside, "role", "look", verbs, "--resource=configmaps")
        control_plane.kubectl(*inside, "rolebinding", "look", "--role=look", "--user=limited")
    with world.proxy:
        world.watch(*spaces)
        until(lambda: world.asked("watch=true") == len(spaces) or world.error is not None)
        for number, space in enumerate(spaces):
            world.put("a", str(number), namespace=space)
        world.hear("0")
        world.hear("1")
        world.end.ask()
        world.join()

        assert world.asked("watch=true") == len(spaces)
        assert {told for told in world.heard if isinstance(told, Listed)} == {
            Listed(space) for space in spaces
        }
        world.close()


def test_a_namespace_that_is_forbidden_too_is_an_error(
    control_plane: ControlPlane, authority: Authority, tmp_path: Path
) -> None:
    world = World(control_plane, authority, tmp_path, "limited")
    with world.proxy:
        world.watch(world.label, f"{world.label}-other")
        world.join()

        assert isinstance(world.error, AccessDeniedError)
        world.close()


def test_what_etcd_has_forgotten_is_listed_anew_after_a_restart_of_the_api_server(
    tmp_path: Path, authority: Authority
) -> None:
    plane = ControlPlane.start(tmp_path / "plane", has_controllers=False)
    try:
        world = World(plane, authority, tmp_path, "")
        with world.proxy:
            world.put("a")
            world.put("b", "b")
            world.watch()
            world.hear(".")
            until(world.is_watching)
            world.proxy.die_at(len(world.proxy.requests) + 1, is_forwarded=False)
            world.proxy.cut_all()
            for value in "234":
                world.put("a", value)
            world.raw.delete(world.raw.path("ConfigMap", "b"))
            plane.compact()
            plane.stop_apiserver()
            plane.start_apiserver()
            world.proxy.reset()

            until(lambda: world.values().count(".") == 2 or world.error is not None)

            assert world.error is None
            assert world.values() == ["1", "b", ".", "4", "."]
            key = ObjectKey("", "ConfigMap", world.label, "a")
            assert world.heard[-1] == Listed("", frozenset({key}))
            world.put("a", "5")
            world.hear("5")
            world.close()
    finally:
        plane.stop()
