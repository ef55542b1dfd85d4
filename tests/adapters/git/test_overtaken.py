"""Somebody pushed before us: what they pushed is had in one request, contents and all."""

import shutil
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.revision import Revision
from reconciler.errors import NotFoundError, RemoteMovedError
from tests.adapters.git.clones import another, contents


def overtake(remote: BareRemote, repository: GitRepository, content: bytes = b"2") -> Revision:
    """Have somebody push between our fetch and our push; return their commit."""
    base = repository.fetch().revision
    theirs = Revision("main", remote.put({"b": content}, "theirs"))
    with pytest.raises(RemoteMovedError):
        repository.push(repository.commit(base, {"a": b"2"}, "ours"))
    return theirs


def test_what_was_pushed_is_there_with_its_contents(
    remote: BareRemote, repository: GitRepository
) -> None:
    contents(repository)
    theirs = overtake(remote, repository)

    snapshot = repository.fetch()
    remote.path.rename(remote.path.with_name("gone.git"))
    read = {each.path: it for each, it in repository.read(snapshot.entries, max_bytes=100)}

    assert snapshot.revision == theirs
    assert read == {"a": b"1", "b": b"2"}


def test_a_content_that_is_no_manifest_s_size_is_still_had_on_demand(
    remote: BareRemote, repository: GitRepository
) -> None:
    overtake(remote, repository, b"2" * (1 << 20))

    assert contents(repository) == {"a": b"1", "b": b"2" * (1 << 20)}


def test_of_what_was_overtaken_the_second_try_stands(
    remote: BareRemote, repository: GitRepository
) -> None:
    overtake(remote, repository)

    repository.push(repository.commit(repository.fetch().revision, {"a": b"3"}, "ours, again"))

    assert remote.log() == ["ours, again", "theirs", "first"]


def test_a_clone_that_is_gone_meanwhile_is_made_again(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    theirs = overtake(remote, repository)
    shutil.rmtree(tmp_path / "data")

    assert repository.fetch().revision == theirs


def test_a_branch_that_is_gone_meanwhile_is_told(
    remote: BareRemote, repository: GitRepository
) -> None:
    overtake(remote, repository)
    git(remote.path, "update-ref", "-d", "refs/heads/main")

    with pytest.raises(NotFoundError):
        repository.fetch()


def test_a_head_that_names_another_branch_meanwhile_is_followed_by_the_next_cycle(
    remote: BareRemote, repository: GitRepository
) -> None:
    theirs = overtake(remote, repository)
    trunk = remote.put({"x": b"x"}, branch="trunk")
    git(remote.path, "symbolic-ref", "HEAD", "refs/heads/trunk")

    assert repository.fetch().revision == theirs
    assert repository.fetch().revision == Revision("trunk", trunk)


def test_a_remote_that_hands_out_no_single_contents_is_caught_up_with_too(
    remote: BareRemote, tmp_path: Path
) -> None:
    git(remote.path, "config", "uploadpack.allowFilter", "false")
    repository = another(remote, tmp_path)
    theirs = overtake(remote, repository)

    assert repository.fetch().revision == theirs
    assert contents(repository) == {"a": b"1", "b": b"2"}


def test_a_remote_that_knows_no_filter_by_size_is_asked_without(
    remote: BareRemote, repository: GitRepository
) -> None:
    git(remote.path, "config", "uploadpackfilter.allow", "false")
    git(remote.path, "config", "uploadpackfilter.blob:none.allow", "true")
    theirs = overtake(remote, repository)

    assert repository.fetch().revision == theirs
    assert contents(repository) == {"a": b"1", "b": b"2"}
