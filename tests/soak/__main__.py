"""``python -m tests.soak``: many writers and many kills, against a real registry and Git server."""

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from lab.git_server import serving
from lab.process import LabError
from lab.registry import Registry
from tests.soak.endure import Endurance, parts
from tests.soak.failure import Progress, SoakError
from tests.soak.fleet import Fleet
from tests.soak.kill import Killing
from tests.soak.race import Race


def race(arguments: argparse.Namespace, folder: Path) -> str:
    """Run the race."""
    with _fleet(folder, arguments.images) as fleet:
        return Race(
            fleet,
            writers=arguments.writers,
            commits=arguments.commits,
            waves=arguments.waves,
            seed=arguments.seed,
            progress=_told(),
        ).run()


def kill(arguments: argparse.Namespace, folder: Path) -> str:
    """Kill at random moments."""
    with _fleet(folder, size=3) as fleet:
        killing = Killing(fleet, moments=arguments.moments, seed=arguments.seed, progress=_told())
        return killing.run()


def endure(arguments: argparse.Namespace, folder: Path) -> str:
    """Let one process run for thousands of cycles."""
    with parts(folder) as (plane, registry):
        (folder / "run").mkdir()
        return Endurance(
            folder / "run",
            plane,
            registry,
            cycles=arguments.cycles,
            seed=arguments.seed,
            progress=_told(),
        ).run()


RUNS: Mapping[str, Callable[[argparse.Namespace, Path], str]] = {
    "race": race,
    "kill": kill,
    "endure": endure,
}


@contextlib.contextmanager
def _fleet(folder: Path, size: int) -> Iterator[Fleet]:
    """Start a Git server and a registry, and make the branch and the images."""
    (folder / "git").mkdir(parents=True)
    registry = Registry.launch(folder / "registry", has_password=True)
    try:
        with serving(folder / "git", password="soak-password") as server:
            yield Fleet.create(folder, server, registry, size=size)
    finally:
        registry.stop()


def _told() -> Progress:
    return Progress(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201 - likewise


def main() -> int:
    """Run what is asked for; return 0 if all is as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("run", nargs="*", choices=[*RUNS, []], help="which (all)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--commits", type=int, default=200, help="of each writer")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--waves", type=int, default=5, help="new tags of each image")
    parser.add_argument("--cycles", type=int, default=10_000, help="of one process")
    parser.add_argument("--moments", type=int, default=200, help="kills")
    arguments = parser.parse_args()
    is_good = True
    for name in arguments.run or RUNS:
        print(f"{name}: seed {arguments.seed}", flush=True)  # noqa: T201 - for a person
        began = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as folder:
                told = RUNS[name](arguments, Path(folder))
        except (SoakError, LabError) as error:
            is_good = False
            told = f"{name}: seed {arguments.seed}: FAILED: {error}"
        print(f"{told} ({time.monotonic() - began:.0f} s in all)", flush=True)  # noqa: T201
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
