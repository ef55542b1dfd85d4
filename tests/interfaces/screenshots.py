"""Takes the pictures of the page that the docs show: ``python -m tests.interfaces.screenshots``."""

import sys
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from reconciler.pipeline.demand import Why
from reconciler.settings import PageSettings
from tests.e2e.browsing import CHROMIUM, FLAGS
from tests.fakes.git import FakeGit
from tests.interfaces.exhibition import Exhibition, deployment
from tests.interfaces.looking import Looking

FOLDER = Path(__file__).parents[2] / "docs" / "images"
SHOP = {
    "web": ("r.example/shop/web:v3", "fluxcd.io/ignore: none"),
    "cart": ("r.example/shop/cart:2.4.1", "fluxcd.io/tag.main: semver:~2.4"),
    "checkout": ("r.example/shop/checkout:1.9.0", "fluxcd.io/tag.main: semver:^1"),
    "search": ("r.example/shop/search:main-a91c3fe-1700", "fluxcd.io/tag.main: glob:main-*"),
    "mail": ("r.example/shop/mail:0.7.2", 'fluxcd.io/locked: "true"'),
}
TAGS = {
    "r.example/shop/web": ["v1", "v2", "v3"],
    "r.example/shop/cart": ["2.3.0", "2.4.0", "2.4.1", "2.5.0-rc.1"],
    "r.example/shop/checkout": ["1.8.0", "1.8.1", "1.9.0", "2.0.0", "latest"],
    "r.example/shop/search": ["main-a91c3fe-1700"],
    "r.example/shop/mail": ["0.7.1", "0.7.2", "0.8.0"],
    "r.example/platform/ingress": ["1.11.3", "1.12.0"],
}


def took(extra: int) -> dict[str, float]:
    """Return how long the stages of a cycle took, more or less."""
    durations = {"read": 0.09 + extra / 60, "scan": 0.12, "update": 0.28, "sync": 0.2 + extra / 30}
    return {**durations, "all": durations["read"] + durations["update"] + durations["sync"]}


def main() -> int:
    """Take them; return 0."""
    shown = Exhibition(dict(TAGS), {"shop": FakeGit(), "platform": FakeGit()})
    shown.put({f"{name}.yaml": deployment(name, *rest) for name, rest in SHOP.items()})
    shown.put(
        {"ingress.yaml": deployment("ingress", "r.example/platform/ingress:1.12.0")}, "platform"
    )
    for tag in ("v4", "v5", "v6", "v7"):
        for source in ("shop", "platform"):
            shown.cycle(source, durations=took(int(tag[1:]) * len(source) % 5))
        shown.moment += timedelta(hours=7)
        shown.tags["r.example/shop/web"].append(tag)
    shown.cycle("shop", Why.WEBHOOK, durations=took(0))
    looking = Looking(shown.board, PageSettings(is_anonymous=True))
    (web,) = [each for each in shown.board.images("shop") if "web" in each.image]
    places = {"board": "/", "source": "/sources/shop", "image": f"/sources/shop/images/{web.id}"}
    FOLDER.mkdir(exist_ok=True)
    with looking.service.serving(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme)
            page = context.new_page()
            page.set_viewport_size({"width": 1180, "height": 720})
            for name, path in places.items():
                page.goto(f"{looking.url}{path}")
                page.wait_for_function("document.getElementById('live').textContent === 'live'")
                page.screenshot(path=FOLDER / f"page-{name}-{scheme}.png")
            context.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
