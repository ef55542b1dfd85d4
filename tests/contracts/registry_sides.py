"""Registries in memory, simulated and real, and how each is asked: for the contract suites."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from lab.image_content import DOCKER, OCI, Recipe
from lab.lanes import LANES
from lab.registry import PASSWORD, USER, Registry
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.moment import read_moment
from reconciler.core.images.origin import origin_of
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import PullCredential, PullSecret
from reconciler.core.images.reference import Repository
from reconciler.errors import NotFoundError, ReconcilerError, RegistryError
from reconciler.host_settings import HostSettings
from reconciler.pipeline.registry_port import ImageSource, TagSource
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret
from tests.fakes.images import FakeImage, FakeImages
from tests.fakes.registry import FakeRegistries
from tests.simulators.registry import RegistrySimulator
from tests.simulators.shelf import Shelf

CANARY = "canary-7f3a"
DOWN = Repository("127.0.0.1:1", "acme/web")
LOGIN = f"{USER}:{PASSWORD}"
_OPEN_DOORS = ("plain", "mutual-tls")
_numbers = itertools.count(1)


def _marked(names: Iterable[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.registry) for name in names]


ALL = ["fake", "simulator", *_marked(LANES)]
OPEN = ["fake-open", "simulator-open", *_marked(n for n in LANES if n.endswith(_OPEN_DOORS))]
WITH_LOGIN = ["fake", "simulator", *_marked(n for n in LANES if not n.endswith(_OPEN_DOORS))]


@dataclass
class Side:
    """A registry, and what asks it; most want a login for what was pushed to them.

    Attributes:
        tags: lists its tags.
        images: reads its images.
        registry: its host.
        push: makes an image by a recipe, under a tag; returns its digest.
    """

    tags: TagSource
    images: ImageSource
    registry: str
    push: Callable[[str, str, Recipe], str]
    name: str = field(default_factory=lambda: f"tags{os.getpid()}-{next(_numbers)}")

    @property
    def repository(self) -> Repository:
        return Repository(self.registry, f"{self.name}/web")

    @property
    def right(self) -> PullSecret:
        return pull_secret({self.registry: LOGIN}, "web/right")

    @property
    def wrong(self) -> PullSecret:
        return pull_secret({self.registry: f"{USER}:{CANARY}"}, "web/wrong")

    def has(self, *tags: str) -> None:
        for tag in tags:
            self.holds(tag, Recipe(version=tag))

    def holds(self, tag: str, recipe: Recipe) -> str:
        return self.push(self.repository.path, tag, recipe)


class Looked:
    """Pull secrets that note how far they were looked through."""

    def __init__(self, *secrets: PullCredential) -> None:
        self._secrets = secrets
        self.count = 0

    def __iter__(self) -> Iterator[PullCredential]:
        for each in self._secrets:
            self.count += 1
            yield each


def make_side(
    name: str, request: pytest.FixtureRequest, stack: ExitStack, *, has_own_login: bool = False
) -> Side:
    """Return the side of a name of the lists above."""
    kind, _, rest = name.partition("-")
    if kind == "fake":
        return _fake(is_open=rest == "open", has_own_login=has_own_login)
    if kind == "simulator":
        return _simulated(stack, is_open=rest == "open", has_own_login=has_own_login)
    return _real(stack, request.getfixturevalue("lanes")[name], has_own_login=has_own_login)


def _fake(*, is_open: bool, has_own_login: bool) -> Side:
    host = "r.example"
    tags: dict[str, list[str] | RegistryError] = {str(DOWN): RegistryError("cannot connect")}
    images: dict[str, FakeImage | ReconcilerError] = {f"{DOWN}:v1": RegistryError("cannot connect")}
    logins: dict[str, str] = {}
    right = pull_secret({host: LOGIN}).content.reveal()
    own = frozenset({right} if has_own_login else ())

    def push(path: str, tag: str, recipe: Recipe) -> str:
        listed = tags.setdefault(f"{host}/{path}", [])
        assert isinstance(listed, list)
        listed.append(tag)
        made = recipe.make()
        images[f"{host}/{path}:{tag}"] = _image_in_memory(recipe, made.digest)
        if not is_open:
            logins[f"{host}/{path}"] = right
        return made.digest

    sources = FakeRegistries(tags, logins, own), FakeImages(images, logins, own)
    return Side(*sources, host, push)


def _image_in_memory(recipe: Recipe, digest: str) -> FakeImage:
    platforms = frozenset(map(Platform.parse, recipe.platforms))
    created = read_moment(recipe.created)
    if recipe.config_type:
        error = NotFoundError(f"is no image: its config is {recipe.config_type!r}")
        return FakeImage(digest, error, error, error)
    return FakeImage(digest, platforms, created, origin_of(recipe.labels))


def _simulated(stack: ExitStack, *, is_open: bool, has_own_login: bool) -> Side:
    shelf = Shelf(login="" if is_open else LOGIN)
    host = stack.enter_context(RegistrySimulator(shelf)).host

    def push(path: str, tag: str, recipe: Recipe) -> str:
        return shelf.push(path, tag, recipe.make())

    return _asked(stack, RegistrySettings(), host, push, has_own_login=has_own_login)


def _real(stack: ExitStack, registry: Registry, *, has_own_login: bool) -> Side:
    authority = registry.authority
    shown = (HostSettings(registry.host, client_cert_file=registry.client_pem),)
    settings = RegistrySettings(
        ca_file=authority.ca_file if authority else None, hosts=shown if registry.client_pem else ()
    )
    return _asked(stack, settings, registry.host, registry.push_by, has_own_login=has_own_login)


def _asked(
    stack: ExitStack,
    settings: RegistrySettings,
    host: str,
    push: Callable[[str, str, Recipe], str],
    *,
    has_own_login: bool,
) -> Side:
    own = keychain_of({host: LOGIN}) if has_own_login else Keychain(environment={})
    client = RegistryClient(settings, own, page_size=3)
    stack.callback(client.close)
    return Side(client, client.images(), host, push)


KINDS = {
    "manifest": Recipe(["linux/arm/v7"]),
    "index": Recipe(["linux/amd64", "linux/arm64/v8"], has_attestation=True),
    "docker": Recipe(["windows/amd64"], kinds=DOCKER),
    "docker-list": Recipe(["linux/s390x", "linux/amd64"], kinds=DOCKER),
}
"""Every kind of image that clusters pull."""

CHART = Recipe(config_type="application/vnd.cncf.helm.config.v1+json", kinds=OCI)
