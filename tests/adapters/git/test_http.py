import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from lab.bare_repository import BareRemote, git
from lab.git_server import USER, GitHttpServer, serving
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import (
    AccessDeniedError,
    GitError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    SettingsError,
    StalledError,
)
from reconciler.settings import GitSettings
from tests.simulators.proxy import ProxySimulator

CANARY = "canary-2f9c-secret"

pytestmark = pytest.mark.git_server


def contents(repository: GitRepository) -> list[object]:
    return [it for _, it in repository.read(repository.fetch().entries, max_bytes=9)]


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def remote(tmp_path: Path) -> BareRemote:
    remote = BareRemote.create(tmp_path / "root" / "web.git")
    git(remote.path, "config", "http.receivepack", "true")
    remote.put({"a": b"1", "b": b"1"})
    return remote


@pytest.fixture
def server(remote: BareRemote) -> Iterator[GitHttpServer]:
    with serving(remote.path.parent, password=CANARY) as server:
        yield server


@pytest.fixture
def settings(server: GitHttpServer, tmp_path: Path) -> GitSettings:
    password = tmp_path / "pass word's file"
    password.write_text(f"{CANARY}\n")
    return GitSettings(url=f"{server.url}/web.git", username=USER, password_file=password)


@pytest.fixture
def repository(settings: GitSettings, tmp_path: Path) -> GitRepository:
    return GitRepository(settings, tmp_path / "clone")


def test_a_password_opens_the_remote_for_reading_and_pushing(
    repository: GitRepository, remote: BareRemote
) -> None:
    snapshot = repository.fetch()

    read = [content for _, content in repository.read(snapshot.entries, max_bytes=9)]
    repository.push(repository.commit(snapshot.revision, {"a": b"2"}, "ours"))

    assert read == [b"1", b"1"]
    assert remote.files() == {"a": b"2", "b": b"1"}


def test_contents_are_fetched_in_one_request(
    repository: GitRepository, server: GitHttpServer, remote: BareRemote
) -> None:
    remote.put({f"many/{number}": b"%d" % number for number in range(300)})
    entries = repository.fetch().entries
    server.paths.clear()

    contents = dict(repository.read(entries, max_bytes=9))

    assert len(contents) == 302
    assert server.paths.count("/web.git/git-upload-pack") == 1


def test_without_news_only_the_refs_are_asked_for(
    repository: GitRepository, server: GitHttpServer
) -> None:
    first = repository.fetch()
    server.paths.clear()

    assert repository.fetch() == first
    assert server.paths.count("/web.git/git-upload-pack") == 1  # protocol 2: ls-refs


@pytest.mark.parametrize("filters", ["true", "false"])
@pytest.mark.parametrize("passes_protocol", [True, False], ids=["protocol 2", "protocol 0"])
def test_remotes_that_do_not_hand_out_single_contents_are_cloned_with_all(
    settings: GitSettings,
    server: GitHttpServer,
    remote: BareRemote,
    tmp_path: Path,
    *,
    filters: str,
    passes_protocol: bool,
) -> None:
    git(remote.path, "config", "uploadpack.allowFilter", filters)
    server.passes_protocol = passes_protocol

    assert contents(GitRepository(settings, tmp_path / "clone")) == [b"1", b"1"]
    remote.put({"a": b"3", "c": b"3"})
    repository = GitRepository(settings, tmp_path / "clone")
    assert contents(repository) == [b"3", b"1", b"3"]

    server.paths.clear()
    assert contents(repository) == [b"3", b"1", b"3"]
    assert server.paths.count("/web.git/git-upload-pack") <= 1  # without news, nothing is fetched
    repository.push(repository.commit(repository.fetch().revision, {"a": b"ours"}, "ours"))
    assert remote.files() == {"a": b"ours", "b": b"1", "c": b"3"}


def test_a_server_that_cannot_deepen_gives_more_of_its_history_too(
    settings: GitSettings, server: GitHttpServer, remote: BareRemote, tmp_path: Path
) -> None:
    for number in range(30):
        remote.put({"a": b"%d" % number})
    server.passes_protocol, server.hides = False, b"deepen-relative"
    repository = GitRepository(replace(settings, history=2), tmp_path / "clone")
    revision = repository.fetch().revision
    clone = tmp_path / "clone" / "clone.git"

    depths = []
    while repository.deepen(revision):
        depths.append(int(git(clone, "rev-list", "--count", revision.commit)))

    assert depths == [8, 20]


def test_a_server_of_plain_files_is_told_from_a_git_server(
    remote: BareRemote, tmp_path: Path
) -> None:
    git(remote.path, "update-server-info")
    handler = functools.partial(Files, directory=str(remote.path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as files:
        thread = threading.Thread(target=files.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings = GitSettings(f"http://127.0.0.1:{files.server_port}/web.git")
        try:
            with pytest.raises(StalledError, match="a Git server is needed"):
                GitRepository(settings, tmp_path / "clone").fetch()
        finally:
            files.shutdown()
            thread.join()


def test_the_password_is_nowhere_but_in_its_file(
    repository: GitRepository, server: GitHttpServer, tmp_path: Path
) -> None:
    seen: list[bytes] = []
    server.on_request = lambda: seen.extend(_processes())
    base = repository.fetch().revision
    list(repository.read(repository.fetch().entries, max_bytes=9))
    repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    assert [said for said in seen if b"remote-http" in said]
    assert [said for said in seen if b"GIT_ASKPASS=" in said]
    assert not [said for said in seen if CANARY.encode() in said]
    kept = [path for path in (tmp_path / "clone").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]


def _processes() -> Iterator[bytes]:
    """Yield arguments and environment of every process that we may look at."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


@pytest.mark.parametrize("username", [None, "robot@corp", "röbot/x"])
def test_a_refused_password_is_a_stalled_error_that_does_not_tell_it(
    settings: GitSettings, tmp_path: Path, username: str | None
) -> None:
    settings = replace(settings, username=username)

    with pytest.raises(AccessDeniedError, match="refused our user name or password") as caught:
        GitRepository(settings, tmp_path / "clone").fetch()

    assert caught.value.where == settings.url
    assert CANARY not in str(caught.value)


def test_a_password_changed_in_its_file_is_used_at_once(
    repository: GitRepository, server: GitHttpServer, settings: GitSettings
) -> None:
    assert settings.password_file is not None
    repository.fetch()
    server.password = "another"
    with pytest.raises(AccessDeniedError):
        repository.fetch()

    settings.password_file.write_text("another")

    assert repository.fetch().entries


def test_a_remote_that_wants_a_password_names_the_option(
    settings: GitSettings, tmp_path: Path
) -> None:
    settings = replace(settings, password_file=None)

    with pytest.raises(AccessDeniedError, match="--git-password-file"):
        GitRepository(settings, tmp_path / "clone").fetch()


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "cannot read"), (b"", "empty"), (b"\nx", "empty")]
)
def test_a_password_file_without_a_password_is_named(
    repository: GitRepository, settings: GitSettings, content: bytes | None, problem: str
) -> None:
    assert settings.password_file is not None
    settings.password_file.unlink()
    if content is not None:
        settings.password_file.write_bytes(content)

    with pytest.raises(SettingsError, match=problem) as caught:
        repository.fetch()

    assert caught.value.where == str(settings.password_file)


def test_a_remote_that_is_read_only_for_us_denies_the_push(
    repository: GitRepository, remote: BareRemote
) -> None:
    base = repository.fetch().revision
    git(remote.path, "config", "http.receivepack", "false")

    with pytest.raises(AccessDeniedError, match="rights"):
        repository.push(repository.commit(base, {"a": b"2"}, "ours"))


def test_a_remote_that_repeats_the_password_does_not_make_us_tell_it(
    repository: GitRepository, remote: BareRemote
) -> None:
    remote.hook("pre-receive", f"echo 'you are {CANARY}, go away'; exit 1")
    base = repository.fetch().revision

    with pytest.raises(RefusedError, match=r"you are \*\*\*, go away") as caught:
        repository.push(repository.commit(base, {"a": b"2"}, "ours"))

    assert CANARY not in str(caught.value)


def test_a_password_is_not_looked_for_where_none_is_asked(
    remote: BareRemote, settings: GitSettings, tmp_path: Path
) -> None:
    settings = replace(settings, url=str(remote.path), password_file=tmp_path / "none")

    assert GitRepository(settings, tmp_path / "clone").fetch().entries


OTHERS = ["127.0.0.1", "127.0.0.2", "localhost"]  # by another port, address or name


@contextlib.contextmanager
def another_host(remote: BareRemote, host: str) -> Iterator[tuple[GitHttpServer, str]]:
    """Serve the remote also elsewhere, to everybody, and give the URL by that host's name."""
    address = "127.0.0.1" if host == "localhost" else host
    with serving(remote.path.parent, address=address) as other:
        yield other, other.url.replace(address, host)


@pytest.mark.parametrize("host", OTHERS)
def test_a_redirect_is_not_followed_and_carries_no_password(
    repository: GitRepository, server: GitHttpServer, remote: BareRemote, host: str
) -> None:
    with another_host(remote, host) as (other, url):
        server.redirect_to = url

        with pytest.raises(StalledError, match="redirects"):
            repository.fetch()

        assert other.paths == []


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
def test_no_password_follows_a_redirect_that_comes_after_the_login(
    repository: GitRepository, server: GitHttpServer, remote: BareRemote, service: str, host: str
) -> None:
    base = repository.fetch().revision
    made = repository.commit(base, {"a": b"2"}, "ours")
    with another_host(remote, host) as (other, url):

        def redirect_the_work() -> None:
            is_work = server.paths[-1].endswith(f"/{service}")
            server.redirect_to = url if is_work else ""

        server.on_request = redirect_the_work

        with pytest.raises(StalledError, match="redirects"):
            repository.push(made) if service == "git-receive-pack" else repository.fetch()

        assert [said for said in server.authorizations if said]
        assert other.paths == []
        assert other.authorizations == []


def test_a_missing_repository_is_told_with_its_url(
    settings: GitSettings, server: GitHttpServer, tmp_path: Path
) -> None:
    settings = replace(settings, url=f"{server.url}/none.git")

    with pytest.raises(NotFoundError, match="no such repository") as caught:
        GitRepository(settings, tmp_path / "clone").fetch()

    assert caught.value.where == settings.url


@pytest.mark.parametrize(("status", "kind"), [(403, AccessDeniedError), (500, GitError)])
def test_an_http_error_is_stalled_or_transient_by_its_status(
    repository: GitRepository, server: GitHttpServer, status: int, kind: type[ReconcilerError]
) -> None:
    server.status = status

    with pytest.raises(kind, match=str(status)):
        repository.fetch()


def test_a_push_whose_answer_is_lost_is_found_by_fetching(
    repository: GitRepository, server: GitHttpServer, remote: BareRemote
) -> None:
    made = repository.commit(repository.fetch().revision, {"a": b"2"}, "ours")
    server.keeps_silent_on = "/git-receive-pack"

    with pytest.raises(GitError) as caught:
        repository.push(made)

    assert type(caught.value) is GitError
    server.keeps_silent_on = ""
    assert repository.fetch().revision == made
    assert remote.log() == ["ours", "by a person"]


def test_proxies_of_the_environment_are_used_and_their_exceptions_too(
    settings: GitSettings,
    server: GitHttpServer,
    remote: BareRemote,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = Authority(tmp_path / "authority")
    certificate = authority.certificate(tmp_path / "server.pem", name="git.example")
    server.wrap(serving_context(certificate))
    settings = replace(settings, url="https://git.example/web.git", ca_file=authority.ca_file)
    with ProxySimulator(server.server_port, login="me:hunter2") as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:hunter2@{proxy.host}")
        repository = GitRepository(settings, tmp_path / "clone")
        revision = repository.fetch().revision
        repository.push(repository.commit(revision, {"a": b"2"}, "ours"))
        used = set(proxy.asked)

        monkeypatch.setenv("https_proxy", f"http://me:wrong@{proxy.host}")
        with pytest.raises(AccessDeniedError, match="the proxy refused our login") as refused:
            repository.fetch()
        monkeypatch.setenv("no_proxy", "git.example")
        with pytest.raises(GitError, match=r"resolve host"):
            repository.fetch()

    assert used == {"git.example:443"}
    assert remote.files()["a"] == b"2"
    assert "wrong" not in refused.value.message


def test_an_ipv6_address_is_a_host_like_any_other(
    settings: GitSettings, remote: BareRemote, tmp_path: Path
) -> None:
    with serving(remote.path.parent, password=CANARY, address="::1") as server:
        settings = replace(settings, url=f"{server.url}/web.git")

        repository = GitRepository(settings, tmp_path / "clone")
        repository.push(repository.commit(repository.fetch().revision, {"a": b"2"}, "ours"))

    assert server.url.startswith("http://[::1]:")
    assert remote.files()["a"] == b"2"


def test_a_remote_that_is_down_is_transient(settings: GitSettings, tmp_path: Path) -> None:
    settings = replace(settings, url="http://127.0.0.1:9/web.git")

    with pytest.raises(GitError, match="unable to access"):
        GitRepository(settings, tmp_path / "clone").fetch()
