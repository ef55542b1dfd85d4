"""What somebody put into the folder of a clone, or into a repository, does not run."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.manifests.tree import EntryKind
from reconciler.errors import ReconcilerError
from tests.adapters.git.clones import another

HOOKS = ("pre-push", "reference-transaction", "post-update", "update", "pre-auto-gc", "fsmonitor")


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    return tmp_path / "sprung"


@pytest.fixture
def clone(repository: GitRepository, tmp_path: Path) -> Path:
    """A clone of ours that is there already."""
    repository.fetch()
    return tmp_path / "data" / "clone.git"


def hostile_config(trap: Path) -> str:
    """Return a configuration in which all that names a program names the trap."""
    run = f"touch {trap}"
    return (
        f"[core]\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\tpager = {run}\n\teditor = {run}\n"
        f"\thooksPath = {trap.parent}/evil-hooks\n\tgitProxy = {run}\n\taskPass = {run}\n"
        f"\talternateRefsCommand = {run}\n"
        f'[remote "origin"]\n\tuploadpack = {run};\n\treceivepack = {run};\n\tvcs = ext\n'
        f'[credential]\n\thelper = "!{run}"\n[uploadpack]\n\tpackObjectsHook = {run}\n'
        f'[filter "x"]\n\tclean = {run}\n\tsmudge = {run}\n\tprocess = {run}\n'
        f'[diff]\n\texternal = {run}\n[diff "x"]\n\tcommand = {run}\n\ttextconv = {run}\n'
        f'[gpg]\n\tprogram = {run}\n[protocol "ext"]\n\tallow = always\n'
        f'[url "ext::sh -c touch% {trap}"]\n\tinsteadOf = file://\n'
    )


def hostile_hooks(folder: Path, trap: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        (folder / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (folder / name).chmod(0o755)


def a_round(repository: GitRepository) -> None:
    snapshot = repository.fetch()
    files = [entry for entry in snapshot.entries if entry.kind is EntryKind.FILE]
    list(repository.read(files, max_bytes=1 << 16))
    repository.push(repository.commit(snapshot.revision, {"a": b"2"}, "ours"))


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def in_config(clone: Path, trap: Path) -> None:
    append(clone / "config", hostile_config(trap))


def by_include(clone: Path, trap: Path) -> None:
    (trap.parent / "evil").write_text(hostile_config(trap))
    append(clone / "config", f"[include]\n\tpath = {trap.parent}/evil\n")


def for_worktrees(clone: Path, trap: Path) -> None:
    append(clone / "config", "[extensions]\n\tworktreeConfig = true\n")
    append(clone / "config.worktree", hostile_config(trap))


def in_a_common_folder(clone: Path, trap: Path) -> None:
    """A clone whose configuration stands elsewhere: its own is as we wrote it."""
    elsewhere = trap.parent / "elsewhere.git"
    git(trap.parent, "init", "--quiet", "--bare", str(elsewhere))
    append(elsewhere / "config", hostile_config(trap))
    hostile_hooks(elsewhere / "hooks", trap)
    (clone / "commondir").write_text(f"{elsewhere}\n")


def in_hooks(clone: Path, trap: Path) -> None:
    hostile_hooks(clone / "hooks", trap)
    hostile_hooks(trap.parent / "evil-hooks", trap)


def in_attributes(clone: Path, trap: Path) -> None:
    in_config(clone, trap)
    append(clone / "info" / "attributes", "* filter=x diff=x merge=x export-subst\n")


def by_alternates(clone: Path, trap: Path) -> None:
    elsewhere = trap.parent / "elsewhere.git"
    git(trap.parent, "init", "--quiet", "--bare", str(elsewhere))
    append(elsewhere / "config", hostile_config(trap))
    append(clone / "objects" / "info" / "alternates", f"{elsewhere}/objects\n")


def as_a_link(clone: Path, trap: Path) -> None:
    elsewhere = trap.parent / "elsewhere.git"
    clone.rename(elsewhere)
    append(elsewhere / "config", hostile_config(trap))
    clone.symlink_to(elsewhere)


PLANTED = [in_config, by_include, for_worktrees, in_a_common_folder, in_hooks, in_attributes,
           by_alternates, as_a_link]  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED)
def test_what_was_put_into_a_clone_does_not_run(
    remote: BareRemote, clone: Path, trap: Path, tmp_path: Path, plant: object
) -> None:
    assert callable(plant)
    plant(clone, trap)

    a_round(another(remote, tmp_path))

    assert remote.content("main:a") == b"2"
    assert not trap.exists()


def test_contents_of_elsewhere_are_none_of_ours(
    remote: BareRemote, clone: Path, trap: Path, tmp_path: Path
) -> None:
    by_alternates(clone, trap)

    another(remote, tmp_path).fetch()

    assert not (clone / "objects" / "info" / "alternates").exists()


@pytest.mark.parametrize(
    "modules",
    [
        '[submodule "s"]\n\tpath = s\n\turl = --upload-pack=touch {trap}\n',
        '[submodule "s"]\n\tpath = --output={trap}\n\turl = ./x\n',
        '[submodule "../../hooks"]\n\tpath = s\n\turl = ./x\n',
        '[submodule "s"]\n\tpath = ../s\n\turl = ../../../etc\n',
        '[submodule "s"]\n\tpath = s\n\turl = ./x\n\tupdate = !touch {trap}\n',
        '[submodule "s"]\n\tpath = s\n\turl = "ssh://-oProxyCommand=touch${{IFS}}{trap}/x"\n',
    ],
)
def test_submodules_that_would_run_something_are_left_alone_or_refused(
    remote: BareRemote, repository: GitRepository, trap: Path, modules: str
) -> None:
    remote.put({".gitmodules": modules.format(trap=trap).encode()})
    remote.put({"s": b"1" * 40}, mode="160000")

    try:
        a_round(repository)
    except ReconcilerError as error:
        assert "git refuses what the remote offers" in str(error)  # noqa: PT017 - either will do
        assert remote.log()[-1] == "first"
    else:
        assert remote.content("main:a") == b"2"
    assert not trap.exists()


def test_attributes_that_name_programs_and_conversions_change_no_byte(
    remote: BareRemote, repository: GitRepository, trap: Path
) -> None:
    attributes = (
        b"* text eol=crlf ident filter=x diff=x merge=x export-ignore export-subst\n"
        b"*.yaml working-tree-encoding=UTF-16\n"
    )
    macro = b"[attr]evil filter=x diff=x\n* evil\n"
    remote.put({".gitattributes": attributes, "sub/.gitattributes": macro, "sub/c": b"$Id$\r\n\n"})

    a_round(repository)

    assert remote.files() == {
        ".gitattributes": attributes,
        "sub/.gitattributes": macro,
        "sub/c": b"$Id$\r\n\n",
        "a": b"2",
        "b": b"1",
    }
    assert not trap.exists()


def test_links_in_loops_and_to_folders_are_entries_and_nothing_else(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.put({"loop": b"loop", "x/y": b"../x", "up": b"..", "dev": b"/dev/zero"}, mode="120000")

    a_round(repository)

    kinds = {entry.path: entry.kind for entry in repository.fetch().entries}
    assert {path for path, kind in kinds.items() if kind is EntryKind.LINK} == {
        "loop", "x/y", "up", "dev"
    }  # fmt: skip
    assert remote.content("main:a") == b"2"


def test_a_path_longer_than_any_file_system_takes_can_be_committed(
    remote: BareRemote, repository: GitRepository
) -> None:
    deep = "/".join(["a-folder"] * 1000) + "/x.yaml"
    tree = git(remote.path, "mktree", stdin=f"100644 blob {remote.blob(b'1')}\tx.yaml\n".encode())
    for _ in range(1000):
        tree = git(remote.path, "mktree", stdin=f"040000 tree {tree}\ta-folder\n".encode())
    commit = git(remote.path, "commit-tree", "-m", "deep", tree)
    git(remote.path, "update-ref", "refs/heads/main", commit)
    snapshot = repository.fetch()

    assert [entry.path for entry in snapshot.entries] == [deep]
    repository.push(repository.commit(snapshot.revision, {deep: b"2"}, "ours"))
    assert remote.content(f"main:{deep}") == b"2"
