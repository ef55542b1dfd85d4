"""A local folder as a branch."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.local import folder as folder_module
from reconciler.adapters.local.folder import FolderRepository
from reconciler.core.manifests.tree import EntryKind, Oversize
from reconciler.errors import (
    AccessDeniedError,
    RemoteMovedError,
    StalledError,
    TransientError,
)

MAX = 1024 * 1024
NOBODY = 65534


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def contents(repository: FolderRepository) -> dict[str, bytes | Oversize]:
    entries = repository.fetch().entries
    return {entry.path: content for entry, content in repository.read(entries, max_bytes=MAX)}


def test_only_what_may_be_a_manifest_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, b_yaml="b", deploy__a_yaml="a", README="x", _git__c_yaml="c")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "d.yaml").write_text("d")
    (tmp_path / ".sourceignore").write_text("/x\n")
    os.mkfifo(tmp_path / "pipe.yaml")

    assert contents(FolderRepository(tmp_path)) == {
        ".sourceignore": b"/x\n",
        "_git/c.yaml": b"c",
        "b.yaml": b"b",
        "deploy/a.yaml": b"a",
    }


def test_all_that_lies_with_a_kustomization_is_looked_at(tmp_path: Path) -> None:
    write(tmp_path, README="x", app__Kustomization="k", app__notes="n", app__sub__page="p")
    (tmp_path / "app" / "link").symlink_to("notes")
    os.mkfifo(tmp_path / "app" / "pipe")

    assert contents(FolderRepository(tmp_path)) == {
        "app/Kustomization": b"k",
        "app/notes": b"n",
        "app/sub/page": b"p",
    }


def test_one_file_can_be_all_that_counts(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a", b_yaml="b", c__d_yaml="d")

    assert contents(FolderRepository(tmp_path, only="b.yaml")) == {"b.yaml": b"b"}


def test_links_are_named_and_not_followed(tmp_path: Path) -> None:
    write(tmp_path, outside__a_yaml="a", root__b_yaml="b")
    (tmp_path / "root" / "link.yaml").symlink_to("../outside/a.yaml")
    (tmp_path / "root" / "folder").symlink_to("../outside")
    (tmp_path / "way").symlink_to("root")

    repository = FolderRepository(tmp_path / "way")  # what a person names may be reached by a link
    kinds = {entry.path: entry.kind for entry in repository.fetch().entries}

    assert kinds == {"b.yaml": EntryKind.FILE, "link.yaml": EntryKind.LINK}
    assert contents(repository)["link.yaml"] == b"../outside/a.yaml"


def test_the_revision_is_what_the_folder_says(tmp_path: Path) -> None:
    write(tmp_path, one__a_yaml="a", two__a_yaml="a", three__b_yaml="a", four__a_yaml="b")
    write(tmp_path, two__README="is no manifest")

    one, two, three, four = (
        FolderRepository(tmp_path / name).fetch().revision
        for name in ("one", "two", "three", "four")
    )

    assert one == two
    assert len({one, three, four}) == 3
    assert str(one).startswith("folder@sha256:")


def test_a_file_over_the_limit_is_not_loaded(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a" * (MAX + 1))

    assert contents(FolderRepository(tmp_path)) == {"a.yaml": Oversize(MAX + 1)}


def test_a_file_far_over_the_limit_is_not_even_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILE_BYTES", 10)
    write(tmp_path, a_yaml="a" * 11)
    repository = FolderRepository(tmp_path)
    before = repository.fetch().revision

    assert contents(repository) == {"a.yaml": Oversize(11)}
    write(tmp_path, a_yaml="a" * 12)
    assert repository.fetch().revision != before


def test_a_folder_beyond_reason_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILES", 1)
    write(tmp_path, a_yaml="a", b_yaml="b")

    with pytest.raises(StalledError, match="name a smaller folder"):
        FolderRepository(tmp_path).fetch()


def test_a_name_that_is_no_text_can_be_shown_and_written(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff.yaml"
    Path(os.fsdecode(raw)).write_bytes(b"old")
    repository = FolderRepository(tmp_path)
    (entry,) = repository.fetch().entries

    assert entry.path == "\\xff.yaml"
    repository.commit(repository.fetch().revision, {entry.path: b"new"}, "")
    assert Path(os.fsdecode(raw)).read_bytes() == b"new"


def test_what_is_committed_is_written_and_keeps_its_mode(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="a", deploy__b_yaml="b", c_yaml="c")
    (tmp_path / "a.yaml").chmod(0o640)
    (tmp_path / "deploy" / "b.yaml").chmod(0o755)
    repository = FolderRepository(tmp_path)
    base = repository.fetch().revision

    revision = repository.commit(base, {"a.yaml": b"A", "deploy/b.yaml": b"B"}, "ignored")
    repository.push(revision)

    assert contents(repository) == {"a.yaml": b"A", "c.yaml": b"c", "deploy/b.yaml": b"B"}
    assert stat.S_IMODE((tmp_path / "a.yaml").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "deploy" / "b.yaml").stat().st_mode) == 0o755
    assert revision == FolderRepository(tmp_path).fetch().revision != base
    assert names(tmp_path) == ["a.yaml", "c.yaml", "deploy"]


@pytest.mark.parametrize("what", ["changed", "gone", "link", "folder"])
def test_what_changed_meanwhile_is_not_overwritten(tmp_path: Path, what: str) -> None:
    write(tmp_path, a_yaml="a", b_yaml="b", elsewhere__b_yaml="b")
    repository = FolderRepository(tmp_path)
    base = repository.fetch().revision
    path = tmp_path / "b.yaml"
    path.unlink()
    match what:
        case "changed":
            path.write_text("by a person")
        case "link":
            path.symlink_to("elsewhere/b.yaml")
        case "folder":
            path.mkdir()

    with pytest.raises(RemoteMovedError) as raised:
        repository.commit(base, {"a.yaml": b"A", "b.yaml": b"B"}, "")

    assert raised.value.where == "b.yaml"
    assert (tmp_path / "a.yaml").read_text() == "a"  # all or none
    assert (tmp_path / "elsewhere" / "b.yaml").read_text() == "b"
    assert not [name for name in names(tmp_path) if name.endswith(".tmp")]


def test_a_folder_that_became_a_link_is_not_written_through(tmp_path: Path) -> None:
    write(tmp_path, root__deploy__a_yaml="a", elsewhere__a_yaml="a")
    repository = FolderRepository(tmp_path / "root")
    base = repository.fetch().revision
    (tmp_path / "root" / "deploy").rename(tmp_path / "root" / "old")
    (tmp_path / "root" / "deploy").symlink_to("../elsewhere")

    with pytest.raises(RemoteMovedError):
        repository.commit(base, {"deploy/a.yaml": b"A"}, "")

    assert (tmp_path / "elsewhere" / "a.yaml").read_text() == "a"


def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, a_yaml="a", b_yaml="b")
    repository = FolderRepository(tmp_path)
    base = repository.fetch().revision
    calls: list[int] = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(TransientError) as raised:
        repository.commit(base, {"a.yaml": b"A", "b.yaml": b"B"}, "")

    assert str(raised.value) == "b.yaml: cannot write: No space left on device"
    assert contents(repository) == {"a.yaml": b"a", "b.yaml": b"b"}
    assert names(tmp_path) == ["a.yaml", "b.yaml"]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of somebody's who is not root, and we are that somebody."""
    with tempfile.TemporaryDirectory() as name:
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            Path(name).chmod(0o700)
            if is_root:
                os.seteuid(0)


def test_what_may_not_be_read_or_written_is_told(unprivileged: Path) -> None:
    write(unprivileged, a_yaml="a")
    repository = FolderRepository(unprivileged)
    base = repository.fetch().revision
    unprivileged.chmod(0o500)
    with pytest.raises(AccessDeniedError, match=r"a\.yaml: cannot write: Permission denied"):
        repository.commit(base, {"a.yaml": b"A"}, "")
    unprivileged.chmod(0o000)
    with pytest.raises(AccessDeniedError, match="cannot read it: Permission denied"):
        repository.fetch()
