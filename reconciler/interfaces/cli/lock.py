"""``reconcile lock``: a workload's images are not updated until it is unlocked."""

from reconciler.core.manifests.wishes import Lock
from reconciler.interfaces.cli.annotating import run_wish
from reconciler.interfaces.cli.by_hand import Request, name_of
from reconciler.interfaces.cli.invocation import Invocation


def run(invocation: Invocation, *, workload: str, message: str | None, user: str | None) -> int:
    """Lock a workload, with who did it and why; return the exit code.

    Raises:
        ReconcilerError: it could not be done.
    """
    wish = Lock(name_of(user), (message or "").strip())
    return run_wish(invocation, Request(workload, message, user), "Lock", wish)
