"""What commits made of files, read from real repositories without their contents."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.manifests.tree import EntryKind
from reconciler.core.retraction import Touch
from reconciler.settings import GitSettings


def touches(repository: GitRepository, *paths: str, most: int = 9) -> list[Touch]:
    return list(repository.touches(repository.fetch().revision, paths, most=most))


def subjects(found: list[Touch]) -> list[str]:
    return [each.message.text.strip() for each in found]


def test_of_a_merge_the_merge_is_named_and_not_what_it_brought(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(remote.path), "work")
    work = tmp_path / "work"
    git(work, "checkout", "--quiet", "-b", "side")
    (work / "a").write_text("2")
    git(work, "commit", "--quiet", "-am", "on the side")
    git(work, "checkout", "--quiet", "main")
    (work / "b").write_text("2")
    git(work, "commit", "--quiet", "-am", "in between")
    git(work, "merge", "--quiet", "--no-ff", "-m", "the merge", "side")
    git(work, "push", "--quiet")

    assert subjects(touches(repository, "a")) == ["the merge", "first"]


@pytest.mark.parametrize("name", ["*", ":(glob)**", "-a", "a b", "ä", "x\ny", ":!a", "a[b]", '"q"'])
def test_a_name_is_a_name_and_no_pattern(
    remote: BareRemote, repository: GitRepository, name: str
) -> None:
    remote.put({name: b"1", f"{name}x": b"1"}, "odd")
    remote.put({f"{name}x": b"2"}, "another")

    assert [(each.path, subjects([each])) for each in touches(repository, name)] == [
        (name, ["odd"])
    ]


def test_a_folder_of_that_name_is_another_thing(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.put({"a": None, "a/b": b"1"}, "a folder")

    assert [(each.path, each.after) for each in touches(repository, "a", most=1)] == [("a", None)]


def test_what_became_a_link_is_told(remote: BareRemote, repository: GitRepository) -> None:
    remote.put({"a": b"elsewhere"}, "a link", mode="120000")

    (touch, _) = touches(repository, "a")

    assert touch.before is not None
    assert touch.after is not None
    assert (touch.before.kind, touch.after.kind) == (EntryKind.FILE, EntryKind.LINK)


def test_more_paths_than_a_command_takes_are_found_all_the_same(
    remote: BareRemote, repository: GitRepository
) -> None:
    names = [f"{number:0200}" for number in range(400)]
    remote.put(dict.fromkeys(names, b"1"), "many")
    remote.put({"b": b"2"}, "not asked for")

    assert subjects(touches(repository, *names)) == ["many"] * 400


def test_no_content_is_fetched_for_it_and_then_all_at_once(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(5):
        remote.put({"a": b"%d of many" % number})
    repository = GitRepository(GitSettings(f"file://{remote.path}"), tmp_path / "data")
    packs = tmp_path / "data" / "clone.git" / "objects" / "pack"

    found = touches(repository, "a")
    before = len(list(packs.glob("*.pack")))
    states = [state for touch in found for state in (touch.after, touch.before) if state]
    contents = [content for _, content in repository.read(states, max_bytes=99)]

    assert contents[0] == b"4 of many"
    assert len(contents) == 11
    assert (before, len(list(packs.glob("*.pack")))) == (1, 2)


def test_a_history_that_is_cut_off_begins_with_files_that_were_not_there(
    remote: BareRemote, tmp_path: Path
) -> None:
    remote.put({"a": b"2"}, "second")
    settings = GitSettings(f"file://{remote.path}", history=1)

    (touch,) = touches(GitRepository(settings, tmp_path / "data"), "a")

    assert (subjects([touch]), touch.before) == (["second"], None)


def test_a_repository_in_sha256_tells_it_too(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git", "--object-format=sha256")
    remote.put({"a": b"1"}, "first")

    (touch,) = touches(GitRepository(GitSettings(str(remote.path)), tmp_path / "data"), "a")

    assert (len(touch.message.commit), touch.before) == (64, None)
