"""``reconcile --once``: one cycle of each source, told as fluxctl would."""

from collections.abc import Mapping
from pathlib import Path

from reconciler import bootstrap
from reconciler.configuration import read_settings
from reconciler.interfaces import logs
from reconciler.interfaces.cli.cycles import run_cycles
from reconciler.interfaces.cli.text import Narrator


def run_once(
    *, flags: Mapping[str, object], environment: Mapping[str, str], config: str | None
) -> int:
    """Read the settings, run one cycle of each source, print what was done; return the exit code.

    Raises:
        SettingsError: options, environment or file are wrong.
    """
    settings = read_settings(
        flags=flags,
        environment=environment,
        file=bootstrap.read_config(Path(config)) if config else None,
        file_name=config or "",
        defaults=bootstrap.machine_defaults(environment),
    )
    logs.configure(level=settings.log_level or "error", form=settings.log_format)
    return run_cycles(settings, Narrator())
