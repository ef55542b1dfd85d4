"""Runs one cycle of each source and prints the outcomes."""

from contextlib import nullcontext

from reconciler import bootstrap
from reconciler.cluster_parts import shared, turn
from reconciler.core.outcome import SYNC, CycleOutcome, Problem, worst
from reconciler.exit_codes import TRANSIENT
from reconciler.interfaces.cli.json_document import document
from reconciler.interfaces.cli.problems import say_problems
from reconciler.interfaces.cli.text import Narrator, SilentNarrator
from reconciler.interfaces.terminal import Terminal
from reconciler.pipeline import cycle
from reconciler.pipeline.journal import Journal
from reconciler.settings import Settings


def run_cycles(
    settings: Settings, narrator: Narrator, *, local: bootstrap.Local | None = None
) -> int:
    """Run the cycles, print what was done, and return the exit code that they call for together.

    Args:
        settings: what to do.
        narrator: tells it to a person; JSON is printed instead if the settings ask for it.
        local: what takes the place of the sources' remotes.
    """
    teller = SilentNarrator() if settings.output == "json" else narrator
    outcomes: list[CycleOutcome] = []
    led_by_others: set[str] = set()
    with (
        shared(settings) if local is None else nullcontext() as cluster,
        bootstrap.running(settings, progress=teller, local=local, connected=cluster) as parts_of,
        teller,
    ):
        for source in settings.sources:
            with turn(cluster, source) as mine:
                if mine.obstacle is None:
                    outcome = cycle.run(
                        source,
                        parts_of(source, stop=mine.stop, is_elsewhere=led_by_others.__contains__),
                    )
                else:
                    led_by_others.add(source.name)
                    problem = Problem.of(mine.obstacle, stage=SYNC)
                    outcome = CycleOutcome(source.name, source.git.url, problems=(problem,))
            teller.conclude(outcome)
            if settings.log_level:  # else the lines above say it all
                Journal().ended(outcome)
            outcomes.append(outcome)
    if settings.output == "json":
        Terminal.standard().say(document(outcomes))
    codes = [outcome.exit_code for outcome in outcomes]
    if teller.failure:
        say_problems([Problem("", teller.failure, is_stalled=False)])
        codes.append(TRANSIENT)
    return worst(codes)
