"""``make bench``: several interleaved rounds of all works, and a report."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.contests import CONTESTS
from bench.cost import FailedRunError, Sample
from bench.place import Place
from bench.report import report
from bench.size import FULL, TINY, Size
from lab.process import LabError

_INTERRUPTED = 130


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
    samples: list[Sample] = []
    try:
        for number, found in enumerate(measure(works, size=size, rounds=given.rounds), 1):
            samples += found
            if given.out:  # after each round: who has no more time has results
                given.out.write_text(report(samples, size=size, rounds=number))
    except (FailedRunError, LabError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    if not given.out:
        print(report(samples, size=size, rounds=given.rounds), end="")
    return 0


def measure(works: Sequence[str], *, size: Size, rounds: int) -> Iterator[list[Sample]]:
    """Yield the samples of each round, in which every work is done once."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="reconcile-bench-"))
        place = Place(Path(folder), size, stack)
        for number in range(1, rounds + 1):
            samples: list[Sample] = []
            for work in works:
                print(f"bench: round {number} of {rounds}: {work}", file=sys.stderr, flush=True)
                samples += CONTESTS[work](place)
            yield samples


if __name__ == "__main__":
    for asked in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in a shell's background
        signal.signal(asked, signal.default_int_handler)
    sys.exit(main())
