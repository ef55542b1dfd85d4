"""By hand: ``python -m lab`` builds what is missing and starts everything."""

import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from lab import build, git_server, registry, story
from lab.control_plane import start_or_use
from lab.process import LabError
from lab.registry import Registry

GIT_PASSWORD = "git-password"  # noqa: S105 - of a server that lives until Ctrl-C


def main() -> int:
    """Build the lab, and run it until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # is obeyed as Ctrl-C is
    try:
        build.build_all()
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
        print("lab: starting a control plane, a registry, a Git server ...", file=sys.stderr)
        cluster = start_or_use(folder / "cluster")
        stack.callback(cluster.stop)
        images = Registry.launch(folder / "registry", has_password=True)
        stack.callback(images.stop)
        images.push("acme/nginx", "v3")
        story.create(folder / "git" / "web.git", image=f"{images.host}/acme/nginx")
        git = stack.enter_context(git_server.serving(folder / "git", password=GIT_PASSWORD))
        for line in _description(cluster.kubeconfig, images, f"{git.url}/web.git", folder):
            print(line, flush=True)
        print("lab: running until Ctrl-C", file=sys.stderr, flush=True)
        signal.pause()


def _description(kubeconfig: Path, images: Registry, git_url: str, folder: Path) -> list[str]:
    """Say where everything is, as lines for a shell."""
    password = folder / "git-password"
    password.touch(mode=0o600)
    password.write_text(GIT_PASSWORD)
    command = [
        *("reconcile", "--once", "--git-url", git_url),
        *("--git-username", git_server.USER, "--git-password-file", str(password)),
        *("--docker-config", str(images.docker_config(folder))),
    ]
    password_of_registry = f"user {registry.USER}, password {registry.PASSWORD}"
    return [
        f"export KUBECONFIG={shlex.quote(str(kubeconfig))}",
        f"# kubectl:  {build.require('kubernetes')} kubectl",
        f"# registry: http://{images.host} holds acme/nginx:v3 ({password_of_registry})",
        f"# Git:      {git_url} (user {git_server.USER}, password {GIT_PASSWORD})",
        shlex.join(command),
    ]


if __name__ == "__main__":
    sys.exit(main())
