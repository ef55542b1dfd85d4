"""An image reference as a manifest writes it, in one value or in several."""

from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Scalar

DIGESTS = [f"sha256:{letter * 64}" for letter in "ab"]
REGISTRY = Scalar("r.example", 0, 9, 1)
NAME = Scalar("web", 10, 13, 2)
TAG = Scalar("v1", 20, 22, 3)
DIGEST = Scalar(DIGESTS[0], 30, 101, 4)


def values(image: WrittenImage, new: str) -> list[tuple[int, str]]:
    """Return what is to stand at which offset."""
    return [(each.start, value) for each, value in image.values_for(ImageReference.parse(new))]


def test_a_reference_is_put_together_from_its_values() -> None:
    whole = WrittenImage(registry=REGISTRY, name=NAME, tag=TAG, digest=DIGEST)

    assert whole.text == f"r.example/web:v1@{DIGESTS[0]}"
    assert WrittenImage(tag=TAG, given_name="api").text == "api:v1"
    assert WrittenImage(name=NAME, tag=Scalar("", 20, 22, 3, "'")).text == "web"


def test_each_value_gets_its_own_part() -> None:
    new = f"r.example/web:v2@{DIGESTS[1]}"

    assert values(WrittenImage(registry=REGISTRY, name=NAME), new) == [(10, f"web:v2@{DIGESTS[1]}")]
    assert values(WrittenImage(registry=REGISTRY, name=NAME, tag=TAG, digest=DIGEST), new) == [
        (20, "v2"),
        (30, DIGESTS[1]),
    ]
    assert values(WrittenImage(name=NAME, tag=TAG), new) == [(20, f"v2@{DIGESTS[1]}")]
    assert values(WrittenImage(digest=DIGEST, given_name="r.example/web"), new) == [
        (30, DIGESTS[1])
    ]


def test_a_digest_that_nobody_wants_is_not_written() -> None:
    empty = Scalar("", 30, 32, 4, '"')

    assert values(WrittenImage(name=NAME, tag=TAG, digest=empty), "web:v2") == [(20, "v2")]
