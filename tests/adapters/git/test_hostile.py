"""What a repository holds never runs, never steers git, and never reaches beyond our folder."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.listing import tip_of
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.manifests.tree import EntryKind
from reconciler.errors import NotFoundError, RefusedError


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    return tmp_path / "sprung"


def a_round(repository: GitRepository, path: str = "a", message: str = "ours") -> None:
    """Fetch, read all, commit one file, push."""
    snapshot = repository.fetch()
    entries = [entry for entry in snapshot.entries if entry.kind is not EntryKind.SUBMODULE]
    list(repository.read(entries, max_bytes=1 << 16))
    repository.push(repository.commit(snapshot.revision, {path: b"2"}, message))


def put_tree(remote: BareRemote, name: bytes, content: bytes = b"1", mode: str = "100644") -> None:
    """Make a commit whose tree git itself would not write."""
    blob = remote.blob(content)
    entries = [(b"a", remote.blob(b"1"), "100644"), (name, blob, mode)]
    raw = b"".join(
        b"%b %b\0%b" % (each_mode.encode(), each, bytes.fromhex(oid))
        for each, oid, each_mode in sorted(entries)
    )
    tree = git(remote.path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = git(remote.path, "commit-tree", "-m", "hostile", tree)
    git(remote.path, "update-ref", "refs/heads/main", commit)


ODD_NAMES = [
    "--output={trap}",
    "-c core.sshCommand=touch {trap}",
    "$(touch {trap}).yaml",
    "`touch {trap}`.yaml",
    "a;touch {trap};",
    "| touch {trap}",
    ":(exclude)a",
    ":!a",
    "a\ndone\nreset refs/heads/evil\nfrom refs/remotes/origin/main",
    'a" inline\ndata 0',
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_of_a_file_is_a_name_and_nothing_else(
    remote: BareRemote, repository: GitRepository, trap: Path, name: str
) -> None:
    path = name.format(trap=trap).strip("/")
    remote.put({path: b"1"})

    a_round(repository, path)

    assert remote.files() == {"a": b"1", "b": b"1", path: b"2"}
    assert not trap.exists()
    assert git(remote.path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("name", [b".git", b".GIT", b"git~1", b"..", b".", b"x/../../y"])
def test_a_tree_that_reaches_beyond_itself_is_refused_by_its_fault(
    remote: BareRemote, repository: GitRepository, tmp_path: Path, name: bytes
) -> None:
    put_tree(remote, name)

    with pytest.raises(RefusedError, match="git refuses what the remote offers"):
        repository.fetch()

    assert not (tmp_path / "data" / "clone.git").exists()


def test_filters_and_modules_of_the_repository_do_not_run(
    remote: BareRemote, repository: GitRepository, trap: Path
) -> None:
    command = f"touch {trap}"
    attributes = b"* filter=x diff=x merge=x ident export-subst working-tree-encoding=UTF-16\n"
    config = f'[filter "x"]\n\tclean = {command}\n\tsmudge = {command}\n[core]\n\tpager = {command}'
    modules = f'[submodule "s"]\n\tpath = s\n\turl = ext::{command}\n\tupdate = !{command}\n'
    remote.put({".gitattributes": attributes, "config": config.encode(), "c": b"$Id$"})
    remote.put({".gitmodules": modules.encode(), ".lfsconfig": b"[lfs]\n\turl = ext::x\n"})
    remote.put({"s": b"1" * 40}, mode="160000")

    a_round(repository)

    assert remote.content("main:a") == b"2"
    assert remote.content("main:c") == b"$Id$"
    assert not trap.exists()


def test_a_pointer_of_lfs_is_read_as_it_stands_and_nothing_is_asked_for_it(
    remote: BareRemote, repository: GitRepository
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
    remote.put({".gitattributes": b"*.yaml filter=lfs diff=lfs merge=lfs -text\n", "c": pointer})

    a_round(repository)

    assert remote.files()["c"] == pointer


def test_a_link_out_of_the_repository_is_text(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    remote.put({"link": str(outside).encode()}, mode="120000")
    (link,) = (it for it in repository.fetch().entries if it.kind is EntryKind.LINK)

    assert list(repository.read([link], max_bytes=999)) == [(link, str(outside).encode())]
    a_round(repository)
    assert outside.read_text() == "untouched"


def test_a_message_cannot_end_its_commit(remote: BareRemote, repository: GitRepository) -> None:
    message = "ours\n\ndone\nreset refs/heads/evil\nfrom refs/remotes/origin/main\n\ndata 3\nx\n"

    a_round(repository, message=message)

    raw = git(remote.path, "cat-file", "commit", "main")
    assert raw.split("\n\n", 1)[1] == message.rstrip("\n")
    assert git(remote.path, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


@pytest.mark.parametrize("name", ["x:refs/heads/y", "-x", "a b", "a..b", "*", "a\\b", "@{-1}", ""])
def test_a_head_that_names_what_is_no_branch_names_none(name: str) -> None:
    listing = f"ref: refs/heads/{name}\tHEAD\n{'1' * 40}\tHEAD\n{'1' * 40}\trefs/heads/{name}\n"

    with pytest.raises(NotFoundError, match="--git-branch"):
        tip_of(listing.encode(), None, where="w")
