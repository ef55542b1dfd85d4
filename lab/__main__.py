"""By hand: ``python -m lab`` starts everything; ``python -m lab build`` builds what that needs."""

import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from lab import build, story
from lab.control_plane import ControlPlane
from lab.git_server import serving
from lab.process import LabError
from lab.registry import PASSWORD, USER, Registry


def main() -> int:
    """Run the lab until Ctrl-C."""
    try:
        build.build_all()
        if sys.argv[1:] != ["build"]:
            _run()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: stopped", file=sys.stderr)
    return 0


def _run() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reconcile-lab-")))
        plane = ControlPlane.start(folder / "cluster")
        stack.callback(plane.stop)
        registry = Registry.launch(folder / "registry", has_password=True)
        stack.callback(registry.stop)
        image = f"{registry.host}/acme/nginx"
        registry.push("acme/nginx", "v3")
        story.create(folder / "git" / "web.git", image=image)
        git = stack.enter_context(serving(folder / "git"))
        config = registry.docker_config(folder)
        print(f"export KUBECONFIG={plane.kubeconfig}")
        print(f"# registry {registry.host} (user {USER}, password {PASSWORD}) holds acme/nginx:v3")
        print(f"reconcile --once --git-url {git.url}/web.git --docker-config {config}", flush=True)
        print("lab: running until Ctrl-C", file=sys.stderr)
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
