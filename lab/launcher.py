"""Becomes another program, which the kernel kills when the process that started us ends.

Usage: launcher.py PARENT_PID PROGRAM ARGUMENTS… (Linux). It is a program of its own and no
``preexec_fn``, because a process with threads cannot safely run Python between fork and exec.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then become the program."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        sys.exit("launcher: this kernel cannot end a program with its parent")
    if os.getppid() != parent:  # it ended before we asked: no signal will come
        sys.exit(1)
    os.execv(program, sys.argv[2:])  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
