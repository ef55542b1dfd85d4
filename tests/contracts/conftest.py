"""The registries of the contract suites, as fixtures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.contracts.registry_sides import ALL, Side, make_side


@pytest.fixture(params=ALL)
def make_registry(request: pytest.FixtureRequest) -> Iterator[Callable[..., Side]]:
    """What makes a side; ``has_own_login`` as from a docker config."""
    with ExitStack() as stack:
        yield lambda *, has_own_login=False: make_side(
            request.param, request, stack, has_own_login=has_own_login
        )


@pytest.fixture
def side(make_registry: Callable[..., Side]) -> Side:
    """A registry that most must log in to, and a source without logins of its own."""
    return make_registry()
