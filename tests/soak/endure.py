"""One process for thousands of cycles, while all that it works with fails now and then."""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import queue
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from lab.authority import Authority
from lab.control_plane import ControlPlane
from lab.git_server import USER, serving
from lab.ports import free_port
from lab.registry import Registry
from tests.e2e.world import World
from tests.simulators.fault_proxy import Answer, Cut, FaultProxy
from tests.soak.failure import Progress, demand

SECRET = "a secret of sixteen or more"
PATIENCE_S = 120.0
EVERY = 25
"""Cycles from one fault to the next."""

LASTS = 3
"""Cycles that a fault lasts."""

SAMPLES = 50
"""Cycles from one look at the process to the next, when all is well again."""

WARM = 0.1
"""Part of the cycles after which memory is to grow no more."""

FLAT = 1.05
"""How much more memory the last tenth of many cycles may take than the first one after that."""

MOST_FILES = 5000
"""Of a clone, which is made anew at some 4,000 loose objects, and of caches."""


@dataclass(frozen=True)
class Look:
    """What a process takes at a moment.

    Attributes:
        cycle: after which.
        memory_mib: resident.
        files: of its data folder, and of its folder for temporary files.
    """

    cycle: int
    memory_mib: float
    descriptors: int
    threads: int
    children: int
    files: int


class Process:
    """The program as it runs on; its log is read as it comes."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env=dict(environment),
        )  # fmt: skip
        self._log = log
        self._ended: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.results: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(60)
        self.child.kill()
        self.child.wait()
        self._reader.join(60)
        if self.child.stderr:
            self.child.stderr.close()

    def cycle(self) -> None:
        """Ask for a cycle, and wait for its end."""
        self.child.send_signal(signal.SIGHUP)
        self.wait()

    def wait(self) -> None:
        """Wait for the end of a cycle."""
        try:
            line = self._ended.get(timeout=PATIENCE_S)
        except queue.Empty:
            line = None
        demand(line is not None, f"no cycle ended:\n{self._tail()}")
        self.results[str((line or {})["result"])] += 1
        while not self._ended.empty():  # who asked twice has had one or two
            self._ended.get_nowait()

    def look(self, cycle: int, folders: list[Path]) -> Look:
        """Return what it takes now."""
        place = Path(f"/proc/{self.child.pid}")
        status = (place / "status").read_text().splitlines()
        memory = next(line for line in status if line.startswith("VmRSS:"))
        return Look(
            cycle,
            int(memory.split()[1]) / 1024,
            len(list((place / "fd").iterdir())),
            len(list((place / "task").iterdir())),
            len((place / "task" / place.name / "children").read_text().split()),
            sum(len(files) for each in folders for _, _, files in os.walk(each)),
        )

    def _read(self) -> None:
        with self._log.open("w") as kept:
            for line in self.child.stderr or ():
                kept.write(line)
                with contextlib.suppress(ValueError):
                    said = json.loads(line)
                    self.events[said["event"]] += 1
                    if said["event"] == "cycle.finished":
                        self._ended.put(said)
        self._ended.put(None)

    def _tail(self) -> str:
        return "\n".join(self._log.read_text().splitlines()[-20:])


@dataclass
class Endurance:
    """Many cycles of one process, with faults in between.

    Attributes:
        folder: an empty one.
        plane: the cluster; the process reaches it by a proxy that fails where it is told to.
        registry: of the images.
        cycles: how many.
        seed: of all that is random.
        flat: how much more memory the last tenth may take than the first one that counts.
        progress: hears how far it is.
        looks: what the process took, now and then.
        faults: how often each came.
    """

    folder: Path
    plane: ControlPlane
    registry: Registry
    cycles: int
    seed: int
    flat: float = FLAT
    progress: Progress = field(default_factory=Progress)
    looks: list[Look] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    _tags: int = 3
    _notes: int = 0

    def run(self) -> str:
        """Run it; return what happened, for a person.

        Raises:
            SoakError: something leaks, or not all is as it should be at the end.
        """
        began = time.monotonic()
        with ExitStack() as stack:
            self._set_up(stack)
            process = stack.enter_context(self._process())
            self._endure(process)
            self._check_end(process)
            process.child.terminate()
            demand(process.child.wait(60) == 0, f"it ended with {process.child.returncode}")
            results, events = process.results, process.events
        left = [str(path) for path in self._temporary.rglob("*") if path.is_file()]
        demand(not left, f"temporary files are left: {left[:5]}")
        self._check_looks()
        return self._told(time.monotonic() - began, results, events)

    def _set_up(self, stack: ExitStack) -> None:
        name = f"endure-{os.getpid()}-{self.seed}"
        self.plane.kubectl("create", "namespace", name)
        stack.callback(self.plane.kubectl, "delete", "namespace", name, "--wait=false")
        self._world = World.create(name, self.folder, self.plane, self.registry)
        self._server = stack.enter_context(serving(self.folder / "git", password="git-password"))
        (self.folder / "password").write_text("git-password")
        (self.folder / "secret").write_text(SECRET)
        self._temporary = self.folder / "tmp"
        self._temporary.mkdir()
        authority = Authority(self.folder / "authority")
        self._proxy = stack.enter_context(
            FaultProxy(self.plane.kubeconfig, authority, self.folder / "proxy")
        )
        self._address = f"127.0.0.1:{free_port()}"
        self._configure()

    def _configure(self) -> None:
        """Write the configuration file, with a value that nobody minds."""
        file = self.folder / "config.yaml"
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"interval": f"{60 + self._notes % 2}m", "wait": False}))
        new.replace(file)

    def _process(self) -> Process:
        world = self._world
        world.git_url = f"{self._server.url}/web.git"
        flags = {
            "--config": str(self.folder / "config.yaml"),
            "--git-username": USER,
            "--git-password-file": str(self.folder / "password"),
            "--kubeconfig": str(self._proxy.kubeconfig),
            "--listen": self._address,
            "--webhook-secret-file": str(self.folder / "secret"),
            "--page-token-file": str(self.folder / "secret"),
            "--log-format": "json",
        }
        words = [word for flag in flags.items() for word in flag]
        command = [sys.executable, "-m", "reconciler", *world.arguments()[1:], *words, "--no-wait"]
        environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        environment["TMPDIR"] = str(self._temporary)
        return Process(command, environment, self.folder / "log")

    def _endure(self, process: Process) -> None:
        rng = random.Random(self.seed)  # noqa: S311 - to be had again by its seed
        mend: Callable[[], None] | None = None
        since = 0
        for number in range(1, self.cycles + 1):
            if number % EVERY == 0:
                name, begin, mend = rng.choice(self._choices())
                self.faults[name] += 1
                since = number
                begin()
            self._happen(number, rng)
            process.cycle()
            if mend and number - since >= LASTS:
                mend()
                mend = None
            if mend is None and number % SAMPLES > LASTS + 5 and number % 10 == 0:
                self._sample(process, number)
            self.progress.tell(f"endure: {number} of {self.cycles} cycles; {self.looks[-1:]}")
        if mend:
            mend()

    def _sample(self, process: Process, number: int) -> None:
        deadline = time.monotonic() + 5
        folders = [self.folder / "data", self._temporary]
        look = process.look(number, folders)
        while look.children and time.monotonic() < deadline:
            time.sleep(0.01)  # a webhook's cycle may be under way
            look = process.look(number, folders)
        self.looks.append(look)

    def _choices(self) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
        """Return the faults, each with what begins and what ends it."""
        proxy, remote = self._proxy, self._world.remote.path
        away = remote.with_suffix(".away")

        def failing(fault: Answer | Cut) -> Callable[[], None]:
            return lambda: proxy.on(".*", ".*", fault)

        return [
            ("registry down", self.registry.stop, self.registry.start),
            ("repository gone", lambda: _move(remote, away), lambda: _move(away, remote)),
            ("API server answers 503", failing(Answer(503)), proxy.reset),
            ("API server answers 429", failing(Answer(429, {"Retry-After": "0"})), proxy.reset),
            ("API server cuts off", failing(Cut()), proxy.reset),
            ("connections break", proxy.cut_all, lambda: None),
            ("configuration changes", self._reconfigure, lambda: None),
        ]

    def _reconfigure(self) -> None:
        self._notes += 1
        self._configure()

    def _happen(self, number: int, rng: random.Random) -> None:
        """Let what people and registries do happen."""
        if number % 20 == 10 and self.registry.pid:
            self._tags += 1
            self._world.push(f"v{self._tags}")
        if number % 30 == 15 and self._world.remote.path.is_dir():
            self._notes += 1
            self._world.remote.put({"notes.txt": str(self._notes).encode()}, "by a person")
        if number % 40 == 20:
            patch = json.dumps({"spec": {"replicas": rng.randrange(2, 9)}})
            where = ("-n", self._world.name, "deployment", "nginx-deployment")
            with contextlib.suppress(Exception):  # it may not be there yet
                self.plane.kubectl("patch", *where, "-p", patch)
        if number % 5 == 0:
            self._visit(rng)

    def _visit(self, rng: random.Random) -> None:
        """Be a browser, a probe, a sender of webhooks, and somebody who is none."""
        body = json.dumps({"ref": "refs/heads/main", "after": f"{rng.random()}"}).encode()
        secret = rng.choice([SECRET, "wrong"]).encode()
        signature = f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        bearer = {"Authorization": f"Bearer {SECRET}"}
        for method, path, given in (
            ("POST", "/hooks/git/github", headers),
            ("GET", rng.choice(["/", "/sources/default", "/metrics", "/api/v1/images"]), bearer),
            ("GET", "/api/v1/events", bearer),
        ):
            connection = http.client.HTTPConnection(self._address, timeout=30)
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.request(method, path, body if method == "POST" else None, given)
                answer = connection.getresponse()
                if path != "/api/v1/events":
                    answer.read()

    def _check_end(self, process: Process) -> None:
        """Demand that all came out as it should, once everything works."""
        self._tags += 1
        self._world.push(f"v{self._tags}")
        wanted = f"{self._world.image}:v{self._tags}"
        deadline = time.monotonic() + PATIENCE_S
        while self._world.cluster_image() != wanted and time.monotonic() < deadline:
            process.cycle()
            time.sleep(0.5)  # a registry that was down is left alone for a while
        demand(self._world.cluster_image() == wanted, f"not {wanted} in the cluster")
        subjects = self._world.tags_committed()
        twice = [each for each, n in Counter(subjects).items() if n > 1 and "Update" in each]
        demand(not twice, f"committed twice: {twice}")
        for bug in ("cycle.crashed", "loop.crashed", "listener.crashed"):
            demand(not process.events[bug], f"{bug}: see the log")

    def _check_looks(self) -> None:
        """Demand that nothing has grown."""
        settled = [each for each in self.looks if each.cycle > WARM * self.cycles]
        tenth = max(len(settled) // 10, 1)
        first, last = settled[:tenth], settled[-tenth:]
        for name, allowance in (("descriptors", 8), ("threads", 8), ("children", 0)):
            before, after = (
                statistics.median(getattr(each, name) for each in part) for part in (first, last)
            )
            demand(after <= before + allowance, f"{name} grew from {before} to {after}")
        growth = _memory(last) / _memory(first)
        demand(growth <= self.flat, f"memory grew by {growth - 1:.1%}: {_memory(last):.0f} MiB")
        most = max(each.files for each in settled)
        demand(most < MOST_FILES, f"{most} files in the folder for data")

    def _told(self, took_s: float, results: Counter[str], events: Counter[str]) -> str:
        settled = [each for each in self.looks if each.cycle > WARM * self.cycles]
        tenth = max(len(settled) // 10, 1)
        first, last = settled[:tenth], settled[-tenth:]
        counted = ", ".join(f"{name} {n}" for name, n in sorted(results.items()))
        broken = ", ".join(f"{name} {n}" for name, n in sorted(self.faults.items()))
        return (
            f"endure: seed {self.seed}, {took_s:.0f} s, {self.cycles} cycles ({counted}); "
            f"{self._tags - 3} tags, {events['image.updated']} updates; faults: {broken}; "
            f"memory {_memory(first):.1f} MiB after a tenth, {_memory(last):.1f} MiB at the end; "
            f"descriptors {_range(settled, 'descriptors')}, threads {_range(settled, 'threads')}, "
            f"children {_range(settled, 'children')}, files {_range(settled, 'files')}"
        )


def _memory(looks: list[Look]) -> float:
    return statistics.median(each.memory_mib for each in looks)


def _range(looks: list[Look], name: str) -> str:
    found = [getattr(each, name) for each in looks]
    return f"{min(found)}-{max(found)}"


def _move(there: Path, here: Path) -> None:
    there.rename(here)


@contextlib.contextmanager
def parts(folder: Path) -> Iterator[tuple[ControlPlane, Registry]]:
    """Start what a run needs: an API server without controllers, and a registry."""
    plane = ControlPlane.start(folder / "plane", has_controllers=False)
    try:
        registry = Registry.launch(folder / "registry", has_password=True)
        try:
            yield plane, registry
        finally:
            registry.stop()
    finally:
        plane.stop()
