"""Figures: what the page draws, as places in a drawing. Nothing is drawn here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reconciler.core.history import Standing, Write
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.verdict import Verdict
from reconciler.errors import ReferenceSyntaxError

MOST_TAGS: Final = 30
"""On a version line: the newest ones, and the current one."""

MOST_WRITES: Final = 60
"""In a plot: the newest ones."""

STAGES: Final = ("read", "scan", "gather", "update", "sync")
"""Of a cycle, in their order."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A tag on a version line.

    Attributes:
        x: from 0, the oldest, to 1.
        role: ``current``, ``chosen``, ``down`` (turned down) or ``other``.
    """

    x: float
    tag: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """Tags in the order of their policy, the best at the end.

    Attributes:
        is_cut: whether older ones were left out before the first, or after it.
    """

    stops: tuple[Stop, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Step:
    """An update in a plot.

    Attributes:
        x: when, from 0 to 1.
        y: which tag, from 0, the one that was there first, to 1.
    """

    x: float
    y: float
    tag: str
    at: datetime
    standing: Standing


@dataclass(frozen=True, slots=True)
class Plot:
    """Updates of an image over time.

    Attributes:
        steps: the oldest first.
        began: at the left edge.
        ended: at the right edge.
    """

    steps: tuple[Step, ...]
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True)
class Bar:
    """A stage of a cycle.

    Attributes:
        x: where it begins, from 0 to 1.
        width: how long it is, likewise.
    """

    stage: str
    seconds: float
    x: float
    width: float


def version_line(verdicts: Sequence[Verdict], current: str) -> Line:
    """Return the line of those tags that have a place in the policy's order.

    Args:
        verdicts: the best first.
        current: the tag that Git has.
    """
    placed = [each for each in verdicts if each.has_place]
    shown = placed[:MOST_TAGS]
    if current not in (each.tag for each in shown):
        shown += [each for each in placed[MOST_TAGS:] if each.tag == current]
    shown.reverse()
    last = max(len(shown) - 1, 1)
    stops = (
        Stop(number / last if len(shown) > 1 else 1.0, each.tag, _role(each, current), each.reason)
        for number, each in enumerate(shown)
    )
    return Line(tuple(stops), is_cut=len(placed) > len(shown))


def update_plot(writes: Iterable[tuple[Write, Standing]], now: datetime) -> Plot | None:
    """Return the plot of what was written; None if nothing was.

    Args:
        writes: the oldest first.
        now: the right edge.
    """
    told = list(writes)[-MOST_WRITES:]
    if not told:
        return None
    began = min(write.at for write, _ in told)
    span = max((now - began).total_seconds(), 1.0)
    levels: dict[str, int] = {_tag(told[0][0].trailer.old): 0}
    for write, _ in told:
        levels.setdefault(_tag(write.trailer.new), len(levels))
    top = max(len(levels) - 1, 1)
    steps = tuple(
        Step(
            x=(write.at - began).total_seconds() / span,
            y=levels[_tag(write.trailer.new)] / top,
            tag=_tag(write.trailer.new),
            at=write.at,
            standing=standing,
        )
        for write, standing in told
    )
    return Plot(steps, began, now)


def timeline(durations: Mapping[str, float], longest: float) -> tuple[Bar, ...]:
    """Return the stages of a cycle one after the other.

    Args:
        durations: seconds by stage; those of ``scan`` and ``gather`` are in ``update``, too.
        longest: seconds that reach from edge to edge.
    """
    own = dict(durations)
    own["update"] = max(own.get("update", 0.0) - own.get("scan", 0.0) - own.get("gather", 0.0), 0.0)
    bars, x = [], 0.0
    for stage in STAGES:
        seconds = own.get(stage, 0.0)
        if seconds > 0:
            width = seconds / longest if longest else 0.0
            bars.append(Bar(stage, seconds, x, width))
            x += width
    return tuple(bars)


def _role(verdict: Verdict, current: str) -> str:
    if verdict.tag == current:
        return "current"
    if verdict.is_chosen:
        return "chosen"
    return "other" if verdict.reason.startswith("is ") else "down"


def _tag(image: str) -> str:
    try:
        reference = ImageReference.parse(image)
    except ReferenceSyntaxError:
        return image
    return reference.tag or (reference.digest or image)[:19]
