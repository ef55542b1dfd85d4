from pathlib import Path

import pytest

from reconciler.adapters.git.remote import Remote, check_branch, host_scan, remote_of
from reconciler.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("https://git.example/acme/web.git", ("https://git.example/acme/web.git", "https")),
        ("https://Git.Example:8443/Acme", ("https://git.example:8443/Acme", "https")),
        ("http://localhost/a", ("http://localhost/a", "http")),
        ("http://127.0.0.1:80/a", ("http://127.0.0.1:80/a", "http")),
        ("http://[::1]:80/a", ("http://[::1]:80/a", "http")),
        ("file:///srv/a%20b", ("file:///srv/a%20b", "file")),
        ("file://localhost/srv", ("file:///srv", "file")),
        ("/srv/a b%.git", ("file:///srv/a%20b%25.git", "file")),
        ("/srv/host:path", ("file:///srv/host%3Apath", "file")),
    ],
)
def test_a_url_or_path_becomes_a_url_for_git(url: str, remote: tuple[str, str]) -> None:
    parsed = remote_of(url)

    assert (parsed.url.replace("host:path", "host%3Apath"), parsed.scheme) == remote


def test_a_relative_path_is_made_absolute() -> None:
    assert remote_of("./web.git") == Remote(Path("web.git").absolute().as_uri(), "file")


def test_the_host_is_as_git_names_it_when_it_asks_for_a_password() -> None:
    assert remote_of("https://Git.Example:8443/a").host == "git.example:8443"


def test_plain_http_beyond_loopback_has_to_be_permitted() -> None:
    with pytest.raises(SettingsError, match="--git-insecure"):
        remote_of("http://127.0.0.1.git.example/a")

    assert remote_of("http://git.example/a", insecure=True).scheme == "http"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-uhttps://git.example/a",
        "--upload-pack=touch /tmp/pwned",
        "ext::sh -c touch% /tmp/pwned",
        "https://git.example/a\nb",
        "https://git.example/a\x00",
        "ftp://git.example/a",
        "file://elsewhere/srv/a",
        "file:relative",
        "https:///a",
        "https://git.example/a?x=y",
        "https://git.example/a#b",
        "https://git.example/a b",
        "https://git.exa'mple/a",
        "https://[git.example/a",
        "/srv/a\x7fb",
        "file:///srv/a%0ab",
    ],
)
def test_what_git_must_not_be_given_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        remote_of(url)


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("ssh://git.example/acme/web.git", "ssh://git@git.example/acme/web.git"),
        ("ssh://me@Git.Example:2222/a b", "ssh://me@git.example:2222/a b"),
        ("ssh://robot-1.x+y@[fe80::1]:22/a", "ssh://robot-1.x+y@[fe80::1]:22/a"),
        ("ssh://git.example/~user/web", "ssh://git@git.example/~user/web"),
        ("ssh://git.example/a%20b?c#d", "ssh://git@git.example/a%20b?c#d"),
        ("SSH://git.example/a", "ssh://git@git.example/a"),
        ("git+ssh://git.example/a", "ssh://git@git.example/a"),
        ("ssh+git://me@git.example/a", "ssh://me@git.example/a"),
        ("git.example:acme/web", "git@git.example:acme/web"),
        ("me@Git.Example:~/a b:c@d", "me@git.example:~/a b:c@d"),
        ("git@git.example:/srv/a@b", "git@git.example:/srv/a@b"),
        ("git.example:a/b@c", "git@git.example:a/b@c"),
        ("[::1]:web.git", "git@[::1]:web.git"),
        ("git@[git.example:2222]:web.git", "git@[git.example:2222]:web.git"),
    ],
)
def test_an_ssh_remote_is_named_with_its_user(url: str, ours: str) -> None:
    assert remote_of(url) == Remote(ours, "ssh")


@pytest.mark.parametrize(
    "url",
    [
        "ssh://", "ssh:///a", "ssh://git.example", "ssh://git.example/", "ssh://git@/a",
        "ssh://@git.example/a", "ssh://-oProxyCommand=x/a", "ssh://-l@git.example/a",
        "ssh://git@-oProxyCommand=x/a", "ssh://git.example:0/a", "ssh://git.example:65536/a",
        "ssh://git.example:x/a", "ssh://git.example:/a", "ssh://%2dl/a", "ssh://git@git.example/a\n",
        "ssh://git.example/a%0ab", "ssh://git.example/%00", "ssh://a b/c", "ssh://a@b@git.example/c",
        "ssh://[git.example]/a", "ssh://$(id)@git.example/a", "git@git.example:",
        "@git.example:a", "git@:a", "git@git.example:-a", "-l@git.example:a", "git@-l:a",
        "git@[git.example:0]:a", "git@[-l:22]:a", "git@[]:a", "a b@git.example:a", "git@a b:c",
        "git@a;b:c", "file:relative", "https:/git.example/a", "ssh:git.example/a",
    ],
)  # fmt: skip
def test_what_ssh_must_not_be_given_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is no Git URL"):
        remote_of(url)


@pytest.mark.parametrize("port", ["0", "65536", "99999", "x", ""])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(SettingsError, match="is no Git URL"):
        remote_of(f"https://git.example:{port}/a")


@pytest.mark.parametrize("url", ["ssh://me:hunter2@git.example/a", "ssh://:hunter2@git.example/a"])
def test_a_password_for_ssh_is_sent_to_the_key(url: str) -> None:
    with pytest.raises(SettingsError, match="--git-ssh-key-file"):
        remote_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://me:hunter2@git.example/a",
        "https://hunter2@git.example/a",
        "https://me:hunter2@[git.example/a",
        "https://me:hunter2\n@git.example/a",
        "ssh://me:hunter2@git.example/a",
        "ssh://me:hun:ter@hunter2@git.example/a",
        "ftp://me:hunter2@git.example/a",
        "me:hunter2@git.example/a",
        "file://me:hunter2@host/a",
        "ext::me:hunter2@host/a",
    ],
)
def test_a_password_in_a_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        remote_of(url)

    assert "hunter2" not in str(caught.value)


def test_a_user_in_a_url_is_sent_to_the_options() -> None:
    with pytest.raises(SettingsError, match="--git-password-file"):
        remote_of("https://me:pw@git.example/a")


@pytest.mark.parametrize("name", ["main", "feature/x", "v1.2", "a-b_c", "ümlaut", "a@b"])
def test_a_name_of_a_branch_is_kept(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "@", "HEAD", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a//b",
     "/a", "a/", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a@{b", "a\nb", "a\x7f"],
)  # fmt: skip
def test_what_cannot_name_a_branch_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="branch"):
        check_branch(name)


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("git@github.com:acme/web", "ssh-keyscan github.com"),
        ("ssh://git@git.example/acme/web", "ssh-keyscan git.example"),
        ("ssh://git@git.example:2222/acme/web", "ssh-keyscan -p 2222 git.example"),
        ("git@[git.example:2222]:acme/web", "ssh-keyscan -p 2222 git.example"),
        ("ssh://git@[::1]:22/acme/web", "ssh-keyscan -p 22 ::1"),
        ("git@[::1]:acme/web", "ssh-keyscan ::1"),
    ],
)
def test_the_command_that_shows_host_keys_names_host_and_port(url: str, command: str) -> None:
    assert host_scan(remote_of(url)) == command
