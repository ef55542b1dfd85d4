import os
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from reconciler.adapters.git.repository import _CHUNK_BYTES, GitRepository
from reconciler.core.manifests.tree import EntryKind, Oversize
from reconciler.core.revision import Revision
from reconciler.errors import (
    GitError,
    NotFoundError,
    RefusedError,
    RemoteMovedError,
    SettingsError,
    TransientError,
)
from tests.adapters.git.clones import another, contents

# What is fetched


def test_the_remote_s_head_names_the_branch(remote: BareRemote, repository: GitRepository) -> None:
    commit = remote.put({"x": b"x"}, branch="trunk")
    git(remote.path, "symbolic-ref", "HEAD", "refs/heads/trunk")

    assert repository.fetch().revision == Revision("trunk", commit)


def test_a_given_branch_is_read_and_pushed(remote: BareRemote, tmp_path: Path) -> None:
    remote.put({"x": b"x"}, branch="team/production")
    repository = another(remote, tmp_path, branch="team/production")

    base = repository.fetch().revision
    repository.push(repository.commit(base, {"x": b"y"}, "ours"))

    assert remote.files("team/production") == {"x": b"y"}
    assert remote.log() == ["first"]


def test_a_branch_that_is_not_there_is_told_with_those_that_are(
    remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(6):
        remote.put({"x": b"x"}, branch=f"b{number}")

    with pytest.raises(NotFoundError, match=r"no branch 'none'; there is 'b0', .*'b4', …") as error:
        another(remote, tmp_path, branch="none").fetch()

    assert error.value.where == str(remote.path)


def test_a_default_branch_that_is_renamed_between_cycles_is_followed(
    remote: BareRemote, repository: GitRepository
) -> None:
    first = repository.fetch().revision
    git(remote.path, "branch", "-m", "main", "trunk")

    second = repository.fetch().revision
    repository.push(repository.commit(second, {"a": b"2"}, "ours"))

    assert (first.branch, second.branch, second.commit) == ("main", "trunk", first.commit)
    assert remote.files("trunk")["a"] == b"2"


def test_a_head_that_names_no_branch_asks_for_the_option(
    remote: BareRemote, repository: GitRepository
) -> None:
    git(remote.path, "symbolic-ref", "HEAD", "refs/heads/unborn")

    with pytest.raises(NotFoundError, match="--git-branch; there is 'main'"):
        repository.fetch()


def test_a_detached_head_asks_for_the_option(remote: BareRemote, repository: GitRepository) -> None:
    (remote.path / "HEAD").write_text(f"{remote.tip()}\n")

    with pytest.raises(NotFoundError, match="--git-branch"):
        repository.fetch()


def test_a_path_without_a_repository_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such repository"):
        another(BareRemote(tmp_path / "none"), tmp_path).fetch()


def test_a_branch_set_back_by_force_is_followed(
    remote: BareRemote, repository: GitRepository
) -> None:
    first = remote.tip()
    remote.put({"a": b"2"})
    repository.fetch()
    git(remote.path, "update-ref", "refs/heads/main", first)

    assert repository.fetch().revision.commit == first
    assert contents(repository)["a"] == b"1"


def test_a_branch_that_became_a_folder_of_branches_is_followed(
    remote: BareRemote, repository: GitRepository, tmp_path: Path
) -> None:
    repository.fetch()
    git(remote.path, "symbolic-ref", "HEAD", "refs/heads/other")
    git(remote.path, "update-ref", "-d", "refs/heads/main")
    commit = remote.put({"x": b"x"}, branch="main/x")

    assert another(remote, tmp_path, branch="main/x").fetch().revision.commit == commit

    git(remote.path, "update-ref", "-d", "refs/heads/main/x")
    commit = remote.put({"y": b"y"})
    assert another(remote, tmp_path, branch="main").fetch().revision.commit == commit


def test_a_remote_without_partial_clones_sends_all(
    remote: BareRemote, repository: GitRepository
) -> None:
    git(remote.path, "config", "uploadpack.allowFilter", "false")

    assert contents(repository) == {"a": b"1", "b": b"1"}


def test_a_repository_in_sha256_works_the_same(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "remote.git", "--object-format=sha256")
    remote.put({"a": b"1"}, "first")
    repository = another(remote, tmp_path)

    base = repository.fetch().revision
    repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    assert str(base).startswith("main@sha256:")
    assert contents(repository) == {"a": b"2"}


def test_links_and_submodules_are_told_apart_and_never_followed(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.put({"link": b"/etc/hostname"}, mode="120000")
    remote.put({"sub": b"1" * 40}, mode="160000")
    entries = {entry.path: entry for entry in repository.fetch().entries}

    assert entries["link"].kind is EntryKind.LINK
    assert entries["sub"].kind is EntryKind.SUBMODULE
    assert list(repository.read([entries["link"]], max_bytes=99)) == [
        (entries["link"], b"/etc/hostname")
    ]
    with pytest.raises(GitError, match="submodule"):
        list(repository.read([entries["sub"]], max_bytes=99))


def test_more_than_fits_the_memory_is_read_in_parts(
    remote: BareRemote, repository: GitRepository
) -> None:
    half = _CHUNK_BYTES // 2 + 1
    remote.put({f"large{n}": bytes([n]) * half for n in range(3)})
    entries = repository.fetch().entries

    read = {e.path: it for e, it in repository.read(entries, max_bytes=_CHUNK_BYTES)}

    assert read == {
        "a": b"1", "b": b"1",
        "large0": b"\0" * half, "large1": b"\1" * half, "large2": b"\2" * half,
    }  # fmt: skip


def test_only_contents_that_are_too_large_are_read_as_their_sizes(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.put({"a": b"12", "b": b"123"})
    entries = repository.fetch().entries

    assert [it for _, it in repository.read(entries, max_bytes=1)] == [Oversize(2), Oversize(3)]


# What is committed


NAMES = ["with space", "ünïcode/ß", "-dash", 'quo"te', "back\\slash", "new\nline", "tab\t", "$(x)"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_file_can_be_read_and_committed(
    remote: BareRemote, repository: GitRepository, name: str
) -> None:
    remote.put({name: b"1", f"z/{name}": b"1"})
    base = repository.fetch().revision

    repository.push(repository.commit(base, {name: b"2", f"z/{name}": b"3"}, "ours"))

    assert remote.files() == {"a": b"1", "b": b"1", name: b"2", f"z/{name}": b"3"}
    assert contents(repository) == remote.files()


def test_a_name_that_is_not_utf_8_is_shown_and_kept(
    remote: BareRemote, repository: GitRepository
) -> None:
    blob = remote.blob(b"1")
    tree = git(remote.path, "mktree", "-z", stdin=b"100644 blob %b\tx\xff\0" % blob.encode())
    commit = git(remote.path, "commit-tree", "-m", "odd", tree)
    git(remote.path, "update-ref", "refs/heads/main", commit)
    base = repository.fetch().revision

    repository.push(repository.commit(base, {r"x\xff": b"2"}, "ours"))

    assert list(remote.files().items()) == [("x\udcff", b"2")]


def test_an_executable_file_stays_one(remote: BareRemote, repository: GitRepository) -> None:
    remote.put({"run.yaml": b"1"}, mode="100755")
    base = repository.fetch().revision

    repository.push(repository.commit(base, {"run.yaml": b"2"}, "ours"))

    assert git(remote.path, "ls-tree", "main", "run.yaml").startswith("100755 ")


def test_a_link_is_not_written_through(remote: BareRemote, repository: GitRepository) -> None:
    remote.put({"link": b"a"}, mode="120000")

    with pytest.raises(GitError, match="no such file"):
        repository.commit(repository.fetch().revision, {"link": b"2"}, "ours")


def test_a_message_is_kept_as_it_is_under_the_author_of_the_settings(
    remote: BareRemote, tmp_path: Path
) -> None:
    repository = another(remote, tmp_path, author_name="Ünit", author_email="u@example.org")
    message = "Update\n\n# not a comment\n\n\nReconcile-By: x \n  ü\n"
    base = repository.fetch().revision

    repository.push(repository.commit(base, {"a": b"2"}, message))

    raw = git(remote.path, "cat-file", "commit", "main")
    assert raw.split("\n\n", 1)[1] == message.rstrip("\n")
    who = remote.log(form="%an <%ae> %cn <%ce>")[0]
    assert who == "Ünit <u@example.org> Ünit <u@example.org>"


def test_who_asked_for_a_commit_is_its_author_and_we_are_the_committer(
    remote: BareRemote, tmp_path: Path
) -> None:
    repository = another(remote, tmp_path, on_behalf_of="Jane D <jane@example.org>")

    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "hers"))

    who = remote.log(form="%an <%ae> %cn <%ce>")[0]
    assert who == "Jane D <jane@example.org> reconcile <reconcile@localhost>"


def test_a_thousand_files_are_one_commit(remote: BareRemote, repository: GitRepository) -> None:
    remote.put({f"d{n % 7}/{n}": b"1" for n in range(1000)})
    base = repository.fetch().revision

    made = repository.commit(base, {f"d{n % 7}/{n}": b"%d" % n for n in range(1000)}, "ours")
    repository.push(made)

    assert len(remote.log()) == 3
    assert remote.content("main:d6/993") == b"993"


# What is pushed


def test_a_branch_set_back_to_an_ancestor_counts_as_moved(
    remote: BareRemote, repository: GitRepository
) -> None:
    first = remote.tip()
    remote.put({"a": b"2"}, "taken back")
    made = repository.commit(repository.fetch().revision, {"b": b"2"}, "ours")
    git(remote.path, "update-ref", "refs/heads/main", first)

    with pytest.raises(RemoteMovedError):
        repository.push(made)
    assert remote.log() == ["first"]


def test_a_branch_that_vanished_counts_as_moved(
    remote: BareRemote, repository: GitRepository
) -> None:
    made = repository.commit(repository.fetch().revision, {"b": b"2"}, "ours")
    git(remote.path, "update-ref", "-d", "refs/heads/main")

    with pytest.raises(RemoteMovedError):
        repository.push(made)


def test_a_branch_that_moves_while_the_remote_takes_our_push_counts_as_moved(
    remote: BareRemote, repository: GitRepository
) -> None:
    theirs = git(remote.path, "commit-tree", "-p", "main", "-m", "theirs", "main^{tree}")
    remote.hook("update", f"unset GIT_QUARANTINE_PATH; git update-ref refs/heads/main {theirs}")
    made = repository.commit(repository.fetch().revision, {"b": b"2"}, "ours")

    with pytest.raises(RemoteMovedError):
        repository.push(made)
    assert remote.log() == ["theirs", "first"]


def test_a_hook_s_words_are_passed_on_without_control_characters(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.hook("pre-receive", r"printf 'only on\033[31m Mondays\a\n, said the boss\n'; exit 1")
    made = repository.commit(repository.fetch().revision, {"b": b"2"}, "ours")

    with pytest.raises(RefusedError, match="pre-receive hook declined") as caught:
        repository.push(made)

    assert "only on Mondays; , said the boss" in str(caught.value)
    assert str(caught.value).isprintable()
    assert remote.log() == ["first"]


def test_a_hook_that_talks_of_moving_is_still_a_refusal(
    remote: BareRemote, repository: GitRepository
) -> None:
    remote.hook("pre-receive", "echo 'fetch first: non-fast-forward'; exit 1")
    made = repository.commit(repository.fetch().revision, {"b": b"2"}, "ours")

    with pytest.raises(RefusedError):
        repository.push(made)


def test_a_checked_out_branch_refuses_the_push(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "tree")
    (tmp_path / "tree" / "a").write_text("1")
    git(tmp_path / "tree", "add", "a")
    git(tmp_path / "tree", "commit", "--quiet", "-m", "first")
    repository = another(BareRemote(tmp_path / "tree"), tmp_path)
    made = repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")

    with pytest.raises(RefusedError, match="currently checked out"):
        repository.push(made)


# What goes wrong with the folder


def test_a_folder_that_cannot_be_made_is_named(remote: BareRemote, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")

    with pytest.raises(SettingsError, match="folder for clones") as caught:
        another(remote, tmp_path).fetch()

    assert caught.value.where == str(tmp_path / "data")


def test_a_clone_in_use_names_its_user(
    repository: GitRepository, remote: BareRemote, tmp_path: Path
) -> None:
    with (
        repository._exclusively(),
        pytest.raises(TransientError, match=f"in use by process {os.getpid()}"),
    ):
        another(remote, tmp_path).fetch()


# What a repository must not be able to do


def test_nothing_of_a_hostile_repository_runs(remote: BareRemote, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    script = f"#!/bin/sh\ntouch {trap}\n".encode()
    remote.put(dict.fromkeys(("hooks/pre-push", "hooks/reference-transaction"), script))
    remote.put({".gitattributes": b"* filter=x diff=x merge=x\n", "config": b'[filter "x"]\n'})
    remote.put({".gitmodules": b'[submodule "s"]\n\tpath = s\n\turl = ../s\n'})
    remote.put({"s": b"1" * 40}, mode="160000")
    repository = another(remote, tmp_path)

    entries = [e for e in repository.fetch().entries if e.kind is EntryKind.FILE]
    list(repository.read(entries, max_bytes=999))
    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))

    assert remote.content("main:a") == b"2"
    assert not trap.exists()


def test_settings_of_the_user_and_machine_do_not_reach_git(
    remote: BareRemote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "sprung"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trap}\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(
        f'[core]\n\thooksPath = {hooks}\n[url "file:///nowhere"]\n\tinsteadOf = file://\n'
    )
    for name, value in {
        "HOME": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(tmp_path / ".gitconfig"),
        "GIT_DIR": "/nowhere",
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_SSH_COMMAND": f"touch {trap}",
        "GIT_TRACE": str(trap),
    }.items():
        monkeypatch.setenv(name, value)
    repository = another(remote, tmp_path)

    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))

    assert remote.content("main:a") == b"2"
    assert not trap.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"url": "ext::sh"},
        {"branch": "-x"},
        {"author_name": "a\nb"},
        {"author_name": "a <b"},
        {"author_email": " "},
        {"on_behalf_of": "Jane\n <j@example.org>"},
        {"on_behalf_of": "Jane"},
    ],
)
def test_wrong_settings_are_refused_before_anything_is_done(
    remote: BareRemote, tmp_path: Path, options: dict[str, str]
) -> None:
    with pytest.raises(SettingsError):
        another(remote, tmp_path, **options)

    assert not (tmp_path / "data").exists()
