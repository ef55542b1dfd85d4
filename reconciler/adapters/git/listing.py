"""Reads what git lists: a remote's refs, the entries of a tree, the contents of blobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.adapters.git.failures import CorruptCloneError
from reconciler.adapters.git.remote import is_branch_name
from reconciler.core.manifests.tree import EntryKind, TreeEntry
from reconciler.errors import NotFoundError

HEADS = "refs/heads/"
_KINDS = {"120000": EntryKind.LINK, "160000": EntryKind.SUBMODULE}
_NO_FILE = "000000"
_SHOWN_BRANCHES = 5


@dataclass(frozen=True, slots=True)
class File:
    """An entry of a tree with what a commit has to keep: its mode, and its name as bytes."""

    entry: TreeEntry
    mode: str
    raw_path: bytes


@dataclass(frozen=True, slots=True)
class Tip:
    """Where a branch of the remote is."""

    branch: str
    commit: str


def tip_of(listing: bytes, branch: str | None, *, where: str) -> Tip:
    """Return the tip of a branch (None: of the one HEAD names) from ``ls-remote --symref``.

    Raises:
        NotFoundError: it is not there; says what is.
    """
    refs, head = _refs(listing)
    wanted = f"{HEADS}{branch}" if branch else head or ""
    name = wanted.removeprefix(HEADS)
    if name != wanted and wanted in refs and is_branch_name(name):
        return Tip(name, refs[wanted])
    raise NotFoundError(_absence(refs, branch), where=where)


def heads_of(listing: bytes) -> dict[str, str]:
    """Return the commit by branch from ``ls-remote``."""
    refs, _ = _refs(listing)
    heads = ((name, commit) for name, commit in refs.items() if name.startswith(HEADS))
    return {name.removeprefix(HEADS): commit for name, commit in heads}


def files_of(listing: bytes) -> tuple[File, ...]:
    """Return the files of ``ls-tree -r -z``, sorted by path.

    A name that is not UTF-8 is shown with backslashes; ``raw_path`` has its bytes.
    """
    files = [_file(line) for line in listing.split(b"\0") if line]
    return tuple(sorted(files, key=lambda file: file.entry.path))


@dataclass(frozen=True, slots=True)
class Difference:
    """What a commit made of a file; None where it was not, or is not any more."""

    commit: str
    path: str
    before: TreeEntry | None
    after: TreeEntry | None


def differences_of(listing: bytes) -> Iterator[Difference]:
    """Yield what ``log --raw -z --format=%H`` tells, in its order.

    Of each commit the id, then of each file ``:MODE MODE BLOB BLOB LETTER`` and its path.
    """
    commit = ""
    tokens = iter(listing.split(b"\0"))
    for token in tokens:
        meta = token.decode("ascii", "replace").strip("\n")
        if not meta.startswith(":"):
            commit = meta
            continue
        path = next(tokens, b"").decode("utf-8", "backslashreplace")
        mode, new_mode, blob, new_blob, _ = meta[1:].split(" ")
        yield Difference(commit, path, _state(path, mode, blob), _state(path, new_mode, new_blob))


def sizes_of(listing: bytes) -> dict[str, int]:
    """Return size by blob from ``cat-file --batch-check``; missing blobs are left out."""
    sizes = {}
    for line in listing.decode("ascii", "replace").splitlines():
        match line.split(" "):
            case [blob, _, size] if size.isdigit():
                sizes[blob] = int(size)
            case _:  # "<blob> missing"
                pass
    return sizes


def contents_of(output: bytes, blobs: Sequence[str]) -> Iterator[bytes]:
    """Yield the contents that ``cat-file --batch`` printed for these blobs, in their order.

    Raises:
        CorruptCloneError: it printed something else.
    """
    position = 0
    for blob in blobs:
        end = output.find(b"\n", position)
        header = output[position:end].decode("ascii", "replace").split(" ")
        if end < 0 or header[0] != blob or not header[-1].isdigit():
            raise CorruptCloneError(f"the content of blob {blob} cannot be read")
        start, size = end + 1, int(header[-1])
        position = start + size + 1  # a line end follows each content
        yield output[start : start + size]


def _refs(listing: bytes) -> tuple[dict[str, str], str | None]:
    refs: dict[str, str] = {}
    head = None
    for line in listing.decode("utf-8", "backslashreplace").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            head = value.removeprefix("ref: ") if name == "HEAD" else head
        else:
            refs[name] = value
    return refs, head


def _absence(refs: dict[str, str], branch: str | None) -> str:
    branches = sorted(name.removeprefix(HEADS) for name in refs if name.startswith(HEADS))
    if not branches:
        return "the repository is empty: it has no commit on any branch"
    shown = ", ".join(repr(name) for name in branches[:_SHOWN_BRANCHES])
    more = ", …" if len(branches) > _SHOWN_BRANCHES else ""
    if branch:
        return f"there is no branch {branch!r}; there is {shown}{more}"
    return f"the remote's HEAD names no branch: use --git-branch; there is {shown}{more}"


def _state(path: str, mode: str, blob: str) -> TreeEntry | None:
    if mode == _NO_FILE:
        return None
    return TreeEntry(path, _KINDS.get(mode, EntryKind.FILE), blob)


def _file(line: bytes) -> File:
    meta, _, raw_path = line.partition(b"\t")
    mode, _, blob = meta.decode("ascii").split(" ")
    path = raw_path.decode("utf-8", "backslashreplace")
    return File(TreeEntry(path, _KINDS.get(mode, EntryKind.FILE), blob), mode, raw_path)
