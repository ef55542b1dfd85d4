"""The agent that gpg starts for a home and leaves running: how it is reached and ended."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

_SOCKET = "S.gpg-agent"
_LONGEST_HOME = 87  # with "/S.gpg-agent.browser" the 107 bytes that the path of a socket may have
_WAIT_S = 10.0
_MAX_ANSWER = 1024


@contextlib.contextmanager
def short_path(home: Path) -> Iterator[Path]:
    """Give a path to a home that is short enough for the agent's sockets, while the block runs.

    A link in a folder for temporary files would be left behind by a process that is killed.

    Raises:
        OSError: the home is not there.
    """
    if len(os.fsencode(home)) <= _LONGEST_HOME:
        yield home
        return
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)


def end_agent(home: Path) -> None:
    """End a home's agent at once, and wait until it has gone; nothing happens if there is none.

    ``gpgconf --kill`` leaves it there for a second or two. An agent that is not reached ends by
    itself when its home is removed.
    """
    with (
        contextlib.suppress(OSError),
        short_path(home) as short,
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.settimeout(_WAIT_S)
        connection.connect(str(short / _SOCKET))
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
