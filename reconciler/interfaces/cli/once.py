"""``reconcile --once``: one cycle of each source, told as fluxctl would."""

from reconciler.interfaces.cli.cycles import run_cycles
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.interfaces.cli.text import Narrator


def run_once(invocation: Invocation) -> int:
    """Run one cycle of each source, print what was done; return the exit code.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    return run_cycles(load(invocation), Narrator())
