"""Completion, as the shells ask for it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interfaces.program import environment, program

SCRIPT = """\
PATH={folder}:$PATH
source <(reconcile completion bash)
COMP_WORDS=({words}); COMP_CWORD={index}
_reconcile_completion reconcile
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder with the program under its own name."""
    script = tmp_path / "reconcile"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    script.chmod(0o755)
    return tmp_path


def completed(path: Path, *words: str) -> list[str]:
    """Return what bash would offer for the last word."""
    quoted = " ".join(f"'{word}'" for word in words)
    done = subprocess.run(
        ["bash", "-c", SCRIPT.format(folder=path, words=quoted, index=len(words) - 1)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
        timeout=120,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices(path: Path) -> None:
    assert completed(path, "reconcile", "pol") == ["policy"]
    assert completed(path, "reconcile", "policy", "") == ["test", "set"]
    assert completed(path, "reconcile", "--git-u") == ["--git-url", "--git-user", "--git-username"]
    assert completed(path, "reconcile", "policy", "test", "--cur") == ["--current"]
    assert completed(path, "reconcile", "--output", "") == ["text", "json"]
    assert completed(path, "reconcile", "completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_one_that_its_shell_can_read(shell: str) -> None:
    done = program("completion", shell)

    assert (done.code, done.err) == (0, "")
    assert f"_RECONCILE_COMPLETE={shell}_complete" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.out, text=True, check=True, timeout=60)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_are_told_what_a_choice_means(shell: str) -> None:
    words = {"COMP_WORDS": "reconcile pol", "COMP_CWORD": "1" if shell == "zsh" else "pol"}
    done = program(env={"_RECONCILE_COMPLETE": f"{shell}_complete", **words})

    assert done.code == 0
    assert "policy" in done.out
    assert "try policies" in done.out


def test_an_unknown_shell_is_refused() -> None:
    done = program("completion", "tcsh")

    assert done.code == 2
    assert "is not one of 'bash', 'zsh', 'fish'" in done.err
