"""What every FactStore promises: the fake, and the files."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.adapters.cache.facts import FactFiles
from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import Repository
from reconciler.pipeline.registry_port import FactStore
from tests.fakes.facts import FakeFacts
from tests.fakes.images import digest_for

WEB, API = Repository("r.example:5000", "acme/web"), Repository("r.example:5000", "acme/api")
FACTS = Facts(
    digests={"v1": digest_for("v1"), "v2": digest_for("v2"), "v3": digest_for("v3")},
    created={digest_for("v1"): datetime(2026, 1, 1, 12, 0, 0, 123456, UTC), digest_for("v2"): None},
    platforms={
        digest_for("v1"): frozenset({Platform("linux", "arm", "v7"), Platform("linux", "amd64")}),
        digest_for("v3"): frozenset(),
    },
    failed=frozenset({"v4"}),
    origins={digest_for("v2"): Origin("https://github.com/acme/web", "8f3e21c0", version="2.0")},
)

Open = Callable[[], FactStore]


@pytest.fixture(params=["fake", "files", "files-of-the-next-process"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return what opens the same store once more."""
    if request.param == "files-of-the-next-process":
        return lambda: FactFiles(tmp_path / "facts")
    store: FactStore = FakeFacts() if request.param == "fake" else FactFiles(tmp_path / "facts")
    return lambda: store


def test_what_was_saved_is_loaded_as_it_was(opened: Open) -> None:
    opened().save(WEB, FACTS)

    assert opened().load(WEB) == FACTS


def test_nothing_is_known_of_what_was_never_saved(opened: Open) -> None:
    opened().save(WEB, FACTS)

    assert opened().load(API) == NO_FACTS


def test_what_is_saved_later_takes_the_place_of_what_was_before(opened: Open) -> None:
    store = opened()
    store.load(WEB)
    store.save(WEB, FACTS)
    store.save(WEB, FACTS.of_tags({"v1"}))

    assert opened().load(WEB) == FACTS.of_tags({"v1"})
    assert opened().load(WEB).digests == {"v1": digest_for("v1")}
