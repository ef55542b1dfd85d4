from reconciler.core.objects.preview import LAST_APPLIED, object_diff
from reconciler.core.objects.resource import Preview

PASSWORD = "aHVudGVyMg=="


def secret(value: str, **annotations: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "uid": "1", "annotations": annotations},
        "data": {"password": value, "same": "eA=="},
    }


def test_of_a_secret_it_is_shown_whether_its_values_change() -> None:
    diff = object_diff(Preview(secret(PASSWORD), secret("bmV3")), name="secret/db")

    assert '-    "password": "*** (before)",\n+    "password": "*** (after)",\n' in diff
    assert '     "same": "***"\n' in diff
    assert PASSWORD not in diff


def test_the_copy_that_kubectl_keeps_of_a_secret_is_masked_too() -> None:
    before = secret(PASSWORD, **{LAST_APPLIED: f'{{"data":{{"password":"{PASSWORD}"}}}}'})

    for after in (secret("bmV3"), {**before, "type": "Opaque"}, None):
        diff = object_diff(Preview(before, after), name="secret/db")

        assert f'"{LAST_APPLIED}": "***"' in diff
        assert PASSWORD not in diff


def test_what_would_be_created_or_deleted_is_shown_whole() -> None:
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}

    created = object_diff(Preview(None, item), name="configmap/a")
    deleted = object_diff(Preview(item, None), name="configmap/a")

    assert '+    "k": "v"\n' in created
    assert '-    "k": "v"\n' in deleted
    assert created.startswith("--- a/configmap/a\n+++ b/configmap/a\n@@ -0,0 +1,")
