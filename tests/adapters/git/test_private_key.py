"""Keys as they come out of forms, secrets and editors; made by the real ssh-keygen."""

import shutil
from pathlib import Path

import pytest

from lab.ssh_server import make_key
from reconciler.adapters.git.private_key import usable_key
from reconciler.errors import SettingsError

pytestmark = [
    pytest.mark.git_server,
    pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="makes keys with ssh-keygen"),
]


@pytest.fixture
def key(tmp_path: Path) -> bytes:
    make_key(tmp_path / "key")
    return (tmp_path / "key").read_bytes()


@pytest.mark.parametrize(
    ("kind", "form"), [("ed25519", ""), ("rsa", "PEM"), ("ecdsa", "PKCS8"), ("ecdsa", "PEM")]
)
def test_a_key_of_any_kind_stays_as_it_is(tmp_path: Path, kind: str, form: str) -> None:
    make_key(tmp_path / "key", kind=kind, form=form)
    content = (tmp_path / "key").read_bytes()

    assert usable_key(content, where="key") == content


def test_line_ends_that_were_lost_come_back(key: bytes) -> None:
    for damaged in (key.rstrip(b"\n"), key.replace(b"\n", b"\r\n"), b"\n\n" + key + b"\n \n"):
        assert usable_key(damaged, where="key") == key


@pytest.mark.parametrize(
    ("kind", "form"), [("ed25519", ""), ("rsa", "PEM"), ("rsa", "PKCS8"), ("ecdsa", "PEM")]
)
def test_a_key_with_a_passphrase_is_told(tmp_path: Path, kind: str, form: str) -> None:
    make_key(tmp_path / "key", passphrase="open sesame", kind=kind, form=form)

    with pytest.raises(SettingsError, match="has a passphrase") as caught:
        usable_key((tmp_path / "key").read_bytes(), where="/etc/key")

    assert caught.value.where == "/etc/key"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \r\n", "is empty"),
        (b"ssh-ed25519 AAAAC3Nz me@there\n", "public SSH key: the private one"),
        (b"ecdsa-sha2-nistp256 AAAAE2Vj me\n", "public SSH key: the private one"),
        (b"-----BEGIN PUBLIC KEY-----\nMII\n-----END PUBLIC KEY-----\n", "the private one"),
        (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "puttygen"),
        (b"hunter2\n", "no SSH private key"),
        (b"\xff\xfe\x00hunter2", "no SSH private key"),
        (b"-----BEGIN CERTIFICATE-----\nhunter2\n", "no SSH private key"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nhunter2\n", "its last line is missing"),
        (b"-----BEGIN RSA PRIVATE KEY----- hunter2 -----END RSA PRIVATE KEY-----", "are joined"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2!\n-----END OPENSSH PRIVATE KEY-----",
         "cannot be decoded"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22\n-----END OPENSSH PRIVATE KEY-----",
         "cannot be decoded"),
    ],
)  # fmt: skip
def test_what_is_no_private_key_is_told_without_being_repeated(
    content: bytes, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        usable_key(content, where="key")

    assert "hunter2" not in str(caught.value)
