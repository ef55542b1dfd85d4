"""Starts the stand-in registry; ``python -m bench.stand_in`` builds it into the lab's cache."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab import build
from lab.process import LabError, MissingPartError

PROGRAM: Final = build.Program(
    "bench-registry", ".", "-s -w", "half a minute", folder=Path(__file__).parent / "registry"
)


@dataclass(slots=True)
class StandIn:
    """A registry that is running.

    Attributes:
        host: ``127.0.0.1:port``.
        counts: what it was asked; there when it has stopped.
    """

    host: str
    counts: dict[str, int] = field(default_factory=dict)


@contextlib.contextmanager
def stand_in(
    *, tags: int, delay_ms: int = 0, has_tokens: bool = False, burst: int = 0
) -> Iterator[StandIn]:
    """Run a registry in which every repository has that many tags.

    Args:
        tags: of each repository.
        delay_ms: how long it waits before each answer.
        has_tokens: whether it wants a bearer token for each repository.
        burst: after how many lists it answers 429 and wants two seconds; never if 0.

    Raises:
        MissingPartError: it is not built, and there is no Go to build it with.
    """
    command = [
        str(build.build(PROGRAM)),
        f"-tags={tags}",
        f"-delay={delay_ms}ms",
        f"-burst={burst}",
    ]
    child = subprocess.Popen(
        [*command, f"-bearer={str(has_tokens).lower()}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        if child.stdin is None or child.stdout is None:
            raise LabError("the stand-in registry has no pipes")
        started = StandIn(child.stdout.readline().strip())
        try:
            yield started
        finally:
            child.stdin.close()  # ends it
            started.counts |= json.loads(child.stdout.read() or "{}")


def main() -> int:
    """Build it."""
    try:
        build.build(PROGRAM)
    except MissingPartError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
