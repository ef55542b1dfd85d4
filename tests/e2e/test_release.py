"""A release over real Git by HTTP and a registry that wants a password, as from a laptop."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import USER, serving
from lab.registry import Registry
from tests.interfaces.program import Done, program

pytestmark = [pytest.mark.git_server, pytest.mark.registry]

NAME = "web:deployment/web"
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: web, annotations: {{fluxcd.io/automated: "true"}}}}
spec: {{template: {{spec: {{containers: [{{name: web, image: "{image}:{tag}"}}]}}}}}}
"""


def test_a_release_over_http_on_top_of_others_until_the_remote_declines(
    tmp_path: Path, registry: Registry
) -> None:
    image = f"{registry.host}/release/web"
    registry.push("release/web", "v3", "v4")
    registry.docker_config(tmp_path)
    remote = BareRemote.create(tmp_path / "git" / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    remote.put({"web.yaml": MANIFEST.format(image=image, tag="v3").encode()})
    (tmp_path / "password").write_text("hunter2\n")
    with serving(tmp_path / "git", password="hunter2") as server:

        def run(*arguments: str) -> Done:
            return program(
                *arguments, "--git-url", f"{server.url}/web.git", "--git-username", USER,
                "--git-password-file", str(tmp_path / "password"), "--git-sign-off",
                "--docker-config", str(tmp_path / "config.json"),
                "--data-dir", str(tmp_path / "data"),
            )  # fmt: skip

        updated = run("--once", "--no-sync")
        remote.put({"README.md": b"by somebody else\n"})
        released = run("release", NAME, "--update-image", ":v3", "--user", "Jane <jane@x.io>")
        tip = remote.tip()
        held = run("--once", "--no-sync")
        remote.hook("pre-receive", "echo 'no releases on a Friday' >&2; exit 1")
        declined = run("release", NAME, "--update-image", ":v4")

    assert (updated.code, released.code, held.code) == (0, 0, 0), released.err
    assert f"Commit pushed:   {tip[:7]}\n" in released.out
    assert f'"{image}:v3"' in remote.content("main:web.yaml").decode()
    assert remote.content("main:README.md") == b"by somebody else\n"
    who = remote.log(form="%an <%ae>|%cn|%(trailers:key=Signed-off-by,valueonly)")[0]
    assert who.strip() == "Jane <jane@x.io>|reconcile|reconcile <reconcile@localhost>"
    assert remote.tip() == tip  # what was released is not undone by a cycle
    assert declined.code == 3
    assert "no releases on a Friday" in declined.err
