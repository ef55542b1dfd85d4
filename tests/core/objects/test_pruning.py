from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.pruning import (
    NEVER_PRUNED,
    KeptObject,
    PrunePlan,
    is_allowed,
    plan_prune,
)
from reconciler.core.revision import Revision
from tests.fakes.objects import NGINX, PART_OF, inventory_entry, key, live_object

REVISION = Revision("main", "3a33f0a" + "0" * 33)
SERVICE = key("Service")
CONFIG = key("ConfigMap")


def plan(
    entries: Iterable[InventoryEntry],
    live: Iterable[LiveObject],
    *,
    desired: AbstractSet[ObjectKey] = frozenset({SERVICE}),
    ignored: AbstractSet[ObjectKey] = frozenset(),
    own: AbstractSet[ObjectKey] = frozenset(),
    is_build_complete: bool = True,
    unhealthy: str | None = None,
    why: str = "",
    allowed_revision: str | None = None,
    has_moved: bool = False,
) -> PrunePlan:
    return plan_prune(
        {entry.key: entry for entry in entries},
        desired=desired,
        ignored=ignored,
        live={each.key: each for each in live},
        part_of=PART_OF,
        own=own,
        is_build_complete=is_build_complete,
        unhealthy=unhealthy,
        why=why,
        revision=REVISION,
        allowed_revision=allowed_revision,
        has_moved=has_moved,
    )


REMAINING = inventory_entry(SERVICE)
ENTRIES = (REMAINING, inventory_entry(NGINX))
LIVE = live_object(NGINX)


def test_what_left_git_and_is_ours_by_inventory_and_label_is_deleted() -> None:
    assert plan(ENTRIES, [LIVE]) == PrunePlan(delete=(LIVE,))


def test_what_is_still_wanted_is_left_alone() -> None:
    assert plan(ENTRIES, [LIVE, live_object(SERVICE)], desired={SERVICE, NGINX}) == PrunePlan()


def test_what_carries_our_label_but_is_not_in_the_inventory_is_left_alone() -> None:
    assert plan([REMAINING], [LIVE]) == PrunePlan()


def test_what_is_gone_is_forgotten() -> None:
    assert plan(ENTRIES, []) == PrunePlan(forget=(NGINX,))


def test_deletion_goes_against_the_order_of_applying() -> None:
    entries = (*ENTRIES, inventory_entry(CONFIG))

    assert plan(entries, [live_object(CONFIG), LIVE]).delete == (LIVE, live_object(CONFIG))


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        pytest.param(
            live_object(NGINX, part_of=""), "does not carry our label any more", id="no label"
        ),
        pytest.param(
            live_object(NGINX, part_of="x"), "does not carry our label any more", id="other set"
        ),
        pytest.param(
            live_object(NGINX, uid="2"),
            "was deleted and created again by somebody",
            id="another uid",
        ),
    ],
)
def test_what_is_not_ours_any_more_stays_and_is_forgotten(live: LiveObject, reason: str) -> None:
    assert plan(ENTRIES, [live]) == PrunePlan(kept=(KeptObject(NGINX, reason),), forget=(NGINX,))


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        pytest.param(
            live_object(NGINX, annotations={"reconcile/prune": "disabled"}),
            "is marked never to be pruned",
            id="prune disabled",
        ),
        pytest.param(
            live_object(NGINX, annotations={"fluxcd.io/ignore": "true"}),
            "is marked to be ignored",
            id="ignored",
        ),
        pytest.param(live_object(NGINX, is_owned=True), "is owned by another object", id="owned"),
        pytest.param(
            live_object(NGINX, is_terminating=True), "is being deleted already", id="terminating"
        ),
    ],
)
def test_what_is_protected_stays_and_is_remembered(live: LiveObject, reason: str) -> None:
    assert plan(ENTRIES, [live]) == PrunePlan(kept=(KeptObject(NGINX, reason),))


def test_what_is_ignored_in_git_stays() -> None:
    kept = plan(ENTRIES, [LIVE], ignored={NGINX}).kept

    assert kept == (KeptObject(NGINX, "is marked to be ignored"),)


def test_what_we_run_from_stays() -> None:
    assert plan(ENTRIES, [LIVE], own={NGINX}).kept == (KeptObject(NGINX, "we run from it"),)


@pytest.mark.parametrize("group_kind", sorted(NEVER_PRUNED), ids=str)
def test_kinds_that_take_data_along_are_left_behind(group_kind: GroupKind) -> None:
    precious = ObjectKey(group_kind.group, group_kind.kind, "", "web")

    left = plan([REMAINING, inventory_entry(precious)], [live_object(precious)])

    reason = f"left behind: a {group_kind.kind} is never deleted"
    assert left == PrunePlan(kept=(KeptObject(precious, reason),))


def test_an_object_that_another_group_serves_as_well_is_not_deleted_under_its_old_name() -> None:
    old, new = (key("Ingress", group=group) for group in ("extensions", "networking.k8s.io"))
    live = [live_object(old, uid="1"), live_object(new, uid="1")]

    entry = replace(inventory_entry(old), uid="1")

    spared = plan([REMAINING, entry], live, desired={SERVICE, new})

    reason = "is still wanted, under another group or kind"
    assert spared == PrunePlan(kept=(KeptObject(old, reason),), forget=(old,))


def test_an_object_applied_by_an_interrupted_run_is_deleted() -> None:
    announced = InventoryEntry(NGINX, "v1")

    assert plan([REMAINING, announced], [LIVE]).delete == (LIVE,)


def test_an_object_announced_but_never_applied_by_us_is_not_deleted() -> None:
    announced = InventoryEntry(NGINX, "v1")

    spared = plan([REMAINING, announced], [live_object(NGINX, entry_digest=None)])

    assert spared.kept == (KeptObject(NGINX, "was never applied by us"),)


def test_what_left_git_with_everything_else_waits_for_a_person_ever_after() -> None:
    abandoned = inventory_entry(NGINX, is_abandoned=True)

    kept = plan([REMAINING, abandoned], [LIVE]).kept

    reason = "left Git with everything else, or was applied from elsewhere: delete it by hand"
    assert kept == (KeptObject(NGINX, reason),)


def test_an_incomplete_build_holds_all_and_forgets_nothing() -> None:
    entries = (*ENTRIES, inventory_entry(CONFIG))

    assert plan(entries, [LIVE], is_build_complete=False) == PrunePlan(
        kept=(KeptObject(NGINX, "prune held: not everything could be built and applied"),),
        held=(
            "prune held: not everything could be built and applied (spared: web:deployment/nginx)"
        ),
    )


def test_an_empty_build_is_held_for_a_person() -> None:
    held = plan(ENTRIES, [LIVE], desired=frozenset(), allowed_revision=REVISION.commit)

    assert held.delete == ()
    assert held.is_stalled
    assert held.held == "prune held: the build is empty (spared: web:deployment/nginx)"


def test_a_build_that_shares_nothing_with_the_inventory_is_held_for_a_person() -> None:
    held = plan(ENTRIES, [LIVE], desired={CONFIG}, allowed_revision=REVISION.commit)

    assert held.delete == ()
    assert held.is_stalled
    assert str(held.held).startswith("prune held: everything that was applied before has left Git")


def test_what_was_applied_from_elsewhere_is_held_for_a_person() -> None:
    held = plan(ENTRIES, [LIVE], has_moved=True, allowed_revision=REVISION.commit)

    assert held.delete == ()
    assert held.is_stalled
    assert held.held == (
        "prune held: they were applied from another remote, branch or path: delete them by hand "
        "(spared: web:deployment/nginx)"
    )
    assert plan([REMAINING], [live_object(SERVICE)], has_moved=True) == PrunePlan()


def test_an_unhealthy_object_holds_pruning_until_it_is_well() -> None:
    held = plan(ENTRIES, [LIVE], unhealthy="web:deployment/api", why="restarted 5 times")

    assert held == PrunePlan(
        kept=(KeptObject(NGINX, "prune held by web:deployment/api"),),
        held="prune held by web:deployment/api: restarted 5 times (spared: web:deployment/nginx)",
    )


def test_nothing_is_held_where_nothing_is_to_be_deleted() -> None:
    for held in (
        plan([REMAINING], [], unhealthy="x"),
        plan(ENTRIES, [], desired=frozenset()),
        plan([REMAINING], [], is_build_complete=False),
    ):
        assert held.held is None
        assert not held.is_stalled


def crowd(count: int) -> list[ObjectKey]:
    return [key("ConfigMap", f"config-{number:03}") for number in range(count)]


@pytest.mark.parametrize(
    ("remaining", "leaving", "is_held"),
    [
        pytest.param(1, 5, False, id="five of six"),
        pytest.param(1, 6, True, id="six of seven"),
        pytest.param(40, 10, False, id="a fifth"),
        pytest.param(39, 10, True, id="over a fifth"),
    ],
)
def test_more_than_five_objects_and_a_fifth_are_held(
    remaining: int, leaving: int, is_held: bool
) -> None:
    keys = crowd(remaining + leaving)

    result = plan(map(inventory_entry, keys), map(live_object, keys), desired=set(keys[:remaining]))

    assert len(result.delete) == (0 if is_held else leaving)
    assert len(result.kept) == (leaving if is_held else 0)
    assert result.is_stalled is is_held


def over_budget(allowed_revision: str | None = None) -> PrunePlan:
    keys = crowd(30)
    return plan(
        map(inventory_entry, keys),
        map(live_object, keys),
        desired={keys[0]},
        allowed_revision=allowed_revision,
    )


def test_a_plan_over_budget_lists_what_it_would_delete_and_how_to_permit_it() -> None:
    held = str(over_budget().held)

    assert held.startswith(
        "prune held: 29 objects would be deleted, over the limit of 6; "
        "--prune-allow 3a33f0a permits it (spared: web:configmap/config-029, "
    )
    assert held.endswith("web:configmap/config-010 and 9 more)")


def test_a_plan_over_budget_goes_through_if_a_person_permits_this_revision() -> None:
    assert len(over_budget("3a33f0a").delete) == 29
    assert over_budget("3a33f0b").delete == ()


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        pytest.param(None, False, id="none"),
        pytest.param(REVISION.commit, True, id="commit"),
        pytest.param(f" {REVISION.commit.upper()} ", True, id="another spelling"),
        pytest.param(str(REVISION), True, id="revision"),
        pytest.param("3a33f0a", True, id="seven hex"),
        pytest.param("3a33f0", False, id="six hex"),
        pytest.param("", False, id="empty"),
        pytest.param("other@sha1:" + REVISION.commit, False, id="another branch"),
    ],
)
def test_a_permit_is_for_one_revision(allowed: str | None, expected: bool) -> None:
    assert is_allowed(REVISION, allowed) is expected
