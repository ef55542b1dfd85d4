"""What the lab starts ends with it: when it is stopped, and when whoever started it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.ports import free_port, is_listening
from lab.process import LabError, Process, wait_until

STARTS_A_REGISTRY = """\
import sys, time
from pathlib import Path
from lab.registry import Registry
registry = Registry.launch(Path(sys.argv[1]), has_password=False)
print(registry.pid, registry.port, flush=True)
time.sleep(600)
"""
STARTS_A_SHELL = """\
import os, sys, time
from pathlib import Path
from lab.process import Process
folder = Path(sys.argv[1])
process = Process("sh", ["/bin/sleep", "600"], folder / "log", environment={})
print(process.pid, flush=True)
time.sleep(600)
"""
CLAIMS_A_PORT = "from lab.ports import free_port; print(free_port(), flush=True); input()"
ROOT = Path(__file__).parents[2]


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def shell(folder: Path, script: str) -> Process:
    return Process("sh", ["/bin/sh", "-c", script], folder / "log", environment=os.environ)


@pytest.fixture
def parent(tmp_path: Path) -> Iterator["Parent"]:
    parent = Parent(tmp_path)
    yield parent
    parent.kill()


class Parent:
    """Another Python that starts parts of the lab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.child: subprocess.Popen[str] | None = None

    def run(self, script: str) -> list[int]:
        """Run a script and return the numbers of the first line that it prints."""
        self.child = subprocess.Popen(
            [sys.executable, "-c", script, str(self.folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.child.stdout is not None
        return [int(word) for word in self.child.stdout.readline().split()]

    def kill(self) -> None:
        if self.child is not None:
            self.child.send_signal(signal.SIGKILL)
            self.child.communicate()
            self.child = None


def test_a_process_that_was_stopped_is_gone(tmp_path: Path) -> None:
    process = shell(tmp_path, "sleep 600")
    assert is_running(process.pid)

    process.stop()

    assert not is_running(process.pid)


def test_a_process_that_ignores_the_polite_signal_is_killed_with_its_children(
    tmp_path: Path,
) -> None:
    process = shell(tmp_path, "trap '' TERM; sleep 600 & echo $!; wait; wait; sleep 600")
    wait_until(lambda: bool(process.log.read_text()), what="the shell", timeout_s=30)
    child = int(process.log.read_text())

    process.stop(patience_s=0.2)

    assert not is_running(process.pid)
    wait_until(lambda: not is_running(child), what="the child's end", timeout_s=30)


def test_stopping_what_has_ended_sends_no_signal_to_whoever_has_its_id_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = shell(tmp_path, "exit 3")
    with pytest.raises(LabError, match="sh ended with 3"):
        wait_until(lambda: False, what="it", timeout_s=30, processes=[process])
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _: sent.append(pid))

    process.stop()

    assert sent == []


def test_a_process_dies_with_the_one_that_started_it(parent: Parent) -> None:
    (pid,) = parent.run(STARTS_A_SHELL)
    assert is_running(pid)

    parent.kill()

    wait_until(lambda: not is_running(pid), what="the child's end", timeout_s=30)


@pytest.mark.registry
def test_a_registry_dies_with_the_one_that_started_it(parent: Parent) -> None:
    pid, port = parent.run(STARTS_A_REGISTRY)
    assert is_listening(port)

    parent.kill()

    wait_until(lambda: not is_running(pid), what="the registry's end", timeout_s=30)
    wait_until(lambda: not is_listening(port), what="the end of its threads", timeout_s=30)


def test_a_process_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    launcher = ROOT / "lab" / "launcher.py"
    begun = tmp_path / "begun"

    done = subprocess.run(
        [sys.executable, str(launcher), "1", "/bin/sh", "-c", f"touch {begun}"], check=False
    )

    assert done.returncode == 1
    assert not begun.exists()


def test_what_does_not_become_ready_is_told() -> None:
    began = time.monotonic()

    with pytest.raises(LabError, match=r"the moon was not ready within 0.1 s"):
        wait_until(lambda: False, what="the moon", timeout_s=0.1)

    assert time.monotonic() >= began + 0.1


def test_no_port_is_given_twice_nor_while_another_lab_has_it(
    parent: Parent, monkeypatch: pytest.MonkeyPatch
) -> None:
    (taken,) = parent.run(CLAIMS_A_PORT)
    monkeypatch.setattr("lab.ports._FIRST", taken)
    monkeypatch.setattr("lab.ports._COUNT", 2)

    assert free_port() == taken + 1
    with pytest.raises(LabError, match="no free port"):
        free_port()

    parent.kill()
    assert free_port() == taken
