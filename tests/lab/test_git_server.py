"""The Git server is ``git http-backend``: it clones, takes pushes, and wants its password."""

from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import USER, GitHttpServer, serving
from lab.process import LabError, MissingPartError

pytestmark = pytest.mark.git_server

NO_PROMPT = ("-c", "credential.helper=", "-c", "core.askPass=true")


def url_with(server: GitHttpServer, password: str) -> str:
    return server.url.replace("http://", f"http://{USER}:{password}@") + "/web.git"


def clone(folder: Path, url: str) -> Path:
    git(folder, *NO_PROMPT, "clone", "--quiet", url, "clone")
    return folder / "clone"


@pytest.fixture
def remote(git_server: GitHttpServer) -> BareRemote:
    remote = BareRemote.create(git_server.root / "web.git")
    remote.put({"a.yaml": b"a: 1\n", "b.yaml": b"b: 1\n"}, "first")
    return remote


def test_with_the_password_a_push_arrives(
    tmp_path: Path, git_server: GitHttpServer, remote: BareRemote
) -> None:
    work = clone(tmp_path, url_with(git_server, "git-password"))
    (work / "a.yaml").write_text("a: 2\n" * 100_000)  # sent in chunks
    git(work, "commit", "--quiet", "--all", "--message=second")

    git(work, *NO_PROMPT, "push", "--quiet")

    assert remote.log() == ["second", "first"]
    assert remote.content("main:a.yaml") == b"a: 2\n" * 100_000


@pytest.mark.parametrize("password", ["wrong", ""])
def test_without_it_nothing_is_given_and_nothing_taken(
    tmp_path: Path, git_server: GitHttpServer, remote: BareRemote, password: str
) -> None:
    with pytest.raises(LabError, match=r"Authentication failed|could not read"):
        clone(tmp_path, url_with(git_server, password))

    work = clone(tmp_path, str(remote.path))
    git(work, "commit", "--quiet", "--allow-empty", "--message=second")
    with pytest.raises(LabError, match=r"Authentication failed|could not read"):
        git(work, *NO_PROMPT, "push", url_with(git_server, password))
    assert remote.log() == ["first"]


def test_without_a_password_everybody_may_read_and_nobody_push(tmp_path: Path) -> None:
    remote = BareRemote.create(tmp_path / "git" / "web.git")
    remote.put({"a.yaml": b"a: 1\n"}, "first")
    with serving(tmp_path / "git") as server:
        work = clone(tmp_path, f"{server.url}/web.git")
        git(work, "commit", "--quiet", "--allow-empty", "--message=second")

        with pytest.raises(LabError, match="403"):
            git(work, *NO_PROMPT, "push")
    assert remote.log() == ["first"]


def test_a_hook_declines_a_push_in_its_own_words(
    tmp_path: Path, git_server: GitHttpServer, remote: BareRemote
) -> None:
    remote.hook("pre-receive", 'echo "frozen until monday" >&2; exit 1')
    work = clone(tmp_path, url_with(git_server, "git-password"))
    git(work, "commit", "--quiet", "--allow-empty", "--message=second")

    with pytest.raises(LabError, match="frozen until monday"):
        git(work, *NO_PROMPT, "push")
    assert remote.log() == ["first"]


def test_another_person_changes_and_deletes_files(remote: BareRemote) -> None:
    commit = remote.put({"a.yaml": None, "b.yaml": b"b: 2\n", "c/d.yaml": b"d: 1\n"}, "second")

    assert remote.tip() == commit
    assert remote.files() == {"b.yaml": b"b: 2\n", "c/d.yaml": b"d: 1\n"}
    assert remote.log() == ["second", "first"]
    assert "+b: 2" in remote.show()


def test_settings_of_the_person_who_runs_it_do_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git_server: GitHttpServer, remote: BareRemote
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[http]\n\tuploadpack = false\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    assert clone(tmp_path, url_with(git_server, "git-password")).is_dir()
    assert remote.tip()


def test_a_git_without_its_http_backend_is_a_missing_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho {tmp_path}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPartError, match="no http-backend"), serving(tmp_path):
        pass

    program.unlink()
    with pytest.raises(MissingPartError, match="install the package git"), serving(tmp_path):
        pass
