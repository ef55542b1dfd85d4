"""``reconcile --once``: one cycle of each source, told as fluxctl would."""

import sys
from collections.abc import Mapping
from pathlib import Path

from reconciler import bootstrap
from reconciler.configuration import read_settings
from reconciler.core.outcome import CycleOutcome, worst
from reconciler.interfaces import logs
from reconciler.interfaces.cli.json_document import document
from reconciler.interfaces.cli.text import Narrator, SilentNarrator
from reconciler.interfaces.terminal import write
from reconciler.pipeline import cycle
from reconciler.pipeline.journal import Journal
from reconciler.settings import Settings


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
    return worst(outcome.exit_code for outcome in _run(settings))


def _run(settings: Settings) -> list[CycleOutcome]:
    narrator = SilentNarrator() if settings.output == "json" else Narrator()
    outcomes = []
    with bootstrap.running(settings, progress=narrator) as parts_of, narrator:
        for source in settings.sources:
            outcome = cycle.run(source, parts_of(source))
            narrator.conclude(outcome)
            if settings.log_level:  # else the lines above say it all
                Journal().record(outcome)
            outcomes.append(outcome)
    if settings.output == "json":
        write(sys.stdout, f"{document(outcomes)}\n")
    return outcomes
