from dataclasses import replace

from reconciler.core.objects.inventory import InventoryEntry, SourceState
from tests.fakes.objects import NGINX, desired_object, inventory_entry, key

SERVICE = key("Service")
SECRET = key("Secret")


def state(*entries: InventoryEntry) -> SourceState:
    return SourceState("default", "main@sha1:0", {entry.key: entry for entry in entries})


def test_announced_objects_join_those_that_are_known() -> None:
    known = inventory_entry(NGINX)

    announced = state(known).announced(
        [desired_object(NGINX, version="v2"), desired_object(SERVICE)], revision="main@sha1:1"
    )

    assert announced.revision == "main@sha1:1"
    assert announced.entries == {NGINX: known, SERVICE: InventoryEntry(SERVICE, "v1")}


def test_announcing_the_same_again_changes_nothing() -> None:
    objects = [desired_object(NGINX), desired_object(SERVICE)]
    once = state().announced(objects, revision="r")

    assert once.announced(objects, revision="r") == once


def test_announcing_ends_a_lost_state() -> None:
    lost = SourceState("default", lost="state.0.json is no JSON")

    assert lost.announced([desired_object(NGINX)], revision="r").lost == ""


def test_a_set_that_is_swapped_as_a_whole_is_abandoned_for_good() -> None:
    before = state(inventory_entry(NGINX), inventory_entry(SERVICE))

    swapped = before.announced([desired_object(SECRET)], revision="r1")
    later = swapped.announced([desired_object(SECRET)], revision="r2")

    for after in (swapped, later):
        assert after.entries[NGINX].is_abandoned
        assert after.entries[SERVICE].is_abandoned
        assert not after.entries[SECRET].is_abandoned


def test_what_is_not_where_the_source_reads_from_now_is_abandoned_for_good() -> None:
    before = replace(state(inventory_entry(NGINX), inventory_entry(SERVICE)), has_moved=True)

    moved = before.announced([desired_object(SERVICE)], revision="r1")
    later = moved.announced([desired_object(SERVICE)], revision="r2")

    assert not moved.has_moved
    for after in (moved, later):
        assert after.entries[NGINX].is_abandoned
        assert not after.entries[SERVICE].is_abandoned


def test_an_abandoned_object_that_is_wanted_again_is_like_any_other() -> None:
    abandoned = state(inventory_entry(NGINX, is_abandoned=True), inventory_entry(SERVICE))

    again = abandoned.announced([desired_object(NGINX)], revision="r")

    assert not again.entries[NGINX].is_abandoned
    assert not again.entries[SERVICE].is_abandoned


def test_nothing_is_abandoned_for_an_empty_build() -> None:
    announced = state(inventory_entry(NGINX)).announced([], revision="r")

    assert announced.entries == {NGINX: inventory_entry(NGINX)}


def test_merged_entries_take_the_place_of_earlier_ones() -> None:
    announced = state(InventoryEntry(NGINX, "v1"), inventory_entry(SERVICE))

    merged = announced.merge([inventory_entry(NGINX)])

    assert merged == state(inventory_entry(NGINX), inventory_entry(SERVICE))


def test_objects_are_taken_out_whether_known_or_not() -> None:
    both = state(inventory_entry(NGINX), inventory_entry(SERVICE))

    assert both.without([SERVICE, SECRET]) == state(inventory_entry(NGINX))


def test_what_was_applied_is_unsettled_until_it_is_healthy() -> None:
    applied = state(inventory_entry(NGINX)).settled([NGINX, SERVICE], [NGINX, SECRET])

    assert applied.unsettled == {NGINX}
    assert applied.settled([], [NGINX]).unsettled == {NGINX}
    assert applied.settled([], []).unsettled == frozenset()


def test_what_left_is_another_sources_to_have_once_all_could_be_built() -> None:
    before = state(inventory_entry(NGINX), inventory_entry(SERVICE))
    wanted = [desired_object(SERVICE)]

    doubtful = before.announced(wanted, revision="r1")
    whole = before.announced(wanted, revision="r2", is_whole=True)
    ignored = before.announced(wanted, revision="r2", ignored=[NGINX], is_whole=True)

    assert (doubtful.seen, doubtful.left) == ("", frozenset())
    assert (whole.seen, whole.left) == ("r2", frozenset({NGINX}))
    assert ignored.left == frozenset()
    assert (whole.wants(NGINX), whole.wants(SERVICE), whole.wants(SECRET)) == (False, True, False)
    assert whole.announced([desired_object(NGINX)], revision="r3").wants(NGINX)
    assert whole.without([NGINX]).left == frozenset()
