import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.core.objects.state_codec import count_of_parts, decode, encode
from reconciler.errors import RefusedError
from tests.fakes.objects import NGINX, desired_object, inventory_entry, key

GOLDEN = Path(__file__).parents[2] / "data" / "state"
SMALL_KEY = ObjectKey("", "ConfigMap", "web", "a")
NGINX_ROW = ["apps", "Deployment", "web", "nginx"]


def state(*entries: InventoryEntry) -> SourceState:
    return SourceState("default", "main@sha1:0", {entry.key: entry for entry in entries})


def many(count: int) -> SourceState:
    keys = [ObjectKey("apps", "Deployment", "web", f"nginx-{number}") for number in range(count)]
    return state(*(inventory_entry(each) for each in keys))


SMALL = state(inventory_entry(NGINX), inventory_entry(key("Service"), is_abandoned=True))


def document(**changes: object) -> dict[str, str]:
    """Return the encoding of SMALL with other values in it."""
    whole: dict[str, Any] = json.loads(encode(SMALL)["state.0.json"])
    return {"state.0.json": json.dumps({**whole, **changes})}


def row(*cells: object) -> dict[str, str]:
    return document(objects=[list(cells)])


def test_no_values_are_an_empty_state() -> None:
    assert decode({}, source="default") == SourceState("default")


def test_the_written_form_stays_readable_by_later_releases() -> None:
    text = encode(state(inventory_entry(NGINX, is_abandoned=True)))["state.0.json"]
    digest = inventory_entry(NGINX).desired_digest

    assert text == (
        '{"v":1,"source":"default","revision":"main@sha1:0","shards":1,"objects":[["apps",'
        '"Deployment","web","nginx","v1","uid of deployment.apps/nginx (namespace web)",'
        f'"{digest}","entry",1]]}}'
    )


def test_the_order_of_entries_does_not_matter() -> None:
    entries = tuple(many(9).entries.values())

    assert encode(state(*entries)) == encode(state(*reversed(entries)))


def test_other_names_beside_ours_are_left_aside() -> None:
    assert decode({**encode(SMALL), "note": "x", "state.00.json": "{"}, source="default") == SMALL


def test_an_object_costs_about_150_bytes() -> None:
    text = encode(many(1000))["state.0.json"]

    assert len(text) < 170_000


def test_a_state_too_large_for_one_value_is_spread_and_found_again() -> None:
    shards = encode(many(100), max_bytes=4_000)

    assert len(shards) == 4
    assert all(len(text) <= 4_000 for text in shards.values())
    assert decode(shards, source="default") == many(100)


def test_an_object_too_large_for_a_value_does_not_spread_the_others_without_end() -> None:
    assert len(encode(many(3), max_bytes=10)) == 4


def test_an_interrupted_write_of_as_many_shards_loses_no_object() -> None:
    old = encode(many(100), max_bytes=4_000)
    new = encode(many(100).merge([inventory_entry(key("Secret"))]), max_bytes=4_000)
    assert old.keys() == new.keys()

    for written in range(len(old)):
        torn = {name: (new if int(name[6]) > written else old)[name] for name in old}

        assert decode(torn, source="default").entries.keys() >= many(100).entries.keys()


def test_an_interrupted_growth_or_shrinkage_leaves_one_of_the_two() -> None:
    one, several = encode(many(100)), encode(many(100), max_bytes=4_000)

    assert decode({**several, **one}, source="default") == many(100)


@pytest.mark.parametrize(
    ("shards", "problem"),
    [
        pytest.param({"state.0.json": "{"}, "no JSON", id="cut off"),
        pytest.param({"state.0.json": "[" * 100_000}, "no JSON", id="too deep"),
        pytest.param({"state.0.json": "[]"}, "not what reconcile writes", id="no mapping"),
        pytest.param(document(v="1"), "not what reconcile writes", id="version is a text"),
        pytest.param(document(v=0), "not what reconcile writes", id="version zero"),
        pytest.param(document(source=None), "not what reconcile writes", id="no source"),
        pytest.param(document(shards=0), "how many", id="no shards"),
        pytest.param(document(shards=True), "how many", id="shards is no number"),
        pytest.param({"state.1.json": document()["state.0.json"]}, "how many", id="first missing"),
        pytest.param(document(shards=2), "not all of its 2 parts", id="second missing"),
        pytest.param(document(shards=10**12), "parts", id="absurdly many"),
        pytest.param(
            {**document(shards=2), "state.1.json": document(shards=4)["state.0.json"]},
            "not all of its 2 parts",
            id="parts of two states",
        ),
        pytest.param(row("", "Pod", "web", "a", "v1", "", ""), "cannot be read", id="short row"),
        pytest.param(row("", "Pod", "web", 1, "v1", "", "", ""), "cannot be read", id="number"),
        pytest.param(row("", "", "web", "a", "v1", "", "", ""), "no kind", id="no kind"),
        pytest.param(row("", "Pod", "web", "", "v1", "", "", ""), "no kind", id="no name"),
        pytest.param(document(objects=[{}]), "cannot be read", id="row is a mapping"),
    ],
)
def test_what_cannot_be_understood_is_lost_with_all_its_entries(
    shards: dict[str, str], problem: str
) -> None:
    lost = decode(shards, source="default")

    assert problem in lost.lost
    assert not lost.entries


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(document()["state.0.json"], 1, id="one"),
        pytest.param(document(shards=4)["state.0.json"], 4, id="four"),
        pytest.param(document(shards=10**12)["state.0.json"], 256, id="absurdly-many"),
        pytest.param(document(shards=0)["state.0.json"], 1, id="none"),
        pytest.param("{", 1, id="no-json"),
    ],
)
def test_each_part_says_how_many_there_are(text: str, count: int) -> None:
    assert count_of_parts(text) == count


def test_a_newer_schema_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"newer release of reconcile .*run that"):
        decode(document(v=2), source="default")


@pytest.mark.parametrize("name", sorted(each.name for each in GOLDEN.iterdir()))
def test_what_earlier_releases_wrote_is_read_whole(name: str) -> None:
    shards = {each.name: each.read_text() for each in (GOLDEN / name).glob("state.*.json")}

    found = decode(shards, source="default")

    assert (found.lost, found.doubt) == ("", "")
    assert found.revision == "main@sha1:3a33f0ac0e6c1c3d3b6a1f6e5d4c3b2a19080706"
    assert [str(key) for key, entry in found.entries.items() if entry.is_abandoned] == [
        "service/old (namespace web)"
    ]
    assert {key.name for key, entry in found.entries.items() if not entry.uid} == {"announced"}
    assert len(found.entries) == 4
    assert decode(encode(found), source="default") == found


def test_what_a_later_release_has_added_is_kept_as_it_is() -> None:
    more = document(
        gates={"open": [1]},
        objects=[
            ["", "ConfigMap", "web", "a", "v1", "uid", "digest", "entry", 0, {"since": 1}],
            ["", "ConfigMap", "web", "b", "v1", "uid", "digest", "entry", 2],
        ],
    )

    found = decode(more, source="default")
    again = found.announced([desired_object(SMALL_KEY)], revision="r").merge(
        [InventoryEntry(SMALL_KEY, "v2", "uid2")]
    )

    written = json.loads(encode(again)["state.0.json"])
    assert written["gates"] == {"open": [1]}
    assert written["objects"] == [
        ["", "ConfigMap", "web", "a", "v2", "uid2", "", "", 0, {"since": 1}],
        ["", "ConfigMap", "web", "b", "v1", "uid", "digest", "entry", 2],
    ]
    assert not any(entry.is_abandoned for entry in again.entries.values())


def test_all_that_is_remembered_is_found_again() -> None:
    whole = replace(
        SMALL,
        identity="i",
        seen="main@sha1:0",
        left=frozenset({NGINX}),
        former="before",
        unsettled=frozenset({NGINX}),
    )

    assert decode(encode(whole), source="default") == whole
    assert decode(document(left=[["x"], 1, NGINX_ROW]), source="default").left == {NGINX}


def test_parts_of_different_writes_are_all_believed_and_told() -> None:
    old = encode(many(100), max_bytes=4_000)
    changed = [replace(entry, uid=entry.uid[::-1]) for entry in many(100).entries.values()]
    new = encode(many(100).merge(changed), max_bytes=4_000)
    torn = next(name for name in old if old[name] != new[name] and name != "state.0.json")

    found = decode({**new, torn: old[torn]}, source="default")

    assert found.doubt == f"{torn} was not written together with state.0.json"
    assert found.entries.keys() == many(100).entries.keys()
    assert decode(new, source="default").doubt == ""
    assert found.announced([], revision="r").doubt == ""


def test_the_state_of_another_source_is_refused() -> None:
    with pytest.raises(RefusedError, match="belongs to another source: 'default'"):
        decode(encode(SMALL), source="other")
