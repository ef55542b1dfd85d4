import pytest

from reconciler.core.kaniko.context import BuildContext
from reconciler.errors import SettingsError

COMMIT = "3a33f0a" + "0" * 33


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("https://git.example/acme/web", "git://git.example/acme/web"),
        ("git://git.example/acme/web.git", "git://git.example/acme/web.git"),
        ("https://git.example:8443/a/b#main", "git://git.example:8443/a/b#refs/heads/main"),
        ("https://g.example/a#refs/tags/v1", "git://g.example/a#refs/tags/v1"),
        (f"https://g.example/a#{COMMIT}", f"git://g.example/a#{COMMIT}"),
        (f"git://g.example/a#refs/heads/x#{COMMIT}", f"git://g.example/a#refs/heads/x#{COMMIT}"),
        ("https://[::1]:80/a#feature/x", "git://[::1]:80/a#refs/heads/feature/x"),
        ("https://g.example/a#main:docker/web", "git://g.example/a#refs/heads/main"),
        ("https://g.example/a#:docker", "git://g.example/a"),
    ],
)
def test_a_repository_is_written_as_the_executor_reads_it(text: str, taken: str) -> None:
    assert BuildContext.parse(text).for_executor == taken


@pytest.mark.parametrize(
    ("text", "folder"),
    [("#main:docker/web/", "docker/web"), ("#:./a//b", "a/b"), ("#main", ""), ("#main:", "")],
)
def test_a_folder_follows_the_ref(text: str, folder: str) -> None:
    assert BuildContext.parse(f"https://g.example/a{text}").folder == folder


@pytest.mark.parametrize(
    ("text", "ref"),
    [("", "HEAD"), ("#main", "refs/heads/main"), (f"#main#{COMMIT}", COMMIT)],
)
@pytest.mark.parametrize("url", ["ssh://git@git.example:22/acme/web", "git@git.example:acme/web"])
def test_of_ssh_git_gets_the_url_as_it_is_written(url: str, text: str, ref: str) -> None:
    context = BuildContext.parse(url + text)

    assert (context.scheme, context.place, context.for_git) == ("ssh", url, ref)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("web", "is no Git repository", id="a word"),
        pytest.param("/srv/git/web", "is no Git repository", id="a path"),
        pytest.param("s3://bucket/web.tar", "is no Git repository", id="another kind"),
        pytest.param("https://git.example", "is no URL", id="no path"),
        pytest.param("https:///acme/web", "is no URL", id="no host"),
        pytest.param("https://-o/acme", "is no URL", id="an option for a host"),
        pytest.param("https://g.example/a?x=1", "is no URL", id="a query"),
        pytest.param("https://robot:canary@g.example/a", "name a Secret", id="a password"),
        pytest.param("https://canary@g.example/a", "name a Secret", id="a token"),
        pytest.param("ssh://git:canary@g.example/a", "name a Secret", id="a password for SSH"),
        pytest.param("ssh://-oProxyCommand=x@g/a", "name a Secret", id="an option for a user"),
        pytest.param("-oProxyCommand=x@host:a", "is no Git repository", id="likewise, short"),
        pytest.param("https://g.example/a#a b", "is no ref", id="a space"),
        pytest.param("https://g.example/a#a..b", "is no ref", id="two dots"),
        pytest.param("https://g.example/a#-x", "is no ref", id="an option for a ref"),
        pytest.param("https://g.example/a#x.lock", "is no ref", id="a lock"),
        pytest.param("https://g.example/a#main#abc", "is no commit", id="a short commit"),
        pytest.param("https://g.example/a#main:../x", "is no folder", id="above the repository"),
        pytest.param("https://g.example/a#main:/etc", "is no folder", id="absolute"),
        pytest.param("https://g.example/a\nb", "is no line", id="two lines"),
        pytest.param("https://g.example/" + "a" * 3000, "is no line", id="endless"),
    ],
)
def test_what_names_no_repository_is_refused_and_no_password_is_shown(
    text: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        BuildContext.parse(text)

    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)
