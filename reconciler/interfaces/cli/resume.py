"""``reconcile resume``: take a suspension back."""

from reconciler.exit_codes import OK
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.sources import reached
from reconciler.interfaces.terminal import Terminal


def run(invocation: Invocation, *, which: str | None) -> int:
    """Resume a source and say so; return the exit code.

    Raises:
        SettingsError: options are wrong, or it is not clear which source is meant.
        AccessDeniedError, ClusterError: the cluster cannot be asked.
    """
    with reached(invocation) as place:
        name = place.one(which)
        before = place.controls.suspend(name, None)
    if before is None:
        Terminal.standard().say(f"Source {name} was not suspended")
    else:
        Terminal.standard().say(f"Source {name} is resumed; it was {before}")
    return OK
