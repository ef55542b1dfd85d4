"""The story on a terminal: v3 is deployed from Git, v4 is pushed, Git and the cluster say v4."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lab import build, story
from lab.bare_repository import BareRemote
from lab.cluster import Cluster
from lab.control_plane import ControlPlane
from lab.git_server import USER, serving
from lab.process import LabError
from lab.registry import Registry

GIT_PASSWORD = "git-password"  # noqa: S105 - of a server that lives for the demo
OURS = ("namespace/web", "namespace/reconcile")


@dataclass(frozen=True)
class Stage:
    """Where the story plays."""

    folder: Path
    cluster: Cluster
    registry: Registry
    remote: BareRemote
    git_url: str

    def reconcile(self, *more: str) -> None:
        """Run ``reconcile --once`` as a user would, and show what it says.

        Raises:
            LabError: it failed.
        """
        flags = {
            "--git-url": self.git_url,
            "--git-username": USER,
            "--git-password-file": str(self.folder / "git-password"),
            "--docker-config": str(self.folder / "config.json"),
            "--kubeconfig": str(self.cluster.kubeconfig),
            "--data-dir": str(self.folder / "data"),
        }
        arguments = [*(word for pair in flags.items() for word in pair), *more]
        shown = " ".join(f"{name} …" for name in flags if name != "--data-dir")
        _command(f"reconcile --once {shown}")
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "--once", *arguments],
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise LabError(f"reconcile ended with {done.returncode}")

    def show_cluster(self) -> None:
        """Print the image that the cluster's Deployment has."""
        path = "{.spec.template.spec.containers[0].image}"
        arguments = ("-n", "web", "get", "deployment", "nginx-deployment", "-o", f"jsonpath={path}")
        _command(f"kubectl {' '.join(arguments)}")
        print(self.cluster.kubectl(*arguments), flush=True)


def main() -> int:
    """Tell the story; return 0 if it came out as it should."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # is told, and cleaned up after
    try:
        if os.environ.get("KUBECONFIG") and shutil.which("kubectl"):
            build.build_all(["registry"])
        else:
            build.build_all()
        with ExitStack() as stack:
            _tell(_set_up(stack))
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130
    return 0


def _set_up(stack: ExitStack) -> Stage:
    _say("A registry that wants a password, a Git server, a Kubernetes control plane")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reconcile-demo-")))
    cluster = _cluster(stack, folder)
    registry = Registry.launch(folder / "registry", has_password=True)
    stack.callback(registry.stop)
    registry.docker_config(folder)
    registry.push("acme/nginx", "v3")
    remote = story.create(folder / "git" / "web.git", image=f"{registry.host}/acme/nginx")
    server = stack.enter_context(serving(folder / "git", password=GIT_PASSWORD))
    (folder / "git-password").touch(mode=0o600)
    (folder / "git-password").write_text(GIT_PASSWORD)
    print(f"cluster   {cluster.kubeconfig}\nregistry  {registry.host} holds acme/nginx:v3")
    print(f"Git       {server.url}/web.git", flush=True)
    return Stage(folder, cluster, registry, remote, f"{server.url}/web.git")


def _cluster(stack: ExitStack, folder: Path) -> Cluster:
    given = os.environ.get("KUBECONFIG")
    if not given:
        plane = ControlPlane.start(folder / "cluster")
        stack.callback(plane.stop)
        return plane
    if not Path(given).is_file():
        raise LabError(f"$KUBECONFIG is no file: {given!r}")
    cluster = Cluster(Path(given))
    _require_free(cluster)
    stack.callback(_clean_up, cluster)
    return cluster


def _require_free(cluster: Cluster) -> None:
    """Refuse a cluster that has namespaces of these names: the demo would delete them later."""
    taken = cluster.kubectl("get", "--ignore-not-found", "-o", "name", *OURS).split()
    if taken:
        raise LabError(f"the cluster already has {', '.join(taken)}; use another one")


def _clean_up(cluster: Cluster) -> None:
    """Take away what the demo made in somebody's own cluster."""
    _say("Cleaning up")
    print(cluster.kubectl("delete", "--ignore-not-found", "--wait=false", *OURS), end="")


def _tell(stage: Stage) -> None:
    wait: Sequence[str] = ("--no-wait",) if os.environ.get("KUBECONFIG") else ()
    _say("Git says v3: the first cycle syncs it")
    stage.reconcile(*wait)
    stage.show_cluster()
    _say("v4 is pushed to the registry")
    stage.registry.push("acme/nginx", "v4")
    print(f"{stage.registry.host}/acme/nginx: {', '.join(stage.registry.tags('acme/nginx'))}")
    _say("The next cycle commits one changed line, and syncs it")
    stage.reconcile(*wait)
    _command("git show")
    print(stage.remote.show(), flush=True)
    stage.show_cluster()
    if not stage.remote.content(f"main:{story.DEPLOYMENT_PATH}").count(b"acme/nginx:v4"):
        raise LabError("Git does not say v4")


def _say(text: str) -> None:
    print(f"\n== {text} ==", flush=True)


def _command(text: str) -> None:
    print(f"$ {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
