"""What people are told of cycles, and that it is told once."""

from dataclasses import replace

import pytest

from reconciler.core.decision import Change, Skip
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.images import SkipReason
from reconciler.core.objects.control import Suspension
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.core.tidings import FAILING_S, Kind, Tiding, Told, tidings_of
from tests.interfaces.test_http import FIELD

REVISION = Revision("main", "3a33f0a" + "0" * 33)
V3 = ImageReference.parse("r.example/nginx:v3")
CHANGE = Change(FIELD, V3, V3.with_tag("v4"))
WELL = CycleOutcome("web", "https://git.example/web", revision=REVISION)
BAD = Problem("web.yaml:3", "bad policy", is_stalled=True, kind="manifest")
WORSE = Problem("api.yaml:3", "worse", is_stalled=True, kind="manifest")
DOWN = Problem("https://git.example", "down", is_stalled=False, kind="git")
FIGHT = Skip(FIELD, SkipReason.FOUGHT_OVER, "two of us")
HELD = Suspension("jane", "migration", "2026-11-24T09:00:00Z")


def told(*cycles: CycleOutcome, apart_s: float = 60.0) -> list[list[Tiding]]:
    """Return what is told of each of several cycles in a row."""
    known, all_of_it = Told(), []
    for number, each in enumerate(cycles):
        news, known = tidings_of(known, each, now=number * apart_s)
        all_of_it.append(list(news))
    return all_of_it


def kinds(*cycles: CycleOutcome, apart_s: float = 60.0) -> list[list[Kind]]:
    return [[each.kind for each in news] for news in told(*cycles, apart_s=apart_s)]


def outcome(**more: object) -> CycleOutcome:
    return replace(WELL, **more)  # type: ignore[arg-type]  # by name


def test_an_update_is_told_with_what_changed() -> None:
    pushed = outcome(changes=(CHANGE,), pushed=REVISION)
    ((tiding,), nothing) = told(pushed, WELL)

    assert (tiding.kind, tiding.changes, tiding.revision) == (
        Kind.UPDATED,
        (CHANGE,),
        str(REVISION),
    )
    assert tiding.text == "web: updated web:deployment/nginx nginx r.example/nginx:v3 -> v4"
    assert nothing == []


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param(WELL, id="well"),
        pytest.param(outcome(changes=(CHANGE,)), id="not pushed"),
        pytest.param(outcome(problems=(DOWN,)), id="down for a moment"),
        pytest.param(outcome(problems=(BAD,), is_stopped=True), id="stopped"),
        pytest.param(outcome(problems=(BAD,), is_dry_run=True), id="dry run"),
    ],
)
def test_what_is_no_news_is_not_told(quiet: CycleOutcome) -> None:
    assert kinds(quiet) == [[]]


def test_what_a_person_must_mend_is_told_once_and_when_it_is_over() -> None:
    bad, both = outcome(problems=(BAD,)), outcome(problems=(BAD, WORSE))

    assert kinds(bad, bad, both, bad, WELL, WELL, bad) == [
        [Kind.STALLED], [], [Kind.STALLED], [], [Kind.RECOVERED], [], [Kind.STALLED]
    ]  # fmt: skip
    assert told(bad, both)[1][0].problems == (WORSE,)


def test_what_may_pass_is_told_when_it_lasts_and_when_it_is_over() -> None:
    down = outcome(problems=(DOWN,))

    assert kinds(down, down, down, WELL, apart_s=FAILING_S) == [
        [], [Kind.FAILING], [], [Kind.RECOVERED]
    ]  # fmt: skip
    assert kinds(down, WELL, down, apart_s=FAILING_S) == [[], [], []]
    assert told(down, down, apart_s=FAILING_S)[1][0].text == (
        "web: fails for 600 s: https://git.example: down"
    )


def test_a_fight_is_told_when_it_begins() -> None:
    fight, unread = outcome(skips=(FIGHT,)), outcome(revision=None)

    assert kinds(fight, fight, unread, fight, WELL, fight) == [
        [Kind.HELD], [], [], [], [], [Kind.HELD]
    ]  # fmt: skip


def test_a_suspension_is_told_when_it_begins_and_ends() -> None:
    held = outcome(suspension=HELD, revision=None)

    assert kinds(WELL, held, held, WELL, WELL) == [[], [Kind.SUSPENDED], [], [Kind.RESUMED], []]
    assert told(held)[0][0].text.startswith("web: is suspended by jane since")
