"""What a cycle need not ask for, because an earlier one has heard it."""

from reconciler.core.images.listing import Listing
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.errors import RegistryError
from reconciler.pipeline import listings as module
from reconciler.pipeline.listings import Listings


def repository(name: str) -> Repository:
    return ImageReference.parse(f"r.example/{name}:v1").repository


WEB, API, DOWN = (repository(name) for name in ("web", "api", "down"))


def test_what_was_heard_is_known_but_for_what_is_to_be_asked_and_what_failed() -> None:
    listings = Listings()
    web, api = Listing.of(["v1"]), Listing.of(["v2"])
    listings.keep({WEB: web, API: api, DOWN: RegistryError("down")}, {})

    wanted = {WEB, API, DOWN}
    assert listings.known(wanted, asked=None) == {}
    assert listings.known(wanted, asked=frozenset({"r.example/web"})) == {API: api}
    assert listings.known({WEB}, asked=frozenset()) == {WEB: web}
    listings.keep({API: api}, {})
    assert listings.known(wanted, asked=frozenset()) == {API: api}


def test_what_takes_too_much_room_is_asked_for_each_time() -> None:
    long = Listing("v" * module.MAX_CHARACTERS + "\n")
    listings = Listings()
    short = Listing.of(["v1"])
    listings.keep({API: long, WEB: short}, {})

    assert listings.known({WEB, API}, asked=frozenset()) == {WEB: short}
