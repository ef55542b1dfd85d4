"""Ends the agent that gpg starts for a home and leaves running."""

import contextlib
import os
import signal
import socket
from pathlib import Path

_SOCKET = "S.gpg-agent"
_WAIT_S = 10.0
_MAX_ANSWER = 1024


def end_agent(home: Path) -> None:
    """End a home's agent at once, and wait until it has gone; nothing happens if there is none.

    ``gpgconf --kill`` leaves it there for a second or two. An agent that is not reached ends by
    itself when its home is removed.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_WAIT_S)
        connection.connect(str(home / _SOCKET))
        with connection.makefile("rwb") as stream:
            stream.readline(_MAX_ANSWER)  # its greeting
            stream.write(b"GETINFO pid\n")
            stream.flush()
            kind, _, value = stream.readline(_MAX_ANSWER).partition(b" ")
            if kind == b"D" and value.strip().isdigit():
                process = int(value)
                os.kill(process, signal.SIGINT)  # the one signal that does not wait for us
                stream.read()
                _reap(process)


def _reap(process: int) -> None:
    """Take its end note where it became our child: in a container we are process 1."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)
