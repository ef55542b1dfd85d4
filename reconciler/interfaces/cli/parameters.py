"""The table of options as click's parameters, and back."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import click

from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.terminal import colour_choice
from reconciler.options import OPTIONS, Kind, Option

CONFIG = "config"
COLOUR = "color"


def shared_parameters(shown: Collection[str] | None = None) -> list[click.Parameter]:
    """Return ``--config``, ``--color`` and all options of the table.

    Args:
        shown: the names of those that the help lists; None: all. The others are understood too.
    """
    config = click.Option(
        [f"--{CONFIG}"],
        metavar="FILE",
        type=click.Path(),
        help="a YAML file of settings",
        hidden=shown is not None and CONFIG not in shown,
    )
    colour = click.Option(
        ["--color"],
        type=click.Choice(("auto", "always", "never")),
        help="colours; auto: on a terminal, unless NO_COLOR is set  [default: auto]",
        expose_value=False,
        callback=_choose_colours,
        hidden=shown is not None and COLOUR not in shown,
    )
    return [config, *(_parameter(option, shown) for option in OPTIONS), colour]


def invocation_of(context: click.Context, environment: Mapping[str, str]) -> Invocation:
    """Return what was given before and after the command's name.

    What stands after it wins; of an option that may be repeated, all count.
    """
    levels = [context.params]
    while context.parent is not None:
        context = context.parent
        levels.insert(0, context.params)
    flags: dict[str, object] = {}
    config: str | None = None
    for parameters in levels:
        config = parameters.get(CONFIG) or config
        for name, value in given(parameters).items():
            flags[name] = _joined(flags.get(name), value)
    return Invocation(flags=flags, environment=environment, config=config)


def given(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the options of the table that stand on the command line, by name."""
    return {
        option.name: parameters[option.key]
        for option in OPTIONS
        if parameters.get(option.key) not in (None, ())
    }


def without_shared(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that are a command's own."""
    shared = {CONFIG, *(option.key for option in OPTIONS)}
    return {name: value for name, value in parameters.items() if name not in shared}


def _choose_colours(context: click.Context, _: click.Parameter, choice: str | None) -> None:
    """Have the choice hold until the command has ended: it is no setting of what is done."""
    if choice:
        before = colour_choice.set(choice)
        context.call_on_close(lambda: colour_choice.reset(before))


def _joined(before: object, value: object) -> object:
    if isinstance(before, tuple) and isinstance(value, Iterable):
        return (*before, *value)
    return value


def _parameter(option: Option, shown: Collection[str] | None) -> click.Option:
    """Return the click form of an option. The text is read later, with that of the other layers."""
    is_hidden = shown is not None and option.name not in shown
    help_text = option.help + _shown_default(option)
    flags = [f"-{option.short}"] if option.short else []
    if option.kind is Kind.SWITCH:
        names = f"--{option.name}" + (f"/--no-{option.name}" if option.default else "")
        return click.Option([names], help=help_text, default=None, is_flag=True, hidden=is_hidden)
    return click.Option(
        [*flags, f"--{option.name}"],
        metavar=None if option.kind is Kind.CHOICE else _metavar(option),
        type=_type(option),
        multiple=option.kind is Kind.LIST,
        help=help_text,
        hidden=is_hidden,
    )


def _metavar(option: Option) -> str:
    return option.metavar or option.kind.value.rstrip(",…")


def _type(option: Option) -> click.ParamType[Any]:
    """Return what the shell completes: a choice or a path; the value stays a text."""
    if option.kind is Kind.CHOICE:
        return click.Choice(option.choices)
    return click.Path() if option.kind is Kind.PATH else click.STRING


def _shown_default(option: Option) -> str:
    if option.kind is Kind.SWITCH:
        return ""
    default = option.shown_default or option.default
    return f"  [default: {default}]" if default else ""
