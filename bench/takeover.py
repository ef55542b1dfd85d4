"""How long it takes until another process runs a source's cycles when its leader does not."""

import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.child import clean_environment, require
from bench.cost import Cost, Sample
from bench.place import Place
from lab import story
from lab.process import Process
from lab.registry import Registry

GROUP: Final = "From what happens to the leader to the first cycle of another process"
WAYS: Final = {
    "it is told to end (SIGTERM)": signal.SIGTERM,
    "it is killed, on the same machine (SIGKILL)": signal.SIGKILL,
    "it sleeps, as if its machine were lost (SIGSTOP)": signal.SIGSTOP,
}
PATIENCE_S: Final = 60.0
_POLL_S: Final = 0.02


def takeover(place: Place) -> Iterator[Sample]:
    """Two processes with one source; the one that leads it is ended in one way after the other."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=place.folder)))
        name = place.fresh_name("takeover")
        registry = Registry.launch(folder / "registry", has_password=False)
        stack.callback(registry.stop)
        registry.push(f"{name}/nginx", "v3")
        image = f"{registry.host}/{name}/nginx"
        remote = story.create(folder / "git" / "web.git", image=image, namespace=name)
        replicas = _Replicas(folder, str(remote.path), place, name)
        stack.callback(replicas.stop)
        for row, number in WAYS.items():
            seconds = replicas.time_of(number)
            yield Sample(GROUP, row, Cost(seconds, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class _Replica:
    """A process, and where it writes its log."""

    process: Process
    log: Path

    def said(self, event: str) -> list[dict[str, object]]:
        """Return the lines of an event."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        whole = (json.loads(line) for line in lines if line.startswith("{") and line.endswith("}"))
        return [each for each in whole if each.get("event") == event]

    @property
    def leads(self) -> bool:
        """Whether it leads, by its own account."""
        changes = self.said("lease.changed")
        return bool(changes and changes[-1]["leads"])


class _Replicas:
    """Two processes, of which one leads."""

    def __init__(self, folder: Path, url: str, place: Place, name: str) -> None:
        self._folder, self._url, self._place, self._name = folder, url, place, name
        self._count = 0
        self._all: list[_Replica] = []

    def time_of(self, number: signal.Signals) -> float:
        """Return the seconds from a signal to the leader until a cycle of the other one ends."""
        while len(self._all) < 2:  # noqa: PLR2004 - the leader and another
            self._start()
        leader = self._leader()
        (other,) = (each for each in self._all if each is not leader)
        time.sleep(7)  # it has renewed its lease, and the other has seen that
        before = len(other.said("cycle.finished"))
        began = time.monotonic()
        os.kill(leader.process.pid, number)
        self._until(lambda: len(other.said("cycle.finished")) > before)
        seconds = time.monotonic() - began
        os.kill(leader.process.pid, signal.SIGCONT)
        leader.process.stop()
        self._all = [other]
        return seconds

    def stop(self) -> None:
        """End them."""
        for each in self._all:
            each.process.stop()

    def _leader(self) -> _Replica:
        self._until(lambda: any(each.leads and each.said("cycle.finished") for each in self._all))
        return next(each for each in self._all if each.leads)

    def _start(self) -> None:
        self._count += 1
        folder = self._folder / f"replica-{self._count}"
        folder.mkdir()
        (folder / "secret").write_text(secrets.token_hex(16))
        flags = {
            "--git-url": self._url,
            "--kubeconfig": str(self._place.plane.kubeconfig),
            "--namespace": f"{self._name}-state",
            "--data-dir": str(folder / "data"),
            "--interval": "1h",
            "--listen": "off",
            "--log-format": "json",
        }
        words = [word for flag in flags.items() for word in flag]
        command = [sys.executable, "-m", "reconciler", "--no-wait", *words]
        log = folder / "log"
        process = Process("reconcile", command, log, environment=dict(clean_environment()))
        self._all.append(_Replica(process, log))

    @staticmethod
    def _until(is_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_true():
            require(time.monotonic() < deadline, "nobody took over")
            time.sleep(_POLL_S)
