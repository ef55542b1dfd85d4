"""What the commands share: settings read, logs set up."""

import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from reconciler.configuration import read_settings
from reconciler.core.manifests.selection import SUFFIXES
from reconciler.errors import SettingsError
from reconciler.interfaces import logs
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.options import OPTIONS
from reconciler.settings import GitSettings, Settings

Value = TypeVar("Value")

_OF_SEVERAL = ("sources", "source", "depends-on")
"""What means nothing to a folder, which is one source alone: keys of a file, and the variables."""


def load(
    invocation: Invocation,
    *,
    log_level: str = "error",
    defaults: Mapping[str, object] = MappingProxyType({}),
    selects: bool = True,
) -> Settings:
    """Return the settings, and send logs where they say.

    Args:
        invocation: what was given.
        log_level: the least severe message to log, if nothing else is said.
        defaults: what else counts where neither options, environment nor file say anything.
        selects: whether ``--source`` is about the sources of the file.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    from reconciler import bootstrap  # noqa: PLC0415 - loads the client libraries

    return _logging(
        read_settings(
            flags=invocation.flags,
            environment=invocation.environment,
            file=_file(invocation),
            file_name=invocation.config or "",
            defaults={**bootstrap.machine_defaults(invocation.environment), **defaults},
            selects=selects,
        ),
        log_level,
    )


def without_sync(settings: Settings) -> Settings:
    """Return the settings of a command that leaves clusters alone, but for registry logins."""
    sources = tuple(replace(source, is_synced=False) for source in settings.sources)
    return replace(settings, sources=sources)


def load_local(invocation: Invocation, folder: str = ".") -> Settings:
    """Return the settings for a command that asks no Git remote; the folder is its one source.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    variables = {option.variable for option in OPTIONS if option.name in _OF_SEVERAL}
    settings = read_settings(
        flags={**invocation.flags, "git-url": "."},  # there must be one; the folder may be no text
        environment=_without(invocation.environment, variables),
        file=_without(_file(invocation), _OF_SEVERAL),
        file_name=invocation.config or "",
    )
    (source,) = settings.sources
    local = replace(source, git=GitSettings(url=folder), paths=())
    return _logging(replace(settings, sources=(local,)), "error")


@dataclass(frozen=True, slots=True)
class Place:
    """A local folder, and the one file in it that counts; None: all."""

    folder: Path
    only: str | None = None


def place_of(path: str) -> Place:
    """Return the folder that a path names, or the file with its folder.

    Raises:
        SettingsError: there is nothing there that could hold manifests.
    """
    if not path:  # a shell's variable that is not set: not the folder we happen to be in
        raise SettingsError("PATH is empty")
    named = Path(path)
    try:
        mode = named.stat().st_mode
    except OSError as error:
        raise SettingsError(f"cannot read it: {error.strerror}", where=path) from error
    except ValueError as error:  # a zero byte
        raise SettingsError(f"{path!r} is no path") from error
    if stat.S_ISDIR(mode):
        return Place(named)
    if stat.S_ISREG(mode) and named.name.endswith(SUFFIXES) and not named.is_symlink():
        return Place(named.parent, named.name)
    suffixes = ", ".join(SUFFIXES)
    raise SettingsError(f"is no folder and no manifest ({suffixes})", where=path)


def _without(values: Mapping[str, Value], names: Collection[str]) -> Mapping[str, Value]:
    return {name: value for name, value in values.items() if name not in names}


def _file(invocation: Invocation) -> Mapping[str, object]:
    if not invocation.config:
        return {}
    from reconciler.config_file import read_config  # noqa: PLC0415 - loads the parser of YAML

    return read_config(Path(invocation.config))


def _logging(settings: Settings, level: str) -> Settings:
    logs.configure(level=settings.log_level or level, form=settings.log_format)
    return settings
