"""What was decrypted is not shown: in diffs, messages and hashes."""

from reconciler.core.encrypted.veils import veiled_by
from reconciler.core.objects.desired import DesiredObject, Origin, is_of_veiled
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.immutable import differences
from reconciler.core.objects.preview import object_diff
from reconciler.core.objects.resource import Preview

HIDDEN = 'hunter2\nand "more"'
KEY = bytes(16)


def config(kind: str = "ConfigMap", **data: object) -> DesiredObject:
    metadata = {"name": "a", "namespace": "n"}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}
    return DesiredObject(ObjectKey("", kind, "n", "a"), "v1", body, Origin("a.yaml", 1))


def test_a_diff_tells_that_a_veiled_field_changes_and_not_how() -> None:
    before, after = config(p="old-one", q="x"), config(p=HIDDEN, q="y")

    diff = object_diff(Preview(before.body, after.body), name="a", veiled=[("data", "p")])

    assert '-  p: "*** (before)"' in diff
    assert '+  p: "*** (after)"' in diff
    assert "-  q: x" in diff
    assert "old-one" not in diff
    assert "hunter2" not in diff


def test_what_goes_beside_a_veiled_field_was_veiled_perhaps() -> None:
    before, after = config(p="same", gone="old-one"), config(p="same")

    diff = object_diff(Preview(before.body, after.body), name="a", veiled=[("data", "p")])

    assert '-  gone: "***"' in diff
    assert "old-one" not in diff
    assert "same" not in diff


def test_messages_hold_nothing_of_it_however_it_is_written() -> None:
    veiled = config(p=HIDDEN, list=[{"x": "another-one"}]).veiled_at([("data",)])
    secret = config("Secret", p="aHVudGVyMg==").veiled_at([("stringData", "p")])
    said = (
        'Invalid value: "cut off hunt\\"er": no; hunter2 and \\"more\\" or '
        'hunter2\\nand \\"more\\", another-one'
    )

    told = veiled.without_secrets(said)

    assert 'Invalid value: "***": no' in told
    assert "hunter2" not in told
    assert "another-one" not in told
    assert secret.without_secrets("aHVudGVyMg== is hunter2") == "*** is ***"
    assert config(p=HIDDEN).without_secrets(said) == said


def test_a_field_that_cannot_change_is_named_without_its_values() -> None:
    veiled = config(p=HIDDEN).veiled_at([("data", "p")])

    (found,) = differences(veiled, {"data": {"p": "old-one"}}, ["data"])

    assert str(found) == "data.p is *** in the cluster, and *** in Git"


def test_its_hash_needs_the_key_and_tells_what_it_is_of() -> None:
    veiled = config(p=HIDDEN).veiled_at([("data", "p")])

    assert is_of_veiled(veiled.digest(KEY))
    assert veiled.digest(KEY) != veiled.digest(bytes([1] * 16))
    assert not is_of_veiled(config(p=HIDDEN).digest(KEY))
    assert config().veiled_at([("metadata", "name")]).veiled == frozenset()


def test_values_are_found_whole_and_in_others() -> None:
    inner = {"c": "http://abcd@x", "d": 12, "e": True}
    body = {"a": "abcd", "b": inner, "f": [{"g": "abcd"}], "h": None}

    assert veiled_by(body, {"abcd", "12", "true"}) == {
        ("a",), ("b", "c"), ("b", "d"), ("b", "e"), ("f",)
    }  # fmt: skip
    assert veiled_by(body, {"bcd"}) == frozenset()
