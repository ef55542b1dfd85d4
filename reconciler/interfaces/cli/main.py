"""The command ``reconcile``: parses, builds, calls, prints."""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import click

from reconciler.errors import SettingsError
from reconciler.options import OPTIONS, Kind, Option

OK = 0
USAGE = 2
BUG = 70
INTERRUPTED = 130

_SUMMARY = """Keep the container images of Kubernetes workloads current, through Git.

Reads the manifests of a Git branch, asks the registries for newer tags of the images of annotated
workloads, commits and pushes the new tags, and syncs the manifests to the cluster.

Every option has an environment variable RECONCILE_NAME and a key in the file given by --config;
flag beats environment beats file beats default. Durations are written 90s, 5m or 1h30m.
"""

_EPILOG = """\b
Exit codes: 0 in sync, also when images are held by a rule; 1 something transient failed, or not
healthy in time; 2 usage or settings; 3 a person must change something; 4 changes pending
(--dry-run); 70 a bug; 130 interrupted.
"""


def _parameter(option: Option) -> click.Option:
    """Return the click form of an option. The text is read later, with that of the other layers."""
    help_text = option.help + _shown_default(option)
    flags = [f"-{option.short}"] if option.short else []
    if option.kind is Kind.SWITCH:
        names = f"--{option.name}" + (f"/--no-{option.name}" if option.default else "")
        return click.Option([names], help=help_text, default=None, is_flag=True)
    if option.kind is Kind.CHOICE:
        kind: click.ParamType[Any] = click.Choice(option.choices)
        return click.Option([*flags, f"--{option.name}"], type=kind, help=help_text)
    return click.Option(
        [*flags, f"--{option.name}"],
        metavar=option.metavar or option.kind.value.rstrip(",…"),
        multiple=option.kind is Kind.LIST,
        help=help_text,
    )


def _shown_default(option: Option) -> str:
    if option.kind is Kind.SWITCH:
        return ""
    default = option.shown_default or option.default
    return f"  [default: {default}]" if default else ""


def _given(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the options that stand on the command line, by name."""
    return {
        option.name: parameters[option.key]
        for option in OPTIONS
        if parameters.get(option.key) not in (None, ())
    }


def _execute(*, once: bool, config: str | None, **parameters: object) -> int:
    from reconciler.interfaces.cli.once import run_once  # noqa: PLC0415 - loads the client libraries

    if not once:
        raise click.UsageError("give --once: this release runs one cycle and exits")
    return run_once(flags=_given(parameters), environment=os.environ, config=config)


def command() -> click.Command:
    """Return the command with all its options."""
    once = click.Option(["--once"], is_flag=True, help="run one cycle of each source and exit")
    config = click.Option(["--config"], metavar="FILE", help="a YAML file of settings")
    version = click.Option(["--version"], is_flag=True, help="print the version and exit")
    return click.Command(
        "reconcile",
        params=[once, config, *(_parameter(option) for option in OPTIONS), version],
        callback=_drop_version,
        help=_SUMMARY,
        epilog=_EPILOG,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _drop_version(*, version: bool, **parameters: Any) -> int:  # noqa: ANN401 - click's values
    del version  # answered before click was imported
    return _execute(**parameters)


def run(arguments: Sequence[str]) -> int:
    """Run the command with these arguments and return the exit code."""
    try:
        return _run(arguments)
    except (KeyboardInterrupt, click.Abort):
        click.echo("reconcile: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: say nothing, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
    except SettingsError as error:
        for line in str(error).splitlines():
            click.echo(f"reconcile: {line}", err=True)
    return USAGE
