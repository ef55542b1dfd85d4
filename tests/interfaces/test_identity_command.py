"""``reconcile identity``, as a user meets it."""

import base64
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.ssh_server import make_key
from tests.interfaces.program import Done, program, undocumented


def identity(*arguments: str) -> Done:
    return program("identity", *arguments, env={"HOME": "/nonexistent"})


@pytest.mark.parametrize(("kind", "form"), [("ed25519", ""), ("rsa", "PEM"), ("ecdsa", "PKCS8")])
def test_the_public_half_of_a_file_is_printed_alone(tmp_path: Path, kind: str, form: str) -> None:
    line = make_key(tmp_path / "key", kind=kind, form=form)

    done = identity("--git-ssh-key-file", str(tmp_path / "key"))

    assert done.code == 0, done.err
    assert done.out == f"{line.removesuffix(' lab')} reconcile\n"
    assert f", of {tmp_path / 'key'}\n" in done.err
    assert "Add it to the repository as a deploy key that may write:" in done.err
    assert 'GitLab: Settings, Repository, Deploy keys, with "Grant write permissions' in done.err


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("git@github.com:acme/web.git", "https://github.com/acme/web/settings/keys/new"),
        (
            "ssh://git@gitlab.com/a/b/web",
            "https://gitlab.com/a/b/web/-/settings/repository#js-deploy-keys-settings",
        ),
        ("ssh://git@codeberg.org/acme/web", "https://codeberg.org/acme/web/settings/keys"),
    ],
)
def test_the_page_of_a_known_forge_is_named(tmp_path: Path, url: str, page: str) -> None:
    make_key(tmp_path / "key")

    done = identity("--git-ssh-key-file", str(tmp_path / "key"), "--git-url", url)

    assert f"  {page}, with " in done.err


def test_the_document_holds_the_same(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key")

    done = identity(
        "--git-ssh-key-file", str(tmp_path / "key"), "--git-url", "https://git.acme.example/a/web",
        "--git-forge", "gitea", "-o", "json",
    )  # fmt: skip

    assert undocumented(done.json) == set()
    (key,) = done.json["keys"]
    assert key["publicKey"] == f"{line.removesuffix(' lab')} reconcile"
    assert key["fingerprint"].startswith("SHA256:")
    page = "https://git.acme.example/a/web/settings/keys"
    assert key["enterAt"] == [f'{page}, with "Enable write access"']


def test_a_locked_key_tells_its_public_half_too(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key", passphrase="open sesame")

    assert identity("--git-ssh-key-file", str(tmp_path / "key")).out.startswith(line[:-4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the SSH key file is empty"),
        (b"ssh-ed25519 AAAA", "this is a public SSH key"),
        (
            b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
            "cannot read the key",
        ),
        (b"\xff\xfe", "this is no SSH private key"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "key").write_bytes(content)

    done = identity("--git-ssh-key-file", str(tmp_path / "key"))

    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "canary" not in done.err


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = identity("--git-ssh-key-file", str(tmp_path / "none"))

    assert done.code == 2
    assert "cannot read the SSH key: No such file or directory" in done.err


@pytest.mark.cluster
def test_without_a_file_the_secret_of_the_reconciler_is_read(
    control_plane: ControlPlane, cluster_namespace: str, tmp_path: Path
) -> None:
    line, second = make_key(tmp_path / "identity"), make_key(tmp_path / "shop")
    options = ("--kubeconfig", str(control_plane.kubeconfig), "--namespace", cluster_namespace)
    config = tmp_path / "reconcile.yaml"
    config.write_text(
        "sources:\n"
        "- {name: web, git-url: ., git-ssh-key-file: /etc/reconcile/git/identity}\n"
        "- {name: shop, git-url: ., git-ssh-key-file: /etc/reconcile/git/shop}\n"
    )

    missing = identity(*options)
    files = [f"--from-file={tmp_path / name}" for name in ("identity", "shop")]
    kubectl = ("-n", cluster_namespace, "create", "secret", "generic", "git")
    control_plane.kubectl(*kubectl, *files)
    found, both = identity(*options), identity(*options, "--config", str(config))

    assert missing.code == 3
    assert f"secret/git (namespace {cluster_namespace}): is not there" in missing.err
    assert found.code == 0
    assert found.out.startswith(line.removesuffix(" lab"))
    assert both.out.splitlines() == [
        f"{each.removesuffix(' lab')} reconcile" for each in (line, second)
    ]


@pytest.mark.cluster
def test_a_secret_without_that_key_is_told(
    control_plane: ControlPlane, cluster_namespace: str
) -> None:
    secret = base64.b64encode(b"canary").decode()
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: git}}\ndata: {{password: {secret}}}\n"
    control_plane.kubectl("apply", "-n", cluster_namespace, "-f", "-", stdin=text)

    done = identity("--kubeconfig", str(control_plane.kubeconfig), "--namespace", cluster_namespace)

    assert done.code == 3
    assert "has no key 'identity'" in done.err
    assert "canary" not in done.err
