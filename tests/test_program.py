"""Programs of others are bounded in time and in what they say, and leave nothing behind."""

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from reconciler.program import Said, run_program
from reconciler.stop import Stop

PLENTY_S = 60.0
KIB = 1024


def run(script: str, *, limit_s: float = PLENTY_S, given: bytes = b"", stop: Stop | None = None,
        directory: Path | None = None) -> Said:  # fmt: skip
    return run_program(
        [sys.executable, "-c", script],
        environment={"ONLY": "this"},
        limit_s=limit_s,
        max_bytes=64 * KIB,
        given=given,
        directory=directory,
        ending=stop.ending_wait if stop else None,
    )


def test_both_outputs_and_the_status_are_told() -> None:
    said = run("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")

    assert said == Said(7, b"out\n", b"err\n")


def test_it_gets_the_variables_it_is_given_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "canary")

    assert run("import os; print(os.environ.get('ONLY'), 'SECRET' in os.environ)").stdout == (
        b"this False\n"
    )


def test_it_runs_where_it_is_told(tmp_path: Path) -> None:
    assert run("import os; print(os.getcwd())", directory=tmp_path).stdout.decode().strip() == (
        str(tmp_path.resolve())
    )


def test_much_input_is_read_while_much_is_said() -> None:
    script = "import sys; data = sys.stdin.buffer.read(); print(len(data)); print('x' * 60000)"

    assert run(script, given=b"y" * 1024 * KIB).stdout.startswith(b"1048576\nxxx")


def test_input_that_nobody_reads_does_no_harm() -> None:
    assert run("print('done')", given=b"y" * 1024 * KIB).stdout == b"done\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_that_says_too_much_is_cut_off(stream: str) -> None:
    said = run(f"import sys\nwhile True: sys.{stream}.write('x' * 4096)")

    assert said.status == -9
    assert 64 * KIB < len(getattr(said, stream)) <= 2 * 64 * KIB


def test_one_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([{shutil.which('sleep')!r}, '600'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(600)"
    )

    with pytest.raises(TimeoutError):
        run(script, limit_s=5.0)

    assert is_gone(int(note.read_text()))


def test_what_it_leaves_running_does_not_hold_us(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = (
        "import subprocess\n"
        "null = subprocess.DEVNULL\n"
        f"child = subprocess.Popen([{shutil.which('sleep')!r}, '600'], stdout=null, stderr=null)\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))"
    )
    try:
        assert run(script).status == 0
    finally:
        os.kill(int(note.read_text()), 9)


def test_a_stop_ends_it() -> None:
    stop = Stop()
    stop.ask()

    assert run("import time; time.sleep(600)", stop=stop).status == -9


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/nowhere/at/all"], environment={}, limit_s=PLENTY_S, max_bytes=1)


def is_gone(pid: int) -> bool:
    """Whether a process has ended within a while; one that nobody reaps counts as ended."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False
