"""Writes the stream from which ``git fast-import`` makes a commit; needs no index, no work tree."""

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


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    """Return a path in the quotes of C, which fast-import takes for any bytes."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
