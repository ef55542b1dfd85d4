"""How single images are read: what is asked, how often, and what is believed."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from lab.image_content import OCI, Content, Image, Recipe, index_of, manifest_of
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.images import RegistryImages
from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, NotFoundError, RegistryError
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of
from tests.simulators.registry import RegistrySimulator, Reply, Request, Script
from tests.simulators.shelf import Shelf

CANARY = "canary-7f3a"
PATH = "acme/web"
INDEX = Recipe(["linux/amd64", "linux/arm64"], has_attestation=True)
OLD = "application/vnd.docker.distribution.manifest.v1+prettyjws"
BASIC = Reply(401, headers={"WWW-Authenticate": 'Basic realm="lab"'})
CREATED = "org.opencontainers.image.created"


def moment(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def written(year: int) -> str:
    return f"{year}-01-01T00:00:00Z"


@dataclass
class World:
    """A simulated registry with a shelf, and what reads its images.

    Attributes:
        answer: takes the shelf's place if it returns something.
        asked: each request: method and path, without the part that all have.
    """

    stack: ExitStack
    shelf: Shelf = field(default_factory=Shelf)
    answer: Callable[[Request], Reply | None] = lambda _: None
    keychain: Callable[[str], Keychain] = lambda _: Keychain(environment={})

    def __post_init__(self) -> None:
        self.simulator = self.start(lambda request: self.answer(request) or self.shelf(request))
        self.told: list[tuple[str, int]] = []
        client = RegistryClient(
            RegistrySettings(),
            self.keychain(self.simulator.host),
            on_request=lambda host, status: self.told.append((host, status)),
        )
        self.stack.callback(client.close)
        self.images: RegistryImages = client.images()
        self.repository = Repository(self.simulator.host, PATH)

    def start(self, script: Script) -> RegistrySimulator:
        return self.stack.enter_context(RegistrySimulator(script))

    def push(self, recipe: Recipe, tag: str = "v1") -> str:
        return self.shelf.push(PATH, tag, recipe.make())

    def put(self, *contents: Content) -> str:
        """Keep contents; return the digest of the last."""
        self.shelf.put(PATH, *contents)
        return contents[-1].digest

    @property
    def asked(self) -> list[str]:
        return [
            f"{each.method} {each.path.removeprefix(f'/v2/{PATH}/').partition('/')[0]}"
            for each in self.simulator.requests
        ]

    def digest(self, tag: str = "v1") -> str:
        return self.images.digest_of(self.repository, tag)

    def platforms(self, digest: str) -> set[str]:
        return set(map(str, self.images.platforms_of(self.repository, digest)))

    def created(self, digest: str) -> datetime | None:
        return self.images.created_of(self.repository, digest)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def world(stack: ExitStack) -> World:
    return World(stack)


# What it costs.


def test_a_digest_costs_one_head_with_all_media_types(world: World) -> None:
    digest = world.push(INDEX)

    assert world.digest() == digest
    assert world.asked == ["HEAD manifests"]
    accepted = world.simulator.requests[0].headers["Accept"].split(", ")
    assert [each.rpartition("application/vnd.")[2] for each in accepted] == [
        "oci.image.index.v1+json",
        "docker.distribution.manifest.list.v2+json",
        "oci.image.manifest.v1+json",
        "docker.distribution.manifest.v2+json",
    ]


def test_the_platforms_of_an_index_cost_one_request(world: World) -> None:
    digest = world.push(INDEX)

    assert world.platforms(digest) == {"linux/amd64", "linux/arm64"}
    assert world.asked == ["GET manifests"]


def test_the_platform_of_a_single_manifest_costs_two(world: World) -> None:
    digest = world.push(Recipe(["linux/arm/v7"]))

    assert world.platforms(digest) == {"linux/arm/v7"}
    assert world.asked == ["GET manifests", "GET blobs"]


def test_the_time_of_an_index_costs_three(world: World) -> None:
    digest = world.push(INDEX)

    assert world.created(digest) == moment(2026)
    assert world.asked == ["GET manifests", "GET manifests", "GET blobs"]


def test_what_was_read_by_digest_is_not_read_again(world: World) -> None:
    digest = world.push(Recipe())

    for _ in range(3):
        assert world.platforms(digest) == {"linux/amd64"}
        assert world.created(digest) == moment(2026)

    assert world.asked == ["GET manifests", "GET blobs"]
    assert world.told == [(world.simulator.host, 200)] * 2


def test_all_that_is_asked_goes_by_one_connection_also_after_a_head_of_packed_content(
    world: World,
) -> None:
    digest = world.push(INDEX)
    packed = {"Content-Encoding": "gzip", "Docker-Content-Digest": digest}
    world.answer = lambda request: Reply(headers=packed) if request.method == "HEAD" else None

    for _ in range(3):
        assert world.digest() == digest
        assert world.created(digest) == moment(2026)

    assert world.simulator.connections == 1


def test_what_one_repository_holds_is_asked_of_each(world: World) -> None:
    digest = world.push(Recipe())
    world.created(digest)

    with pytest.raises(NotFoundError):
        world.images.created_of(Repository(world.simulator.host, "acme/api"), digest)


# How a digest is found.


def by_get_only(status: int) -> Callable[[Request], Reply | None]:
    return lambda request: Reply(status) if request.method == "HEAD" else None


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_registry_that_knows_no_head_is_asked_by_get(world: World, status: int) -> None:
    digest = world.push(Recipe())
    world.answer = by_get_only(status)

    assert world.digest() == digest
    assert world.asked == ["HEAD manifests", "GET manifests"]


def test_a_registry_that_tells_no_digest_has_that_of_the_body(world: World) -> None:
    digest = world.push(INDEX)
    world.shelf.tells_digests = False

    assert world.digest() == digest
    assert world.asked == ["HEAD manifests", "GET manifests"]


@pytest.mark.parametrize("header", ["sha256:short", "md5:0123", "nonsense", ""])
def test_what_is_no_digest_is_not_taken_for_one(world: World, header: str) -> None:
    image = Recipe().make()
    lie = Reply(body=image.manifests[-1].body, headers={"Docker-Content-Digest": header})
    world.answer = lambda _: lie

    assert world.digest() == image.digest


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
def test_other_algorithms_are_believed_and_checked(world: World, algorithm: str) -> None:
    image = Recipe().make()
    body = image.manifests[-1].body
    digest, other = (
        f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}" for content in (body, b"other")
    )
    world.put(*image.blobs)
    world.answer = lambda request: (
        Reply(body=body, headers={"Docker-Content-Digest": digest})
        if "/manifests/" in request.path
        else None
    )

    assert world.digest() == digest
    assert world.platforms(digest) == {"linux/amd64"}
    with pytest.raises(RegistryError, match=f"answered with something that is not {other}"):
        world.platforms(other)


def test_a_manifest_that_came_with_a_digest_is_not_read_again(world: World) -> None:
    digest = world.push(INDEX)
    world.shelf.tells_digests = False

    assert world.platforms(world.digest()) == {"linux/amd64", "linux/arm64"}
    assert world.asked == ["HEAD manifests", "GET manifests"]
    assert world.digest() == digest


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"[]", b""])
def test_a_page_that_is_no_manifest_has_no_digest(world: World, body: bytes) -> None:
    world.answer = lambda _: Reply(body=body)

    with pytest.raises(
        RegistryError, match="answered with something that is no manifest"
    ) as raised:
        world.digest()

    assert not raised.value.is_retryable


def test_what_is_no_image_and_has_no_digest_told_is_not_pinned(world: World) -> None:
    world.push(Recipe(config_type="application/vnd.cncf.helm.config.v1+json"))
    world.shelf.tells_digests = False

    with pytest.raises(NotFoundError, match="'acme/web:v1' is no image: its config is"):
        world.digest()


def test_a_body_that_is_not_what_its_own_header_says_is_refused(world: World) -> None:
    world.push(Recipe())
    other = f"sha256:{'0' * 64}"
    world.answer = lambda request: (
        Reply(405)
        if request.method == "HEAD"
        else Reply(body=b"{}", headers={"Docker-Content-Digest": other})
    )

    with pytest.raises(RegistryError, match=f"answered with something that is not {other}"):
        world.digest()


def test_a_tag_that_is_not_there_is_made_sure_of(world: World) -> None:
    with pytest.raises(NotFoundError, match="the registry does not have 'acme/web:v1'") as raised:
        world.digest()

    assert raised.value.where == f"http://{world.simulator.host}/v2/acme/web/manifests/v1"
    assert world.asked == ["HEAD manifests", "GET manifests"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_registry_that_fails_is_not_asked_by_get_too(world: World, status: int) -> None:
    world.answer = lambda _: Reply(status, headers={"Retry-After": "7"})

    with pytest.raises(RegistryError, match=f"answered {status}") as raised:
        world.digest()

    assert raised.value.is_retryable
    assert raised.value.retry_after_s == 7
    assert world.asked == ["HEAD manifests"]
    with pytest.raises(RegistryError, match="not asked: it asked for time"):
        world.digest()


@pytest.mark.parametrize("knows_head", [True, False], ids=["head", "get"])
def test_a_manifest_of_schema_1_is_refused_in_clear_words(world: World, knows_head: bool) -> None:
    old = Content(OLD, b'{"schemaVersion": 1}')
    world.shelf.tag(PATH, "v1", world.put(old))
    world.shelf.tells_digests = knows_head

    with pytest.raises(NotFoundError, match="'acme/web:v1' is a Docker schema 1 manifest"):
        world.digest()
    with pytest.raises(NotFoundError, match="clusters pull no more: push it anew"):
        world.platforms(old.digest)


# What images run on.


def platform(text: str) -> dict[str, object]:
    return {"platform": dict(zip(("os", "architecture"), text.split("/"), strict=False))}


def test_indexes_in_indexes_are_read(world: World) -> None:
    inner = Recipe(["linux/amd64", "linux/s390x"]).make()
    world.put(*inner.blobs, *inner.manifests)
    outer = index_of(
        [inner.manifests[-1].descriptor, {**inner.manifests[0].descriptor, **platform("linux/arm")}]
    )

    assert world.platforms(world.put(outer)) == {"linux/amd64", "linux/arm", "linux/s390x"}


def test_an_index_that_names_no_platforms_is_read_to_its_configs(world: World) -> None:
    arm, windows = Recipe(["linux/arm64"]).make(), Recipe(["windows/amd64"]).make()
    world.put(*arm.blobs, *windows.blobs, arm.manifests[0], windows.manifests[0])
    index = index_of([each.manifests[0].descriptor for each in (arm, windows)])

    assert world.platforms(world.put(index)) == {"linux/arm64", "windows/amd64"}


def test_what_is_missing_or_no_image_in_an_index_runs_on_nothing(world: World) -> None:
    chart = Recipe(config_type="application/vnd.cncf.helm.config.v1+json").make()
    good = Recipe().make()
    world.put(*chart.blobs, *chart.manifests, *good.blobs, *good.manifests)
    absent = Content(OCI.manifest, b"absent")
    index = index_of([each.descriptor for each in (chart.manifests[0], absent, good.manifests[0])])

    assert world.platforms(world.put(index)) == {"linux/amd64"}


@pytest.mark.parametrize("platform", ["", "linux", "unknown/unknown", "a b/c"])
def test_what_runs_on_nothing_we_know_of_is_no_image(world: World, platform: str) -> None:
    digest = world.push(Recipe([platform]))

    with pytest.raises(NotFoundError, match=r"'acme/web@sha256:\w+' is no image: it runs on no"):
        world.platforms(digest)


def test_an_index_of_nothing_is_no_image(world: World) -> None:
    digest = world.put(index_of([]))

    with pytest.raises(NotFoundError, match="is no image: it runs on no platform"):
        world.platforms(digest)
    with pytest.raises(NotFoundError, match="is no image: its index is empty"):
        world.created(digest)


def test_a_text_that_is_no_digest_is_not_asked_for(world: World) -> None:
    for ask in (world.platforms, world.created):
        with pytest.raises(NotFoundError, match="that is no digest"):
            ask("../../v2/_catalog")

    assert world.asked == []


def nested(depth: int) -> list[Content]:
    """Return indexes in indexes around one image."""
    image = Recipe().make()
    contents = [*image.blobs, *image.manifests]
    for _ in range(depth):
        contents.append(index_of([contents[-1].descriptor]))
    return contents


def test_indexes_are_nested_three_deep_and_no_more(world: World) -> None:
    assert world.platforms(world.put(*nested(3))) == {"linux/amd64"}
    assert world.created(world.put(*nested(3))) == moment(2026)

    for ask in (world.platforms, world.created):
        with pytest.raises(RegistryError, match="in indexes more than 3 deep") as raised:
            ask(world.put(*nested(4)))
        assert not raised.value.is_retryable


def test_one_fact_costs_32_requests_at_most(world: World) -> None:
    entries = [Content(OCI.manifest, b"%d" % number).descriptor for number in range(100)]
    digest = world.put(index_of(entries))

    with pytest.raises(RegistryError, match=r"has 'acme/web@sha256:\w+' in more than 32 parts"):
        world.platforms(digest)

    assert len(world.asked) == 32


# When images were built.


def with_times(
    config: str | None, annotation: str | None = None, label: str | None = None
) -> Image:
    recipe = Recipe(
        created=config,
        annotations={CREATED: annotation} if annotation else {},
        labels={CREATED: label} if label else {},
    )
    return recipe.make()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        pytest.param(with_times(written(2021), written(2022), written(2023)), 2021, id="config"),
        pytest.param(
            with_times(written(1970), written(2022), written(2023)), 2022, id="annotation"
        ),
        pytest.param(with_times(None, "soon", written(2023)), 2023, id="label"),
        pytest.param(with_times(None, written(1979), "0001-01-01T00:00:00Z"), None, id="none"),
    ],
)
def test_the_config_is_believed_before_annotations_and_those_before_labels(
    world: World, image: Image, expected: int | None
) -> None:
    world.put(*image.blobs)

    created = world.created(world.put(*image.manifests))

    assert created == (moment(expected) if expected else None)


def test_the_annotation_of_a_manifest_comes_before_that_of_its_index_and_both_before_labels(
    world: World,
) -> None:
    annotated, bare = (
        with_times(None, written(2022), written(2024)),
        with_times(None, None, written(2024)),
    )
    for image, expected in ((annotated, 2022), (bare, 2023)):
        world.put(*image.blobs, *image.manifests)
        index = index_of([image.manifests[0].descriptor], OCI, {CREATED: written(2023)})

        assert world.created(world.put(index)) == moment(expected)


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        pytest.param(["windows/amd64", "linux/arm64", "linux/amd64"], 2002, id="linux-amd64"),
        pytest.param(["windows/amd64", "linux/s390x", "linux/arm64"], 2002, id="first-by-name"),
        pytest.param([None, "windows/amd64"], 2001, id="named-before-unnamed"),
    ],
)
def test_of_an_index_one_manifest_stands_for_all(
    world: World, platforms: list[str | None], expected: int
) -> None:
    entries = []
    for number, text in enumerate(platforms):
        image = with_times(written(2000 + number))
        world.put(*image.blobs, *image.manifests)
        entries.append({**image.manifests[0].descriptor, **(platform(text) if text else {})})

    assert world.created(world.put(index_of(entries))) == moment(expected)
    assert world.created(world.put(index_of(entries[::-1]))) == moment(expected)


# Blobs elsewhere, and who gets a login.


def test_blobs_may_be_on_another_host_which_gets_no_login(stack: ExitStack) -> None:
    login, image = f"robot:{CANARY}", Recipe(["linux/arm64"]).make()
    open_shelf = Shelf()
    open_shelf.push(PATH, "v1", image)
    world = World(stack, Shelf(login=login), keychain=lambda host: keychain_of({host: login}))
    store = world.start(open_shelf)
    world.shelf.push(PATH, "v1", image)
    world.answer = lambda request: (
        Reply(307, headers={"Location": f"http://{store.host}{request.path}?signature=1"})
        if "/blobs/" in request.path and "Authorization" in request.headers
        else None
    )

    assert world.platforms(image.digest) == {"linux/arm64"}
    assert [each.path.rpartition("?")[2] for each in store.requests] == ["signature=1"]
    assert all("Authorization" not in each.headers for each in store.requests)


def test_a_blob_from_elsewhere_is_checked_too(world: World) -> None:
    digest = world.push(Recipe())
    store = world.start(lambda _: Reply(body=b'{"os": "linux", "architecture": "evil"}'))
    world.answer = lambda request: (
        Reply(302, headers={"Location": f"http://{store.host}/blob?sig={CANARY}"})
        if "/blobs/" in request.path
        else None
    )

    with pytest.raises(
        RegistryError, match="answered with something that is not sha256:"
    ) as raised:
        world.platforms(digest)

    assert raised.value.where == f"http://{store.host}/blob"
    assert CANARY not in str(raised.value)


def test_a_store_that_forbids_is_not_taken_for_the_registry(world: World) -> None:
    digest = world.push(Recipe())
    store = world.start(lambda _: Reply(403))
    world.answer = lambda request: (
        Reply(302, headers={"Location": f"http://{store.host}/blob"})
        if "/blobs/" in request.path
        else None
    )

    with pytest.raises(RegistryError, match="the registry answered 403") as raised:
        world.platforms(digest)

    assert raised.value.where == f"http://{store.host}/blob"


def test_a_store_that_sends_back_gets_us_no_further_than_three_times(world: World) -> None:
    digest = world.push(Recipe())
    world.answer = lambda request: (
        Reply(302, headers={"Location": f"{request.path}x"}) if "/blobs/" in request.path else None
    )

    with pytest.raises(RegistryError, match="redirects more than 3 times"):
        world.platforms(digest)


def test_a_login_without_rights_is_told_with_what_it_tried(stack: ExitStack) -> None:
    world = World(stack, keychain=lambda host: keychain_of({host: f"robot:{CANARY}"}))
    world.answer = lambda request: Reply(403) if "Authorization" in request.headers else BASIC

    with pytest.raises(
        AccessDeniedError, match="forbids reading images of 'acme/web' to the login"
    ):
        world.digest()


def test_a_registry_that_forbids_without_a_word_is_told(world: World) -> None:
    world.answer = lambda _: Reply(403)

    with pytest.raises(
        AccessDeniedError, match="the registry forbids reading images of 'acme/web'"
    ):
        world.digest()


def test_a_config_that_lost_its_blob_is_told(world: World) -> None:
    digest = world.put(Recipe().make().manifests[-1])

    with pytest.raises(NotFoundError, match="does not have the config of 'acme/web@sha256:"):
        world.created(digest)


def test_a_config_of_megabytes_is_read_and_a_larger_one_is_not(world: World) -> None:
    for size, is_read in ((7 * 1024 * 1024, True), (9 * 1024 * 1024, False)):
        fact = {"os": "linux", "architecture": "amd64", "history": "x" * size}
        config = Content(OCI.config, json.dumps(fact).encode())
        digest = world.put(config, manifest_of(config, []))
        if is_read:
            assert world.images.platforms_of(world.repository, digest) == {
                Platform("linux", "amd64")
            }
        else:
            with pytest.raises(RegistryError, match="larger than 8,388,608 bytes"):
                world.platforms(digest)
