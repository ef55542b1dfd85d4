"""Remotes with many files in one commit."""

from collections.abc import Mapping
from pathlib import Path

from lab.bare_repository import BareRemote, run


def remote_of(folder: Path, texts: Mapping[str, str]) -> BareRemote:
    """Return a remote with one commit; git itself is given all files at once."""
    remote = BareRemote.create(folder / "shop.git")
    commit_to(remote, texts)
    return remote


def commit_to(remote: BareRemote, texts: Mapping[str, str]) -> None:
    """Add a commit with files; those that are there already are changed."""
    stream = [b"commit refs/heads/main\ncommitter A Person <person@example.org> 0 +0000\n"]
    stream.append(b"data 5\nbegin\n")
    if (remote.path / "refs" / "heads" / "main").is_file():
        stream.append(b"from refs/heads/main^0\n")
    for path, text in texts.items():
        content = text.encode()
        stream.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    run(remote.path, ["fast-import", "--quiet"], b"".join(stream))
