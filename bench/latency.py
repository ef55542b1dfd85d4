"""How long a tag takes from the registry to the cluster: real program, registry, Git, cluster."""

import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.child import clean_environment, require
from lab import story
from lab.control_plane import ControlPlane
from lab.git_server import USER, serving
from lab.ports import free_port
from lab.process import Process
from lab.registry import Registry
from reconciler.adapters.cluster.connection import Connection
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

PATIENCE_S: Final = 60.0
REST_S: Final = 0.2
"""Between a tag's arrival and the next push, so that each is timed for itself."""


def ways_of_tags(
    plane: ControlPlane, folder: Path, name: str, *, pushes: int, has_webhook: bool
) -> Iterator[float]:
    """Yield for each pushed tag the seconds from the registry's 201 to the API server's new image.

    Args:
        plane: the cluster.
        folder: an empty one.
        name: of the namespace, and of the images.
        pushes: how many.
        has_webhook: whether the registry tells of them; else it is asked each second.
    """
    address, secret = f"127.0.0.1:{free_port()}", secrets.token_hex(16)
    with ExitStack() as stack:
        registry = Registry(folder / "registry", has_password=False)
        (folder / "registry").mkdir()
        if has_webhook:
            registry.notify(f"http://{address}/hooks/registry/distribution", secret)
        registry.start()
        stack.callback(registry.stop)
        registry.push(f"{name}/nginx", "v3")
        image = f"{registry.host}/{name}/nginx"
        remote = story.create(folder / "git" / "web.git", image=image, namespace=name)
        server = stack.enter_context(serving(remote.path.parent, password=secret))
        (folder / "secret").write_text(secret)
        flags = {
            "--git-url": f"{server.url}/web.git",
            "--git-username": USER,
            "--git-password-file": str(folder / "secret"),
            "--kubeconfig": str(plane.kubeconfig),
            "--namespace": f"{name}-state",
            "--data-dir": str(folder / "data"),
            "--interval": "1h" if has_webhook else "1s",
            "--listen": address,
            "--webhook-secret-file": str(folder / "secret"),
        }
        words = [word for flag in flags.items() for word in flag]
        process = Process(
            "reconcile",
            [sys.executable, "-m", "reconciler", "--no-wait", *words],
            folder / "log",
            environment=dict(clean_environment()),
        )
        stack.callback(process.stop)
        watched = stack.enter_context(_Watched(plane, name))
        watched.wait_for(f"{image}:v3")
        time.sleep(1)  # the first cycle ends
        for number in range(4, 4 + pushes):
            registry.push(f"{name}/nginx", f"v{number}")
            began = time.monotonic()
            yield watched.wait_for(f"{image}:v{number}") - began
            time.sleep(REST_S)


class _Watched:
    """The Deployment's image, as a watch of its own sees it."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._connection = Connection.open(ClusterSettings(kubeconfig=plane.kubeconfig))
        self._path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        self._end = Stop()
        self._changed = threading.Condition()
        self._seen: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.ask()
        self._thread.join()
        self._connection.close()

    def wait_for(self, image: str) -> float:
        """Wait until a Deployment has this image; return when, on the monotonic clock."""
        with self._changed:
            is_seen = self._changed.wait_for(lambda: image in self._seen, PATIENCE_S)
        require(is_seen, f"{image} did not come")
        return self._seen[image]

    def _watch(self) -> None:
        query = {"watch": "true"}
        for event in self._connection.stream(
            self._path, query=query, read_timeout_s=10 * PATIENCE_S, until=self._end
        ):
            (container,) = event["object"]["spec"]["template"]["spec"]["containers"]
            with self._changed:
                self._seen.setdefault(container["image"], time.monotonic())
                self._changed.notify_all()
