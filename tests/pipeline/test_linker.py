"""Links of changes: read within a budget, kept, and never in the way of a commit."""

from collections.abc import Mapping, Sequence

import pytest

from reconciler.core.decision import Change
from reconciler.core.images.origin import Origin
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.images import inspect
from reconciler.core.message import update_text
from reconciler.errors import NotFoundError, ReconcilerError, StoppedError
from reconciler.pipeline.events import Event
from reconciler.pipeline.gather import READS
from reconciler.pipeline.linker import MAX_ORIGINS, Linker
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.stop import Stop
from tests.fakes.clock import FakeClock
from tests.fakes.facts import FakeFacts
from tests.fakes.images import FakeImage, FakeImages, digest_for

GITHUB = "https://github.com/acme/web"
WEB = Repository("r.example", "web")
COMMITS = {"v3": "3" * 40, "v4": "4" * 40}
COMPARED = f"{GITHUB}/compare/{COMMITS['v3']}...{COMMITS['v4']}"


class Silence:
    """Hears nothing."""

    def tell(self, event: Event) -> None:
        """Take no note."""


def change(old: str = "v3", new: str = "v4") -> Change:
    """Return a change of ``r.example/web``; either may have a digest."""
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        f"spec: {{containers: [{{name: web, image: 'r.example/web:{old}'}}]}}\n"
    )
    (field,) = inspect("web.yaml", text, default_namespace="web", is_survey=True).fields
    assert field.reference is not None
    tag, _, digest = new.partition("@")
    return Change(field, field.reference, field.reference.with_tag(tag, digest=digest or None))


def images(commits: Mapping[str, str]) -> FakeImages:
    """Return a registry whose images come from these commits."""
    return FakeImages(
        {
            f"r.example/web:{tag}": FakeImage(digest_for(tag), origin=Origin(GITHUB, commit))
            for tag, commit in commits.items()
        }
    )


def linker(source: FakeImages, store: FakeFacts | None = None, stop: Stop | None = None) -> Linker:
    """Return what a cycle finds links with."""
    return Linker(
        source,
        store,
        pull_secrets=PullSecrets(None),
        clock=FakeClock(),
        jitter=lambda: 0.5,
        progress=Silence(),
        stop=stop or Stop(),
    )


def links(found: Sequence[Change]) -> list[str]:
    """Return the links alone."""
    return [each.link for each in found]


def test_the_commits_of_both_images_are_compared_and_told_once() -> None:
    found = linker(images(COMMITS)).linked([change(), change()])

    assert links(found) == [COMPARED, COMPARED]
    assert update_text(found).endswith(f"\n\nweb v4: {COMPARED}")


def test_what_was_read_is_kept_by_its_digest_and_not_read_again() -> None:
    source, store = images(COMMITS), FakeFacts()
    linker(source, store).linked([change()])
    assert len(source.asked_origins) == 2

    again = linker(source, store).linked([change()])

    assert links(again) == [COMPARED]
    assert len(source.asked_origins) == 2


def test_one_cycle_asks_once_for_an_image_however_often_it_commits() -> None:
    source = images(COMMITS)
    one = linker(source)

    assert links(one.linked([change()])) == links(one.linked([change()])) == [COMPARED]
    assert len(source.asked) == len(source.asked_origins) == 2


def test_an_image_that_git_has_by_its_digest_is_read_by_it() -> None:
    source = images({"moved": COMMITS["v3"], **COMMITS, "v3": "5" * 40})
    pinned = change(f"v3@{digest_for('moved')}", f"v4@{digest_for('v4')}")

    assert links(linker(source).linked([pinned])) == [COMPARED]
    assert source.asked == []


@pytest.mark.parametrize("is_down", [True, False])
def test_what_cannot_be_read_gives_no_link_and_no_error(is_down: bool) -> None:
    gone: ReconcilerError = NotFoundError("no such image")
    source = FakeImages({"r.example/web:v4": gone} if is_down else {})

    assert links(linker(source, FakeFacts()).linked([change()])) == [""]


def test_an_old_image_that_is_gone_leaves_what_the_new_one_names() -> None:
    assert links(linker(images({"v4": COMMITS["v4"]})).linked([change()])) == [GITHUB]


def test_of_many_images_no_more_are_read_than_a_cycle_may_and_new_ones_first() -> None:
    tags = {f"v{number}": f"{number:040x}" for number in range(READS + 20)}
    source = images(tags)

    found = linker(source).linked([change("v0", tag) for tag in list(tags)[1:]])

    assert len(source.asked_origins) == READS
    assert [bool(each) for each in links(found)] == [True] * READS + [False] * 19


def test_no_more_is_kept_than_is_worth_it() -> None:
    store = FakeFacts()
    for start in range(0, MAX_ORIGINS + 100, 25):
        tags = {f"v{number}": f"{number:040x}" for number in range(start, start + 25)}
        linker(images(tags), store).linked([change(tag, tag) for tag in tags])

    kept = store.load(WEB).origins
    assert len(kept) == MAX_ORIGINS
    assert digest_for(f"v{MAX_ORIGINS + 99}") in kept
    assert digest_for("v0") not in kept


def test_to_be_asked_to_end_ends_it() -> None:
    stop = Stop()
    stop.ask()

    with pytest.raises(StoppedError):
        linker(images(COMMITS), stop=stop).linked([change()])
