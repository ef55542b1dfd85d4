"""``reconcile suspend``: leave a source alone, whoever runs."""

from reconciler.core.objects.control import Suspension
from reconciler.exit_codes import OK
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.person import person
from reconciler.interfaces.cli.sources import reached
from reconciler.interfaces.terminal import Terminal, printable
from reconciler.pipeline.verdict import utc_now


def run(invocation: Invocation, *, which: str | None, message: str | None, user: str | None) -> int:
    """Suspend a source and say so; return the exit code.

    Raises:
        SettingsError: options are wrong, or it is not clear which source is meant.
        AccessDeniedError, ClusterError: the cluster cannot be asked.
    """
    with reached(invocation) as place:
        name = place.one(which)
        held = Suspension(printable(person(invocation, user)), printable(message or ""), utc_now())
        before = place.controls.suspend(name, held)
    terminal = Terminal.standard()
    if before is not None:
        terminal.say(f"Source {name} was {before}")
    terminal.say(f"Source {name} is {held}")
    terminal.say(
        "No commit and no sync until 'reconcile resume'; a cycle that runs ends as it would."
    )
    return OK
