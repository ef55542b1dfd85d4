"""What people see of sources: by real cycles over remotes and registries in memory."""

import threading

from reconciler.core.gallery import State
from reconciler.core.history import Standing
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.board import MAX_CYCLES, MAX_EVENTFUL, Board
from reconciler.pipeline.demand import Demand, Why
from tests.interfaces.exhibition import NOON, Exhibition, exhibition


def states(shown: Exhibition) -> dict[str, tuple[State, str, str]]:
    return {
        each.surveyed.field.workload.name: (each.state, each.image, each.text)
        for each in shown.board.images("shop")
    }


def test_images_are_shown_as_the_cycle_left_them() -> None:
    assert states(exhibition()) == {
        "api": (State.CURRENT, "r.example/api:1.1.0", "1.1.0 is the newest"),
        "down": (State.FAILED, "r.example/down:v1", "r.example/down: no such repository"),
        "locked": (State.HELD, "r.example/web:v1", "locked"),
        "web": (State.UPDATED, "r.example/web:v4", "updated from v3"),
    }


def test_what_is_newest_is_shown_of_images_that_are_held_too() -> None:
    newest = {
        each.surveyed.field.workload.name: each.surveyed.newest
        for each in exhibition().board.images("shop")
    }

    assert newest == {"api": "1.1.0", "down": None, "locked": "v4", "web": "v4"}


def test_an_update_is_current_when_the_next_cycle_has_looked() -> None:
    shown = exhibition()

    shown.cycle()

    assert states(shown)["web"] == (State.CURRENT, "r.example/web:v4", "v4 is the newest")


def test_a_cycle_that_reads_nothing_leaves_the_images_and_tells_its_problem() -> None:
    shown = exhibition()
    before = states(shown)
    shown.remotes["shop"].tip = ""

    shown.cycle()

    assert states(shown) == before
    source = shown.board.source("shop")
    assert source is not None
    assert source.state == "stalled"
    assert "the repository is empty" in str(source.cycles[0].problem)


def test_one_image_is_shown_with_its_tags_and_its_updates() -> None:
    shown = exhibition()
    shown.tags["r.example/web"].append("v5")
    shown.cycle()
    shown.cycle()
    (web,) = [each for each in shown.board.images("shop") if each.current == "v5"]

    portrait = shown.board.portrait("shop", web.id)

    assert portrait is not None
    told = [(each.tag, each.is_chosen, each.reason) for each in portrait.judged.verdicts]
    assert told == [
        ("v5", True, "current"),
        ("v4", False, "is older than v5"),
        ("v3", False, "is older than v5"),
        ("v1", False, "is older than v5"),
        ("latest", False, "is 'latest', which names no version"),
    ]
    assert [each.has_place for each in portrait.judged.verdicts] == [True] * 4 + [False]
    moves = [(write.trailer.new, standing) for write, standing in portrait.writes]
    assert moves == [
        ("r.example/web:v4", Standing.REPLACED),
        ("r.example/web:v5", Standing.PRESENT),
    ]


def test_an_image_keeps_its_id_and_nothing_else_has_it() -> None:
    shown = exhibition()
    before = [each.id for each in shown.board.images("shop")]
    shown.cycle()

    assert [each.id for each in shown.board.images("shop")] == before
    assert len(set(before)) == 4
    assert shown.board.portrait("shop", "0" * 16) is None
    assert shown.board.portrait("nobody", before[0]) is None


def test_words_find_an_image_by_what_is_shown_of_it() -> None:
    images = exhibition().board.images("shop")

    def found(*words: str) -> list[str]:
        return [each.surveyed.field.workload.name for each in images if each.matches(words)]

    assert found("semver") == ["api"]
    assert found("web:deployment", "held") == ["locked"]
    assert found("v4") == ["web"]
    assert found("nobody") == []
    assert len(found()) == 4


def test_the_cycles_of_late_are_shown_and_before_them_only_those_that_did_something() -> None:
    shown = exhibition()
    for _ in range(MAX_CYCLES + 5):
        shown.board.started("shop", Demand.of(Why.SCHEDULE))
        shown.board.ended(CycleOutcome("shop", "https://git.example/shop"))

    source = shown.board.source("shop")

    assert source is not None
    assert [each.number for each in source.cycles] == [*range(MAX_CYCLES + 6, 6, -1), 1]
    assert (source.cycles[-1].why, source.cycles[-1].began) == ("start", NOON)
    assert source.cycles[-1].changes == 1


def test_what_is_remembered_is_bounded() -> None:
    shown = exhibition()
    for number in range(3 * MAX_EVENTFUL):
        shown.tags["r.example/web"].append(f"v{number + 5}")
        shown.cycle()

    source = shown.board.source("shop")
    assert source is not None
    assert len(source.cycles) <= MAX_CYCLES + MAX_EVENTFUL


def test_a_cycle_that_was_stopped_says_nothing_of_the_source() -> None:
    shown = exhibition()
    before = shown.board.source("shop")

    shown.board.ended(CycleOutcome("shop", "https://git.example/shop", is_stopped=True))

    after = shown.board.source("shop")
    assert before is not None
    assert after is not None
    assert after.state == before.state
    assert after.cycles[0].result == "stopped"


def test_who_follows_shows_that_another_leads() -> None:
    shown = exhibition()
    shown.board.on_lead("shop", is_led=False)
    source = shown.board.source("shop")
    assert source is not None
    assert source.state == "follows"


def test_those_who_watch_hear_of_each_change_until_they_do_not_want_to() -> None:
    shown = exhibition()
    heard: list[int] = []
    end = shown.board.watch(lambda: heard.append(shown.board.sources[0].version))

    shown.cycle()
    end()
    shown.cycle()

    assert len(heard) == 2
    assert heard[0] < heard[1] < shown.board.sources[0].version


def test_many_look_while_cycles_run() -> None:
    shown = exhibition()
    errors: list[BaseException] = []
    is_over = threading.Event()

    def look() -> None:
        try:
            while not is_over.is_set():
                for each in shown.board.images("shop"):
                    assert shown.board.portrait("shop", each.id) is not None
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for each in threads:
        each.start()
    for number in range(30):
        shown.tags["r.example/web"].append(f"v{number + 5}")
        shown.cycle()
    is_over.set()
    for each in threads:
        each.join()

    assert errors == []


def test_a_board_without_sources_shows_nothing() -> None:
    board = Board([])

    assert board.sources == ()
    assert board.source("shop") is None
    assert board.images("shop") == ()
