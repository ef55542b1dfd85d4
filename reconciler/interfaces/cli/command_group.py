"""Makes click's commands from a table. What a command does is imported when it runs.

So ``--help`` and the shell's completion load neither git nor kubernetes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from reconciler.interfaces.cli.parameters import invocation_of, shared_parameters, without_shared

_PACKAGE = "reconciler.interfaces.cli"
_EPILOG = "Every option of 'reconcile --help' is understood here, and before the command's name."


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command.

    Attributes:
        summary: its line in the list of commands.
        help: what it does, its arguments and exit codes.
        module: whose ``run(invocation, **own)`` it calls; empty for a group.
        own: its own arguments and options.
        shown: the shared options that its help lists.
        commands: of a group.
    """

    summary: str
    help: str
    module: str = ""
    own: tuple[click.Parameter, ...] = ()
    shown: tuple[str, ...] = ()
    commands: Mapping[str, "CommandSpec"] | None = None


class CommandGroup(click.Group):
    """A group whose commands are built from a table when they are asked for."""

    def __init__(self, name: str, specs: Mapping[str, CommandSpec], **more: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(name, **more)
        self._specs = specs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the table's order."""
        del ctx
        return list(self._specs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of that name."""
        del ctx
        spec = self._specs.get(cmd_name)
        return build(cmd_name, spec) if spec else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return name, command and the arguments left.

        Raises:
            click.exceptions.NoSuchCommand: with the nearest name.
        """
        if args[0] not in self._specs and not ctx.resilient_parsing:
            if args[0] == "help":
                raise click.UsageError(f"write '{ctx.command_path} --help'", ctx)
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self._specs, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, without building them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, spec.summary) for name, spec in self._specs.items()])


def build(name: str, spec: CommandSpec) -> click.Command:
    """Return a command with its own and the shared options."""
    params: list[click.Parameter] = [*spec.own, *shared_parameters(spec.shown)]
    texts: dict[str, Any] = {"help": spec.help, "short_help": spec.summary, "epilog": _EPILOG}
    if spec.commands is not None:
        return CommandGroup(name, spec.commands, params=params, **texts)

    @click.pass_context
    def callback(context: click.Context, /, **parameters: Any) -> int:  # noqa: ANN401 - click's values
        invocation = invocation_of(context, os.environ)
        module = import_module(f"{_PACKAGE}.{spec.module}")
        return int(module.run(invocation, **without_shared(parameters)))

    return click.Command(name, params=params, callback=callback, **texts)
