"""What the remote is told along with a push: it hears each text as it is, or gets no push."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote, git
from lab.git_server import USER, serving
from lab.ssh_server import SshServer
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import SettingsError, StalledError, TransientError
from reconciler.settings import GitSettings
from tests.adapters.git.clones import another

OPTIONS = ("ci.skip", "merge_request.title=Two, words; $(touch x)", "-o", "--exec=x", "ü")
HEARD = "heard"
HOOK = f"""\
i=0
while [ "$i" -lt "$GIT_PUSH_OPTION_COUNT" ]; do
    eval "printf '%s\\n' \\"\\$GIT_PUSH_OPTION_$i\\"" >> {HEARD}
    i=$((i + 1))
done"""


@pytest.fixture(params=["file", "http", "ssh"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GitSettings]:
    """A remote over each transport, whose repository is ``tmp_path/ssh-git/web.git``."""
    root = tmp_path / "ssh-git"
    server: SshServer | None = None
    if request.param == "ssh":
        server = request.getfixturevalue("ssh_server")
    remote = BareRemote.create(root / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    remote.put({"a": b"1"}, "first")
    if request.param == "file":
        yield GitSettings(url=str(remote.path))
    elif server is not None:
        (tmp_path / "known_hosts").write_text(server.known_hosts)
        yield GitSettings(
            url=f"{server.url}/web.git",
            ssh_key_file=tmp_path / "key",
            known_hosts_file=tmp_path / "known_hosts",
        )
    else:
        with serving(root, password="secret") as http:
            (tmp_path / "password").write_text("secret")
            yield GitSettings(
                url=f"{http.url}/web.git",
                username=USER,
                password_file=tmp_path / "password",
            )


@pytest.fixture
def remote(tmp_path: Path) -> BareRemote:
    return BareRemote(tmp_path / "ssh-git" / "web.git")


def push(settings: GitSettings, folder: Path) -> None:
    repository = GitRepository(replace(settings, push_options=OPTIONS), folder / "clone")
    repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))


def test_a_remote_hears_each_text_as_it_is(
    settings: GitSettings, remote: BareRemote, tmp_path: Path
) -> None:
    git(remote.path, "config", "receive.advertisePushOptions", "true")
    remote.hook("post-receive", HOOK)

    push(settings, tmp_path)

    assert tuple((remote.path / HEARD).read_text().splitlines()) == OPTIONS
    assert remote.log() == ["ours", "first"]


def test_a_remote_that_takes_none_is_stalled_and_unchanged(
    settings: GitSettings, remote: BareRemote, tmp_path: Path
) -> None:
    with pytest.raises(
        StalledError, match="takes no push options: leave out --git-push-option"
    ) as e:
        push(settings, tmp_path)

    assert not isinstance(e.value, TransientError)
    assert "does not support push options" in str(e.value)
    assert remote.log() == ["first"]


@pytest.mark.parametrize("text", ["a\nb", "a\0b", "", "a\rb"])
def test_what_is_no_line_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="cannot be a push option"):
        another(BareRemote(tmp_path), tmp_path, push_options=("fine", text))
