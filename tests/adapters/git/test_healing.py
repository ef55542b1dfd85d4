"""A clone that is damaged, out of date in kind, or on a full disk comes right by itself."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.process import MissingPartError
from reconciler.adapters.git.clone import _MAX_PACKS, _MAX_SAMPLE, _SAMPLE
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import GitError
from tests.adapters.git.clones import another, contents

ROOT = Path(__file__).parents[3]
ORIGIN = "refs/remotes/origin/main"


def depth(folder: Path) -> int:
    clone = folder / "data" / "clone.git"
    return int(git(clone, "rev-list", "--count", "--first-parent", ORIGIN))


# How it may be damaged


def _truncate_packs(clone: Path, kind: str = "pack") -> None:
    for pack in clone.glob(f"objects/pack/*.{kind}"):
        pack.chmod(0o644)
        os.truncate(pack, 40)


def _cut_the_ends_of_packs(clone: Path) -> None:
    for pack in clone.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        os.truncate(pack, pack.stat().st_size - 25)


def _turn_packs_over(clone: Path) -> None:
    for pack in clone.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        content = pack.read_bytes()
        pack.write_bytes(content[:12] + bytes(255 - byte for byte in content[12:]))


def _truncate_indexes(clone: Path) -> None:
    _truncate_packs(clone, kind="idx")


def _remove_indexes(clone: Path) -> None:
    for path in clone.glob("objects/pack/*.idx"):
        path.unlink()


def _remove_objects(clone: Path) -> None:
    for path in clone.glob("objects/pack/*"):
        path.unlink()


def _break_ref(clone: Path) -> None:
    (clone / ORIGIN).write_text("rubbish")


def _empty_ref(clone: Path) -> None:
    (clone / ORIGIN).write_text("")


def _name_no_commit(clone: Path) -> None:
    (clone / ORIGIN).write_text(f"{'1' * 40}\n")


def _make_the_ref_a_folder(clone: Path) -> None:
    (clone / ORIGIN).unlink()
    (clone / ORIGIN).mkdir()


def _forget_head(clone: Path) -> None:
    (clone / "HEAD").unlink()


def _empty_head(clone: Path) -> None:
    (clone / "HEAD").write_text("")


def _break_head(clone: Path) -> None:
    (clone / "HEAD").write_bytes(b"\0" * 41)


def _forget_config(clone: Path) -> None:
    (clone / "config").unlink()


def _break_config(clone: Path) -> None:
    (clone / "config").write_text("[core\n")


def _count_objects_otherwise(clone: Path) -> None:
    (clone / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n"
    )


def _ask_for_fruit(clone: Path) -> None:
    (clone / "config").write_text("[core]\n\tbare = true\n[fetch]\n\tunpackLimit = banana\n")


def _break_shallow(clone: Path) -> None:
    (clone / "shallow").write_text("rubbish\n")


def _end_history_nowhere(clone: Path) -> None:
    (clone / "shallow").write_text(f"{'1' * 40}\n")


def _leave_locks(clone: Path) -> None:
    names = ("index", "HEAD", "config", "shallow", "packed-refs", ORIGIN)
    for name in names:
        (clone / f"{name}.lock").touch()
    (clone / "objects" / "pack" / "tmp_pack_x").touch()
    (clone / "objects" / "tmp_objdir-incoming-x").mkdir()


def _belong_to_another_remote(clone: Path) -> None:
    (clone / "reconcile-clone").write_bytes(b"file:///elsewhere\ncontents on demand\n\xff")


def _be_half_made(clone: Path) -> None:
    clone.rename(clone.with_name("incoming.git"))


def _be_hardly_begun(clone: Path) -> None:
    shutil.rmtree(clone)
    clone.mkdir()


def _be_a_file(clone: Path) -> None:
    shutil.rmtree(clone)
    for name in ("clone.git", "incoming.git"):
        clone.with_name(name).write_text("a file")


def _be_a_link(clone: Path) -> None:
    clone.rename(clone.with_name("elsewhere"))
    clone.symlink_to(clone.with_name("elsewhere"))
    clone.with_name("incoming.git").symlink_to("/nonexistent/folder")


def _have_many_packs(clone: Path) -> None:
    for number in range(_MAX_PACKS):
        (clone / "objects" / "pack" / f"pack-{number}.pack").touch()


def _have_many_objects(clone: Path) -> None:
    (clone / _SAMPLE).mkdir(exist_ok=True)
    for number in range(_MAX_SAMPLE + 1):
        (clone / _SAMPLE / f"{number:038x}").touch()


DAMAGES = [
    _truncate_packs, _cut_the_ends_of_packs, _turn_packs_over, _truncate_indexes, _remove_indexes,
    _remove_objects, _break_ref, _empty_ref, _name_no_commit, _make_the_ref_a_folder, _forget_head,
    _empty_head, _break_head, _forget_config, _break_config, _count_objects_otherwise,
    _ask_for_fruit, _break_shallow, _end_history_nowhere, _leave_locks, _belong_to_another_remote,
    _be_half_made, _be_hardly_begun, _be_a_file, _be_a_link, _have_many_packs,
    _have_many_objects,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_new_process", [True, False])
def test_a_clone_heals(
    remote: BareRemote, tmp_path: Path, damage: Callable[[Path], None], *, is_new_process: bool
) -> None:
    repository = another(remote, tmp_path)
    assert contents(repository) == {"a": b"1", "b": b"1"}
    damage(tmp_path / "data" / "clone.git")
    remote.put({"a": b"2"})
    if is_new_process:
        repository = another(remote, tmp_path)

    assert contents(repository) == {"a": b"2", "b": b"1"}

    made = repository.commit(repository.fetch().revision, {"b": b"3"}, "ours")
    repository.push(made)
    assert remote.files() == {"a": b"2", "b": b"3"}
    assert git(tmp_path / "data" / "clone.git", "fsck", "--connectivity-only") == ""


@pytest.mark.parametrize("fill", [_have_many_packs, _have_many_objects])
def test_an_overfull_clone_is_made_anew(
    remote: BareRemote, tmp_path: Path, fill: Callable[[Path], None]
) -> None:
    repository = another(remote, tmp_path)
    repository.fetch()
    clone = tmp_path / "data" / "clone.git"
    (clone / "a mark").touch()
    repository.fetch()
    assert (clone / "a mark").exists()

    fill(clone)
    repository.fetch()

    assert not (clone / "a mark").exists()


def _unpacked(clone: Path, kind: str) -> list[Path]:
    """Make every object a file of its own, and return those of a kind."""
    packs = [pack.rename(clone / pack.name) for pack in clone.glob("objects/pack/*.pack")]
    for pack in packs:
        for path in clone.glob(f"objects/pack/{pack.stem}.*"):
            path.unlink()
        git(clone, "unpack-objects", "-q", stdin=pack.read_bytes())
        pack.unlink()
    files = list(clone.glob("objects/??/*"))
    return [
        file
        for file in files
        if git(clone, "cat-file", "-t", f"{file.parent.name}{file.name}") == kind
    ]


@pytest.mark.parametrize("kind", ["commit", "tree", "blob"])
@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "missing"])
def test_objects_that_were_lost_are_had_again(
    remote: BareRemote, repository: GitRepository, tmp_path: Path, kind: str, *, is_empty: bool
) -> None:
    contents(repository)
    for file in _unpacked(tmp_path / "data" / "clone.git", kind):
        file.unlink()
        if is_empty:  # what a machine that lost power makes of a file that was not flushed
            file.touch()
    repository = another(remote, tmp_path)

    assert contents(repository) == {"a": b"1", "b": b"1"}
    repository.push(repository.commit(repository.fetch().revision, {"b": b"3"}, "ours"))
    assert remote.files() == {"a": b"1", "b": b"3"}


def test_damage_found_while_reading_heals(remote: BareRemote, repository: GitRepository) -> None:
    entries = repository.fetch().entries
    list(repository.read(entries, max_bytes=9))
    _truncate_packs(remote.path.parent / "data" / "clone.git")

    assert [it for _, it in repository.read(entries, max_bytes=9)] == [b"1", b"1"]


def test_damage_found_while_looking_at_commits_heals(
    remote: BareRemote, repository: GitRepository
) -> None:
    revision = repository.fetch().revision
    clone = remote.path.parent / "data" / "clone.git"

    _truncate_packs(clone)
    assert repository.history(revision).writes == ()
    _truncate_packs(clone)
    assert len(repository.touches(revision, {"a"}, most=9)) == 1


@pytest.mark.parametrize("step", ["read", "history", "commit", "push"])
def test_a_folder_that_is_deleted_in_the_midst_of_a_cycle_costs_no_more_than_that_cycle(
    remote: BareRemote, repository: GitRepository, tmp_path: Path, step: str
) -> None:
    def cycle(at: str) -> None:
        def perhaps(now: str) -> None:
            if at == now:
                shutil.rmtree(tmp_path / "data")

        snapshot = repository.fetch()
        perhaps("read")
        list(repository.read(snapshot.entries, max_bytes=9))
        perhaps("history")
        repository.history(snapshot.revision)
        perhaps("commit")
        made = repository.commit(snapshot.revision, {"a": b"2"}, "ours")
        perhaps("push")
        repository.push(made)

    with contextlib.suppress(GitError):
        cycle(step)
    if remote.log() == ["first"]:
        cycle("")

    assert remote.log() == ["ours", "first"]


def test_damage_found_while_committing_is_healed_by_the_next_fetch(
    remote: BareRemote, repository: GitRepository
) -> None:
    base = repository.fetch().revision
    _truncate_packs(remote.path.parent / "data" / "clone.git")

    with pytest.raises(GitError, match="damaged"):
        repository.commit(base, {"a": b"2"}, "ours")

    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))
    assert remote.log() == ["ours", "first"]


@pytest.mark.parametrize("options", [[], ["--object-format=sha256"]], ids=["sha1", "sha256"])
def test_a_remote_that_was_made_anew_is_cloned_anew(
    remote: BareRemote, repository: GitRepository, options: Sequence[str]
) -> None:
    before = repository.fetch().revision
    shutil.rmtree(remote.path)
    BareRemote.create(remote.path, *options).put({"z": b"1"}, "another beginning")

    assert contents(repository) == {"z": b"1"}
    repository.push(repository.commit(repository.fetch().revision, {"z": b"2"}, "ours"))
    assert remote.log() == ["ours", "another beginning"]
    assert before.commit not in remote.log(form="%H")


def test_a_damaged_remote_is_an_error_and_no_endless_loop(
    remote: BareRemote, repository: GitRepository
) -> None:
    blob = remote.blob(b"1")
    path = remote.path / "objects" / blob[:2] / blob[2:]
    path.unlink()
    git(remote.path, "config", "uploadpack.allowFilter", "true")

    with pytest.raises(GitError):
        list(repository.read(repository.fetch().entries, max_bytes=9))


def test_the_folder_may_be_deleted_at_any_time(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    repository.fetch()
    subprocess.run(["rm", "-r", str(tmp_path / "data")], check=True)

    assert contents(repository) == remote.files()


# How deep its history is


def test_history_is_as_deep_as_wanted_and_grows(remote: BareRemote, tmp_path: Path) -> None:
    for number in range(5):
        remote.put({"a": b"%d" % number})
    repository = another(remote, tmp_path, history=2)

    repository.fetch()
    assert depth(tmp_path) == 2

    remote.put({"a": b"x"})
    repository.fetch()
    assert depth(tmp_path) == 3


def test_a_deeper_history_is_fetched_when_it_is_asked_for_and_a_shorter_one_costs_nothing(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(9):
        remote.put({"a": b"%d" % number})
    another(remote, tmp_path, history=2).fetch()
    made = (tmp_path / "data" / "clone.git").stat().st_ino

    depths = []
    for history in (6, 3, 7, 1000):
        another(remote, tmp_path, history=history).fetch()
        depths.append(depth(tmp_path))

    assert depths == [6, 6, 7, 10]
    assert (tmp_path / "data" / "clone.git").stat().st_ino == made


@pytest.mark.parametrize("text", [b"", b"many", b"\xff"])
def test_a_depth_that_is_not_known_is_fetched_again(
    remote: BareRemote, tmp_path: Path, text: bytes
) -> None:
    another(remote, tmp_path).fetch()
    (tmp_path / "data" / "clone.git" / "reconcile-depth").write_bytes(text)

    assert contents(another(remote, tmp_path)) == remote.files()


def test_a_clone_that_cannot_be_used_is_an_error_of_ours(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.fetch()
    (tmp_path / "data" / "clone.git" / "reconcile-depth").unlink()
    (tmp_path / "data" / "clone.git" / "reconcile-depth").mkdir()

    with pytest.raises(GitError, match="cannot use the clone: Is a directory"):
        repository.fetch()


# A full disk

ON_A_SMALL_DISK = """\
import os, subprocess, sys
from pathlib import Path
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import GitError, ReconcilerError
from reconciler.settings import GitSettings

url, disk = sys.argv[1], Path(sys.argv[2])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
repository = GitRepository(GitSettings(url), disk / "data")
ballast = disk / "ballast"

def fill(spare):
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    os.truncate(ballast, max(0, ballast.stat().st_size - spare))

def cycle():
    snapshot = repository.fetch()
    files = {entry.path: content for entry, content in repository.read(snapshot.entries,
             max_bytes=1 << 20)}
    content = bytes([files["a"][0] + 1]) + os.urandom(100_000)
    repository.push(repository.commit(snapshot.revision, {"a": content}, "ours"))

def attempt():
    try:
        cycle()
    except ReconcilerError as error:
        assert type(error) is GitError, repr(error)
        assert error.message == "no space left on the disk", repr(error)
        return
    sys.exit("there was room")

for spare in (0, 4096, 40_000, 90_000):
    fill(spare)
    attempt()
ballast.unlink()
cycle()
for spare in (0, 4096, 40_000, 90_000):
    fill(spare)
    attempt()
ballast.unlink()
cycle()
"""


def test_a_full_disk_is_told_and_with_room_again_all_goes_on(
    remote: BareRemote, tmp_path: Path
) -> None:
    alone = ["unshare", "--mount", *([] if os.getuid() == 0 else ["--user", "--map-root-user"])]
    disk = tmp_path / "disk"
    disk.mkdir()
    trial = [*alone, "mount", "-t", "tmpfs", "tmpfs", str(disk)]
    if subprocess.run(trial, capture_output=True, check=False).returncode:
        raise MissingPartError("this kernel permits no mounts to us: run as root")
    remote.put({"a": b"1" + os.urandom(100_000)})

    done = subprocess.run(
        [*alone, sys.executable, "-c", ON_A_SMALL_DISK, str(remote.path), str(disk)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.stderr == ""
    assert done.returncode == 0
    assert remote.log() == ["ours", "ours", "by a person", "first"]
