"""Problems, as lines on standard error."""

import sys
from collections.abc import Iterable

from reconciler.core.outcome import Problem
from reconciler.interfaces.terminal import printable


def problem_line(problem: Problem) -> str:
    """Return ``error: web.yaml:3: …``, or ``failed: …`` for what may pass by itself."""
    return f"{'error' if problem.is_stalled else 'failed'}: {problem}"


def say_problems(problems: Iterable[Problem]) -> None:
    """Print a line a problem, after all that was written to standard output."""
    lines = [problem_line(problem) for problem in problems]
    if lines:
        sys.stdout.flush()
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stderr.flush()
