"""Results as tables: the least and the median of the rounds, and ratios within each round."""

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.cost import Cost, Sample
from bench.size import Size

COLUMNS = ("", "s (min)", "s (median)", "CPU s", "peak MiB", "growth MiB", "ratio", "counted")


def report(samples: Sequence[Sample], *, size: Size, rounds: int) -> str:
    """Return the results as Markdown: one table a group, each row beside the group's first."""
    lines = [*_head(rounds), ""]
    for group, rows in _grouped(samples).items():
        lines += [f"## {group}", "", _row(COLUMNS), _row(["---"] * len(COLUMNS))]
        base = next(iter(rows.values()))
        lines += [_row(_cells(row, costs, base)) for row, costs in rows.items()]
        lines.append("")
    return "\n".join([*lines, *_foot(size)]) + "\n"


def _head(rounds: int) -> Iterator[str]:
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    yield "# Results"
    yield ""
    yield "Written by `make bench`; [README.md](README.md) says how to read them."
    yield ""
    yield f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {rounds} rounds"
    yield f"- machine: {os.cpu_count()} processors ({_processor()}), {_memory_gib():.0f} GiB"
    yield f"- system: {platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"- load of the machine at the end (1, 5, 15 minutes), ours included: {load}"


def _foot(size: Size) -> Iterator[str]:
    yield (
        "Work: "
        + ", ".join(f"{name} {getattr(size, name)}" for name in Size.__dataclass_fields__)
        + "."
    )


def _grouped(samples: Iterable[Sample]) -> Mapping[str, Mapping[str, list[Cost]]]:
    groups: dict[str, dict[str, list[Cost]]] = {}
    for sample in samples:
        groups.setdefault(sample.group, {}).setdefault(sample.row, []).append(sample.cost)
    return groups


def _cells(row: str, costs: Sequence[Cost], base: Sequence[Cost]) -> Iterator[str]:
    seconds = [cost.seconds for cost in costs]
    peak, growth = (max(cost.peak_mib for cost in costs), max(cost.growth_mib for cost in costs))
    yield row
    yield _seconds(min(seconds))
    yield _seconds(statistics.median(seconds))
    yield _seconds(statistics.median(cost.cpu_s for cost in costs))
    yield f"{peak:.0f}" if peak else ""
    yield f"{growth:.1f}" if growth else ""
    yield f"{ratio(costs, base):.2f}"
    yield ", ".join(f"{count:,} {name}" for name, count in costs[-1].counts.items() if count)


def ratio(costs: Sequence[Cost], base: Sequence[Cost]) -> float:
    """Return the median of the seconds' ratios, each within one round: noise strikes both."""
    pairs = zip(costs, base, strict=False)
    return statistics.median(mine.seconds / theirs.seconds for mine, theirs in pairs)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
