"""What holds for all objects: hashes, the inventory's encoding, order, limits of pruning."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.health import health_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.core.objects.ordering import Stage, removal_order, stage_of, stages
from reconciler.core.objects.pruning import NEVER_PRUNED, plan_prune
from reconciler.core.objects.state_codec import decode, encode
from reconciler.core.revision import Revision
from tests.fakes.objects import PART_OF, desired_object, live_object

WORDS = st.text(max_size=8)
NAMES = st.text(min_size=1, max_size=8)
KINDS = st.sampled_from(
    [
        ("", "Namespace"),
        ("", "ConfigMap"),
        ("", "PersistentVolumeClaim"),
        ("", "Service"),
        ("apps", "Deployment"),
        ("rbac.authorization.k8s.io", "Role"),
        ("storage.k8s.io", "StorageClass"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("example.com", "Widget"),
    ]
)
KEYS = st.builds(
    lambda kind, name: ObjectKey(kind[0], kind[1], "web", name), KINDS, st.sampled_from("abcdefgh")
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)
ENTRIES = st.builds(
    InventoryEntry,
    key=st.builds(ObjectKey, WORDS, NAMES, WORDS, NAMES),
    version=NAMES,
    uid=WORDS,
    desired_digest=WORDS,
    entry_digest=WORDS,
    is_abandoned=st.booleans(),
)
STATES = st.builds(
    lambda source, revision, entries: SourceState(
        source, revision, {entry.key: entry for entry in entries}
    ),
    WORDS,
    WORDS,
    st.lists(ENTRIES, max_size=12),
)


def shuffled(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the same value with the keys of all its mappings the other way round."""
    if isinstance(value, dict):
        return {name: shuffled(value[name]) for name in reversed(value)}
    return [shuffled(each) for each in value] if isinstance(value, list) else value


@given(JSON)
def test_a_hash_does_not_depend_on_the_order_of_keys(value: object) -> None:
    assert digest_of(value) == digest_of(shuffled(value))
    assert digest_of(value, key=b"k") == digest_of(shuffled(value), key=b"k")


@given(STATES, st.integers(min_value=100, max_value=2000))
def test_decoding_is_the_inverse_of_encoding(state: SourceState, max_bytes: int) -> None:
    shards = encode(state, max_bytes=max_bytes)

    assert decode(shards, source=state.source) == state
    assert encode(decode(shards, source=state.source), max_bytes=max_bytes) == shards


@given(
    st.dictionaries(
        st.sampled_from(["state.0.json", "state.1.json", "x"]), JSON.map(str) | JSON.map(json.dumps)
    )
)
def test_decoding_survives_anything(shards: dict[str, str]) -> None:
    state = decode(shards, source="default")

    assert not state.entries


@given(st.lists(KEYS, unique=True))
def test_stages_hold_every_object_once_and_in_order(keys: list[ObjectKey]) -> None:
    groups = stages(desired_object(key) for key in keys)
    flat = [each.key for group in groups for each in group]
    places: list[set[Stage]] = [
        {stage_of(each.key.group_kind) for each in group} for group in groups
    ]

    assert sorted(flat) == sorted(keys)
    assert all(len(place) == 1 for place in places)
    assert places == sorted(places, key=max)
    assert removal_order(keys) == tuple(reversed(flat))


@st.composite
def situations(draw: st.DrawFn) -> dict[str, Any]:
    """Return arguments of :func:`plan_prune`, with every doubt that there is."""
    part_of = st.sampled_from([PART_OF, "", "other"])
    uid = st.sampled_from(["", "another"])
    entries = [
        InventoryEntry(
            key,
            "v1",
            draw(st.sampled_from(["", f"uid of {key}"])),
            is_abandoned=draw(st.booleans()),
        )
        for key in draw(st.lists(KEYS, unique=True))
    ]
    live = [
        live_object(
            key,
            uid=draw(uid),
            part_of=draw(part_of),
            is_owned=draw(st.booleans()),
            is_terminating=draw(st.booleans()),
            entry_digest=draw(st.sampled_from([None, "entry"])),
            annotations=draw(st.sampled_from([{}, {"reconcile/prune": "disabled"}])),
        )
        for key in draw(st.lists(KEYS, unique=True))
    ]
    return {
        "inventory": {entry.key: entry for entry in entries},
        "desired": draw(st.frozensets(KEYS, max_size=3)),
        "ignored": draw(st.frozensets(KEYS, max_size=2)),
        "live": {each.key: each for each in live},
        "part_of": PART_OF,
        "own": draw(st.frozensets(KEYS, max_size=2)),
        "is_build_complete": draw(st.booleans()),
        "unhealthy": draw(st.sampled_from([None, "web:deployment/x"])),
        "revision": Revision("main", "a" * 40),
        "allowed_revision": draw(st.sampled_from([None, "a" * 40])),
    }


@given(situations())
def test_only_what_inventory_and_label_say_is_ours_is_ever_deleted(
    situation: dict[str, Any],
) -> None:
    inventory, live = situation["inventory"], situation["live"]

    for each in plan_prune(**situation).delete:
        assert each is live[each.key]
        assert each.part_of == PART_OF
        assert inventory[each.key].uid in {each.uid, ""}
        assert each.key not in situation["desired"] | situation["ignored"] | situation["own"]
        assert each.key.group_kind not in NEVER_PRUNED
        assert not each.is_owned
        assert not each.is_terminating
        assert not each.is_prune_disabled


@given(situations())
def test_nothing_is_deleted_in_doubt(situation: dict[str, Any]) -> None:
    plan = plan_prune(**situation)

    if plan.delete:
        assert situation["is_build_complete"]
        assert situation["unhealthy"] is None
        assert situation["desired"] & situation["inventory"].keys()
        assert plan.held is None


@given(situations())
def test_every_object_that_left_git_is_deleted_kept_with_a_reason_or_gone(
    situation: dict[str, Any],
) -> None:
    plan = plan_prune(**situation)
    left = situation["inventory"].keys() - situation["desired"]
    deleted = {each.key for each in plan.delete}
    kept = {each.key for each in plan.kept}
    gone = left - situation["live"].keys()

    assert deleted | kept | gone == left
    assert not deleted & (kept | gone | set(plan.forget))
    assert not kept & gone
    assert all(each.reason for each in plan.kept)


@given(JSON)
def test_health_is_told_of_anything(status: object) -> None:
    for kind, api_version in (("Deployment", "apps/v1"), ("Pod", "v1"), ("Job", "batch/v1")):
        assert health_of({"kind": kind, "apiVersion": api_version, "status": status}).message
