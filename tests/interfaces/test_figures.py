from datetime import UTC, datetime, timedelta

import pytest

from reconciler.core.history import Standing, Write
from reconciler.core.images.verdict import Verdict
from reconciler.core.message import ImageTrailer
from reconciler.interfaces.http.figures import (
    MOST_TAGS,
    MOST_WRITES,
    timeline,
    update_plot,
    version_line,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def verdict(tag: str, reason: str = "is older than v9", *, chosen: bool = False) -> Verdict:
    return Verdict(tag, is_chosen=chosen, reason=reason)


def test_a_version_line_goes_from_the_oldest_to_the_best() -> None:
    line = version_line(
        [
            verdict("v9", "has no linux/arm64"),
            verdict("v8", "chosen", chosen=True),
            verdict("v7", "is older than v8"),
            Verdict("latest", is_chosen=False, reason="is no version", has_place=False),
        ],
        current="v7",
    )

    assert [(each.tag, each.x, each.role) for each in line.stops] == [
        ("v7", 0.0, "current"),
        ("v8", 0.5, "chosen"),
        ("v9", 1.0, "down"),
    ]
    assert not line.is_cut


def test_of_many_tags_the_newest_and_the_current_one_are_shown() -> None:
    many = [verdict(f"v{n}") for n in range(1000, 0, -1)]

    line = version_line(many, current="v5")

    assert len(line.stops) == MOST_TAGS + 1
    assert (line.stops[0].tag, line.stops[-1].tag) == ("v5", "v1000")
    assert line.is_cut


def test_of_one_tag_or_none_a_line_is_drawn_too() -> None:
    assert [each.x for each in version_line([verdict("v1")], "v1").stops] == [1.0]
    assert version_line([], "").stops == ()


def write(number: int, old: str, new: str) -> tuple[Write, Standing]:
    trailer = ImageTrailer("web.yaml", "web:deployment/web", "main", old, new)
    at = NOON + timedelta(hours=number)
    return Write(f"{number:040x}", at, "a <a@x>", None, trailer), Standing.REPLACED


def test_updates_are_steps_in_time_and_going_back_goes_down() -> None:
    writes = [
        write(0, "r/w:v1", "r/w:v2"),
        write(1, "r/w:v2", "r/w:v3"),
        write(2, "r/w:v3", "r/w:v2"),
    ]

    plot = update_plot(writes, NOON + timedelta(hours=4))

    assert plot is not None
    assert [(each.tag, each.x, each.y) for each in plot.steps] == [
        ("v2", 0.0, 0.5),
        ("v3", 0.25, 1.0),
        ("v2", 0.5, 0.5),
    ]


def test_of_many_updates_the_newest_are_plotted_and_odd_ones_do_no_harm() -> None:
    writes = [write(n, "x y z", f"r/w@sha256:{n:064x}") for n in range(200)]

    plot = update_plot(writes, NOON)  # a clock that goes wrong

    assert plot is not None
    assert len(plot.steps) == MOST_WRITES
    assert update_plot([], NOON) is None


def test_stages_stand_one_after_the_other_and_parts_of_an_update_are_not_counted_twice() -> None:
    bars = timeline({"all": 10, "read": 1, "update": 5, "scan": 2, "gather": 1, "sync": 4}, 10)

    assert [(each.stage, each.x, each.width) for each in bars] == [
        ("read", 0.0, 0.1),
        ("scan", 0.1, 0.2),
        ("gather", pytest.approx(0.3), 0.1),
        ("update", pytest.approx(0.4), 0.2),
        ("sync", pytest.approx(0.6), 0.4),
    ]
    assert timeline({}, 0.0) == ()
