import pytest

from reconciler.core.objects.desired import Origin
from tests.fakes.objects import SECRET_KEY, desired_object, key


def test_an_origin_prints_as_path_and_line() -> None:
    assert str(Origin("workloads/nginx.yaml", 12)) == "workloads/nginx.yaml:12"


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        pytest.param("apps", "Deployment", "apps/v1", id="group"),
        pytest.param("", "Service", "v1", id="core group"),
    ],
)
def test_the_api_version_is_as_written(group: str, kind: str, expected: str) -> None:
    assert desired_object(key(kind, group=group)).api_version == expected


def test_a_namespace_is_set_in_key_and_body() -> None:
    moved = desired_object(key("Service", namespace="")).in_namespace("web")

    assert moved.key.namespace == "web"
    assert moved.body["metadata"] == {"name": "nginx", "namespace": "web"}


def test_an_object_without_a_namespace_has_none_in_key_and_body() -> None:
    moved = desired_object(key("ClusterRole")).in_namespace("")

    assert moved.key.namespace == ""
    assert moved.body["metadata"] == {"name": "nginx"}


def test_labels_are_added_to_those_the_manifest_has() -> None:
    plain = desired_object()
    labelled = desired_object(metadata={"name": "nginx", "labels": {"app": "web", "a": "1"}})

    assert plain.labelled({"b": "2"})["metadata"] == {
        "name": "nginx",
        "namespace": "web",
        "labels": {"b": "2"},
    }
    assert labelled.labelled({"a": "2"})["metadata"] == {
        "name": "nginx",
        "labels": {"app": "web", "a": "2"},
    }
    assert "labels" not in str(plain.body)


def test_annotations_that_are_no_texts_are_left_aside() -> None:
    assert desired_object(metadata={"annotations": {"a": 1, "b": "x"}}).annotations == {"b": "x"}
    assert desired_object(metadata={"annotations": ["a"]}).annotations == {}
    assert desired_object(metadata="odd").annotations == {}


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    one = desired_object(spec={"a": 1, "b": [{"x": 1, "y": 2}]})
    other = desired_object(spec={"b": [{"y": 2, "x": 1}], "a": 1})

    assert one.digest(SECRET_KEY) == other.digest(SECRET_KEY)
    assert len(one.digest(SECRET_KEY)) == 22


def test_the_digest_depends_on_every_value_and_the_order_of_lists() -> None:
    specs: list[object] = [1, "1", True, None, [1, 2], [2, 1], {"a": 1}, {"a": "1"}, 1.5]

    assert len({desired_object(spec=each).digest(SECRET_KEY) for each in specs}) == len(specs)


def test_the_digest_of_a_secret_alone_depends_on_the_key() -> None:
    secret, config = desired_object(key("Secret")), desired_object(key("ConfigMap"))
    other_key = bytes(reversed(SECRET_KEY))

    assert secret.digest(SECRET_KEY) != secret.digest(other_key)
    assert config.digest(SECRET_KEY) == config.digest(other_key) == config.digest(b"")


def test_a_secret_is_not_hashed_with_a_short_key() -> None:
    with pytest.raises(ValueError, match="under 16 bytes"):
        desired_object(key("Secret")).digest(b"short")


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({}, False, id="none"),
        pytest.param({"fluxcd.io/ignore": "true"}, True, id="flux"),
        pytest.param({"flux.weave.works/ignore": "true"}, True, id="legacy"),
        pytest.param({"reconcile/ignore": "true"}, True, id="ours"),
        pytest.param({"fluxcd.io/ignore": "sync_only"}, False, id="synced, not automated"),
        pytest.param({"fluxcd.io/ignore": "True"}, False, id="another spelling"),
        pytest.param(
            {"fluxcd.io/ignore": "true", "reconcile/ignore": "false"}, False, id="ours wins"
        ),
        pytest.param(
            {"fluxcd.io/ignore": "false", "reconcile/ignore": "true"}, True, id="ours wins too"
        ),
    ],
)
def test_ignoring_is_read_under_every_prefix(annotations: dict[str, str], expected: bool) -> None:
    assert desired_object(annotations=annotations).is_ignored is expected


def test_pruning_is_disabled_by_our_annotation_alone() -> None:
    assert desired_object(annotations={"reconcile/prune": "disabled"}).is_prune_disabled
    assert not desired_object(annotations={"reconcile/prune": "enabled"}).is_prune_disabled
    assert not desired_object(annotations={"fluxcd.io/prune": "disabled"}).is_prune_disabled
