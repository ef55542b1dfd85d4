"""What is started so can open no socket, and works otherwise."""

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.adapters.kustomize.seclusion import filter_of, most_bytes, secluded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")

TRY = """
import socket
for each in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
    try:
        socket.socket(each)
    except OSError as error:
        print(error.errno)
"""


def test_no_socket_is_opened_by_it_or_what_it_starts() -> None:
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {TRY!r}])\n{TRY}"

    said = subprocess.run(
        secluded([sys.executable, "-c", program]), capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == ["13"] * 6


def test_its_status_and_words_are_those_of_the_program() -> None:
    said = subprocess.run(
        secluded(["/bin/sh", "-c", "echo $1; exit 7", "sh", "--odd one"]),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (said.returncode, said.stdout) == (7, "--odd one\n")


@pytest.mark.parametrize(
    ("said", "most"),
    [("536870912\n", 2**28), ("max\n", 2**30), (f"{2**40}\n", 2**30), (None, 2**30)],
)
def test_it_may_take_half_of_the_containers_memory(
    tmp_path: Path, said: str | None, most: int
) -> None:
    if said is not None:
        (tmp_path / "memory.max").write_text(said)

    assert most_bytes(tmp_path / "memory.max") == most


def test_of_a_machine_that_is_not_known_there_is_no_filter() -> None:
    assert len(filter_of("aarch64")) == len(filter_of("x86_64")) == 64
    assert filter_of("riscv64") == b""
