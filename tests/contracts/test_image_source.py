"""What every ImageSource promises: the fake, and the real one at real registries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.image_content import Recipe
from reconciler.core.images.origin import NO_ORIGIN, Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import Unread
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError, RegistryError
from tests.contracts.registry_sides import (
    CANARY,
    CHART,
    DOWN,
    KINDS,
    OPEN,
    WITH_LOGIN,
    Looked,
    Side,
)
from tests.fakes.images import digest_for

wants_login = pytest.mark.parametrize("make_registry", WITH_LOGIN, indirect=True)
open_to_all = pytest.mark.parametrize("make_registry", OPEN, indirect=True)
of_every_kind = pytest.mark.parametrize("recipe", KINDS.values(), ids=KINDS)


@of_every_kind
def test_an_image_is_known_by_its_digest_its_platforms_and_its_time(
    side: Side, recipe: Recipe
) -> None:
    pushed = side.holds("v1", replace(recipe, created="2024-02-29T12:30:00.123456789+01:00"))

    digest = side.images.digest_of(side.repository, "v1", pull_secrets=[side.right])
    platforms = side.images.platforms_of(side.repository, digest, pull_secrets=[side.right])
    created = side.images.created_of(side.repository, digest, pull_secrets=[side.right])

    assert digest == pushed
    assert platforms == frozenset(map(Platform.parse, recipe.platforms))
    assert created == datetime(2024, 2, 29, 11, 30, 0, 123456, tzinfo=UTC)


@of_every_kind
def test_an_image_says_where_it_comes_from(side: Side, recipe: Recipe) -> None:
    labels = {
        "org.opencontainers.image.source": "https://github.com/acme/web",
        "org.opencontainers.image.revision": "8f3e21c0",
        "org.opencontainers.image.url": "javascript:alert(1)",
    }
    digest = side.holds("v1", replace(recipe, labels=labels))
    silent = side.holds("v2", recipe)
    secrets = [side.right]

    found = side.images.origin_of(side.repository, digest, pull_secrets=secrets)
    nothing = side.images.origin_of(side.repository, silent, pull_secrets=secrets)

    assert found == Origin(source="https://github.com/acme/web", revision="8f3e21c0")
    assert nothing == NO_ORIGIN


@of_every_kind
def test_an_image_that_does_not_say_when_it_was_built_has_no_time(
    side: Side, recipe: Recipe
) -> None:
    digest = side.holds("v1", replace(recipe, created="1970-01-01T00:00:00Z"))

    assert side.images.created_of(side.repository, digest, pull_secrets=[side.right]) is None


def test_a_tag_that_is_moved_has_another_digest(side: Side) -> None:
    side.holds("v1", Recipe(version="before"))
    before = side.images.digest_of(side.repository, "v1", pull_secrets=[side.right])

    moved = side.holds("v1", Recipe(version="after"))

    assert side.images.digest_of(side.repository, "v1", pull_secrets=[side.right]) == moved
    assert moved != before


def test_what_is_not_there_is_told(side: Side) -> None:
    side.has("v1")
    secrets = [side.right]

    with pytest.raises(NotFoundError):
        side.images.digest_of(side.repository, "v2", pull_secrets=secrets)
    for ask in (side.images.platforms_of, side.images.created_of, side.images.origin_of):
        with pytest.raises(NotFoundError):
            ask(side.repository, digest_for("nothing"), pull_secrets=secrets)


def test_what_is_no_image_has_a_digest_but_runs_on_nothing(side: Side) -> None:
    digest = side.holds("v1", CHART)
    secrets = [side.right]

    assert side.images.digest_of(side.repository, "v1", pull_secrets=secrets) == digest
    for ask in (side.images.platforms_of, side.images.created_of, side.images.origin_of):
        with pytest.raises(NotFoundError, match=r"is no image: its config is .*helm"):
            ask(side.repository, digest, pull_secrets=secrets)


def test_a_registry_that_is_down_is_told_and_no_secret_is_looked_at(side: Side) -> None:
    secrets = Looked(side.right)

    with pytest.raises(RegistryError):
        side.images.digest_of(DOWN, "v1", pull_secrets=secrets)

    assert secrets.count == 0


@wants_login
def test_pull_secrets_are_tried_in_order_and_no_further_than_the_first_that_is_accepted(
    side: Side,
) -> None:
    digest = side.holds("v1", Recipe())
    secrets = Looked(side.wrong, side.right, side.wrong, side.right)

    assert side.images.digest_of(side.repository, "v1", pull_secrets=secrets) == digest
    assert secrets.count == 2


@open_to_all
def test_no_secret_is_looked_at_while_the_registry_asks_for_none(side: Side) -> None:
    digest = side.holds("v1", Recipe())
    secrets = Looked(side.right)

    assert side.images.digest_of(side.repository, "v1", pull_secrets=secrets) == digest
    assert side.images.platforms_of(side.repository, digest, pull_secrets=secrets)
    assert secrets.count == 0


@wants_login
def test_our_own_login_comes_after_those_of_the_cluster(
    make_registry: Callable[..., Side],
) -> None:
    side = make_registry(has_own_login=True)
    digest = side.holds("v1", Recipe())
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    assert side.images.created_of(side.repository, digest, pull_secrets=secrets)
    assert secrets.count == 2


@wants_login
def test_a_refusal_says_whose_logins_there_were_and_shows_none(side: Side) -> None:
    digest = side.holds("v1", Recipe())
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    with pytest.raises(AccessDeniedError) as raised:
        side.images.platforms_of(side.repository, digest, pull_secrets=secrets)

    assert "the secret web/gone cannot be used: it is not there" in str(raised.value)
    assert "the secret web/wrong" in str(raised.value)
    assert CANARY not in f"{raised.value} {raised.value!r}"


@wants_login
def test_a_refusal_may_pass_if_a_secret_could_not_be_read_for_now(side: Side) -> None:
    side.has("v1")
    secrets = [Unread("the secret web/regcred", "the API server is down", may_pass=True)]

    with pytest.raises(ClusterError, match="the secret web/regcred cannot be used"):
        side.images.digest_of(side.repository, "v1", pull_secrets=secrets)


def test_many_threads_may_ask(side: Side) -> None:
    digest = side.holds("v1", KINDS["index"])

    def ask(_: int) -> tuple[str, int]:
        secrets = [side.wrong, side.right]
        found = side.images.digest_of(side.repository, "v1", pull_secrets=secrets)
        return found, len(side.images.platforms_of(side.repository, found, pull_secrets=secrets))

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(ask, range(40))) == [(digest, 2)] * 40
