import pytest

from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.errors import ClusterError

DEPLOYMENT = GroupKind("apps", "Deployment")
OURS = {
    "manager": "reconcile",
    "operation": "Apply",
    "apiVersion": "apps/v1",
    "time": "2026-01-01T00:00:00Z",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
CONTROLLER = {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status"}


def read(*managed: object, **metadata: object) -> LiveObject:
    whole = {"name": "nginx", "namespace": "web", "uid": "u1", "resourceVersion": "7", **metadata}
    item = {"kind": "PartialObjectMetadata", "metadata": {**whole, "managedFields": list(managed)}}
    return read_live(item, group_kind=DEPLOYMENT)


def test_partial_metadata_is_read_as_the_kind_that_was_asked_for() -> None:
    live = read(OURS, CONTROLLER, OURS)

    assert live.key == ObjectKey("apps", "Deployment", "web", "nginx")
    assert (live.uid, live.resource_version) == ("u1", "7")
    assert live.managers == ("kube-controller-manager", "reconcile")


def test_labels_and_annotations_are_read() -> None:
    live = read(
        labels={PART_OF_LABEL: "set", "odd": 1},
        annotations={"reconcile/prune": "disabled", "fluxcd.io/ignore": "true"},
    )

    assert live.labels == {PART_OF_LABEL: "set"}
    assert live.part_of == "set"
    assert live.is_prune_disabled
    assert live.is_ignored


def test_an_object_with_bare_metadata_is_read() -> None:
    live = read_live(
        {"metadata": {"name": "web", "uid": "u", "resourceVersion": "1"}},
        group_kind=GroupKind("", "Namespace"),
    )

    assert live.key == ObjectKey("", "Namespace", "", "web")
    assert live.part_of == ""
    assert not live.is_owned
    assert not live.is_terminating
    assert not live.is_ignored
    assert not live.is_prune_disabled
    assert live.entry_digest is None
    assert live.managers == ()


def test_owners_and_deletion_are_seen() -> None:
    live = read(ownerReferences=[{"uid": "o"}], deletionTimestamp="2026-01-01T00:00:00Z")

    assert live.is_owned
    assert live.is_terminating


@pytest.mark.parametrize("missing", ["name", "uid", "resourceVersion"])
def test_an_answer_that_does_not_say_which_object_is_an_error(missing: str) -> None:
    with pytest.raises(ClusterError, match=rf"without metadata\.{missing}: Deployment\.apps"):
        read(**{missing: None})


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"time": "2026-01-02T00:00:00Z"}, id="time"),
        pytest.param({"fieldsV1": {"f:spec": {}}}, id="a field lost"),
        pytest.param({"apiVersion": "apps/v2"}, id="version"),
    ],
)
def test_the_entry_digest_changes_with_our_entry(changed: dict[str, object]) -> None:
    assert read(OURS).entry_digest != read({**OURS, **changed}).entry_digest


def test_the_entry_digest_does_not_change_with_the_entries_of_others() -> None:
    others = [
        CONTROLLER,
        {**OURS, "manager": "kubectl"},
        {**OURS, "operation": "Update"},
        {**OURS, "subresource": "status"},
        {**OURS, "subresource": "scale"},
    ]

    assert read(*others, OURS).entry_digest == read(OURS).entry_digest
    assert read(*others).entry_digest is None


def test_our_name_as_manager_can_be_another() -> None:
    item = {
        "metadata": {
            "name": "a",
            "uid": "u",
            "resourceVersion": "1",
            "managedFields": [{**OURS, "manager": "other"}],
        }
    }

    assert read_live(item, group_kind=DEPLOYMENT).entry_digest is None
    assert read_live(item, group_kind=DEPLOYMENT, manager="other").entry_digest is not None
