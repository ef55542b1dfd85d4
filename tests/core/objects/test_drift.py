from dataclasses import replace

import pytest

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.drift import (
    Apply,
    ApplyReason,
    Decision,
    Foreign,
    Unchanged,
    UnchangedReason,
    decide,
)
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject
from tests.fakes.objects import (
    PART_OF,
    SECRET_KEY,
    desired_object,
    inventory_entry,
    key,
    live_object,
)

WANTED = desired_object(spec={"replicas": 2})
CHANGED = desired_object(spec={"replicas": 3})
ENTRY = inventory_entry(wanted=WANTED)
LIVE = live_object()
JOB = desired_object(key("Job", group="batch"))
JOB_ENTRY = inventory_entry(JOB.key, wanted=JOB)


def decided(
    desired: DesiredObject, entry: InventoryEntry | None, live: LiveObject | None
) -> Decision:
    return decide(desired, entry, live, part_of=PART_OF, secret_key=SECRET_KEY)


def test_an_object_as_it_was_applied_is_not_sent() -> None:
    assert decided(WANTED, ENTRY, LIVE) == Unchanged(UnchangedReason.AS_APPLIED)


@pytest.mark.parametrize(
    ("desired", "entry", "live", "reason"),
    [
        pytest.param(WANTED, None, None, ApplyReason.NEW, id="new"),
        pytest.param(WANTED, None, LIVE, ApplyReason.NEW, id="a labelled stranger"),
        pytest.param(WANTED, ENTRY, None, ApplyReason.MISSING, id="deleted"),
        pytest.param(
            WANTED, ENTRY, live_object(part_of=""), ApplyReason.RELABELLED, id="label removed"
        ),
        pytest.param(
            WANTED, ENTRY, live_object(uid="2"), ApplyReason.RECREATED, id="another object"
        ),
        pytest.param(
            WANTED, InventoryEntry(WANTED.key, "v1"), LIVE, ApplyReason.UNCONFIRMED, id="announced"
        ),
        pytest.param(
            WANTED, ENTRY, live_object(is_terminating=True), ApplyReason.TERMINATING, id="going"
        ),
        pytest.param(CHANGED, ENTRY, LIVE, ApplyReason.MANIFEST_CHANGED, id="manifest changed"),
        pytest.param(
            WANTED, ENTRY, live_object(entry_digest="2"), ApplyReason.DRIFTED, id="field changed"
        ),
        pytest.param(
            WANTED, ENTRY, live_object(entry_digest=None), ApplyReason.DRIFTED, id="entry removed"
        ),
        pytest.param(
            WANTED,
            replace(ENTRY, entry_digest=""),
            live_object(entry_digest=None),
            ApplyReason.DRIFTED,
            id="no entry, none remembered",
        ),
    ],
)
def test_anything_else_is_sent_with_its_reason(
    desired: DesiredObject,
    entry: InventoryEntry | None,
    live: LiveObject | None,
    reason: ApplyReason,
) -> None:
    assert decided(desired, entry, live) == Apply(reason)


@pytest.mark.parametrize("entry", [pytest.param(None, id="new"), pytest.param(ENTRY, id="known")])
def test_what_carries_the_label_of_another_set_is_left_to_it(entry: InventoryEntry | None) -> None:
    assert decided(WANTED, entry, live_object(part_of="theirs")) == Foreign("theirs")


def test_a_job_that_has_run_and_gone_is_not_created_again() -> None:
    assert decided(JOB, JOB_ENTRY, None) == Unchanged(UnchangedReason.JOB_GONE)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(replace(JOB_ENTRY, desired_digest="x"), id="its manifest changed"),
        pytest.param(replace(JOB_ENTRY, uid=""), id="it was never created"),
    ],
)
def test_a_job_that_is_missing_otherwise_is_created(entry: InventoryEntry) -> None:
    assert decided(JOB, entry, None) == Apply(ApplyReason.MISSING)
