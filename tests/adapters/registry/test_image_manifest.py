import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.image_content import DOCKER, OCI, Content, Kinds, Recipe, index_of, manifest_of
from reconciler.adapters.registry.image_manifest import (
    MAX_ENTRIES,
    OLD_WORDS,
    Entry,
    ImageConfig,
    ImageIndex,
    ImageManifest,
    is_old,
    parse_config,
    parse_manifest,
)
from reconciler.core.images.platform import Platform
from reconciler.errors import NotFoundError

AMD64 = Platform("linux", "amd64")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = Content(OCI.config, b"{}")


def why_not(body: bytes) -> str:
    """Return what is wrong with a manifest."""
    with pytest.raises(NotFoundError) as raised:
        parse_manifest(body)
    return raised.value.message


@pytest.mark.parametrize("kinds", [OCI, DOCKER], ids=["oci", "docker"])
def test_a_manifest_names_its_config(kinds: Kinds) -> None:
    image = Recipe(kinds=kinds).make()

    assert parse_manifest(image.manifests[-1].body) == ImageManifest(image.blobs[1].digest, None)


def test_an_index_names_its_manifests_and_their_platforms() -> None:
    image = Recipe(["linux/arm/v7", "windows/amd64"]).make()

    arm, windows, index = image.manifests
    assert parse_manifest(index.body) == ImageIndex(
        (
            Entry(arm.digest, Platform("linux", "arm", "v7")),
            Entry(windows.digest, Platform("windows", "amd64")),
        ),
        None,
    )


def test_attestations_are_left_out() -> None:
    image = Recipe(has_attestation=True).make()

    index = parse_manifest(image.manifests[-1].body)
    assert isinstance(index, ImageIndex)
    assert [each.platform for each in index.entries] == [AMD64]


def test_an_index_in_an_index_has_no_platform_of_its_own() -> None:
    inner = index_of([])
    entry = {**inner.descriptor, "platform": {"os": "linux", "architecture": "amd64"}}

    index = parse_manifest(index_of([entry]).body)

    assert isinstance(index, ImageIndex)
    assert index.entries == (Entry(inner.digest, None),)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        pytest.param({"os": "linux", "architecture": "amd64"}, AMD64, id="plain"),
        pytest.param(
            {"os": "linux", "architecture": "arm64", "variant": "v8"},
            Platform("linux", "arm64", "v8"),
            id="variant",
        ),
        pytest.param(
            {"os": "linux", "architecture": "amd64", "variant": "Haswell"}, AMD64, id="odd-variant"
        ),
        pytest.param(
            {"os": "linux", "architecture": "amd64", "os.version": "10.0"}, AMD64, id="more"
        ),
        pytest.param({"os": "", "architecture": ""}, None, id="empty"),
        pytest.param({"os": "linux"}, None, id="no-architecture"),
        pytest.param({"os": 7, "architecture": True}, None, id="numbers"),
        pytest.param(None, None, id="null"),
        pytest.param({"os": "a b\x1b[31m", "architecture": "amd64"}, None, id="odd"),
    ],
)
def test_platforms_are_read_where_they_are_in_words_of_ours(
    platform: object, expected: Platform | None
) -> None:
    index = parse_manifest(index_of([{**CONFIG.descriptor, "platform": platform}]).body)

    assert isinstance(index, ImageIndex)
    assert index.entries == (Entry(CONFIG.digest, expected),)


def test_a_time_may_stand_in_annotations() -> None:
    annotations = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}

    for content in (manifest_of(CONFIG, [], OCI, annotations), index_of([], OCI, annotations)):
        assert parse_manifest(content.body).created == NEW_YEAR


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"os": "linux", "architecture": "amd64", "created": "2026-01-01T00:00:00Z"},
            ImageConfig(AMD64, NEW_YEAR, None),
            id="plain",
        ),
        pytest.param(
            {"config": {"Labels": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}}},
            ImageConfig(None, None, NEW_YEAR),
            id="label",
        ),
        pytest.param(
            {
                "config": {
                    "Labels": {
                        "org.opencontainers.image.created": "unknown",
                        "org.label-schema.build-date": "2026-01-01T00:00:00Z",
                    }
                }
            },
            ImageConfig(None, None, NEW_YEAR),
            id="old-label",
        ),
        pytest.param({"config": {"Labels": None}}, ImageConfig(None, None, None), id="no-labels"),
        pytest.param({"config": None}, ImageConfig(None, None, None), id="no-config"),
        pytest.param({}, ImageConfig(None, None, None), id="empty"),
    ],
)
def test_a_config_says_what_it_runs_on_and_when_it_was_built(
    config: object, expected: ImageConfig
) -> None:
    assert parse_config(json.dumps(config).encode()) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<html>", "cannot be read", id="html"),
        pytest.param(b"\xff", "cannot be read", id="no-utf8"),
        pytest.param(b"[" * 100_000, "cannot be read", id="deep"),
        pytest.param(b'{"manifests": [{}]}', "cannot be read", id="no-digest"),
        pytest.param(b'{"annotations": {"a": []}, "manifests": []}', "cannot be read", id="lists"),
        pytest.param(b"{}", "is no image: its media type is ''", id="empty"),
        pytest.param(
            b'{"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}',
            "is no image: its media type is 'application/vnd.oci.artifact.manifest.v1+json'",
            id="artifact",
        ),
        pytest.param(
            b'{"config": {"digest": "sha256:1"}, "manifests": []}', "is no image", id="both"
        ),
        pytest.param(b'{"schemaVersion": 1, "fsLayers": []}', OLD_WORDS, id="schema-1"),
        pytest.param(
            b'{"mediaType": "application/vnd.docker.distribution.manifest.v1+prettyjws"}',
            OLD_WORDS,
            id="schema-1-by-type",
        ),
        pytest.param(
            b'{"manifests": [{"digest": "../../etc/passwd"}]}',
            "names '../../etc/passwd', which is no digest",
            id="path",
        ),
        pytest.param(
            b'{"manifests": [%s]}' % b",".join([b'{"digest":""}'] * (MAX_ENTRIES + 1)),
            "lists more than 1,000 manifests",
            id="many",
        ),
        pytest.param(
            manifest_of(Content("application/vnd.oci.empty.v1+json", b"{}"), []).body,
            "is no image: its config is 'application/vnd.oci.empty.v1+json'",
            id="empty-config",
        ),
    ],
)
def test_what_is_no_image_is_told(body: bytes, words: str) -> None:
    assert words in why_not(body)


@pytest.mark.parametrize("body", [b"[", b"\xff", b'{"config": {"Labels": {"a": []}}}', b"[" * 9999])
def test_what_is_no_config_is_told(body: bytes) -> None:
    with pytest.raises(NotFoundError, match="has a config that cannot be read"):
        parse_config(body)


def test_old_manifests_are_known_by_their_media_types() -> None:
    assert is_old("application/vnd.docker.distribution.manifest.v1+json; charset=utf-8")
    assert not is_old(DOCKER.manifest)


WORDS = ("config", "manifests", "digest", "platform", "annotations", "mediaType", "Labels", "os")
VALUES = st.recursive(
    st.none() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=9,
)


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    with contextlib.suppress(NotFoundError):
        assert isinstance(parse_manifest(body), ImageIndex | ImageManifest)
    with contextlib.suppress(NotFoundError):
        assert isinstance(parse_config(body), ImageConfig)
