"""A measured work in a process of its own: ``python -m bench.child WORK JOB``.

A process for each run, because caches and memory of one must not help or burden the next. What
is imported and prepared is not counted; each work says what is.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeAlias

from bench.cost import Cost, FailedRunError, read_cost

Job: TypeAlias = Mapping[str, Any]
Work: TypeAlias = Callable[[Job], Iterator[tuple[str, Cost]]]

ROOT: Final = Path(__file__).parents[1]


def run_child(work: str, **job: object) -> dict[str, Cost]:
    """Run a work in a new process, and return what its parts cost, by their names.

    Raises:
        FailedRunError: it failed, or what it did was wrong.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.child", work, json.dumps(job)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FailedRunError(f"{work} failed:\n{done.stderr[-4000:]}")
    return {name: read_cost(fields) for name, fields in json.loads(done.stdout)}


def clean_environment() -> dict[str, str]:
    """Return our environment without what would change what is measured."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "KUBECONFIG" and not name.startswith(("RECONCILE_", "COVERAGE_", "COV_"))
    }


def require(condition: object, message: str) -> None:
    """Refuse to measure what was done wrong.

    Raises:
        FailedRunError: the condition does not hold.
    """
    if not condition:
        raise FailedRunError(message)


def main() -> None:
    """Do one work and print what its parts cost."""
    from bench.works import WORKS  # noqa: PLC0415 - the works themselves import this module

    work, job = sys.argv[1:]
    parts = [(name, asdict(cost)) for name, cost in WORKS[work](json.loads(job))]
    print(json.dumps(parts))


if __name__ == "__main__":
    main()
