"""The command ``reconcile``: parses, builds, calls, prints."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from reconciler.errors import ReconcilerError, SettingsError, StalledError
from reconciler.exit_codes import BUG, INTERRUPTED, OK, STALLED, TRANSIENT, USAGE
from reconciler.interfaces.cli.command_group import CommandGroup
from reconciler.interfaces.cli.commands import COMMANDS
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.parameters import given, shared_parameters
from reconciler.interfaces.cli.signals import deafen
from reconciler.interfaces.terminal import printable

_SUMMARY = """Keep the container images of Kubernetes workloads current, through Git.

Reads the manifests of a Git branch, asks the registries for newer tags of the images of annotated
workloads, commits and pushes the new tags, and syncs the manifests to the cluster.

Every option but --once, --config and --color has an environment variable RECONCILE_NAME and a key
in the file given by --config; flag beats environment beats file beats default. Durations are
written 90s, 5m or 1h30m. Options stand before a command's name or after it.
"""

_EPILOG = """\b
Exit codes: 0 in sync, also when images are held by a rule; 1 something transient failed, or not
healthy in time; 2 usage or settings; 3 a person must change something; 4 changes pending
(--dry-run, diff, update without --write); 70 a bug; 130 interrupted.
"""

_FIRST_STEPS = """
To look first, and change nothing:

    reconcile --once --dry-run --git-url URL

'reconcile --help' lists all commands and options."""


def _execute(*, once: bool, config: str | None, **parameters: object) -> int:
    invocation = Invocation(given(parameters), os.environ, config)
    if once:
        from reconciler.interfaces.cli.once import run_once  # noqa: PLC0415 - loads the client libraries

        return run_once(invocation)
    from reconciler.interfaces.cli.continuous import run_continuously  # noqa: PLC0415 - as above

    return run_continuously(invocation)


def command() -> click.Group:
    """Return the command with all its options and commands."""
    once = click.Option(["--once"], is_flag=True, help="run one cycle of each source and exit")
    version = click.Option(["--version"], is_flag=True, help="print the version and exit")
    return CommandGroup(
        "reconcile",
        COMMANDS,
        params=[once, *shared_parameters(), version],
        callback=_begin,
        invoke_without_command=True,
        subcommand_metavar="[COMMAND [ARGS]...]",
        help=_SUMMARY,
        epilog=_EPILOG,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


@click.pass_context
def _begin(context: click.Context, /, *, version: bool, **parameters: Any) -> int:  # noqa: ANN401 - click's values
    """Do what is asked for without a command; a command's own work comes after this."""
    del version  # answered before click was imported
    if context.invoked_subcommand is None:
        return _execute(**parameters)
    if parameters["once"]:
        raise click.UsageError(f"--once does not go with {context.invoked_subcommand!r}")
    return OK


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments and return the exit code."""
    code = _guarded(arguments)
    try:
        sys.stdout.flush()
    except OSError as error:  # say nothing more, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            click.echo(f"reconcile: cannot write the output: {error.strerror}", err=True)
            return code or TRANSIENT
    return code


def _guarded(arguments: Sequence[str]) -> int:
    try:
        return _run(arguments)
    except (KeyboardInterrupt, click.Abort):
        deafen()
        click.echo("reconcile: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: that is no failure
        return OK
    except Exception:  # noqa: BLE001 - whatever is left is a bug of ours, and is told as one
        traceback.print_exc()
        click.echo("reconcile: this is a bug: please report it with the lines above", err=True)
        return BUG


def _run(arguments: Sequence[str]) -> int:
    try:
        return int(command().main(list(arguments), prog_name="reconcile", standalone_mode=False))
    except click.exceptions.Exit as asked:
        return asked.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except ReconcilerError as error:
        for line in str(error).splitlines():
            click.echo(f"reconcile: {printable(line)}", err=True)
        if not arguments:
            click.echo(_FIRST_STEPS, err=True)
        return _code_of(error)


def _code_of(error: ReconcilerError) -> int:
    if isinstance(error, SettingsError):
        return USAGE
    return STALLED if isinstance(error, StalledError) else TRANSIENT
