"""``python -m lab`` and the fixtures: usable as they say, and nothing is left of them."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import build
from lab.bare_repository import git
from lab.cluster import Cluster
from lab.process import wait_until

ROOT = Path(__file__).parents[2]
READY = "lab: running until Ctrl-C"


class Lab:
    """The lab, run by hand."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.folder = folder / "tmp"
        self.folder.mkdir()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": str(self.folder), "RECONCILE_LAB_KUBECONFIG": ""},
            )
        wait_until(lambda: READY in self.text or self.has_ended, what="the lab", timeout_s=120)
        assert READY in self.text, self.text

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def programs(self) -> list[str]:
        """Return the command lines of the lab's programs that run on its folder."""
        lines = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.folder) in line:
                lines.append(line)
        return lines

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def built() -> None:
    """Skip the test where the lab is not built: it would take minutes to do it now."""
    for program in build.PROGRAMS:
        build.require(program.name)


@pytest.fixture
def lab(built: None, tmp_path: Path) -> Iterator[Lab]:  # noqa: ARG001 - it is there for its skip
    lab = Lab(tmp_path)
    yield lab
    lab.process.kill()
    lab.process.wait()


@pytest.mark.cluster
@pytest.mark.registry
@pytest.mark.git_server
def test_it_tells_where_everything_is_and_takes_everything_with_it(
    lab: Lab, tmp_path: Path
) -> None:
    kubeconfig = re.search(r"^export KUBECONFIG=(\S+)$", lab.text, re.MULTILINE)
    remote = re.search(
        r"^# Git: +http://(\S+) \(user (\S+), password (\S+)\)$", lab.text, re.MULTILINE
    )
    assert kubeconfig is not None
    assert remote is not None
    assert Path(kubeconfig[1]).is_file()
    git(tmp_path, "clone", f"http://{remote[2]}:{remote[3]}@{remote[1]}", "clone")
    assert len(lab.programs()) == 6

    assert lab.end(signal.SIGTERM) == 0

    assert "lab: stopped" in lab.text
    assert lab.programs() == []
    assert list(lab.folder.iterdir()) == []


@pytest.mark.cluster
@pytest.mark.registry
def test_killed_it_leaves_nothing_running(lab: Lab) -> None:
    assert len(lab.programs()) == 6

    lab.end(signal.SIGKILL)

    wait_until(lambda: lab.programs() == [], what="the end of its programs", timeout_s=30)


def tell_the_story(folder: Path, **environment: str) -> list[str]:
    """Run the demo and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.demo"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(folder), "KUBECONFIG": "", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.cluster
@pytest.mark.registry
@pytest.mark.git_server
@pytest.mark.usefixtures("built")
def test_the_demo_tells_the_story_and_cleans_up(tmp_path: Path) -> None:
    lines = tell_the_story(tmp_path)

    before, after = (line for line in lines if line.startswith(("- ", "+ ")))
    assert before.startswith("-        image:")
    assert after == "+" + before[1:].replace(":v3", ":v4")
    assert re.fullmatch(r"127\.0\.0\.1:\d+/acme/nginx:v4", lines[-1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.cluster
@pytest.mark.registry
@pytest.mark.git_server
@pytest.mark.usefixtures("built")
def test_the_demo_leaves_nothing_in_a_cluster_that_it_was_given(
    tmp_path: Path, control_plane: Cluster
) -> None:
    lines = tell_the_story(tmp_path, KUBECONFIG=str(control_plane.kubeconfig))

    assert lines[-2:] == ['namespace "web" deleted', 'namespace "reconcile" deleted']
