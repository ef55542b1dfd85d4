"""Verdicts on tags, as a table and as JSON."""

from collections.abc import Sequence

from reconciler.core.images.policy import Verdict
from reconciler.interfaces.table import table_lines
from reconciler.interfaces.terminal import Terminal


def say_verdicts(terminal: Terminal, verdicts: Sequence[Verdict]) -> None:
    """Print a line a tag."""
    if not verdicts:
        return
    rows = [(each.tag, each.reason) for each in verdicts]
    chosen = {each.tag for each in verdicts if each.is_chosen}
    lines = table_lines(
        ("tag", "verdict"),
        rows,
        width=terminal.width,
        bold=lambda text: terminal.styled(text, "bold"),
    )
    for line in lines:
        is_chosen = line.split(" ", 1)[0] in chosen
        terminal.say(line, "green" if is_chosen else "")


def verdict_documents(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """Return the verdicts as JSON: ``tag``, ``chosen``, ``reason``."""
    return [{"tag": each.tag, "chosen": each.is_chosen, "reason": each.reason} for each in verdicts]
