"""Builds the lab's programs from Go modules, once, into a cache outside the work tree.

By hand: ``python -m lab.build``. Needs nothing but Python itself, so that it can go on behind the
making of a virtual environment.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.process import LabError, MissingPartError

SOURCES = Path(__file__).parent
KUBERNETES_VERSION = "v1.35.4"
KUSTOMIZE_VERSION = "v5.8.1"
FLAGS = ("build", "-trimpath")
SETTINGS = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "auto"}
"""An older Go fetches the one that a go.mod asks for, as it fetches modules."""

_VERSION = "-X k8s.io/component-base/version"


@dataclass(frozen=True)
class Program:
    """A Go program: the folder of its module, the package, the flags."""

    name: str
    package: str
    ldflags: str
    takes: str  # how long the first build takes, for a person who waits
    folder: Path | None = None  # of its module; None: the lab's folder of that name

    @property
    def sources(self) -> Path:
        """The folder of its module."""
        return self.folder or SOURCES / self.name


PROGRAMS = (
    Program(
        "kubernetes",
        ".",
        f"-s -w {_VERSION}.gitVersion={KUBERNETES_VERSION} {_VERSION}.gitMajor=1"
        f" {_VERSION}.gitMinor=35",
        "about 8 minutes",
    ),
    Program("kwok", "sigs.k8s.io/kwok/cmd/kwok", "-s -w", "about 1 minute"),
    Program(
        "registry",
        "github.com/distribution/distribution/v3/cmd/registry",
        "-s -w",
        "about 1 minute",
    ),
    Program("registry2", ".", "-s -w", "half a minute"),
    Program(
        "kustomize",
        "sigs.k8s.io/kustomize/kustomize/v5",
        f"-s -w -X sigs.k8s.io/kustomize/api/provenance.version={KUSTOMIZE_VERSION}",
        "half a minute",
    ),
    Program("sops", "github.com/getsops/sops/v3/cmd/sops", "-s -w", "about 2 minutes"),
)
_BY_NAME = {program.name: program for program in PROGRAMS}
KWOK_STAGES = ("node/fast", "node/heartbeat", "pod/fast")


def cache_folder() -> Path:
    """Return where built programs are kept; deleting it costs only time."""
    own = os.environ.get("RECONCILE_LAB_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(own) if own else Path(home) / "reconcile-lab").absolute()


def program_path(name: str) -> Path:
    """Return where one of the lab's programs is, or will be, in the cache."""
    return path_of(_BY_NAME[name])


def path_of(program: Program) -> Path:
    """Return where a program is, or will be, in the cache: by the hash of all it is built from."""
    digest = hashlib.sha256()
    for fact in (
        *FLAGS,
        program.package,
        program.ldflags,
        repr(SETTINGS),
        _go_version(os.environ.get("PATH", "")),
    ):
        digest.update(fact.encode() + b"\0")
    files = sorted(each for each in program.sources.rglob("*") if each.is_file())
    for source in files:
        name = source.relative_to(program.sources).as_posix()
        digest.update(name.encode() + b"\0" + source.read_bytes())
    return cache_folder() / f"{program.name}-{digest.hexdigest()[:16]}" / program.name


def is_built() -> bool:
    """Whether every program is in the cache."""
    return all(program_path(program.name).is_file() for program in PROGRAMS)


def require(name: str) -> Path:
    """Return a program that is in the cache.

    Raises:
        MissingPartError: it is not; the message says how to build it.
    """
    path = program_path(name)
    if not path.is_file():
        raise MissingPartError(f"the lab's {name} is not built: run `make lab-build` (needs Go)")
    return path


def build_all(names: Sequence[str] = tuple(_BY_NAME)) -> None:
    """Build what is missing of the programs, telling how long it takes.

    Raises:
        MissingPartError: Go is missing.
        LabError: a build failed.
    """
    for name in names:
        build(_BY_NAME[name])


def build(program: Program) -> Path:
    """Return the program, built if it is missing; a second builder waits for the first."""
    path = path_of(program)
    if path.is_file():
        return path
    if shutil.which("go") is None:
        raise MissingPartError("the lab is built with Go: install Go 1.25 or newer")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            _build(program, path)
    return path


@functools.cache
def _go_version(path: str) -> str:
    """Return version and platform of the Go on a ``$PATH``, not of one that a module asks for."""
    try:
        return subprocess.run(
            ["go", "version"],
            cwd="/",
            env={**os.environ, "PATH": path, "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "no Go"


def _build(program: Program, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / program.name
        command = ["go", *FLAGS, "-ldflags", program.ldflags, "-o", str(made), program.package]
        with _Progress(f"building {program.name} ({program.takes} the first time)"):
            done = subprocess.run(
                command,
                cwd=program.sources,
                env={**os.environ, **SETTINGS},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise LabError(f"building {program.name} failed:\n{done.stderr[-4000:]}")
        if program.name == "kwok":
            _copy_stages(path.parent / "stages")
        made.rename(path)


def _copy_stages(target: Path) -> None:
    """Copy kwok's stages, which its module ships as YAML, next to the program."""
    listed = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"],
        cwd=SOURCES / "kwok",
        env={**os.environ, **SETTINGS},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    target.mkdir(exist_ok=True)
    shipped = Path(listed.stdout.strip()) / "kustomize" / "stage"
    for stage in KWOK_STAGES:
        for file in sorted((shipped / stage).glob("*.yaml")):
            if file.name != "kustomization.yaml":
                shutil.copyfile(file, target / f"{stage.replace('/', '-')}-{file.name}")


class _Progress:
    """Says on standard error what is being waited for: each half minute, or live on a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._begin = time.monotonic()

    def __enter__(self) -> None:
        print(f"lab: {self._what} ...", file=sys.stderr, flush=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        print(f"lab: {self._what}: done after {self._elapsed()}", file=sys.stderr, flush=True)

    def _run(self) -> None:
        is_terminal = sys.stderr.isatty()
        while not self._stop.wait(1 if is_terminal else 30):
            end = "\r" if is_terminal else "\n"
            line = f"lab: {self._what}: {self._elapsed()}"
            print(line, end=end, file=sys.stderr, flush=True)

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._begin), 60)
        return f"{minutes}m{seconds:02d}s" if minutes else f"{seconds}s"


def main() -> int:
    """Build everything; return the exit code."""
    try:
        build_all()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: stopped", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
