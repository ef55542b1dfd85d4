"""``reconcile diff``: what a sync would change in the cluster."""

from dataclasses import replace

from reconciler.errors import SettingsError
from reconciler.interfaces.cli.apply import folder_source
from reconciler.interfaces.cli.cycles import run_cycles
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load
from reconciler.settings import Settings, SourceSettings


def run(invocation: Invocation, *, path: str | None, name: str | None) -> int:
    """Print what a sync of the remote branches, or of a local folder, would change.

    Raises:
        SettingsError: options or path are wrong.
    """
    if path is not None:
        settings, local = folder_source(invocation, path, name)
        return run_cycles(_looking(settings), DiffNarrator(), local=local)
    if name is not None:
        raise SettingsError("--name goes with a PATH")
    return run_cycles(_looking(load(invocation)), DiffNarrator())


def _looking(settings: Settings) -> Settings:
    return replace(settings, sources=tuple(map(_looked_at, settings.sources)))


def _looked_at(source: SourceSettings) -> SourceSettings:
    sync = replace(source.sync, dry_run=True)
    return replace(source, is_synced=True, is_updated=False, sync=sync)
