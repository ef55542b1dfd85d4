"""Which sources have a cycle because of what webhooks tell."""

import pytest

from reconciler.core.hooks.events import BranchHint, Hint, ImageHint
from reconciler.core.images.listing import Listing
from reconciler.core.images.reference import ImageReference
from reconciler.core.revision import Revision
from reconciler.pipeline.demand import Demand, Why
from reconciler.pipeline.events import Applying, Event, Fetching, Pushed
from reconciler.pipeline.hints import MAX_COMMITS, Aim, Hints, Known
from reconciler.pipeline.listings import Listings
from reconciler.settings import GitSettings, SourceSettings, SyncSettings

COMMIT = "3a33f0a" + "0" * 33


class Heard:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)


def source(name: str, url: str, branch: str | None = "main", **more: bool) -> SourceSettings:
    return SourceSettings(name, GitSettings(url, branch), SyncSettings(), **more)  # type: ignore[arg-type]  # by name


def aim(settings: SourceSettings, *images: str) -> Aim:
    listings = Listings()
    listings.keep({ImageReference.parse(each).repository: Listing.of([]) for each in images}, {})
    return Aim(settings, listings, Known(Heard()))


AIMS = [
    aim(source("shop", "https://git.example/acme/shop.git"), "r.example/acme/web:1", "nginx:1"),
    aim(source("blog", "git@git.example:Acme/Blog.git", None), "other.example/acme/web:1"),
    aim(source("quiet", "ssh://git@git.example/acme/shop", "dev", is_updated=False), "nginx:1"),
]


@pytest.mark.parametrize(
    ("hints", "asked"),
    [
        pytest.param(
            [ImageHint("r.example", "acme/web")], {"shop": ["r.example/acme/web"]}, id="by host"
        ),
        pytest.param(
            [ImageHint("registry:5000", "acme/web")],
            {"shop": ["r.example/acme/web"], "blog": ["other.example/acme/web"]},
            id="a registry by another name",
        ),
        pytest.param(
            [ImageHint("docker.io", "library/nginx"), ImageHint("r.example", "acme/web")],
            {"shop": ["docker.io/library/nginx", "r.example/acme/web"]},
            id="two in one delivery",
        ),
        pytest.param([ImageHint("r.example", "acme/api")], {}, id="nobody's image"),
        pytest.param([ImageHint("r.example", "web")], {}, id="a part of a path"),
        pytest.param([BranchHint("acme/shop", "main", COMMIT)], {"shop": []}, id="branch"),
        pytest.param([BranchHint("acme/shop", "dev", COMMIT)], {"quiet": []}, id="other branch"),
        pytest.param([BranchHint("acme/blog", "x", COMMIT)], {"blog": []}, id="scp, any branch"),
        pytest.param([BranchHint("me/shop", "main", COMMIT)], {}, id="another repository"),
        pytest.param([BranchHint("shop", "feature", COMMIT)], {}, id="nobody's branch"),
        pytest.param(
            [BranchHint("acme/shop", "main"), ImageHint("r.example", "acme/web")],
            {"shop": ["r.example/acme/web"]},
            id="both",
        ),
    ],
)
def test_a_hint_is_for_those_whom_it_concerns(
    hints: list[Hint], asked: dict[str, list[str]]
) -> None:
    demands: dict[str, Demand] = {}
    names = Hints(AIMS, demands.__setitem__).take(hints)

    assert demands == {name: Demand.of(Why.WEBHOOK, paths) for name, paths in asked.items()}
    assert names == asked.keys()


def test_a_commit_that_a_source_has_pushed_or_seen_is_no_news_for_it() -> None:
    heard = Heard()
    known = Known(heard)
    hints = Hints([Aim(AIMS[0].source, Listings(), known)], lambda _name, _demand: None)
    hint = BranchHint("acme/shop", "main", COMMIT)
    assert hints.take([hint]) == {"shop"}

    for event in (Fetching("x"), Pushed(Revision("main", COMMIT))):
        known.tell(event)
        assert hints.take([hint]) == (set() if isinstance(event, Pushed) else {"shop"})
    for number in range(MAX_COMMITS):
        known.tell(Applying(Revision("main", f"{number:040}")))
    assert COMMIT not in known
    assert len(heard.events) == MAX_COMMITS + 2
