"""Writes the stream from which ``git fast-import`` makes a commit, and puts a signature into one.

Neither needs an index or a work tree.
"""

from collections.abc import Iterable

from reconciler.adapters.git.listing import File

PENDING = "refs/reconcile/pending"  # fast-import wants to name what it made; nothing reads it


def commit_stream(
    changes: Iterable[tuple[File, bytes]], *, base: str, author: str, committer: str, message: str
) -> bytes:
    """Return a commit on ``base`` that gives existing files new contents, and asks for its id.

    Args:
        changes: files of the base with their new contents.
        base: the parent's id.
        author: ``Name <address>``; the time is git's clock.
        committer: likewise.
        message: kept as it is, byte for byte.
    """
    parts = [
        b"feature done\n",
        f"commit {PENDING}\nmark :1\n".encode(),
        f"author {author} now\ncommitter {committer} now\n".encode(),
        _data(message.encode()),
        f"from {base}\n".encode(),
    ]
    for file, content in changes:
        parts += [f"M {file.mode} inline ".encode(), _quoted(file.raw_path), b"\n", _data(content)]
    return b"".join([*parts, b"get-mark :1\ndone\n"])


def signed(commit: bytes, signature: bytes, *, is_sha256: bool) -> bytes:
    """Return a commit with its signature, which ends its headers as git writes them.

    Args:
        commit: the object's content, without one.
        signature: in lines.
        is_sha256: whether the repository names its objects by SHA-256.
    """
    headers, message = commit.split(b"\n\n", 1)
    name = b"gpgsig-sha256" if is_sha256 else b"gpgsig"
    value = signature.strip().replace(b"\r\n", b"\n").replace(b"\n", b"\n ")
    return b"%b\n%b %b\n\n%b" % (headers, name, value, message)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    """Return a path in the quotes of C, which fast-import takes for any bytes."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
