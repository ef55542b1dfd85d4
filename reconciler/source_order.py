"""In which order sources are synced: each after those that it depends on."""

from collections.abc import Collection, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from reconciler.core.nearest import nearest
from reconciler.settings import SourceSettings


def dependency_problems(sources: Sequence[SourceSettings], names: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with the sources' dependencies: names of nobody, and circles.

    Args:
        sources: those that could be read.
        names: of all sources.
    """
    for each in sources:
        for name in each.depends_on:
            if name == each.name:
                yield f"source {name!r} depends on itself"
            elif name not in names:
                hint = nearest(name, sorted(names))
                yield f"source {each.name!r} depends on {name!r}: no such source{hint}"
    circle = _circle(sources)
    if circle:
        yield f"sources depend on each other in a circle: {' -> '.join(circle)}"


def in_order(sources: Sequence[SourceSettings]) -> tuple[SourceSettings, ...]:
    """Return the sources, each after those that it depends on; else as they are given.

    They have no circle.
    """
    by_name = {each.name: each for each in sources}
    return tuple(by_name[name] for name in _sorter(sources).static_order())


def _circle(sources: Sequence[SourceSettings]) -> list[str]:
    """Return names of which each depends on the next, the first one again at the end."""
    try:
        _sorter(sources).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def _sorter(sources: Sequence[SourceSettings]) -> "TopologicalSorter[str]":
    names = {each.name for each in sources}
    return TopologicalSorter(
        {each.name: [n for n in each.depends_on if n in names - {each.name}] for each in sources}
    )
