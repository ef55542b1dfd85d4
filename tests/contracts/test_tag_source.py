"""What every TagSource promises: the fake, and the real one at real registries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.core.images.pull_secret import Unread
from reconciler.errors import AccessDeniedError, ClusterError, NotFoundError, RegistryError
from tests.contracts.registry_sides import CANARY, DOWN, OPEN, WITH_LOGIN, Looked, Side

wants_login = pytest.mark.parametrize("make_registry", WITH_LOGIN, indirect=True)
open_to_all = pytest.mark.parametrize("make_registry", OPEN, indirect=True)


def test_every_tag_is_listed_once(side: Side) -> None:
    tags = [f"v{number}" for number in range(7)]
    side.has(*tags)

    listed = side.tags.list_tags(side.repository, pull_secrets=[side.right])

    assert sorted(listed) == tags


def test_what_is_not_there_is_told(side: Side) -> None:
    with pytest.raises(NotFoundError):
        side.tags.list_tags(side.repository, pull_secrets=[side.right])


def test_a_registry_that_is_down_is_told_and_no_secret_is_looked_at(side: Side) -> None:
    secrets = Looked(side.right)

    with pytest.raises(RegistryError):
        side.tags.list_tags(DOWN, pull_secrets=secrets)

    assert secrets.count == 0


@wants_login
def test_pull_secrets_are_tried_in_order_and_no_further_than_the_first_that_is_accepted(
    side: Side,
) -> None:
    side.has("v1")
    secrets = Looked(side.wrong, side.right, side.wrong, side.right)

    assert list(side.tags.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 2


@open_to_all
def test_no_secret_is_looked_at_while_the_registry_asks_for_none(side: Side) -> None:
    side.has("v1")
    secrets = Looked(side.right)

    assert list(side.tags.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 0


@wants_login
def test_a_secret_that_could_not_be_read_is_passed_over(side: Side) -> None:
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.right)

    assert list(side.tags.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]


@wants_login
def test_our_own_login_comes_after_those_of_the_cluster(
    make_registry: Callable[..., Side],
) -> None:
    side = make_registry(has_own_login=True)
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    assert list(side.tags.list_tags(side.repository, pull_secrets=secrets)) == ["v1"]
    assert secrets.count == 2


@wants_login
def test_a_refusal_says_whose_logins_there_were_and_shows_none(side: Side) -> None:
    side.has("v1")
    secrets = Looked(Unread("the secret web/gone", "it is not there"), side.wrong)

    with pytest.raises(AccessDeniedError) as raised:
        side.tags.list_tags(side.repository, pull_secrets=secrets)

    assert "the secret web/gone cannot be used: it is not there" in str(raised.value)
    assert "the secret web/wrong" in str(raised.value)
    assert CANARY not in f"{raised.value} {raised.value!r}"


@wants_login
def test_a_refusal_may_pass_if_a_secret_could_not_be_read_for_now(side: Side) -> None:
    side.has("v1")
    secrets = [Unread("the secret web/regcred", "the API server is down", may_pass=True)]

    with pytest.raises(ClusterError, match="the secret web/regcred cannot be used"):
        side.tags.list_tags(side.repository, pull_secrets=secrets)


def test_many_threads_may_ask(side: Side) -> None:
    side.has("v1")

    def ask(_: int) -> list[str]:
        return list(side.tags.list_tags(side.repository, pull_secrets=[side.wrong, side.right]))

    with ThreadPoolExecutor(8) as executor:
        assert list(executor.map(ask, range(40))) == [["v1"]] * 40
