"""A branch beside the one that is read, on real remotes."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import USER, serving
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.proposal import BranchTip
from reconciler.errors import RefusedError, RemoteMovedError, SettingsError
from reconciler.settings import GitSettings
from tests.adapters.git.clones import another

BRANCH = "reconcile/web"


@pytest.fixture
def ours(remote: BareRemote, tmp_path: Path) -> GitRepository:
    return another(remote, tmp_path, push_branch=BRANCH)


def test_a_branch_that_is_not_there_is_none(ours: GitRepository) -> None:
    assert ours.side_branch(BRANCH).proposed(ours.fetch().revision) is None


def test_a_tip_of_ours_is_told_beside_its_base(remote: BareRemote, ours: GitRepository) -> None:
    base = ours.fetch().revision
    side = ours.side_branch(BRANCH)
    made = ours.commit(base, {"a": b"2"}, "ours\n")
    side.propose(made, seen="")

    assert side.proposed(ours.fetch().revision) == BranchTip(
        commit=made.commit,
        parents=(base.commit,),
        is_by_us=True,
        is_merged=False,
        message="ours\n",
        changed={"a": remote.blob(b"2")},
    )


def test_a_person_s_tip_is_told_with_what_is_added_and_gone(
    remote: BareRemote, ours: GitRepository
) -> None:
    base = remote.tip()
    git(remote.path, "update-ref", f"refs/heads/{BRANCH}", base)
    remote.put({"a": None, "ü b": b"new"}, "theirs", branch=BRANCH)

    tip = ours.side_branch(BRANCH).proposed(ours.fetch().revision)

    assert tip is not None
    assert (tip.is_by_us, tip.is_merged) == (False, False)
    assert tip.changed == {"a": "", "ü b": remote.blob(b"new")}


def test_a_tip_that_the_base_has_is_merged(remote: BareRemote, ours: GitRepository) -> None:
    git(remote.path, "update-ref", f"refs/heads/{BRANCH}", remote.tip())
    remote.put({"a": b"2"})

    tip = ours.side_branch(BRANCH).proposed(ours.fetch().revision)

    assert tip is not None
    assert tip.is_merged


def test_a_commit_without_a_common_history_is_told(remote: BareRemote, ours: GitRepository) -> None:
    remote.put({"x": b"x"}, "alone", branch=BRANCH)

    tip = ours.side_branch(BRANCH).proposed(ours.fetch().revision)

    assert tip is not None
    assert (tip.parents, tip.is_merged) == ((), False)


@pytest.mark.parametrize("seen", ["", "0123456789" * 4])
def test_a_branch_that_is_not_where_it_was_seen_is_left_alone(
    remote: BareRemote, ours: GitRepository, seen: str
) -> None:
    tip = remote.put({"x": b"x"}, "theirs", branch=BRANCH)
    made = ours.commit(ours.fetch().revision, {"a": b"2"}, "ours")

    for revision in (made, None):
        if revision or seen:
            with pytest.raises(RemoteMovedError):
                ours.side_branch(BRANCH).propose(revision, seen=seen)
    assert remote.tip(BRANCH) == tip


def test_a_branch_is_moved_back_and_forth_and_removed(
    remote: BareRemote, ours: GitRepository
) -> None:
    base = ours.fetch().revision
    side = ours.side_branch(BRANCH)
    one, two = (ours.commit(base, {"a": text}, "ours") for text in (b"2", b"3"))

    side.propose(one, seen="")
    side.propose(two, seen=one.commit)
    assert remote.tip(BRANCH) == two.commit
    side.propose(one, seen=two.commit)
    assert remote.tip(BRANCH) == one.commit
    side.propose(None, seen=one.commit)
    assert remote.tip(BRANCH) == ""


def test_a_branch_that_is_removed_while_we_look_counts_as_moved(
    remote: BareRemote, ours: GitRepository
) -> None:
    remote.put({"x": b"x"}, "theirs", branch=BRANCH)
    base = ours.fetch().revision
    git(remote.path, "update-ref", "-d", f"refs/heads/{BRANCH}")

    with pytest.raises(RemoteMovedError, match="removed meanwhile"):
        ours.side_branch(BRANCH).proposed(base)


def test_a_remote_that_lets_nobody_remove_branches_is_told(
    remote: BareRemote, ours: GitRepository
) -> None:
    git(remote.path, "config", "receive.denyDeletes", "true")
    tip = remote.put({"x": b"x"}, "theirs", branch=BRANCH)
    ours.fetch()

    with pytest.raises(RefusedError, match="deletion"):
        ours.side_branch(BRANCH).propose(None, seen=tip)


def test_a_known_tip_costs_no_command(
    remote: BareRemote, ours: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put({"x": b"x"}, "theirs", branch=BRANCH)
    side = ours.side_branch(BRANCH)
    first = side.proposed(ours.fetch().revision)
    again = ours.fetch().revision
    monkeypatch.setenv("PATH", "")

    assert side.proposed(again) is first


def test_a_history_that_is_cut_off_before_the_branch_is_no_obstacle(
    remote: BareRemote, tmp_path: Path
) -> None:
    git(remote.path, "update-ref", f"refs/heads/{BRANCH}", remote.tip())
    remote.put({"x": b"x"}, "theirs", branch=BRANCH)
    for number in range(5):
        remote.put({"a": str(number).encode()})
    ours = another(remote, tmp_path, push_branch=BRANCH, history=2)

    tip = ours.side_branch(BRANCH).proposed(ours.fetch().revision)

    assert tip is not None
    assert not tip.is_merged


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"read_only": True}, "--git-read-only is set"),
        ({"push_branch": BRANCH}, f"--git-push-branch names '{BRANCH}'"),
    ],
)
def test_nothing_is_pushed_where_the_settings_do_not_want_it(
    remote: BareRemote, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    repository = another(remote, tmp_path, **options)
    made = repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")

    with pytest.raises(SettingsError, match=message):
        repository.push(made)
    assert remote.log() == ["first"]


def test_a_remote_that_is_only_read_has_no_branch_of_ours(
    remote: BareRemote, tmp_path: Path
) -> None:
    repository = another(remote, tmp_path, push_branch=BRANCH, read_only=True)
    made = repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")

    with pytest.raises(SettingsError, match="read-only"):
        repository.side_branch(BRANCH).propose(made, seen="")


@pytest.mark.parametrize("name", ["--force", "a..b", "HEAD", "a b", "x\ny", ""])
def test_what_is_no_name_of_a_branch_is_refused(
    remote: BareRemote, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SettingsError, match="no name of a branch"):
        another(remote, tmp_path).side_branch(name)


def test_a_branch_in_sha256_works_the_same(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git", "--object-format=sha256")
    remote.put({"a": b"1"}, "first")
    ours = another(remote, tmp_path, push_branch=BRANCH)
    side = ours.side_branch(BRANCH)
    side.propose(ours.commit(ours.fetch().revision, {"a": b"2"}, "ours"), seen="")

    tip = side.proposed(ours.fetch().revision)

    assert tip is not None
    assert tip.changed == {"a": remote.blob(b"2")}


@pytest.mark.git_server
def test_a_branch_is_made_moved_and_removed_over_http(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "root" / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    base = remote.put({"a": b"1"})
    (tmp_path / "password").write_text("hunter2\n")
    with serving(tmp_path / "root", password="hunter2") as server:
        settings = GitSettings(
            url=f"{server.url}/web.git",
            username=USER,
            password_file=tmp_path / "password",
            push_branch=BRANCH,
        )
        ours = GitRepository(settings, tmp_path / "clone")
        side = ours.side_branch(BRANCH)
        revision = ours.fetch().revision
        one, two = (ours.commit(revision, {"a": text}, "ours") for text in (b"2", b"3"))
        side.propose(one, seen="")
        side.propose(two, seen=one.commit)
        tip = side.proposed(ours.fetch().revision)
        assert tip is not None
        assert (tip.commit, tip.parents) == (two.commit, (base,))
        with pytest.raises(RemoteMovedError):
            side.propose(None, seen=one.commit)
        side.propose(None, seen=two.commit)
    assert remote.tip(BRANCH) == ""


@pytest.mark.git_server
def test_what_the_remote_has_is_not_sent_though_its_branch_moved_on(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "root" / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    remote.put({f"folder/{number}": b"%d\n" % number for number in range(200)})
    with serving(tmp_path / "root") as server:
        settings = GitSettings(url=f"{server.url}/web.git", push_branch=BRANCH)
        ours = GitRepository(settings, tmp_path / "clone")
        made = ours.commit(ours.fetch().revision, {"folder/7": b"new\n"}, "ours")
        remote.put({"README.md": b"moved\n"})
        before = objects(remote)
        ours.side_branch(BRANCH).propose(made, seen="")

    assert objects(remote) - before == 4  # a commit, two trees and a content


def objects(remote: BareRemote) -> int:
    """Return how many objects a repository has, as often as it has them."""
    lines = git(remote.path, "count-objects", "-v").splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["count"]) + int(counts["in-pack"])
