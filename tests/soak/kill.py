"""Killed at any moment of clone, fetch, edit, commit and push: the next run recovers by itself."""

import collections
import contextlib
import itertools
import os
import random
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.exit_codes import TRANSIENT
from tests.soak.failure import Progress, demand, lines
from tests.soak.fleet import Fleet, environment
from tests.soak.story import Story

_SHIM = """\
#!/bin/sh
printf '%s %s\\n' "$$" "$*" >> '{trace}'
exec '{git}' "$@"
"""
_OUTLIVED = "the clone is in use by process"
_POLL_S = 0.002
_LATER = 1.3  # how far beyond the next call a moment may be, by how long that took before


@dataclass(frozen=True)
class Call:
    """A call of git: its process, its command, and when we saw it begin."""

    pid: int
    command: str
    at: float

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return Path(f"/proc/{self.pid}").exists()


@dataclass
class Killing:
    """Runs of the program, each killed at a moment of its own and followed by one that is not.

    Attributes:
        fleet: its images get a new tag before each run that is killed.
        moments: how many.
        seed: of all that is random.
        struck: how often the kill came while which command of git was at work, or after which.
        missed: runs that had ended before.
        theirs: the subjects of what others pushed.
        progress: hears how far it is.
    """

    fleet: Fleet
    moments: int
    seed: int
    struck: "collections.Counter[str]" = field(default_factory=collections.Counter)
    missed: int = 0
    theirs: list[str] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)

    def run(self) -> str:
        """Run it; return what happened, for a person.

        Raises:
            SoakError: a run did not recover, or not all is as it should be.
        """
        rng = random.Random(self.seed)  # noqa: S311 - to be had again by its seed
        began = time.monotonic()
        usual = {is_cold: self._undisturbed(is_cold=is_cold) for is_cold in (True, False)}
        for number in range(self.moments):
            self._round(number, rng, usual)
            self.progress.tell(f"kill: recovered {number + 1} of {self.moments} times")
        story = Story.of(self.fleet)
        story.check(self.theirs, {}, last=self._tag(self.moments))
        demand(len(story.ours) == self.moments + len(usual), f"{len(story.ours)} commits of ours")
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.struck.items()))
        return (
            f"kill: seed {self.seed}, {time.monotonic() - began:.0f} s; killed at "
            f"{self.moments - self.missed} moments, {self.missed} came too late; recovered each "
            f"time by one run; {len(story.ours)} commits of ours with {story.count} changes, "
            f"each once; struck: {struck}"
        )

    def _tag(self, number: int) -> str:
        return f"v{number + 3}"  # v1 is the beginning, and v2 and v3 are what runs are timed with

    def _undisturbed(self, *, is_cold: bool) -> Sequence[float]:
        """Return the seconds between the calls of git in a run that nobody kills."""
        self.fleet.push("v2" if is_cold else "v3")
        self._person_pushes()
        with self._program() as (process, trace):
            calls: list[Call] = []
            while process.poll() is None:
                trace.look(calls)
                time.sleep(_POLL_S)
        demand(process.returncode == 0, "a run that nobody killed failed")
        times = [call.at for call in calls] + [time.monotonic()]
        return [later - sooner for sooner, later in itertools.pairwise(times)]

    def _round(self, number: int, rng: random.Random, usual: dict[bool, Sequence[float]]) -> None:
        is_cold, is_moved, is_whole = rng.random() < 0.3, rng.random() < 0.5, number % 2 == 0
        if is_cold:
            shutil.rmtree(self._data)
        if is_moved:
            self._person_pushes()
        tag = self._tag(number + 1)
        self.fleet.push(tag)
        gaps = usual[is_cold]
        which = rng.randrange(len(gaps))
        moment = f"moment {number}, {rng.random() * _LATER:.2f} of call {which}"
        told = f"seed {self.seed}, {moment}{', cold' if is_cold else ''}"
        delay_s = gaps[which] * rng.random() * _LATER
        where = self._kill(which, delay_s, is_whole=is_whole)
        told += f", {'all' if is_whole else 'the main process'} killed at {where}"
        self._recover(tag, told)

    def _kill(self, which: int, delay_s: float, *, is_whole: bool) -> str:
        """Start a run and kill it; return when that was, in words."""
        with self._program() as (process, trace):
            calls: list[Call] = []
            while process.poll() is None and len(calls) <= which:
                trace.look(calls)
                time.sleep(_POLL_S)
            time.sleep(delay_s)
            if process.poll() is not None:
                self.missed += 1
                return "its end"
            process.send_signal(signal.SIGSTOP)
            trace.look(calls)
            where = _where(calls)
            for pid in _descendants(process.pid) if is_whole else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait()
        self.struck[where] += 1
        return where

    def _recover(self, tag: str, told: str) -> None:
        """Run once more, undisturbed: all is as if nobody had killed anything."""
        done = self.fleet.once()
        while done.returncode == TRANSIENT and _OUTLIVED in done.stderr:
            done = self.fleet.once()  # a git that outlives us on a busy machine is waited for
        demand(done.returncode == 0, f"{told}: the next run says {done.returncode}: {done.stderr}")
        demand(not done.stderr, f"{told}: the next run complains: {done.stderr}")
        wrong = [
            path
            for path, content in self.fleet.remote.files().items()
            if path.startswith("apps/") and f":{tag}'".encode() not in content
        ]
        demand(not wrong, f"{told}: not at {tag}:\n{lines(wrong)}")
        left = [str(path) for path in self._data.rglob("*.lock")]
        demand(not left, f"{told}: locks are left:\n{lines(left)}")

    def _person_pushes(self) -> None:
        subject = f"by a person, {len(self.theirs)}"
        self.fleet.remote.put({"notes/person.txt": subject.encode()}, subject)
        self.theirs.append(subject)

    @property
    def _data(self) -> Path:
        return self.fleet.folder / "data-default"

    @contextlib.contextmanager
    def _program(self) -> Iterator[tuple["subprocess.Popen[bytes]", "_Trace"]]:
        trace = _Trace.create(self.fleet.folder)
        process = subprocess.Popen(
            self.fleet.command("--once"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(PATH=f"{trace.programs}:{os.environ['PATH']}"),
        )
        try:
            yield process, trace
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class _Trace:
    """What calls of git a run has made: a program in git's place writes them down."""

    programs: Path
    file: Path

    @classmethod
    def create(cls, folder: Path) -> "_Trace":
        programs, file = folder / "programs", folder / "trace"
        programs.mkdir(exist_ok=True)
        file.write_bytes(b"")
        real = shutil.which("git")
        demand(real, "git is missing")
        shim = programs / "git"
        if not shim.exists():
            shim.write_text(_SHIM.format(trace=file, git=real))
            shim.chmod(stat.S_IRWXU)
        return cls(programs, file)

    def look(self, calls: list[Call]) -> None:
        """Add the calls that are new."""
        now = time.monotonic()
        told = self.file.read_text().rpartition("\n")[0].splitlines()
        for line in told[len(calls) :]:
            pid, *words = line.split()
            known = [word for word in words if not word.startswith("-") and "=" not in word]
            calls.append(Call(int(pid), known[0] if known else words[0], now))


def _where(calls: Sequence[Call]) -> str:
    if not calls:
        return "the start"
    last = calls[-1]
    return last.command if last.is_running else f"after {last.command}"


def _descendants(pid: int) -> list[int]:
    """Return a process's children, theirs, and so on, whatever groups they are in."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if entry.name.isdigit():
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        some = children.get(left.pop(), [])
        found += some
        left += some
    return found
