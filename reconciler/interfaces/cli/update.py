"""``reconcile update``: new tags for the manifests of a local folder; no Git, no cluster."""

from dataclasses import replace

from reconciler.bootstrap import Local
from reconciler.core.outcome import CycleOutcome
from reconciler.interfaces.cli.cycles import run_cycles
from reconciler.interfaces.cli.diffs import DiffNarrator
from reconciler.interfaces.cli.input import read_tag_list
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.loading import load_local, place_of
from reconciler.interfaces.cli.text import change_line


def run(invocation: Invocation, *, path: str, tags_file: str | None, write: bool) -> int:
    """Print the diff, or write it to the folder; return the exit code.

    Raises:
        SettingsError: path or file are wrong.
    """
    settings = load_local(invocation, path)
    place = place_of(path)
    tags = None if tags_file is None else read_tag_list(tags_file)
    is_dry_run = settings.dry_run or not write
    source = settings.sources[0]
    source = replace(
        source, is_synced=False, is_updated=True, sync=replace(source.sync, dry_run=is_dry_run)
    )
    return run_cycles(
        replace(settings, sources=(source,)),
        DiffNarrator() if is_dry_run else _WriteNarrator(),
        local=Local(place.folder, place.only, tags),
    )


class _WriteNarrator(DiffNarrator):
    """Prints a line a change that was written."""

    def conclude(self, outcome: CycleOutcome) -> None:
        """Print what was written, then what was not."""
        for change in outcome.changes:
            self._say(change_line(change))
        super().conclude(outcome)

    def _say_diffs(self, outcome: CycleOutcome) -> None:
        """Print none: it is done."""
