import pytest

from reconciler.core.images.reference import (
    ImageReference,
    Repository,
    check_tag,
    is_tag,
    tags_among,
)
from reconciler.errors import ReferenceSyntaxError

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        pytest.param("nginx", "docker.io/library/nginx", None, None, id="familiar"),
        pytest.param("nginx:v3", "docker.io/library/nginx", "v3", None, id="familiar-tag"),
        pytest.param("acme/web:v3", "docker.io/acme/web", "v3", None, id="hub"),
        pytest.param("docker.io/nginx", "docker.io/library/nginx", None, None, id="hub-host"),
        pytest.param("index.docker.io/nginx", "docker.io/library/nginx", None, None, id="index"),
        pytest.param("ghcr.io/acme/web:v3", "ghcr.io/acme/web", "v3", None, id="host"),
        pytest.param("r.example:5000/web", "r.example:5000/web", None, None, id="port"),
        pytest.param("r.example:5000/web:5", "r.example:5000/web", "5", None, id="port-and-tag"),
        pytest.param("r.example:65535/web", "r.example:65535/web", None, None, id="highest-port"),
        pytest.param("localhost/web", "localhost/web", None, None, id="localhost"),
        pytest.param("web:5000/v3", "web:5000/v3", None, None, id="port-not-tag"),
        pytest.param("REG/web:v3", "REG/web", "v3", None, id="upper-case-host"),
        pytest.param("[::1]:5000/web:v3", "[::1]:5000/web", "v3", None, id="ipv6"),
        pytest.param("a__b/c-d/e.f", "docker.io/a__b/c-d/e.f", None, None, id="separators"),
        pytest.param(f"web@{DIGEST}", "docker.io/library/web", None, DIGEST, id="digest"),
        pytest.param(f"web:v3@{DIGEST}", "docker.io/library/web", "v3", DIGEST, id="both"),
    ],
)
def test_a_reference_is_taken_apart_and_put_together_again(
    text: str, repository: str, tag: str | None, digest: str | None
) -> None:
    reference = ImageReference.parse(text)

    assert str(reference.repository) == repository
    assert (reference.tag, reference.digest) == (tag, digest)
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "has no repository", id="empty"),
        pytest.param(":v3", "has no repository", id="only-tag"),
        pytest.param("web:", "'' is no tag", id="empty-tag"),
        pytest.param("web:v3:v4", "'v3:v4' is no tag", id="two-tags"),
        pytest.param("web:-v3", "'-v3' is no tag", id="dash"),
        pytest.param("web:v3\n", "'v3\\n' is no tag", id="newline"),
        pytest.param("web:" + "v" * 129, "tag is longer than 128 characters", id="long-tag"),
        pytest.param("a" * 1025, "is longer than 1024 characters", id="long"),
        pytest.param("a" * 248, "repository is longer than 255 characters", id="long-repository"),
        pytest.param("Web", "repository must be lower case", id="upper-case"),
        pytest.param("acme//web", "has an empty part", id="empty-part"),
        pytest.param("acme/web/", "has an empty part", id="slash-at-end"),
        pytest.param("acme/we b", "'we b' is no part of a repository name", id="blank"),
        pytest.param("acme/we___b", "'we___b' is no part of a repository name", id="underscores"),
        pytest.param("https://r.example/web", "'https:' is no registry host", id="url"),
        pytest.param("-r.example/web", "'-r.example' is no registry host", id="host"),
        pytest.param("[::::]:5000/web", "'[::::]:5000' is no registry host", id="no-ipv6"),
        pytest.param("[1]:80/web", "'[1]:80' is no registry host", id="number-in-brackets"),
        pytest.param("[12345::]/web", "'[12345::]' is no registry host", id="too-many-digits"),
        pytest.param("r.example:65536/web", "'r.example:65536' is no registry host", id="port"),
        pytest.param("[::1]:99999/web", "'[::1]:99999' is no registry host", id="port-of-ipv6"),
        pytest.param("0a" * 32, "is 64 hex digits, which means an image id", id="image-id"),
        pytest.param("web@", "unknown digest algorithm ''", id="empty-digest"),
        pytest.param("web@md5:00", "unknown digest algorithm 'md5'", id="algorithm"),
        pytest.param("web@sha256:0A", "a sha256 digest has 64 lower-case hex digits", id="hex"),
    ],
)
def test_what_is_no_reference_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ReferenceSyntaxError) as raised:
        ImageReference.parse(text)

    assert raised.value.reason == reason
    assert raised.value.text == text


def test_no_tag_means_latest() -> None:
    assert ImageReference.parse("web").effective_tag == "latest"
    assert ImageReference.parse("web:v3").effective_tag == "v3"


def test_another_tag_keeps_the_spelling_and_drops_the_digest() -> None:
    reference = ImageReference.parse(f"index.docker.io/nginx:v3@{DIGEST}")

    assert str(reference.with_tag("v4")) == "index.docker.io/nginx:v4"


def test_a_missing_tag_is_put_in() -> None:
    assert str(ImageReference.parse("r.example:5000/web").with_tag("v4")) == "r.example:5000/web:v4"


def test_another_tag_must_be_one() -> None:
    with pytest.raises(ReferenceSyntaxError, match="'v 4' is no tag"):
        ImageReference.parse("web").with_tag("v 4")


def test_what_can_be_no_tag_is_left_out_of_a_list() -> None:
    listed = ["1.0", 5, "v" * 129, None, "a b", "1.1\n", "", 1.5, True, "latest"]

    assert tags_among(listed) == ["1.0", "latest"]


def test_a_tag_has_up_to_128_letters() -> None:
    assert is_tag("v" * 128)
    assert not is_tag("v" * 129)
    with pytest.raises(ReferenceSyntaxError, match="tag is longer than 128"):
        check_tag("web", "v" * 129)


def test_what_people_call_a_repository_is_its_last_part() -> None:
    assert Repository("r.example", "acme/nginx").last_part == "nginx"
    assert Repository("r.example", "nginx").last_part == "nginx"
