"""What every ReadingStore promises: the fake, and the database."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reconciler.adapters.cache.readings import ReadingFile
from reconciler.core.manifests.images import FileReport
from reconciler.core.manifests.reading import Reading, Terms, reading_of
from reconciler.core.manifests.tree import EntryKind, TreeEntry
from reconciler.errors import ManifestError
from reconciler.pipeline.git_port import ReadingStore
from tests.fakes.readings import FakeReadings

TERMS = Terms("default")
TEXT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {fluxcd.io/automated: "true"}}
spec: {template: {spec: {containers: [{name: web, image: "r.example/web:v3"}]}}}
"""

Open = Callable[[], ReadingStore]


@pytest.fixture(params=["fake", "database", "database-of-the-next-process"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Return what opens the same store once more."""
    if request.param == "database-of-the-next-process":
        return lambda: ReadingFile(tmp_path / "readings")
    is_fake = request.param == "fake"
    store: ReadingStore = FakeReadings() if is_fake else ReadingFile(tmp_path / "readings")
    return lambda: store


def entry(path: str, blob: str = "1" * 40) -> TreeEntry:
    return TreeEntry(path, EntryKind.FILE, blob)


def reading(path: str, tag: str = "v3") -> FileReport:
    made = reading_of(path, TEXT.replace("v3", tag), TERMS)
    assert isinstance(made, FileReport)
    return made


def images(found: Mapping[str, Reading]) -> dict[str, list[str]]:
    return {
        path: [each.text for each in made.fields] if isinstance(made, FileReport) else [str(made)]
        for path, made in found.items()
    }


def test_what_was_saved_is_loaded(opened: Open) -> None:
    bad = ManifestError("is not UTF-8", where="b.yaml:7")
    opened().save(
        {
            entry("a.yaml"): reading("a.yaml"),
            entry("b.yaml", "2" * 40): bad,
            entry("c.yaml", "3" * 40): FileReport("c.yaml"),
        },
        TERMS,
    )

    found = opened().load(
        [entry("a.yaml"), entry("b.yaml", "2" * 40), entry("c.yaml", "3" * 40)], TERMS
    )

    assert images(found) == {
        "a.yaml": ["r.example/web:v3"], "b.yaml": ["b.yaml:7: is not UTF-8"], "c.yaml": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        pytest.param(entry("a.yaml", "2" * 40), TERMS, id="another-content"),
        pytest.param(entry("a.yaml"), Terms("other"), id="another-namespace"),
        pytest.param(entry("a.yaml"), Terms("default", is_survey=True), id="all-workloads"),
    ],
)
def test_nothing_is_known_of_what_was_never_saved(
    opened: Open, asked: TreeEntry, terms: Terms
) -> None:
    opened().save({entry("a.yaml"): reading("a.yaml")}, TERMS)

    assert opened().load([asked], terms) == {}


def test_what_is_saved_later_takes_the_place_of_what_was_before(opened: Open) -> None:
    store = opened()
    store.save({entry("a.yaml"): reading("a.yaml")}, TERMS)
    store.save({entry("a.yaml"): reading("a.yaml", "v4")}, TERMS)

    assert images(opened().load([entry("a.yaml")], TERMS)) == {"a.yaml": ["r.example/web:v4"]}


def test_nothing_is_asked_or_kept_of_nothing(opened: Open) -> None:
    opened().save({}, TERMS)

    assert opened().load([], TERMS) == {}
