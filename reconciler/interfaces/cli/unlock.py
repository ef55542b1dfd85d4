"""``reconcile unlock``: a workload's lock is taken away."""

from reconciler.core.manifests.wishes import unlock
from reconciler.interfaces.cli.annotating import run_wish
from reconciler.interfaces.cli.by_hand import Request
from reconciler.interfaces.cli.invocation import Invocation


def run(invocation: Invocation, *, workload: str, message: str | None, user: str | None) -> int:
    """Unlock a workload; return the exit code.

    Raises:
        ReconcilerError: it could not be done.
    """
    return run_wish(invocation, Request(workload, message, user), "Unlock", unlock)
