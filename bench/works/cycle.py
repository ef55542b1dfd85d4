"""Cycle: from the remote's tip to the pushed commit, without a cluster."""

from collections.abc import Iterator
from pathlib import Path

from bench.child import Job, require
from bench.cost import Cost, cost_of, cost_of_program
from bench.works.running import parts, settings_of
from lab.bare_repository import BareRemote
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline import cycle


def run_cycles(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run cycles of one process: all of ``manifests`` change and are pushed; then none does.

    The second one sees our own commit for the first time, the third has nothing to parse.
    """
    settings = settings_of(
        git_url=job["git_url"], data_dir=Path(job["folder"]), is_synced=False, is_updated=True
    )
    with parts(settings) as (source, made):
        cost, outcome = cost_of(lambda: cycle.run(source, made))
        _check(outcome, changes=job["manifests"])
        yield "all changed and pushed", cost
        for name in ("nothing to edit in our own commit", "nothing new"):
            cost, outcome = cost_of(lambda: cycle.run(source, made))
            _check(outcome, changes=0)
            yield name, cost


def run_warm_cycles(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run cycles of a process that knows all ``manifests``: nothing is new; then one file is.

    Beside what git itself needs to ask the remote where its branch is.
    """
    settings = settings_of(
        git_url=job["git_url"], data_dir=Path(job["folder"]), is_synced=False, is_updated=True
    )
    remote = BareRemote(Path(job["git_url"]))
    with parts(settings) as (source, made):
        _check(cycle.run(source, made), changes=0)
        yield "git ls-remote", cost_of_program(["git", "ls-remote", job["git_url"]])
        cost, outcome = cost_of(lambda: cycle.run(source, made))
        _check(outcome, changes=0)
        yield "nothing new", cost
        path, content = job["behind"]
        remote.put({path: content.encode()})
        cost, outcome = cost_of(lambda: cycle.run(source, made))
        _check(outcome, changes=1)
        require(outcome.changes[0].field.path == path, "changed another file")
        yield "one file changed, updated and pushed", cost
        _check(cycle.run(source, made), changes=0)  # takes in our own commit


def run_fresh_cycle(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run one cycle of a process that begins; if ``behind`` is given, with one file that is new."""
    settings = settings_of(
        git_url=job["git_url"], data_dir=Path(job["folder"]), is_synced=False, is_updated=True
    )
    if job["behind"]:
        path, content = job["behind"]
        BareRemote(Path(job["git_url"])).put({path: content.encode()})
    with parts(settings) as (source, made):
        cost, outcome = cost_of(lambda: cycle.run(source, made))
        _check(outcome, changes=1 if job["behind"] else 0)
        yield "cycle", cost


def _check(outcome: CycleOutcome, *, changes: int) -> None:
    require(not outcome.problems, f"problems: {outcome.problems[:3]}")
    require(len(outcome.changes) == changes, f"{len(outcome.changes)} changes, not {changes}")
