"""Verdicts on tags, as a table and as JSON."""

from collections.abc import Sequence

from reconciler.core.images.verdict import Verdict
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal


def say_verdicts(terminal: Terminal, verdicts: Sequence[Verdict]) -> None:
    """Print a line a tag."""
    say_table(
        terminal,
        ("tag", "verdict"),
        [(each.tag, each.reason) for each in verdicts],
        styles=["green" if each.is_chosen else "" for each in verdicts],
    )


def verdict_documents(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """Return the verdicts as JSON: ``tag``, ``chosen``, ``reason``."""
    return [{"tag": each.tag, "chosen": each.is_chosen, "reason": each.reason} for each in verdicts]
