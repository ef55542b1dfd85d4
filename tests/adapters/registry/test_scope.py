"""The scope that tokens are asked for, learned once a host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.registry.scope import USUAL, shape_of


@pytest.mark.parametrize(
    ("scope", "path", "other", "wanted"),
    [
        pytest.param(
            "repository:acme/web:pull", "acme/web", "acme/api", "repository:acme/api:pull", id="all"
        ),
        pytest.param(
            "repository:web:metadata_read", "web", "a/b", "repository:a/b:metadata_read", id="acr"
        ),
        pytest.param("aws", "acme/web", "acme/api", "aws", id="ecr-public"),
        pytest.param(
            "repository:acme/web:pull", "docker/acme/web", "docker/x/y", "repository:x/y:pull",
            id="artifactory",
        ),
        pytest.param("repository:web:pull", "docker/web", "web", "repository:web:pull", id="short"),
        pytest.param(
            "repository:acme/web:pull repository:acme/base:pull", "acme/web", "acme/api",
            "repository:acme/api:pull repository:acme/base:pull", id="several",
        ),
    ],
)  # fmt: skip
def test_what_one_repository_wants_tells_what_another_wants(
    scope: str, path: str, other: str, wanted: str
) -> None:
    assert shape_of(scope, path).scope(other) == wanted


@given(st.text(max_size=40), st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}){0,3}", fullmatch=True))
def test_the_shape_of_any_scope_gives_it_back(scope: str, path: str) -> None:
    assert shape_of(scope, path).scope(path) == scope


def test_the_usual_shape_is_that_of_the_specification() -> None:
    assert USUAL.scope("acme/web") == "repository:acme/web:pull"
