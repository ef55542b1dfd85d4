"""Somebody who pushes to a branch, over and over, as people do: fetch, commit, push, again."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.bare_repository import git
from lab.process import LabError
from tests.soak.fleet import Fleet

NOTE = '    note: "'
_LONGEST_PAUSE_S = 0.4


@dataclass
class Writer:
    """One of several writers. The notes of some workloads are this one's alone to write.

    Attributes:
        number: which.
        mine: the workloads whose notes are this writer's.
        done: commits that are on the branch.
        attempts: pushes that were tried.
        notes: what this writer wrote last, by workload.
    """

    fleet: Fleet
    number: int
    mine: Sequence[int]
    rng: random.Random
    done: list[str] = field(default_factory=list)
    attempts: int = 0
    notes: dict[int, str] = field(default_factory=dict)

    def write(self, commits: int, stop: threading.Event) -> None:
        """Push so many commits, one after the other.

        Raises:
            LabError: git failed by more than a lost race.
        """
        clone = self._clone()
        for number in range(commits):
            subject = f"writer {self.number}, commit {number}"
            workload = self.rng.choice(self.mine) if self.rng.random() < 0.4 else None
            while not stop.is_set() and not self._push(clone, subject, workload):
                time.sleep(self.rng.random() * _LONGEST_PAUSE_S)
            if stop.is_set():
                return
            self.done.append(subject)
            if workload is not None:
                self.notes[workload] = subject

    def _clone(self) -> Path:
        clone = self.fleet.folder / f"writer-{self.number}.git"
        clone.mkdir()
        git(clone, "init", "--quiet", "--bare")
        git(clone, "remote", "add", "origin", self.fleet.writers_url)
        git(clone, "config", "gc.auto", "0")
        git(clone, "config", "fetch.unpackLimit", "1000")
        return clone

    def _push(self, clone: Path, subject: str, workload: int | None) -> bool:
        """Commit on top of the branch as it is now, and push; return whether nobody was faster."""
        git(clone, "fetch", "--quiet", "--no-tags", "origin", "main")
        tip = git(clone, "rev-parse", "FETCH_HEAD")
        path, content = self._content(clone, tip, subject, workload)
        commit = git(
            clone,
            "fast-import",
            "--quiet",
            "--force",
            "--date-format=now",
            stdin=_stream(tip, path, content, subject),
        )
        self.attempts += 1
        return self._is_taken(clone, commit)

    def _content(
        self, clone: Path, tip: str, subject: str, workload: int | None
    ) -> tuple[str, str]:
        if workload is None:
            return f"notes/{self.number}.txt", f"{subject}\n"
        path = self.fleet.path(workload)
        text = git(clone, "cat-file", "blob", f"{tip}:{path}") + "\n"
        head, _, rest = text.partition(NOTE)
        return path, f'{head}{NOTE}{subject}"\n{rest.partition(chr(10))[2]}'

    def _is_taken(self, clone: Path, commit: str) -> bool:
        try:
            git(clone, "push", "--quiet", "origin", f"{commit}:refs/heads/main")
        except LabError as error:
            lost = ("non-fast-forward", "fetch first", "cannot lock ref", "failed to update ref")
            if any(words in str(error) for words in lost):
                return False
            raise
        return True


def _stream(tip: str, path: str, content: str, subject: str) -> bytes:
    """Return a commit for ``git fast-import`` that asks for its id."""
    parts = [
        "commit refs/heads/mine", "mark :1", "committer A Person <person@example.org> now",
        f"data {len(subject)}", subject, f"from {tip}", f"M 100644 inline {path}",
        f"data {len(content.encode())}", content, "get-mark :1", "",
    ]  # fmt: skip
    return "\n".join(parts).encode()
