"""The page in a real browser, of a process that keeps a real cluster current."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.e2e.browsing import CHROMIUM, FLAGS
from tests.e2e.running import Running, running
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry, pytest.mark.slow]

TOKEN = "a token of sixteen or more"
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; playwright brings none of its own."""
    expect.set_options(timeout=PATIENCE_MS)  # a machine may be busy with other tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """Somebody at the page; what the browser complains of, and whom it asks, is noted."""

    def __init__(self, browser: Browser, process: Running, **options: Any) -> None:  # noqa: ANN401 - as the browser takes them
        self.url = f"http://{process.said('loop.started')[0]['addresses'][0]}"
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.page.on("console", self._complain)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", self._ask)

    def _complain(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "401" not in message.text:
            self.complaints.append(message.text)

    def _ask(self, request: Request) -> None:
        if not request.url.startswith(self.url):
            self.strangers.append(request.url)


@contextmanager
def served(world: World, *flags: str) -> Iterator[Running]:
    (world.folder / "token").write_text(TOKEN)
    token = ("--page-token-file", str(world.folder / "token"))
    with running(world, *(flags or token), interval="1s") as process:
        process.until_said("cycle.finished", result="ok")
        yield process
        assert process.stop() == 0


@contextmanager
def visiting(browser: Browser, process: Running, **options: Any) -> Iterator[Visit]:  # noqa: ANN401 - as above
    visit = Visit(browser, process, **options)
    try:
        yield visit
    finally:
        visit.context.close()
    assert visit.complaints == []
    assert visit.strangers == []


def test_somebody_signs_in_and_sees_v3_become_v4_without_doing_anything(
    world: World, browser: Browser
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(served(world))
        visit = stack.enter_context(visiting(browser, process))
        page = visit.page
        page.goto(f"{visit.url}/sources/default")
        page.get_by_label("Token").fill("a wrong token, quite long")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("The token is wrong, or there is none.")
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("default")
        page.get_by_role("link", name="Sources", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("live")
        row = page.locator("#images tbody tr")
        expect(row).to_contain_text(f"{world.image}:v3")

        world.push("v4")

        expect(row).to_contain_text(f"{world.image}:v4")
        expect(row).to_contain_text("v4 is the newest")
        row.get_by_role("link").click()
        expect(page.locator("#tags tbody tr").first).to_contain_text("v4yescurrent")
        expect(page.locator("#updates tbody tr")).to_contain_text("v3v4")
        expect(page.get_by_role("img", name=re.compile("2 tags in the order"))).to_be_visible()
        expect(page.get_by_role("img", name=re.compile("1 updates from"))).to_be_visible()
        page.get_by_role("link", name="default", exact=True).click()
        expect(page.locator("#cycles")).to_contain_text("1 image")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    assert TOKEN not in process.text


def test_a_reader_stays_where_they_are_while_the_page_renews_itself(
    world: World, browser: Browser
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(served(world, "--page-anonymous"))
        visit = stack.enter_context(visiting(browser, process))
        page = visit.page
        page.goto(visit.url)
        box = page.get_by_role("searchbox")
        box.fill("ngi")
        link = page.locator("#images tbody a")
        link.focus()
        world.push("v4")
        expect(page.locator("#images tbody tr")).to_contain_text(":v4")

        expect(box).to_have_value("ngi")
        expect(link).to_be_focused()
        box.press("Enter")
        expect(page).to_have_url(re.compile(r"q=ngi"))


def test_by_keyboard_alone_somebody_comes_from_the_top_to_an_image(
    world: World, browser: Browser
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(served(world, "--page-anonymous"))
        visit = stack.enter_context(visiting(browser, process))
        page = visit.page
        page.goto(visit.url)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        for _ in range(20):
            page.keyboard.press("Tab")
            if "images/" in str(page.evaluate("document.activeElement.href || ''")):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text("nginx-deployment")


def test_without_javascript_everything_is_there_and_when_the_server_goes_that_is_told(
    world: World, browser: Browser
) -> None:
    with ExitStack() as stack:
        process = stack.enter_context(served(world, "--page-anonymous"))
        plain = stack.enter_context(visiting(browser, process, java_script_enabled=False))
        plain.page.goto(plain.url)
        expect(plain.page.locator("#images tbody tr")).to_contain_text(f"{world.image}:v3")
        plain.page.locator("#images tbody a").click()
        expect(plain.page.locator("#tags tbody tr")).to_have_count(1)

        live = Visit(browser, process)
        stack.callback(live.context.close)
        live.page.goto(live.url)
        expect(live.page.get_by_role("status")).to_have_text("live")
        assert process.stop() == 0
        expect(live.page.get_by_role("status")).to_have_text("not connected")
        expect(live.page.locator("#images tbody tr")).to_contain_text(f"{world.image}:v3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(world: World, browser: Browser, scheme: str) -> None:
    """At least 4.5 to 1, as WCAG 2.2 (1.4.3) has it for text of this size."""
    with ExitStack() as stack:
        process = stack.enter_context(served(world, "--page-anonymous"))
        visit = stack.enter_context(visiting(browser, process, color_scheme=scheme))
        for path in ("/", "/sources/default"):
            visit.page.goto(f"{visit.url}{path}")
            assert visit.page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const channel = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const found = parse(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says || !element.checkVisibility() || element.closest("svg")) continue;
    const [one, other] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.push(`${element.className} ${element.textContent.slice(0, 30)} ${ratio}`);
  }
  return poor;
}"""
