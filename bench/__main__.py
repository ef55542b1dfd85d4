"""``make bench``: several interleaved rounds of all works, and a report."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.contests import CONTESTS, Place
from bench.cost import FailedRunError, Sample
from bench.report import report
from bench.size import FULL, TINY, Size
from lab.process import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the results or write them to a file."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("works", nargs="*", help=f"of {', '.join(CONTESTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiny", action="store_true", help="see that it runs; no figures")
    parser.add_argument("--out", type=Path, help="a file for the results")
    given = parser.parse_args(arguments)
    works = given.works or list(CONTESTS)
    if unknown := set(works) - CONTESTS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    size = TINY if given.tiny else FULL
    try:
        samples = measure(works, size=size, rounds=given.rounds)
    except (FailedRunError, LabError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = report(samples, size=size, rounds=given.rounds)
    if given.out:
        given.out.write_text(text)
    else:
        print(text, end="")
    return 0


def measure(works: Sequence[str], *, size: Size, rounds: int) -> list[Sample]:
    """Return the samples of all rounds; in each round every work is done once."""
    samples: list[Sample] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reconcile-bench-"))
        place = Place(Path(folder), size, stack)
        for number in range(1, rounds + 1):
            for work in works:
                print(f"bench: round {number} of {rounds}: {work}", file=sys.stderr, flush=True)
                samples += CONTESTS[work](place)
    return samples


if __name__ == "__main__":
    sys.exit(main())
