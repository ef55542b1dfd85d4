"""What a person reads where a command only looks: the diff alone on standard output."""

from reconciler.core.objects.report import Action
from reconciler.core.outcome import CycleOutcome
from reconciler.interfaces.cli.text import QUIET_REASONS, Narrator, skip_line
from reconciler.pipeline.events import Applying, Event, Fetching, Scanning

_NOT_IN_A_DIFF = frozenset({Action.SKIPPED, Action.KEPT})


class DiffNarrator(Narrator):
    """Prints the diffs alone, to be piped on; the rest goes to ``err``."""

    def tell(self, event: Event) -> None:
        """Show what is being waited for."""
        match event:
            case Fetching():
                self._spin("reading")
            case Scanning(count):
                self._spin(f"asking for the tags of {count} image repositories")
            case Applying():
                self._spin("comparing")
            case _:  # nothing is pushed, applied or waited for
                pass

    def conclude(self, outcome: CycleOutcome) -> None:
        """Print the diffs, then what stands in none of them."""
        self._still()
        self._say_diffs(outcome)
        for skip in outcome.skips:
            if skip.reason not in QUIET_REASONS:
                self._note(skip_line(skip))
        for report in outcome.sync.objects if outcome.sync else ():
            if report.action in _NOT_IN_A_DIFF:
                self._note(str(report))
        self._say_problems(outcome)
