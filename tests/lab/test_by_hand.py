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
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = file.read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.folder) in line:
                lines.append(line)
        return lines

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    for program in build.PROGRAMS:
        build.require(program.name)
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
