"""No diff of a manifest shows a value of a Secret, and Git takes it all the same."""

import subprocess
from pathlib import Path

import pytest

from reconciler.core.manifests.secrecy import manifest_diff, secret_lines

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
data:
  password: canary
stringData: {user: canary}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - image: nginx:v3
"""
LIST = """\
apiVersion: v1
kind: List
items:
  - data:
      password: |
        canary
        canary
    kind: Secret
    apiVersion: v1
    metadata: {name: db}
  - image: nginx:v3
    kind: Odd
    apiVersion: example.org/v1
    metadata: {name: odd}
  - apiVersion: v1
    kind: Secret
    metadata:
      annotations:
        kubectl.kubernetes.io/last-applied-configuration: '{"data": {"password": "canary"}}'
"""
ONE_LINE = '{"items":[{"kind":"Secret","data":{"a":"canary"}},{"image":"nginx:v3"}]}'
OTHER = "kind: ConfigMap\ndata:\n  key: value\n"
BROKEN = "kind: Secret\ndata:\n  password: canary\n  x: [\n"


@pytest.mark.parametrize(
    ("text", "is_masked"),
    [
        pytest.param(f"{WEB}---\n{SECRET}", False, id="before-a-secret"),
        pytest.param(f"{SECRET}---\n{WEB}", False, id="after-a-secret"),
        pytest.param(f"{SECRET}---\n{WEB}---\n{SECRET}", False, id="between"),
        pytest.param(f"{SECRET}---\n{OTHER}---\n{WEB}", False, id="far-away"),
        pytest.param(LIST, False, id="in-one-list"),
        pytest.param(f"{WEB}---\n{BROKEN}", False, id="beside-what-cannot-be-read"),
        pytest.param(f"{SECRET}---\n{WEB}".rstrip(), False, id="no-line-end"),
        pytest.param(f"{SECRET}---\n{WEB}".replace("\n", "\r\n"), False, id="crlf"),
        pytest.param(ONE_LINE, True, id="one-line"),
    ],
)
def test_a_value_of_a_secret_is_in_no_diff(text: str, is_masked: bool, tmp_path: Path) -> None:
    after = text.replace("v3", "v4")

    diff = manifest_diff(text, after, path="shop.yaml")

    assert "canary" not in diff
    assert ("***" in diff) is is_masked
    if not is_masked:
        assert "+" in diff
        file = tmp_path / "shop.yaml"
        file.write_bytes(text.encode())
        command = ["git", "apply", "--whitespace=nowarn"]
        subprocess.run(command, cwd=tmp_path, input=diff.encode(), check=True)
        assert file.read_bytes() == after.encode()


def test_without_secrets_nearby_nothing_is_left_out() -> None:
    text = f"{WEB}---\n{OTHER}"

    diff = manifest_diff(text, text.replace("v3", "v4"), path="shop.yaml")

    assert diff.endswith("+        - image: nginx:v4\n ---\n kind: ConfigMap\n data:\n")
    assert not secret_lines(text, path="shop.yaml")


def test_several_changes_around_a_secret_are_parts_of_their_own() -> None:
    short = "kind: Secret\ndata:\n  a: canary\n"
    text = f"{WEB}---\n{short}---\n" + WEB.replace("name: web", "image: nginx:v3")

    diff = manifest_diff(text, text.replace("v3", "v4"), path="shop.yaml")

    assert "canary" not in diff
    assert diff.count("@@ -") == 2
