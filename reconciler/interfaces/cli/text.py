"""What a person reads on standard output while a cycle runs, in fluxctl's manner."""

import os
import sys
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.status import Status

from reconciler.core.decision import Change, Skip
from reconciler.core.manifests.images import SkipReason
from reconciler.core.outcome import CycleOutcome
from reconciler.core.proposal import Proposal, ProposalState
from reconciler.interfaces.cli.problems import problem_line
from reconciler.interfaces.terminal import Terminal, printable, write
from reconciler.pipeline.events import (
    Applying,
    Event,
    Fetching,
    Planned,
    Proposed,
    Pushed,
    Reading,
    Scanning,
    Waiting,
)

QUIET_REASONS = frozenset(
    {
        SkipReason.ALREADY_NEWEST,  # as wanted
        SkipReason.LOCKED,
        SkipReason.NOT_AUTOMATED,
        SkipReason.REGISTRY_FAILED,  # told as a problem
        SkipReason.BAD_ANNOTATION,
        SkipReason.BAD_MANIFEST,
        SkipReason.NO_VERSION,
        SkipReason.INVALID,
        SkipReason.CONFLICT,
        SkipReason.BAD_POLICY,
    }
)
"""Reasons to do nothing that deserve no line of their own."""


class SilentNarrator:
    """Says nothing; for ``-o json``.

    Attributes:
        failure: why not everything could be said; empty if it could.
    """

    failure = ""

    def tell(self, event: Event) -> None:
        """Take no note."""

    def conclude(self, outcome: CycleOutcome) -> None:
        """Say nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Have nothing to end."""


class Narrator(SilentNarrator):
    """Prints a line as each thing happens, and on a terminal shows what is being waited for.

    Lines go to ``out``; problems and the spinner go to ``err``.
    """

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._status: Status | None = None

    def tell(self, event: Event) -> None:
        """Print what happens."""
        match event:
            case Fetching(url):
                self._say(f"Synchronizing with {url}")
                self._spin("fetching")
            case Scanning(count):
                what = "image repository" if count == 1 else "image repositories"
                self._spin(f"asking for the tags of {count} {what}")
            case Reading(count):
                self._spin(f"reading {count} {'fact' if count == 1 else 'facts'} about images")
            case Planned(changes):
                for change in changes:
                    self._say(change_line(change))
                self._spin("committing")
            case Pushed(revision):
                self._say(f"Commit pushed:   {revision.short}")
            case Proposed(revision):
                self._say(f"Commit pushed:   {revision.short} to {revision.branch}")
            case Applying(revision):
                self._say(f"Revision of {revision.branch} to apply is {revision.short}")
                self._spin("applying")
            case Waiting(revision):
                self._say(f"Waiting for {revision.short} to be applied ...")
                self._spin("waiting for health")

    def conclude(self, outcome: CycleOutcome) -> None:
        """Print what is left to say when a cycle has ended."""
        self._still()
        if outcome.suspension:
            self._say(f"Source {outcome.source} is {outcome.suspension}")
            self._say("Nothing is done; 'reconcile resume' ends that.")
            return
        if outcome.is_dry_run:
            self._say_diffs(outcome)
        for skip in outcome.skips:
            if skip.reason not in QUIET_REASONS:
                self._say(skip_line(skip))
        for report in outcome.sync.objects if outcome.sync else ():
            if report.is_noteworthy and not report.diff:  # which says it above its own diff
                self._say(str(report))
        if outcome.proposal:
            self._say(proposal_line(outcome.proposal, len(outcome.pending)))
        elif outcome.pending:
            self._say(f"Nothing was pushed: {_images(len(outcome.pending))} to update")
        self._say_problems(outcome)
        if not outcome.exit_code:
            self._say("Done.")

    def _say_problems(self, outcome: CycleOutcome) -> None:
        for problem in outcome.problems:
            self._note(problem_line(problem))

    def _say_diffs(self, outcome: CycleOutcome) -> None:
        diffs = (outcome.commit_diff, outcome.sync.diff if outcome.sync else "")
        for diff in diffs:
            if diff:
                self._write(self._out, Terminal.of(self._out, os.environ).shown_diff(diff))

    def _say(self, line: str) -> None:
        self._write(self._out, f"{printable(line)}\n")

    def _note(self, line: str) -> None:
        self._write(self._err, f"{printable(line)}\n")

    def _write(self, stream: TextIO, text: str) -> None:
        """Write; to nobody if the reader went away or the disk is full: the cycle goes on."""
        self._still()
        try:
            write(stream, text)
        except OSError as error:
            self.failure = f"cannot write the output: {error.strerror}"

    def _spin(self, text: str) -> None:
        if self._err.isatty():
            self._still()
            self._status = Console(file=self._err).status(text)
            self._status.start()

    def _still(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the terminal back as it was."""
        self._still()


def change_line(change: Change) -> str:
    """Return ``web:deployment/nginx  nginx: registry.example/acme/nginx:v3 -> v4``."""
    field = change.field
    return f"{field.workload.workload}  {field.container}: {change.old} -> {change.new.suffix}"


def proposal_line(proposal: Proposal, pending: int) -> str:
    """Return ``1 image to update waits on the branch reconcile/web at 3a33f0a``."""
    branch = f"the branch {proposal.branch}"
    if proposal.state is ProposalState.WITHDRAWN:
        return f"Removed {branch}: nothing is left to update"
    verb = "waits" if pending == 1 else "wait"
    if proposal.state is ProposalState.TURNED_DOWN:
        return f"Nothing is proposed on {branch}: {proposal.request} was closed"
    if proposal.state is ProposalState.BLOCKED:
        return f"{_images(pending)} to update {verb}: {branch} is not ours to move"
    request = f": {proposal.request}" if proposal.request else ""
    return f"{_images(pending)} to update {verb} on {branch} at {proposal.commit[:7]}{request}"


def _images(count: int) -> str:
    return f"{count} {'image' if count == 1 else 'images'}"


def skip_line(skip: Skip) -> str:
    """Return ``web:deployment/nginx  nginx: nginx@sha256:…  skipped: pinned by digest``."""
    field = skip.field
    return f"{field.workload.workload}  {field.container}: {field.text}  skipped: {skip.detail}"
