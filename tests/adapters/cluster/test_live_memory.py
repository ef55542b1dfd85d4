from reconciler.adapters.cluster.live_memory import LiveMemory
from reconciler.core.objects.identity import GroupKind

KIND = GroupKind("", "ConfigMap")


def item(uid: str, version: str, **labels: str) -> dict[str, object]:
    metadata = {"name": f"name-{uid}", "uid": uid, "resourceVersion": version, "labels": labels}
    return {"metadata": metadata}


def test_what_has_not_changed_is_not_read_again() -> None:
    memory = LiveMemory()
    first = memory.read("list", [item("1", "5"), item("2", "6")], group_kind=KIND)

    again = memory.read(
        "list", [item("2", "7", a="b"), item("1", "5"), item("3", "8")], group_kind=KIND
    )

    assert again[1] is first[0]
    assert again[0].labels == {"a": "b"}
    assert [each.uid for each in again] == ["2", "1", "3"]


def test_another_object_of_the_same_version_and_another_list_are_read() -> None:
    memory = LiveMemory()
    (first,) = memory.read("list", [item("1", "5", a="a")], group_kind=KIND)

    (recreated,) = memory.read("list", [item("2", "5", a="b")], group_kind=KIND)
    (elsewhere,) = memory.read("other", [item("1", "5", a="c")], group_kind=KIND)

    assert first.labels == {"a": "a"}
    assert recreated.labels == {"a": "b"}
    assert elsewhere.labels == {"a": "c"}
