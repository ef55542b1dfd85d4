import pytest

from reconciler.adapters.forge.place import Place, place_of
from reconciler.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "kind", "api_url", "place"),
    [
        ("https://github.com/acme/web.git", None, None,
         Place("github", "https://api.github.com", "acme/web")),
        ("git@github.com:acme/web.git", None, None,
         Place("github", "https://api.github.com", "acme/web")),
        ("ssh://git@ssh.github.com:443/acme/web.git", None, None,
         Place("github", "https://api.github.com", "acme/web")),
        ("https://GitHub.com/acme/web/", None, None,
         Place("github", "https://api.github.com", "acme/web")),
        ("https://ghe.example/acme/web", "github", None,
         Place("github", "https://ghe.example/api/v3", "acme/web")),
        ("https://gitlab.com/acme/shop/web.git", None, None,
         Place("gitlab", "https://gitlab.com/api/v4", "acme/shop/web")),
        ("git@gitlab.example:acme/shop/apps/web.git", "gitlab", None,
         Place("gitlab", "https://gitlab.example/api/v4", "acme/shop/apps/web")),
        ("https://example.org/gitlab/acme/web.git", "gitlab", "https://example.org/gitlab/api/v4/",
         Place("gitlab", "https://example.org/gitlab/api/v4", "acme/web")),
        ("https://codeberg.org/acme/web", None, None,
         Place("gitea", "https://codeberg.org/api/v1", "acme/web")),
        ("https://example.org:3000/git/acme/web", "gitea", None,
         Place("gitea", "https://example.org:3000/git/api/v1", "acme/web")),
        ("ssh://git@example.org:2222/acme/web", "gitea", None,
         Place("gitea", "https://example.org/api/v1", "acme/web")),
        ("http://127.0.0.1:3000/acme/web", "gitea", None,
         Place("gitea", "http://127.0.0.1:3000/api/v1", "acme/web")),
        ("https://git.example/acme/web", "gitea", "https://api.example/v1",
         Place("gitea", "https://api.example/v1", "acme/web")),
    ],
)  # fmt: skip
def test_the_url_of_the_remote_tells_where_the_api_is(
    url: str, kind: str | None, api_url: str | None, place: Place
) -> None:
    assert place_of(url, kind=kind, api_url=api_url) == place


@pytest.mark.parametrize(
    ("url", "kind", "api_url", "words"),
    [
        ("https://git.example/acme/web", None, None, "'git.example' is: use --git-forge"),
        ("/srv/git/web.git", "gitea", None, "a path is at no forge"),
        ("file:///srv/git/web.git", "gitea", None, "a path is at no forge"),
        ("https://github.com/web", None, None, "no OWNER/REPOSITORY"),
        ("https://github.com/acme/we%20b", None, None, "no OWNER/REPOSITORY"),
        ("https://gitlab.com/acme/../web", None, None, "no OWNER/REPOSITORY"),
        ("http://git.example/acme/web", "gitea", None, "not encrypted"),
        ("https://git.example/a/b", "gitea", "http://api.example/v1", "not encrypted"),
        ("https://git.example/a/b", "gitea", "https://me:secret@api.example/v1", "is wanted"),
        ("https://git.example/a/b", "gitea", "https://api.example/v1?x=1", "is wanted"),
        ("https://git.example/a/b", "gitea", "ftp://api.example", "is wanted"),
        ("https://git.example/a/b", "gitea", "https://[::1", "is wanted"),
        ("https://git.example/a/b", "gitea", "https://api.example:0", "is wanted"),
        ("https://git.example/a/b", "gitea", "https://api.example/\nx", "is wanted"),
    ],
)
def test_where_it_cannot_be_told_the_settings_are_to_blame(
    url: str, kind: str | None, api_url: str | None, words: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        place_of(url, kind=kind, api_url=api_url)

    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


def test_plain_http_is_spoken_where_that_is_permitted() -> None:
    place = place_of("http://git.example/acme/web", kind="gitea", insecure=True)

    assert place.api_url == "http://git.example/api/v1"
