import pytest

from reconciler.core.objects.preview import LAST_APPLIED, MAX_LINE, MAX_LINES, object_diff
from reconciler.core.objects.resource import Preview

PASSWORD = "aHVudGVyMg=="


def secret(value: str, **annotations: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "uid": "1", "annotations": annotations},
        "data": {"password": value, "same": "eA=="},
    }


def config_map(**data: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def test_of_a_secret_it_is_shown_whether_its_values_change() -> None:
    diff = object_diff(Preview(secret(PASSWORD), secret("bmV3")), name="secret/db")

    assert '-  password: "*** (before)"\n+  password: "*** (after)"\n' in diff
    assert '   same: "***"\n' in diff
    assert PASSWORD not in diff


def test_values_that_a_secret_gets_or_loses_are_masked() -> None:
    wanted = secret(PASSWORD)
    wanted["data"] = {"password": PASSWORD, "new": "aW4gdGhlIG9wZW4="}

    diff = object_diff(Preview(secret(PASSWORD), wanted), name="secret/db", wanted=wanted)

    assert '+  new: "***"\n' in diff
    assert '   password: "***"\n' in diff
    assert "aW4g" not in diff
    written = {**secret(PASSWORD), "stringData": {"new": "in the open"}}
    assert "in the open" not in object_diff(Preview(None, written), name="secret/db")


def test_what_kubectl_notes_of_an_object_is_not_shown() -> None:
    before = secret(PASSWORD, **{LAST_APPLIED: f'{{"data":{{"password":"{PASSWORD}"}}}}'})

    for after in (secret("bmV3"), {**before, "type": "Opaque"}, None):
        diff = object_diff(Preview(before, after), name="secret/db")

        assert diff
        assert LAST_APPLIED not in diff
        assert PASSWORD not in diff


def test_what_would_be_created_or_deleted_is_shown_whole() -> None:
    item = config_map(k="v")

    created = object_diff(Preview(None, item), name="configmap/a")
    deleted = object_diff(Preview(item, None), name="configmap/a")

    assert "+  k: v\n" in created
    assert "-  k: v\n" in deleted
    assert created.startswith("--- a/configmap/a\n+++ b/configmap/a\n@@ -0,0 +1,")


def test_what_the_api_server_fills_in_is_no_change() -> None:
    item = config_map(k="v")
    metadata = {"name": "a", "uid": "1", "generation": 2, "labels": {"by": "webhook"}}
    after = {**item, "metadata": metadata, "status": {"seen": 1}, "immutable": False}

    assert not object_diff(Preview(item, after), name="configmap/a", wanted=item)


def test_of_binary_data_size_and_hash_are_shown() -> None:
    before = {**config_map(), "binaryData": {"logo": "AAECAw=="}}
    after = {**config_map(), "binaryData": {"logo": "AAECBA=="}}

    diff = object_diff(Preview(before, after), name="configmap/a")

    assert diff.count("(4 bytes, hash ") == 2
    assert "AAECAw" not in diff


def test_long_lines_are_cut_and_still_show_that_they_change() -> None:
    before, after = (config_map(k="x" * 10_000 + end) for end in ("a", "b"))

    diff = object_diff(Preview(before, after), name="configmap/a")

    assert diff.count("9,501 more characters, hash ") == 2
    assert max(map(len, diff.splitlines())) < MAX_LINE + 100
    assert not object_diff(Preview(before, before), name="configmap/a")


def test_a_long_text_is_cut_where_it_is_new_and_compared_where_it_is_not() -> None:
    lines = [f"line {number}" for number in range(3 * MAX_LINES)]
    old = config_map(k="\n".join([*lines, "old"]), nested=[["\n".join(lines)]])
    new = config_map(k="\n".join([*lines, "new"]), nested=[["\n".join(lines)]])

    created = object_diff(Preview(None, new), name="configmap/a")
    changed = object_diff(Preview(old, new), name="configmap/a")

    assert "… 401 more lines, hash " in created
    assert len(created.splitlines()) < 3 * MAX_LINES
    assert "-    old\n+    new\n" in changed
    assert len(changed.splitlines()) < 20


@pytest.mark.parametrize("letter", ["\x1b[2J", "\r", "\u202e", "\x9b1m", "\x07"])
def test_nothing_in_an_object_reaches_a_terminal_raw(letter: str) -> None:
    item = config_map(k=letter, **{f"k{letter}": f"a\n{letter}\n"})

    assert letter not in object_diff(Preview(None, item), name="configmap/a")
