"""Where images come from: labels of strangers, and the links that are made of them."""

import pytest

from reconciler.core.images.origin import NO_ORIGIN, Origin, link_between, origin_of

GITHUB = "https://github.com/acme/web"
OLD, NEW = "1" * 40, "2" * 40


def origin(source: str = "", revision: str = "", **more: str) -> Origin:
    """Return an origin."""
    return Origin(source, revision, **more)


@pytest.mark.parametrize(
    ("source", "link"),
    [
        pytest.param(GITHUB, f"{GITHUB}/compare/{OLD}...{NEW}", id="github"),
        pytest.param(f"{GITHUB}.git", f"{GITHUB}/compare/{OLD}...{NEW}", id="dot-git"),
        pytest.param(f"{GITHUB}/", f"{GITHUB}/compare/{OLD}...{NEW}", id="slash"),
        pytest.param(
            "https://gitlab.com/acme/shop/web",
            f"https://gitlab.com/acme/shop/web/-/compare/{OLD}...{NEW}",
            id="gitlab-with-a-subgroup",
        ),
        pytest.param(
            "https://gitlab.example:8443/acme/web",
            f"https://gitlab.example:8443/acme/web/-/compare/{OLD}...{NEW}",
            id="gitlab-of-ones-own",
        ),
        pytest.param(
            "https://codeberg.org/acme/web",
            f"https://codeberg.org/acme/web/compare/{OLD}...{NEW}",
            id="forgejo",
        ),
        pytest.param(f"{GITHUB}/tree/main", f"{GITHUB}/tree/main", id="a-folder"),
        pytest.param(f"{GITHUB}?x=/a/b", f"{GITHUB}?x=/a/b", id="a-query"),
        pytest.param(
            "https://gitlab.com/a/b/-/tree/c", "https://gitlab.com/a/b/-/tree/c", id="a-branch"
        ),
        pytest.param(
            "https://git.example/acme/web", "https://git.example/acme/web", id="another-forge"
        ),
    ],
)
def test_two_commits_are_compared_where_the_forge_is_known(source: str, link: str) -> None:
    assert link_between(origin(source, OLD), origin(source, NEW)) == link


@pytest.mark.parametrize(
    ("old", "new", "link"),
    [
        pytest.param(None, origin(GITHUB, NEW), GITHUB, id="old-unknown"),
        pytest.param(origin(GITHUB, NEW), origin(GITHUB, NEW), GITHUB, id="same-commit"),
        pytest.param(origin(GITHUB, "v1"), origin(GITHUB, "v2"), GITHUB, id="no-commits"),
        pytest.param(origin(f"{GITHUB}-old", OLD), origin(GITHUB, NEW), GITHUB, id="moved"),
        pytest.param(
            None, origin(GITHUB, NEW, url="https://acme.example"), "https://acme.example", id="url"
        ),
        pytest.param(
            None, origin(documentation="https://d.example/"), "https://d.example/", id="d"
        ),
        pytest.param(origin(GITHUB, OLD), None, "", id="new-unknown"),
        pytest.param(NO_ORIGIN, NO_ORIGIN, "", id="no-labels"),
    ],
)
def test_else_it_is_what_the_new_image_names(
    old: Origin | None, new: Origin | None, link: str
) -> None:
    assert link_between(old, new) == link


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("http://github.com/acme/web", id="not-https"),
        pytest.param("git@github.com:acme/web.git", id="ssh"),
        pytest.param("https://user:pass@github.com/acme/web", id="user"),
        pytest.param("https://github.com/a\nReconcile-By: evil@-", id="line"),
        pytest.param("https://github.com/a\u2028b", id="separator"),
        pytest.param("https://github.com/a b", id="blank"),
        pytest.param("https://gïthub.com/a", id="other-letters"),
        pytest.param("https://", id="no-host"),
        pytest.param(f"https://github.com/{'a' * 300}", id="long"),
        pytest.param(7, id="number"),
        pytest.param(None, id="null"),
    ],
)
def test_what_is_no_plain_address_counts_for_nothing(text: object) -> None:
    labels = {f"org.opencontainers.image.{each}": text for each in ("source", "url", "revision")}

    assert origin_of(labels) == NO_ORIGIN or text == 7
    assert origin_of(labels).source == origin_of(labels).url == ""
