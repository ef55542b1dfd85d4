"""What a dry run's answer has beyond what Git changes is not shown as a change."""

from collections.abc import Mapping

from reconciler.core.objects.effect import effect_of, own_part

WANTED = {
    "kind": "Thing",
    "metadata": {"name": "a", "labels": {"app": "a"}},
    "spec": {"containers": [{"name": "web", "image": "nginx:2"}], "args": ["x"]},
}


def live(fields: Mapping[str, object] | None = None, **spec: object) -> dict[str, object]:
    """Return an object with defaults; ``fields`` are ours."""
    container = {"name": "web", "image": "nginx:1", "imagePullPolicy": "Always"}
    metadata: dict[str, object] = {"name": "a", "labels": {"app": "a"}}
    if fields is not None:
        entry = {"manager": "reconcile", "operation": "Apply", "fieldsV1": fields}
        other = {**entry, "subresource": "status"}
        metadata["managedFields"] = [{"manager": "x", "operation": "Update"}, other, entry]
    spec = {"containers": [container], "args": ["x"], "dnsPolicy": "ClusterFirst", **spec}
    return {"kind": "Thing", "metadata": metadata, "spec": spec}


def after(**spec: object) -> dict[str, object]:
    container = {"name": "web", "image": "nginx:2", "imagePullPolicy": "IfNotPresent"}
    return {**live(), "spec": {"containers": [container], "args": ["x"], **spec}}


def spec_of(item: Mapping[str, object]) -> Mapping[str, object]:
    spec = item["spec"]
    assert isinstance(spec, dict)
    return spec


def test_of_a_new_object_only_what_git_says_is_shown() -> None:
    assert effect_of(None, after(dnsPolicy="Default", extra={"a": 1}), WANTED) == WANTED


def test_defaults_and_webhooks_change_nothing_where_the_object_is_ours_in_part() -> None:
    owned: dict[str, object] = {"f:spec": {"f:containers": {'k:{"name":"web"}': {"f:image": {}}}}}
    sidecar = {"name": "proxy", "image": "proxy:1"}
    injected = after(injected="now", dnsPolicy="Default")
    containers = spec_of(injected)["containers"]
    assert isinstance(containers, list)
    containers.append(sidecar)

    shown = effect_of(live(owned), injected, WANTED)

    assert spec_of(shown) == {
        "containers": [{"name": "web", "image": "nginx:2", "imagePullPolicy": "Always"}],
        "args": ["x"],
        "dnsPolicy": "ClusterFirst",
    }


def test_what_was_ours_and_left_git_is_shown_as_gone() -> None:
    owned: dict[str, object] = {"f:spec": {"f:dnsPolicy": {}, "f:replicas": {}}}
    before = live(owned, replicas=3, hostname="b")

    shown = spec_of(effect_of(before, after(replicas=1), WANTED))

    assert "dnsPolicy" not in shown
    assert shown["replicas"] == 1  # the default that takes its place
    assert shown["hostname"] == "b"


def test_an_item_that_was_ours_and_left_git_is_shown_as_gone() -> None:
    owned: dict[str, object] = {
        "f:spec": {"f:containers": {'k:{"name":"old"}': {".": {}}, "k:broken": {}}}
    }
    before = live(owned)
    old, other = {"name": "old", "image": "o"}, {"name": "other", "image": "p"}
    containers = spec_of(before)["containers"]
    assert isinstance(containers, list)
    containers += [old, other]

    shown = spec_of(effect_of(before, after(), WANTED))["containers"]

    assert isinstance(shown, list)
    assert [each["name"] for each in shown] == ["web", "other"]


def test_ports_are_told_apart_by_number_and_protocol() -> None:
    wanted = {"spec": {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}}
    ports = [{"port": 53, "protocol": "TCP", "nodePort": 1}, {"port": 53, "protocol": "UDP"}]

    shown = effect_of({"spec": {"ports": ports}}, {"spec": {"ports": ports}}, wanted)

    assert shown == {"spec": {"ports": ports}}


def test_a_list_without_names_is_shown_as_it_would_be() -> None:
    wanted = {"rules": [{"verbs": ["get"]}]}
    ours = {"rules": [{"verbs": ["get"]}, {"verbs": ["list"]}]}

    assert effect_of(None, ours, wanted) == ours


def test_of_an_object_that_goes_our_own_part_is_shown() -> None:
    owned: dict[str, object] = {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:args": {}}}

    assert own_part(live(owned)) == {
        "kind": "Thing",
        "metadata": {"name": "a", "labels": {"app": "a"}},
        "spec": {"args": ["x"]},
    }
    assert own_part(live()) == live()
