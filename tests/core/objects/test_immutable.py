"""What differs below fields that cannot be changed, in words."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.core.objects.immutable import differences, says_immutable, told
from tests.fakes.objects import desired_object, key


@pytest.mark.parametrize(
    "message",
    [
        'Invalid value: {"a":"b"}: field is immutable',
        "Forbidden: field is immutable when `immutable` is set",
        "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
        "Forbidden: updates to parameters are forbidden.",
        "Invalid value: {}: cannot change roleRef",
        'Invalid value: ["10.0.0.1"]: may not change once set',
        "Forbidden: spec is immutable after creation except resources.requests",
        'Invalid value: core.PodTemplateSpec{Name:"x"}: field is immutable',
        'Invalid value: "object": Value is immutable',
    ],
)  # fmt: skip
def test_the_servers_words_for_it_are_known(message: str) -> None:
    assert says_immutable(message)


@pytest.mark.parametrize(
    "message",
    [
        "Required value",
        "Invalid value: 0: must be greater than 0",
        'Invalid value: "immutable_x": a lowercase RFC 1123 label must consist of a, b and c',
        'Invalid value: {"app":"immutable"}: `selector` does not match template `labels`',
        'Invalid value: core.Volume{Name:"immutable"}: must be something else',
        'Duplicate value: "immutable"',
        'Unsupported value: "immutable": supported values: "Always", "Never"',
    ],
)
def test_other_complaints_are_others(message: str) -> None:
    assert not says_immutable(message)


def shown(live: Mapping[str, object], wanted: Mapping[str, object], *fields: str) -> str:
    return told(differences(replace(desired_object(), body=wanted), live, fields))


def test_only_what_differs_is_told_and_not_what_the_server_filled_in() -> None:
    live = {"spec": {"a": 1, "b": {"c": "x", "d": True}, "filled": "in"}}

    assert shown(live, {"spec": {"a": 1, "b": {"c": "y", "d": True}}}, "spec") == (
        'spec.b.c is "x" in the cluster, and "y" in Git'
    )


def test_items_of_a_list_are_compared_one_by_one_and_lists_of_another_length_whole() -> None:
    live = {"spec": {"a": [{"n": 1}, {"n": 2}], "b": [1]}}

    assert shown(live, {"spec": {"a": [{"n": 1}, {"n": 3}], "b": [1, 2]}}, "spec") == (
        "spec.a[1].n is 2 in the cluster, and 3 in Git; "
        "spec.b is [1] in the cluster, and [1, 2] in Git"
    )


def test_a_field_can_be_an_item_or_not_be_there() -> None:
    live: dict[str, object] = {"spec": {"ports": [{"nodePort": 1}]}}
    wanted: dict[str, object] = {"spec": {"ports": [{"nodePort": 2}]}}

    assert shown(live, wanted, "spec.ports[0].nodePort", "spec.ports[7]", "metadata.x.y") == (
        "spec.ports[0].nodePort is 1 in the cluster, and 2 in Git"
    )
    assert (
        shown({}, {"spec": {"a": 1}}, "spec.a") == "spec.a is nothing in the cluster, and 1 in Git"
    )


def test_long_values_and_long_lists_are_cut() -> None:
    live: dict[str, object] = {"spec": dict.fromkeys("abcdef", "x" * 500)}
    wanted: dict[str, object] = {"spec": dict.fromkeys("abcdef", "y")}

    text = shown(live, wanted, "spec")

    assert text.endswith("; and 3 more")
    assert len(text) < 700


def test_values_of_a_secret_are_not_told() -> None:
    secret = desired_object(key("Secret"), data={"password": "bmV3"})

    text = told(differences(secret, {"data": {"password": "b2xk"}}, ["data"]))

    assert text == "data.password is *** in the cluster, and *** in Git"
