"""``reconcile deautomate``: a workload's images are updated no more."""

from reconciler.core.manifests.wishes import deautomate
from reconciler.interfaces.cli.annotating import run_wish
from reconciler.interfaces.cli.by_hand import Request
from reconciler.interfaces.cli.invocation import Invocation


def run(invocation: Invocation, *, workload: str, message: str | None, user: str | None) -> int:
    """Switch automation off; return the exit code.

    Raises:
        ReconcilerError: it could not be done.
    """
    return run_wish(invocation, Request(workload, message, user), "Deautomate", deautomate)
