"""What our commits wrote, read from real repositories."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.messages import MAX_MESSAGE_BYTES, chunks, message_of
from reconciler.adapters.git.repository import GitRepository
from reconciler.core.history import History
from reconciler.core.message import ImageTrailer, parse_trailers
from reconciler.settings import GitSettings

IMAGE = "registry.example/web"


def trailer(old: str, new: str) -> str:
    return str(ImageTrailer("a", "web:deployment/web", "web", f"{IMAGE}:{old}", f"{IMAGE}:{new}"))


def ours(old: str, new: str) -> str:
    """Return the message of a commit of ours."""
    return f"Update web to {new}\n\nweb\n\n{trailer(old, new)}\nReconcile-By: default@1f3a9c02\n"


def history(repository: GitRepository) -> History:
    return repository.history(repository.fetch().revision)


def moves(found: History) -> list[str]:
    return [
        f"{each.trailer.old.rpartition(':')[2]} -> {each.trailer.new.rpartition(':')[2]}"
        for each in found.writes
    ]


def test_our_commits_are_read_the_oldest_first(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    remote.put({"b": b"2"}, "by a person\n\nwho mentions Reconcile-Image: in a line\n")
    remote.put({"a": b"v5"}, ours("v4", "v5"))

    found = history(repository)

    assert moves(found) == ["v3 -> v4", "v4 -> v5"]
    last = found.writes[-1]
    assert (last.commit, last.by) == (remote.tip(), "default@1f3a9c02")
    assert last.author == "A Person <person@example.org>"
    assert abs((last.at - datetime.now(UTC)).total_seconds()) < 3600
    assert found.since is None


def test_a_repository_without_a_commit_of_ours_has_no_history(repository: GitRepository) -> None:
    assert history(repository) == History()


def test_it_is_read_once_a_revision(remote: BareRemote, repository: GitRepository) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    first = history(repository)

    assert history(repository) is first
    remote.put({"a": b"v5"}, ours("v4", "v5"))
    assert moves(history(repository)) == ["v3 -> v4", "v4 -> v5"]


def test_a_commit_of_our_own_that_was_not_pushed_yet_is_read_too(
    remote: BareRemote, repository: GitRepository
) -> None:
    revision = repository.fetch().revision
    made = repository.commit(revision, {"a": b"v4"}, ours("v3", "v4"))

    assert moves(repository.history(made)) == ["v3 -> v4"]
    assert moves(repository.history(revision)) == []
    assert remote.tip() == revision.commit


def work_tree(remote: BareRemote, folder: Path) -> Path:
    git(folder, "clone", "--quiet", str(remote.path), "work")
    return folder / "work"


def test_a_revert_keeps_our_commit_in_the_history(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    work = work_tree(remote, tmp_path)
    git(work, "revert", "--no-edit", "HEAD")
    git(work, "push", "--quiet")

    assert moves(history(repository)) == ["v3 -> v4"]


def test_a_squash_merge_has_all_its_commits(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    work = work_tree(remote, tmp_path)
    git(work, "checkout", "--quiet", "-b", "updates")
    for old, new in (("v3", "v4"), ("v4", "v5")):
        (work / "a").write_text(new)
        git(work, "commit", "--quiet", "-am", ours(old, new))
    git(work, "checkout", "--quiet", "main")
    git(work, "merge", "--quiet", "--squash", "updates")
    git(work, "commit", "--quiet", "--no-edit")  # git's own message: the newest first, indented
    git(work, "push", "--quiet")
    indented = moves(history(repository))
    listed = "\n\n".join(f"* {ours(old, new)}" for old, new in (("v4", "v5"), ("v3", "v4")))
    git(work, "commit", "--quiet", "--amend", "-m", f"Updates (#7)\n\n{listed}")
    git(work, "push", "--quiet", "--force")

    assert indented == ["v3 -> v4", "v4 -> v5"]
    assert moves(history(repository)) == ["v3 -> v4", "v4 -> v5"]


def test_a_rebase_merge_and_a_merge_commit_keep_them(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    work = work_tree(remote, tmp_path)
    git(work, "checkout", "--quiet", "-b", "updates")
    (work / "a").write_text("v4")
    git(work, "commit", "--quiet", "-am", ours("v3", "v4"))
    git(work, "checkout", "--quiet", "main")
    (work / "b").write_text("2")
    git(work, "commit", "--quiet", "-am", "in between")
    git(work, "merge", "--quiet", "--no-ff", "--no-edit", "updates")
    git(work, "push", "--quiet")
    merged = moves(history(repository))
    git(work, "reset", "--quiet", "--hard", "HEAD^1")
    git(work, "cherry-pick", "updates")
    git(work, "push", "--quiet", "--force")

    assert merged == ["v3 -> v4"]
    assert moves(history(repository)) == ["v3 -> v4"]


def test_a_force_push_that_drops_our_commit_drops_its_memory(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    before = moves(history(repository))
    work = work_tree(remote, tmp_path)
    git(work, "reset", "--quiet", "--hard", "HEAD^")
    git(work, "push", "--quiet", "--force")

    assert before == ["v3 -> v4"]
    assert moves(history(repository)) == []


def test_what_is_older_than_the_known_history_is_said_to_be(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(4, 9):
        remote.put({"a": b"%d" % number}, ours(f"v{number - 1}", f"v{number}"))
    url = f"file://{remote.path}"  # a path would be cloned whole

    short = history(GitRepository(GitSettings(url=url, history=2), tmp_path / "short"))
    whole = history(GitRepository(GitSettings(url=url, history=100), tmp_path / "whole"))

    assert moves(short) == ["v6 -> v7", "v7 -> v8"]
    assert short.since is not None
    assert len(moves(whole)) == 5
    assert whole.since is None


def test_a_history_that_begins_in_another_age_can_be_read(
    remote: BareRemote, tmp_path: Path
) -> None:
    date = b"A Person <person@example.org> 99999999999999 +0000"  # more than git's fsck minds
    tree = git(remote.path, "rev-parse", f"{remote.tip()}^{{tree}}").strip()
    head = f"tree {tree}\nparent {remote.tip()}\n".encode()
    raw = head + b"author " + date + b"\ncommitter " + date + b"\n\nfrom far away\n"
    strange = git(remote.path, "hash-object", "-t", "commit", "-w", "--stdin", stdin=raw).strip()
    git(remote.path, "update-ref", "refs/heads/main", strange)
    url = f"file://{remote.path}"

    found = history(GitRepository(GitSettings(url=url, history=1), tmp_path / "data"))

    assert found.since is not None
    assert found.since.year == 9999


def test_a_history_that_is_known_to_its_first_commit_is_known_whole(
    remote: BareRemote, tmp_path: Path
) -> None:
    remote.put({"a": b"4"}, ours("v3", "v4"))
    url = f"file://{remote.path}"

    assert history(GitRepository(GitSettings(url=url, history=2), tmp_path / "data")).since is None


def test_a_longer_history_is_fetched_when_it_is_asked_for(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(4, 9):
        remote.put({"a": b"%d" % number}, ours(f"v{number - 1}", f"v{number}"))
    url = f"file://{remote.path}"
    history(GitRepository(GitSettings(url=url, history=1), tmp_path / "data"))

    found = history(GitRepository(GitSettings(url=url, history=50), tmp_path / "data"))

    assert len(moves(found)) == 5


def test_odd_dates_do_no_harm() -> None:
    head = b"tree 0\nauthor B\xc3\xa9a <b@x> 99999999999999999 +9999\ncommitter C <c@x> nonsense"

    found = message_of("c" * 40, head + b"\n\nx\n")

    assert found.author == "Béa <b@x>"
    assert found.at == datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize(
    "encoding",
    [
        b"latin1", b"\xff", b"a\0b", b"utf-16", b"utf-7",
        # codecs of Python's that raise something, or make halves of characters
        b"idna", b"undefined", b"punycode", b"unicode_escape",
    ],
)  # fmt: skip
def test_whatever_encoding_a_commit_names_its_trailers_are_read(encoding: bytes) -> None:
    head = b"tree 0\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\nencoding " + encoding
    line = trailer("v3", "v4").encode()

    text = message_of("c" * 40, head + b"\n\nd\xe9j\xe0 \\ud800\n\n" + line + b"\n").text

    assert [str(each) for each in parse_trailers(text)] == [line.decode()]
    assert text.encode() == b"d\xef\xbf\xbdj\xef\xbf\xbd \\ud800\n\n" + line + b"\n"


@pytest.mark.parametrize("at", ["0", "-5", "253402300799", "999999999999999999"])
def test_any_date_can_be_read(at: str) -> None:
    raw = f"tree 0\nauthor A <a@x> {at} -1159\ncommitter A <a@x> {at} +1400\n\nx"

    assert message_of("c" * 40, raw.encode()).at.year in range(1970, 10_000)


def test_messages_are_read_a_few_at_a_time_and_huge_ones_not_at_all() -> None:
    sizes = {"a": 5, "b": 5, "c": 11, "d": 1, "e": 10}

    assert list(chunks(sizes, 10)) == [["a", "b"], ["d"], ["e"]]
    assert list(chunks({}, 10)) == []
    assert MAX_MESSAGE_BYTES < 2**25


def test_a_message_with_many_images_is_read_whole(
    remote: BareRemote, repository: GitRepository
) -> None:
    lines = "\n".join(
        str(ImageTrailer(f"{number}.yaml", "web:deployment/web", "web", f"{IMAGE}:1", f"{IMAGE}:2"))
        for number in range(3000)
    )
    remote.put({"a": b"v4"}, f"Update 3000 images\n\n{lines}\n")

    assert len(history(repository).writes) == 3000


def test_more_of_the_history_is_had_step_by_step_and_kept(
    remote: BareRemote, tmp_path: Path
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    for number in range(60):
        remote.put({"b": b"%d" % number})
    settings = GitSettings(f"file://{remote.path}", history=5)
    repository = GitRepository(settings, tmp_path / "data")
    revision = repository.fetch().revision
    clone = tmp_path / "data" / "clone.git"

    depths = [int(git(clone, "rev-list", "--count", revision.commit))]
    while repository.deepen(revision):
        depths.append(int(git(clone, "rev-list", "--count", revision.commit)))

    assert depths == [5, 20, 50]
    assert history(repository).since is not None
    for number in range(3):
        remote.put({"b": b"again %d" % number})
    again = GitRepository(settings, tmp_path / "data")
    assert moves(history(again)) == []
    assert again.deepen(again.fetch().revision) is False
    assert int(git(clone, "rev-list", "--count", remote.tip())) == 53


def test_a_history_that_is_known_whole_is_not_asked_for_again(
    remote: BareRemote, tmp_path: Path
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    remote.put({"b": b"2"})
    settings = GitSettings(f"file://{remote.path}", history=1)
    repository = GitRepository(settings, tmp_path / "data")
    revision = repository.fetch().revision
    short = moves(repository.history(revision))

    assert (short, repository.deepen(revision)) == ([], True)
    whole = repository.history(revision)
    assert (moves(whole), whole.since) == (["v3 -> v4"], None)
    assert repository.deepen(revision) is False


def test_a_remote_that_sends_all_contents_gives_more_of_its_history_too(
    remote: BareRemote, tmp_path: Path
) -> None:
    git(remote.path, "config", "uploadpack.allowFilter", "false")
    for number in range(9):
        remote.put({"a": b"%d" % number}, ours(f"v{number}", f"v{number + 1}"))
    settings = GitSettings(f"file://{remote.path}", history=2)
    repository = GitRepository(settings, tmp_path / "data")
    revision = repository.fetch().revision

    assert repository.deepen(revision)
    assert len(moves(repository.history(revision))) == 8


def test_a_remote_whose_own_history_is_cut_off_gives_what_it_has(
    remote: BareRemote, tmp_path: Path
) -> None:
    remote.put({"a": b"v4"}, ours("v3", "v4"))
    for number in range(9):
        remote.put({"b": b"%d" % number})
    cut = tmp_path / "cut.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth=3", f"file://{remote.path}", str(cut))
    git(cut, "config", "uploadpack.allowFilter", "true")
    repository = GitRepository(GitSettings(f"file://{cut}", history=2), tmp_path / "data")
    revision = repository.fetch().revision

    while repository.deepen(revision):
        pass

    assert repository.history(revision).writes == ()
    assert repository.history(revision).since is not None
    repository.push(repository.commit(revision, {"a": b"v5"}, ours("v4", "v5")))
    assert moves(history(repository)) == ["v4 -> v5"]
