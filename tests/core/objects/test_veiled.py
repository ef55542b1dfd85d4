"""What was decrypted is not shown: in diffs, messages and hashes."""

import pytest

from reconciler.core.encrypted.veils import texts_in, veiled_by
from reconciler.core.manifests.document import Opened, Sequence, parse_documents
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


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("got token=abcdefgh", "got token=***", id="at-the-end"),
        pytest.param("got abcdefghij… (and more)", "got ***… (and more)", id="told"),
        pytest.param("got abcdefghij... (and more)", "got ***... (and more)", id="in-dots"),
        pytest.param("got YWJjZGVmZ", "got ***", id="in-base64"),
        pytest.param("got abc", "got abc", id="three-letters-are-a-word"),
        pytest.param("got abcd, not abcdx", "got abcd, not abcdx", id="another-word"),
    ],
)
def test_the_beginning_of_a_text_is_not_told_where_a_message_was_cut_off(
    said: str, told: str
) -> None:
    veiled = config(p="abcdefghijklmnop").veiled_at([("data", "p")])

    assert veiled.without_secrets(said) == told


def test_any_part_of_a_file_that_was_encrypted_as_a_whole_is_veiled() -> None:
    file = 'USER=me-too\nPASSWORD=hunter2-a\n{"key": "hunter2-b"}\none\n  more-of-it\n'
    body = {
        "a": "hunter2-a", "b": "hunter2-b", "c": "x\nmore-of-it\n", "d": "another", "e": "one",
    }  # fmt: skip

    assert veiled_by(body, {file}) == frozenset()
    assert veiled_by(body, {file}, {file}) == {("a",), ("b",), ("c",)}


def test_what_was_decrypted_is_found_once_however_often_it_is_named() -> None:
    again = "".join(f"- &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    (document,) = parse_documents(f"- &l0 [x, y]\n{again}", path="a.yaml")
    assert isinstance(document.root, Sequence)
    document.root.inside.append(Opened("hunter2", 0, 0, 1))

    assert list(texts_in(document.root)) == ["hunter2"]
