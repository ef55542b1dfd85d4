"""``reconcile completion``: the script by which a shell asks us what may come next."""

import click
from click.shell_completion import get_completion_class

from reconciler.interfaces.cli.invocation import Invocation

PROGRAM = "reconcile"
VARIABLE = "_RECONCILE_COMPLETE"  # click's own name for it; set by the script when it asks us


def run(invocation: Invocation, *, shell: str) -> int:
    """Print the script; return the exit code."""
    del invocation
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell!r}")
    click.echo(kind(click.Command(PROGRAM), {}, PROGRAM, VARIABLE).source())
    return 0
