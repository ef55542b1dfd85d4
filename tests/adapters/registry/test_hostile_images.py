"""Every way in which a registry can misbehave with one image: what is said of it."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.image_content import Recipe
from reconciler import errors
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.images import RegistryImages
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError
from tests.adapters.registry.hostile_images import PATH, TABLE, HostileImage
from tests.adapters.registry.hostile_stage import QUICK, documented, row_of, serve
from tests.simulators.names import Names
from tests.simulators.registry import RegistrySimulator, Reply
from tests.simulators.shelf import Shelf


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def ask(images: RegistryImages, repository: Repository, hostile: HostileImage) -> object:
    match hostile.fact:
        case "created":
            return images.created_of(repository, hostile.digest)
        case "platforms":
            return images.platforms_of(repository, hostile.digest)
        case _:
            return images.digest_of(repository, "v1")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("hostile", [pytest.param(each, id=each.title) for each in TABLE])
def test_a_hostile_registry_gets_its_words_and_the_others_can_be_read(
    hostile: HostileImage,
    stack: contextlib.ExitStack,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names, shelf = Names(), Shelf()
    names.install(monkeypatch)
    forbidden = stack.enter_context(RegistrySimulator(lambda _: Reply()))
    other = stack.enter_context(RegistrySimulator(shelf))
    host, _ = serve(hostile, forbidden.host, authority, tmp_path, stack)
    settings = dataclasses.replace(QUICK, ca_file=authority.ca_file)
    client = RegistryClient(settings, Keychain(environment={}))
    stack.callback(client.close)
    images = client.images()

    with pytest.raises(ReconcilerError) as raised:
        ask(images, Repository(host, PATH), hostile)

    assert isinstance(raised.value, getattr(errors, hostile.kind))
    assert raised.value.message == hostile.said(
        QUICK, digest=hostile.digest, elsewhere=forbidden.host
    )
    assert getattr(raised.value, "is_retryable", False) is hostile.is_tried_again
    assert forbidden.requests == []
    assert names.asked <= {"127.0.0.1", host.partition(":")[0]}
    healthy = shelf.push(PATH, "v1", Recipe().make())
    assert images.platforms_of(Repository(other.host, PATH), healthy)


def test_the_table_of_the_reference_is_the_table_of_these_tests() -> None:
    assert documented(1) == [row_of(each, digest="sha256:…") for each in TABLE]
