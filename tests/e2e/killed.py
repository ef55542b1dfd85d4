"""Runs the program and sends it a signal right before its Nth step to the outside (from 0).

Usage: killed.py N[:SIGNAL] ARGUMENTS…, the signal being KILL if none is named. Another one is told
on standard error, as the log would.
A step is a call of Git, a question to a registry, or a request to the API server. Exits with the
program's own code if it has fewer steps.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from reconciler.__main__ import main
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.git.repository import GitRepository
from reconciler.adapters.registry.client import RegistryClient

_lock = threading.Lock()
_count, _, _name = sys.argv.pop(1).partition(":")
_left = int(_count)
_signal = signal.Signals[f"SIG{_name or 'KILL'}"]


def _step() -> None:
    global _left  # noqa: PLW0603 - one counter for the whole process
    with _lock:
        if _left == 0:
            sys.stderr.write('{"event": "driver.signalled"}\n')
            os.kill(os.getpid(), _signal)
        _left -= 1


def _counted(method: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it wraps
        _step()
        return method(*arguments, **named)

    return wrapper


for owner, names in (
    (Connection, ("_send",)),
    (GitRepository, ("fetch", "read", "commit", "push")),
    (RegistryClient, ("list_tags",)),
):
    for name in names:
        setattr(owner, name, _counted(getattr(owner, name)))

sys.exit(main())
