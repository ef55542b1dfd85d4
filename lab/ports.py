"""Loopback ports that no two labs share."""

import os
import socket

from lab.process import LabError

_FIRST, _COUNT = 20000, 10000
"""Below the range from which systems take the ports of outgoing connections: a port that was
chosen is still free when its program binds it, and again after a stop."""

_claims: list[int] = []


def free_port() -> int:
    """Return a loopback port that nobody listens on; it is ours until this process ends.

    Raises:
        LabError: there is none left.
    """
    start = os.getpid() * 101  # labs that start together try different ports first
    for offset in range(_COUNT):
        port = _FIRST + (start + offset) % _COUNT
        if _claim(port):
            return port
    raise LabError(f"no free port from {_FIRST} to {_FIRST + _COUNT - 1}")


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections at a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _claim(port: int) -> bool:
    """Take a port if nobody has it.

    The claim is an abstract Unix socket named for the port: such names live in the same network
    namespace as the ports, belong to one process, and go with it, however it ends.
    """
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0reconcile-lab-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim.detach())  # a bare descriptor: closed with the process, and not before
    return True
