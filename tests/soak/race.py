"""Many push to the branch while we update its images: theirs all stand, ours stand once each."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import launcher
from tests.soak.failure import Progress, demand, percentile
from tests.soak.fleet import Fleet, environment
from tests.soak.story import Story
from tests.soak.writer import Writer

_POLL_S = 0.2


@dataclass(frozen=True)
class Race:
    """A race and its size.

    Attributes:
        fleet: whose images are updated.
        writers: how many push.
        commits: how many each of them pushes.
        waves: how often every image gets a new tag, evenly over the race.
        names: of those that are us, each a process of its own, see :meth:`Fleet.arguments`.
        seed: of all that is random.
        limit_s: when to give up.
        progress: hears how far it is.
    """

    fleet: Fleet
    writers: int
    commits: int
    waves: int
    seed: int
    names: Sequence[str] = ("default",)
    limit_s: float = 4 * 3600.0
    progress: Progress = field(default_factory=Progress)

    def run(self) -> str:
        """Run it; return what happened, for a person.

        Raises:
            SoakError: not all is as it should be.
        """
        began = time.monotonic()
        people = [self._writer(number) for number in range(self.writers)]
        with contextlib.ExitStack() as stack:
            ours = [stack.enter_context(_Ours.running(self.fleet, name)) for name in self.names]
            took_s = self._race(people, ours, began + self.limit_s)
            left_s = self._settle(ours, began + self.limit_s)
        story = Story.of(self.fleet)
        theirs = [subject for person in people for subject in person.done]
        notes = {number: note for person in people for number, note in person.notes.items()}
        story.check(theirs, notes, last=f"v{1 + self.waves}")
        return self._told(story, people, ours, took_s, left_s)

    def _writer(self, number: int) -> Writer:
        mine = range(number, self.fleet.size, self.writers)
        rng = random.Random(f"{self.seed}/{number}")  # noqa: S311 - to be had again by its seed
        return Writer(self.fleet, number, mine, rng)

    def _race(self, people: Sequence[Writer], ours: Sequence["_Ours"], deadline: float) -> float:
        """Have all of them push, and new tags appear meanwhile; return how long it took."""
        began, stop, total = time.monotonic(), threading.Event(), self.writers * self.commits
        wave = 0
        with ThreadPoolExecutor(self.writers) as pool:
            pushing = [pool.submit(person.write, self.commits, stop) for person in people]
            try:
                while not all(each.done() for each in pushing) or wave < self.waves:
                    done = sum(len(person.done) for person in people)
                    if wave < self.waves and done >= total * wave // self.waves:
                        wave += 1
                        self.fleet.push(f"v{1 + wave}")
                    _require(pushing, ours)
                    self.progress.tell(f"race: {done} of {total} commits are pushed")
                    demand(time.monotonic() < deadline, f"only {done} of {total} pushes in time")
                    time.sleep(_POLL_S)
            finally:
                stop.set()
        for each in pushing:
            each.result()
        return time.monotonic() - began

    def _settle(self, ours: Sequence["_Ours"], deadline: float) -> float:
        """Wait until each of us has found nothing more to do; return how long it took."""
        began = time.monotonic()
        marks = [len(each.cycles) for each in ours]
        while not all(each.is_idle(since) for each, since in zip(ours, marks, strict=True)):
            _require([], ours)
            demand(time.monotonic() < deadline, f"we did not come to an end:\n{ours[0].tail}")
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def _told(
        self,
        story: Story,
        people: Sequence[Writer],
        ours: Sequence["_Ours"],
        took_s: float,
        left_s: float,
    ) -> str:
        cycles = [cycle for each in ours for cycle in each.cycles]
        attempts = [cycle.get("attempts", 1) for cycle in cycles if cycle.get("pushed")]
        lost = sum(1 for cycle in cycles if cycle["result"] != "ok")
        theirs = sum(len(person.done) for person in people)
        tried = sum(person.attempts for person in people)
        return (
            f"race: seed {self.seed}, {took_s:.0f} s with {left_s:.0f} s to settle; "
            f"{self.writers} writers pushed {theirs} commits ({tried} attempts), "
            f"{theirs / took_s:.1f} a second; {len(ours)} of us made {len(story.ours)} commits "
            f"with {story.count} changes of {self.fleet.size} images; attempts a commit: "
            f"{sum(attempts) / max(1, len(attempts)):.1f} on average, half within "
            f"{percentile(attempts, 0.5)}, at most {max(attempts, default=0)}; "
            f"{lost} of {len(cycles)} cycles gave up"
        )


@dataclass(frozen=True)
class _Ours:
    """One process of ours, and its log."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @classmethod
    @contextlib.contextmanager
    def running(cls, fleet: Fleet, name: str) -> Iterator["_Ours"]:
        """Run a process while the block runs."""
        log = fleet.folder / f"{name.replace('/', '-')}.log"
        guard = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid())]
        more = ("--interval", "1s", "--listen", "off", "--log-format", "json")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*guard, *fleet.command(*more, name=name)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                env=environment(),
            )
        try:
            yield cls(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                process.kill()

    @property
    def cycles(self) -> list[Mapping[str, Any]]:
        """Return what the log says of each cycle."""
        whole = self.log.read_text().rpartition("\n")[0].splitlines()
        told = [json.loads(line) for line in whole if '"cycle.finished"' in line]
        return [each for each in told if each["event"] == "cycle.finished"]

    def is_idle(self, since: int) -> bool:
        """Whether a cycle that began after so many has found nothing to do."""
        later = self.cycles[since + 1 :]
        return any(each["result"] == "ok" and not each.get("changes") for each in later)

    @property
    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text()[-3000:]


def _require(pushing: Sequence["Future[None]"], ours: Sequence[_Ours]) -> None:
    for each in pushing:
        if each.done():
            each.result()
    for one in ours:
        demand(one.process.poll() is None, f"one of us ended:\n{one.tail}")
