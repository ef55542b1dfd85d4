"""Public halves of SSH keys."""

import subprocess
from pathlib import Path

import pytest

from lab.ssh_server import make_key
from reconciler.core.public_key import PublicKey, public_half


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
@pytest.mark.parametrize("passphrase", ["", "open sesame"])
def test_a_private_key_of_openssh_tells_its_public_half_locked_or_not(
    tmp_path: Path, kind: str, passphrase: str
) -> None:
    line = make_key(tmp_path / "key", kind=kind, passphrase=passphrase)

    found = public_half((tmp_path / "key").read_text())

    assert found is not None
    assert f"{found} lab" == line
    assert PublicKey.parse(line) == PublicKey(found.kind, found.blob, "lab")
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert found.fingerprint == shown.stdout.split()[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA== another kind than it says",
        "ssh-ed25519 not base64",
    ],
)
def test_a_line_that_is_no_key_is_none(text: str) -> None:
    assert PublicKey.parse(text) is None


def test_a_private_key_that_is_cut_anywhere_is_none_and_no_error(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    text = (tmp_path / "key").read_text()
    first, *body, last = text.splitlines()

    for size in range(0, len(body[0]), 4):
        cut = "\n".join([first, body[0][:size], last])
        found = public_half(cut)
        assert found is None or len(found.blob) > 0
    assert public_half(text.replace(last, "")) is None
