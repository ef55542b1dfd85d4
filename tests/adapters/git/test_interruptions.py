"""Killed at any point, the next run ends where an undisturbed one would have."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.adapters.git.runner import run_git
from reconciler.errors import GitError, SettingsError, StoppedError, TransientError
from reconciler.settings import GitSettings
from reconciler.stop import Stop

_CYCLE = """
import sys
from pathlib import Path
from reconciler.adapters.git.repository import GitRepository
from reconciler.settings import GitSettings

repository = GitRepository(GitSettings(url=sys.argv[1]), Path(sys.argv[2]))
snapshot = repository.fetch()
contents = {entry.path: it for entry, it in repository.read(snapshot.entries, max_bytes=99)}
if contents["a"] != b"ours":
    repository.push(repository.commit(snapshot.revision, {"a": b"ours"}, "ours"))
"""

# A git that does its work and, at one of its commands, kills who called it; before or after.
_KILLER = """\
#!/bin/sh
command=$1
[ "$command" = -c ] && command=$3
if [ -e {flag} ] && [ "$command" = {command} ]; then
    rm {flag}
    {before}
    {real} "$@"
    {after}
    sleep 0.2
    exit 1
fi
exec {real} "$@"
"""

# GitPython asks for the version when it is imported, and has no time-out for that.
_TELLS_VERSION = '#!/bin/sh\n[ "$1" = version ] && echo git version 2.39.5 && exit\n'


def cycle(remote: BareRemote, folder: Path, path: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", _CYCLE, str(remote.path), str(folder)],
        env={
            **os.environ,
            "PATH": path,
            "COVERAGE_PROCESS_START": "",
            "PYTHONPATH": str(Path.cwd()),
        },
        check=False,
        timeout=60,
    )
    return result.returncode


COMMANDS = ["ls-remote", "init", "fetch", "ls-tree", "cat-file", "fast-import", "rev-parse", "push"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_cycle_killed_at_a_command_is_completed_by_the_next(
    tmp_path: Path, command: str, when: str
) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"a": b"1", "b": b"1"}, "first")
    flag, wrapper = tmp_path / "flag", tmp_path / "bin" / "git"
    flag.touch()
    wrapper.parent.mkdir()
    kill = {"before": "", "after": "", when: "kill -KILL $PPID"}
    real = git(tmp_path, "--exec-path") + "/git"
    wrapper.write_text(_KILLER.format(flag=flag, command=command, real=real, **kill))
    wrapper.chmod(0o755)
    path = f"{wrapper.parent}:/usr/bin:/bin"

    assert cycle(remote, tmp_path / "data", path) == -signal.SIGKILL
    assert not flag.exists()
    assert cycle(remote, tmp_path / "data", path) == 0

    assert remote.log() == ["ours", "first"]
    assert remote.files() == {"a": b"ours", "b": b"1"}


def test_a_git_that_outlives_its_caller_keeps_the_clone_locked(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"a": b"1"})
    settings, folder = GitSettings(url=str(remote.path)), tmp_path / "data"
    first = GitRepository(settings, folder)
    with first._exclusively():
        orphan = subprocess.Popen(["sleep", "30"], pass_fds=[first._program.lock])
    try:
        with pytest.raises(TransientError, match="in use"):
            GitRepository(settings, folder, lock_wait_s=0).fetch()
    finally:
        orphan.kill()
        orphan.wait()

    assert GitRepository(settings, folder).fetch().entries


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"a": b"1"})
    settings, folder = GitSettings(url=str(remote.path)), tmp_path / "data"
    first = GitRepository(settings, folder)
    with first._exclusively():
        found: list[object] = []
        second = GitRepository(settings, folder)
        thread = threading.Thread(target=lambda: found.append(second.fetch()))
        thread.start()
        time.sleep(0.1)
        assert not found
    thread.join(30)

    assert found


def test_a_git_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper, child = tmp_path / "bin" / "git", tmp_path / "child"
    wrapper.parent.mkdir()
    wrapper.write_text(f"{_TELLS_VERSION}sleep 300 &\necho $! > {child}\nwait\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")

    with pytest.raises(GitError, match=r"git fetch did not end within 0\.5 s"):
        run_git(["fetch"], directory=tmp_path, environment={}, timeout_s=0.5)

    state = Path(f"/proc/{child.read_text().strip()}/stat")
    for _ in range(3000):  # a busy machine may take a while to carry out a kill
        if not state.exists() or state.read_text().split()[2] == "Z":
            break
        time.sleep(0.01)
    else:
        pytest.fail("it lives")


@pytest.mark.parametrize("is_work", [False, True], ids=["a wait", "work"])
def test_a_git_is_ended_when_its_process_is_to_end_and_work_only_when_there_is_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_work: bool
) -> None:
    wrapper, child = tmp_path / "bin" / "git", tmp_path / "child"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"{_TELLS_VERSION}echo $$ > {child}.new\nmv {child}.new {child}\nexec sleep 300\n"
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:/usr/bin:/bin")
    stop = Stop()

    def ask() -> None:
        while not child.exists():
            time.sleep(0.01)
        stop.ask()
        if is_work:
            time.sleep(0.2)
            assert Path(f"/proc/{child.read_text().strip()}").exists()
            stop.insist()

    asking = threading.Thread(target=ask)
    asking.start()
    with pytest.raises(StoppedError, match="git fetch was ended"):
        run_git(
            ["fetch"],
            directory=tmp_path,
            environment={},
            timeout_s=120,
            stop=stop,
            is_work=is_work,
        )
    asking.join()

    assert not Path(f"/proc/{child.read_text().strip()}").exists()


def test_an_interrupted_cycle_takes_its_git_along(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git")
    remote.put({"a": b"1", "b": b"1"}, "first")
    wrapper, child = tmp_path / "bin" / "git", tmp_path / "child"
    wrapper.parent.mkdir()
    wrapper.write_text(f"{_TELLS_VERSION}echo $$ > {child}\nkill -INT $PPID\nexec sleep 300\n")
    wrapper.chmod(0o755)

    assert cycle(remote, tmp_path / "data", f"{wrapper.parent}:/usr/bin:/bin") == -signal.SIGINT

    assert not Path(f"/proc/{child.read_text().strip()}").exists()


def test_without_a_git_program_that_is_said(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from reconciler.adapters.git.runner import run_git;"
        "run_git(['x'], directory=Path('/'), environment={}, timeout_s=1)"
    )

    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert SettingsError.__name__ in result.stderr.decode()
    assert "there is no git program on the PATH" in result.stderr.decode()


def test_a_git_that_cannot_be_started_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="cannot start git"):
        run_git(["x" * 3_000_000], directory=tmp_path, environment={}, timeout_s=1)
