"""The lab's SOPS: encrypts files as a person would at a terminal."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.build import require


def encrypt(
    content: str | bytes,
    recipients: Sequence[str],
    *options: str,
    name: str = "a.yaml",
    rule: Mapping[str, object] | None = None,
) -> str:
    """Return a file encrypted by the real program.

    Args:
        content: the file.
        recipients: age's public keys, or SSH's; none: the rule says for whom it is.
        options: of ``sops encrypt``.
        name: of the file; its ending tells the format.
        rule: what ``.sops.yaml`` says of such files: ``encrypted_regex``, ``mac_only_encrypted``, …
    """
    age = {"age": ",".join(recipients)} if recipients else {}
    rules = {"creation_rules": [{**age, **(rule or {})}]}
    return _run("encrypt", content, name, *options, config=json.dumps(rules))


def decrypt(content: str | bytes, key_file: Path, *, name: str = "a.yaml") -> str:
    """Return what the real program makes of an encrypted file."""
    return _run("decrypt", content, name, SOPS_AGE_KEY_FILE=str(key_file))


def _run(
    command: str,
    content: str | bytes,
    name: str,
    *options: str,
    config: str = "{}",
    **environment: str,
) -> str:
    with tempfile.TemporaryDirectory(prefix="sops-") as folder:
        file = Path(folder) / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        (Path(folder) / ".sops.yaml").write_text(config)
        done = subprocess.run(
            [str(require("sops")), command, *options, name],
            cwd=folder,
            env={"HOME": folder, "PATH": "/nonexistent", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=240,
        )
    if done.returncode:
        raise ValueError(done.stderr.decode())
    return done.stdout.decode()
