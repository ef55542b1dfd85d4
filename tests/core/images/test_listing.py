import sys

import pytest

from reconciler.core.images.listing import Listing


def test_a_listing_gives_back_its_tags_in_their_order() -> None:
    listing = Listing.of(["v2", "v10\r\u2028", "v1"])

    assert list(listing) == ["v2", "v10\r\u2028", "v1"]
    assert len(listing) == 3


def test_an_empty_listing_has_no_tags() -> None:
    assert list(Listing.of([])) == []
    assert len(Listing.of([])) == 0
    assert "" not in Listing.of([])


@pytest.mark.parametrize(
    ("tag", "is_there"),
    [
        ("v2", True),
        ("v10", True),
        ("v1", True),
        ("v", False),
        ("10", False),
        ("2", False),
        (1, False),
    ],
)
def test_only_whole_tags_are_in_a_listing(tag: object, *, is_there: bool) -> None:
    assert (tag in Listing.of(["v2", "v10", "v1"])) is is_there


def test_a_text_that_would_be_two_tags_is_none() -> None:
    assert list(Listing.of(["v1", "v2\nv9", "\nv9", "v3"])) == ["v1", "v3"]


def test_listings_of_other_tags_have_other_fingerprints() -> None:
    one, same, other = Listing.of(["1", "2"]), Listing.of(["1", "2"]), Listing.of(["12"])

    assert one.fingerprint == same.fingerprint
    assert one == same
    assert one.fingerprint != other.fingerprint


def test_a_listing_takes_little_more_than_its_tags() -> None:
    tags = [f"1.{number}.0" for number in range(10_000)]

    assert sys.getsizeof(Listing.of(tags).text) < 1.1 * sum(len(tag) + 1 for tag in tags)
