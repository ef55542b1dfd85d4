"""What every ManifestRepository promises: the fake, and the real one over each kind of URL."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from lab.bare_repository import BareRemote
from lab.git_server import USER, serving
from lab.ssh_server import make_key, serving_ssh
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.manifests.tree import EntryKind, Oversize, TreeEntry
from reconciler.core.revision import Revision
from reconciler.errors import GitError, NotFoundError, RemoteMovedError
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.settings import GitSettings
from tests.fakes.git import FakeGit

MAX = 1 << 20


class Remote(Protocol):
    """The remote's side: what somebody else does and sees there."""

    def put(self, files: Mapping[str, bytes | None], message: str = ...) -> str:
        """Commit as somebody else."""
        ...

    def files(self) -> dict[str, bytes]:
        """Return what the branch holds."""
        ...

    def log(self) -> list[str]:
        """Return the messages, newest first."""
        ...


Pair = tuple[Remote, ManifestRepository]


def fake(_: Path, __: contextlib.ExitStack) -> Pair:
    one = FakeGit()
    return one, one


def by_path(folder: Path, _: contextlib.ExitStack) -> Pair:
    remote = BareRemote.create(folder / "re mote.git")
    return remote, GitRepository(GitSettings(url=str(remote.path)), folder / "clone")


def by_file_url(folder: Path, _: contextlib.ExitStack) -> Pair:
    remote = BareRemote.create(folder / "100% remote.git")
    settings = GitSettings(url=remote.path.as_uri(), branch="main")
    return remote, GitRepository(settings, folder / "clone")


def by_http(folder: Path, stack: contextlib.ExitStack) -> Pair:
    remote = BareRemote.create(folder / "root" / "web.git")
    server = stack.enter_context(serving(folder / "root", password="hunter2"))
    password = folder / "password"
    password.write_text("hunter2\n")
    settings = GitSettings(f"{server.url}/web.git", username=USER, password_file=password)
    return remote, GitRepository(settings, folder / "clone")


def by_ssh(folder: Path, stack: contextlib.ExitStack) -> Pair:
    remote = BareRemote.create(folder / "root" / "web.git")
    server = stack.enter_context(serving_ssh(folder / "sshd", folder / "root"))
    server.authorize(make_key(folder / "key"))
    (folder / "known_hosts").write_text(server.known_hosts)
    settings = GitSettings(
        f"{server.url}/web.git",
        ssh_key_file=folder / "key",
        known_hosts_file=folder / "known_hosts",
    )
    return remote, GitRepository(settings, folder / "clone")


@pytest.fixture(
    params=[
        pytest.param(fake, id="fake"),
        pytest.param(by_path, id="path"),
        pytest.param(by_file_url, id="file-url"),
        pytest.param(by_http, id="http", marks=pytest.mark.git_server),
        pytest.param(by_ssh, id="ssh", marks=pytest.mark.git_server),
    ]
)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    make: Callable[[Path, contextlib.ExitStack], Pair] = request.param
    with contextlib.ExitStack() as stack:
        yield make(tmp_path, stack)


def contents(repository: ManifestRepository, *, max_bytes: int = MAX) -> dict[str, object]:
    entries = repository.fetch().entries
    return {entry.path: it for entry, it in repository.read(entries, max_bytes=max_bytes)}


def test_a_fetch_returns_the_tip_and_its_files_sorted_by_path(pair: Pair) -> None:
    remote, repository = pair
    commit = remote.put({"b.yaml": b"b", "a/z.yaml": b"z", "a.yaml": b"a", "a-b/c": b"c"})

    snapshot = repository.fetch()

    assert snapshot.revision == Revision("main", commit)
    assert [entry.path for entry in snapshot.entries] == ["a-b/c", "a.yaml", "a/z.yaml", "b.yaml"]
    assert {entry.kind for entry in snapshot.entries} == {EntryKind.FILE}


def test_contents_come_in_the_order_in_which_they_are_asked_for(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"same", "b": b"\x00\n\xff", "c": b"same", "d": b""})
    entries = repository.fetch().entries[::-1]

    assert list(repository.read(entries, max_bytes=MAX)) == list(
        zip(entries, [b"", b"same", b"\x00\n\xff", b"same"], strict=True)
    )


def test_a_content_that_is_too_large_is_told_by_its_size_alone(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"12345", "b": b"123456"})

    assert contents(repository, max_bytes=5) == {"a": b"12345", "b": Oversize(6)}


def test_nothing_is_read_when_nothing_is_asked_for(pair: Pair) -> None:
    _, repository = pair

    assert list(repository.read([], max_bytes=MAX)) == []


def test_a_content_that_does_not_exist_is_an_error(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"a"})
    repository.fetch()
    stranger = TreeEntry("b", EntryKind.FILE, "1" * 40)

    with pytest.raises(GitError):
        list(repository.read([stranger], max_bytes=MAX))


def test_a_fetch_sees_what_others_pushed(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1", "b": b"1"})
    repository.fetch()
    remote.put({"a": b"2", "b": None, "c": b"3"})

    assert contents(repository) == {"a": b"2", "c": b"3"}


def test_a_commit_is_not_published(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1"})
    base = repository.fetch().revision

    made = repository.commit(base, {"a": b"2"}, "ours")

    assert made != base
    assert remote.files() == {"a": b"1"}
    assert repository.fetch().revision == base


def test_a_pushed_commit_changes_the_given_files_and_no_others(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1", "dir/b": b"1", "dir/c": b"1"})
    base = repository.fetch().revision

    made = repository.commit(base, {"dir/b": b"2\r\n", "a": b""}, "ours")
    repository.push(made)

    assert remote.files() == {"a": b"", "dir/b": b"2\r\n", "dir/c": b"1"}
    assert remote.log() == ["ours", "by a person"]
    assert repository.fetch().revision == made
    assert contents(repository)["dir/b"] == b"2\r\n"


def test_a_file_that_does_not_exist_cannot_be_given_a_content(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1"})
    base = repository.fetch().revision

    with pytest.raises(GitError, match="no such file") as caught:
        repository.commit(base, {"b": b"2"}, "ours")

    assert caught.value.where == "b"


def test_when_somebody_pushes_in_between_both_commits_stand_in_the_end(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1", "b": b"1"})
    made = repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")
    remote.put({"b": b"theirs"}, "theirs")

    with pytest.raises(RemoteMovedError):
        repository.push(made)
    assert remote.files() == {"a": b"1", "b": b"theirs"}

    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))
    assert remote.files() == {"a": b"2", "b": b"theirs"}
    assert remote.log() == ["ours", "theirs", "by a person"]


def test_a_commit_can_be_pushed_only_once(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1"})
    base = repository.fetch().revision
    repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    with pytest.raises(RemoteMovedError):
        repository.push(repository.commit(base, {"a": b"3"}, "ours, late"))
    assert remote.log() == ["ours", "by a person"]


def test_what_commits_made_of_files_is_told_the_newest_first(pair: Pair) -> None:
    remote, repository = pair
    remote.put({"a": b"1", "b": b"1", "dir/a": b"1"}, "first")
    remote.put({"a": b"2", "dir/a": b"2"}, "second")
    remote.put({"b": b"2"}, "another")
    remote.put({"a": None, "b": b"3"}, "third")
    revision = repository.fetch().revision

    touches = repository.touches(revision, {"a"}, most=9)
    of_two = repository.touches(revision, {"a", "b", "nowhere"}, most=2)

    assert [each.message.text.strip() for each in touches] == ["third", "second", "first"]
    assert touches[0].message.commit == revision.commit
    assert [(each.before is None, each.after is None) for each in touches] == [
        (False, True), (False, False), (True, False),
    ]  # fmt: skip
    states = [each for touch in touches for each in (touch.before, touch.after) if each]
    contents = [content for _, content in repository.read(states, max_bytes=MAX)]
    assert contents == [b"2", b"1", b"2", b"1"]
    assert [(each.message.text.strip(), each.path) for each in of_two] == [
        ("third", "a"), ("third", "b"), ("another", "b"), ("second", "a"),
    ]  # fmt: skip
    assert repository.touches(revision, set(), most=9) == []


def test_an_empty_repository_is_named(pair: Pair) -> None:
    _, repository = pair

    with pytest.raises(NotFoundError, match="is empty") as caught:
        repository.fetch()

    assert caught.value.where
