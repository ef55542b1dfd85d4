"""SSH keys that are made, and that tell their public half: nothing private is left anywhere."""

import subprocess
from pathlib import Path

import pytest

from lab.ssh_server import make_key
from reconciler.adapters.git.ssh_keys import SshKeys
from reconciler.errors import SettingsError


def test_a_new_key_is_one_that_openssh_takes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()

    made = SshKeys(tmp_path / "memory").make("reconcile")

    assert not list((tmp_path / "memory").iterdir())
    assert made.private not in repr(made)
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text(made.private)
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(tmp_path / "key")],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert shown.stdout.strip() == str(made.public)
    assert made.public.kind == "ssh-ed25519"


def test_two_keys_differ() -> None:
    assert SshKeys().make("a").public.blob != SshKeys().make("a").public.blob


def test_a_key_of_another_form_is_in_memory_only_while_it_is_read(tmp_path: Path) -> None:
    line = make_key(tmp_path / "key", kind="rsa", form="PEM")
    (tmp_path / "memory").mkdir()

    public = SshKeys(tmp_path / "memory").public_half((tmp_path / "key").read_bytes(), where="key")

    assert line.startswith(str(public))
    assert not list((tmp_path / "memory").iterdir())


def test_without_memory_no_key_is_made_on_a_disk(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no private key is written to a disk"):
        SshKeys(tmp_path / "none").make("reconcile")


def test_without_the_program_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SettingsError, match="install openssh-client"):
        SshKeys().make("reconcile")


def test_a_locked_key_of_another_form_does_not_tell(tmp_path: Path) -> None:
    make_key(tmp_path / "key", kind="rsa", form="PEM", passphrase="open sesame")

    with pytest.raises(SettingsError, match="has a passphrase"):
        SshKeys().public_half((tmp_path / "key").read_bytes(), where="key")
