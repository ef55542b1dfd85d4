"""What the commands share: settings read, logs set up."""

from collections.abc import Mapping
from pathlib import Path

from reconciler.configuration import read_settings
from reconciler.interfaces import logs
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.settings import Settings


def load(invocation: Invocation) -> Settings:
    """Return the settings, and send logs where they say.

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
            defaults=bootstrap.machine_defaults(invocation.environment),
        )
    )


def load_local(invocation: Invocation, folder: str = ".") -> Settings:
    """Return the settings for a command that asks no Git remote; the folder is its one source.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    shared = {name: value for name, value in _file(invocation).items() if name != "sources"}
    return _logging(
        read_settings(
            flags={**invocation.flags, "git-url": folder},
            environment=invocation.environment,
            file=shared,
            file_name=invocation.config or "",
        )
    )


def _file(invocation: Invocation) -> Mapping[str, object]:
    if not invocation.config:
        return {}
    from reconciler import bootstrap  # noqa: PLC0415 - loads the client libraries

    return bootstrap.read_config(Path(invocation.config))


def _logging(settings: Settings) -> Settings:
    logs.configure(level=settings.log_level or "error", form=settings.log_format)
    return settings
