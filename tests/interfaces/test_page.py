"""The page as a browser without JavaScript gets it, over real sockets."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin

import pytest

from reconciler.core.objects.control import Suspension
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.interfaces.http.page import PER_PAGE
from reconciler.pipeline.demand import Demand, Why
from reconciler.settings import PageSettings
from tests.interfaces.exhibition import Exhibition, deployment
from tests.interfaces.looking import BEARER, FORM, TOKEN, Answer, Looking


class Reader(HTMLParser):
    """What a page says, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def pages(shown: Exhibition) -> list[str]:
    images = [f"/sources/shop/images/{each.id}" for each in shown.board.images("shop")]
    return ["/", "/sources/shop", *images]


def login(looking: Looking, token: str, to: str = "") -> Answer:
    body = urlencode({"token": token, "to": to})
    return looking.ask("/login", {"Content-Type": FORM}, method="POST", body=body)


def test_sources_and_images_are_told_without_javascript(looking: Looking) -> None:
    told = Reader(looking.ask("/").text).text

    assert "shop https://git.example/shop stalled" in told
    assert "web:deployment/web main r.example/web:v4 v4 same shape updated updated from v3" in told
    assert "web:deployment/api main r.example/api:1.1.0 1.1.0 semver:^1 current" in told
    assert "4 of 4 images" in told


def test_one_source_is_told_with_its_cycles(looking: Looking, shown: Exhibition) -> None:
    problem = Problem("web.yaml:3", "has a tab", is_stalled=True)
    shown.board.started("shop", Demand.of(Why.WEBHOOK))
    shown.board.ended(CycleOutcome("shop", "https://git.example/shop", problems=(problem,)))

    told = Reader(looking.ask("/sources/shop").text).text

    assert "Needs somebody web.yaml:3 has a tab" in told
    assert "2026-11-24 12:00:00 UTC start" in told
    assert "1 image" in told
    assert "webhook stalled" in told


def test_who_has_suspended_a_source_is_told(looking: Looking, shown: Exhibition) -> None:
    held = Suspension("jane", "the migration", "2026-11-24T09:00:00Z")
    shown.board.ended(CycleOutcome("shop", "https://git.example/shop", suspension=held))

    assert str(held) in Reader(looking.ask("/").text).text


def test_one_image_is_told_with_its_tags_and_its_updates(
    looking: Looking, shown: Exhibition
) -> None:
    shown.cycle()
    (web,) = [each for each in shown.board.images("shop") if each.current == "v4"]

    told = Reader(looking.ask(f"/sources/shop/images/{web.id}").text).text

    assert "v4 yes current v3 no is older than v4 v1 no is older than v4" in told
    assert "v3 v4 reconcile <r@localhost> stands there" in told


def test_every_link_leads_somewhere_of_ours(looking: Looking, shown: Exhibition) -> None:
    for page in pages(shown):
        for link in Reader(looking.ask(page).text).links:
            assert not link.startswith(("http", "//", "/", "data:", "javascript:")), link
            where = urljoin(page, link).partition("#")[0]
            assert looking.ask(where).status == 200, (page, link)


def test_pages_can_stand_below_a_path_of_a_proxy(looking: Looking, shown: Exhibition) -> None:
    for page in pages(shown):
        for link in Reader(looking.ask(page).text).links:
            assert urljoin(f"/some/where{page}", link).startswith(("/some/where/", "/some/where"))


def test_every_answer_forbids_all_but_our_own_script_and_style(
    looking: Looking, shown: Exhibition
) -> None:
    paths = [*pages(shown), "/sources/none", "/assets/page.js", "/assets/none"]
    for path in paths:
        answer = looking.ask(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        reader = Reader(answer.text)
        assert not [name for name, _ in reader.attributes if name.startswith("on")]
        assert not [name for name, _ in reader.attributes if name == "style"]
        assert "style" not in reader.tags


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=y>{{7*7}}"


def test_what_comes_from_outside_is_shown_as_text(looking: Looking, shown: Exhibition) -> None:
    shown.tags["r.example/web"] += [HOSTILE, "v9<b>"]
    quoted = HOSTILE.replace("'", "''")
    hostile = deployment("evil", f"'r.example/web:{quoted}'")
    shown.put({f"{HOSTILE.replace('/', '')}.yaml": hostile})
    shown.cycle()
    problem = Problem(HOSTILE, HOSTILE, is_stalled=True)
    shown.board.ended(CycleOutcome("shop", HOSTILE, problems=(problem,)))

    for page in [*pages(shown), f"/?{urlencode({'q': HOSTILE, 'state': HOSTILE})}"]:
        answer = looking.ask(page)
        reader = Reader(answer.text)
        assert answer.status == 200
        assert reader.tags.count("script") == 1  # ours
        assert "b" not in reader.tags
        assert "onerror" not in dict(reader.attributes)
        assert "49" not in reader.words


def test_images_are_filtered_and_come_in_pages(looking: Looking, shown: Exhibition) -> None:
    shown.put(
        {f"many/{n}.yaml": deployment(f"many-{n}", "r.example/web:v4") for n in range(PER_PAGE)}
    )
    shown.cycle()

    first = looking.ask("/?q=many").text
    assert f"{PER_PAGE} of {PER_PAGE + 4} images." in Reader(first).text
    everything = Reader(looking.ask("/").text)
    assert f"{PER_PAGE + 4} of {PER_PAGE + 4} images, 1 to {PER_PAGE} here." in everything.text
    (following,) = [each for each in everything.links if "offset=" in each]
    second = Reader(looking.ask(urljoin("/", following)).text)
    assert f"{PER_PAGE + 1} to {PER_PAGE + 4} here." in second.text
    assert Reader(looking.ask("/?state=held").text).text.count("locked") == 2  # workload, verdict
    assert "No image is like that." in Reader(looking.ask("/?q=nobody").text).text


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "offset=99999999999", "q=" + "x" * 5000]
)
def test_odd_queries_do_no_harm(looking: Looking, query: str) -> None:
    assert looking.ask(f"/?{query}").status == 200


def test_a_process_that_has_just_begun_says_so() -> None:
    looking = Looking(Exhibition().board, PageSettings(is_anonymous=True))
    with looking.service.serving():
        assert "No image is kept current yet" in Reader(looking.ask("/", {}).text).text
        assert "No cycle has ended yet" in Reader(looking.ask("/sources/shop", {}).text).text


def test_who_has_no_token_is_asked_for_it_and_comes_where_they_wanted(looking: Looking) -> None:
    asked = looking.ask("/sources/shop", {})
    assert asked.status == 401
    assert ("value", "sources/shop") in Reader(asked.text).attributes
    assert "git.example" not in asked.text

    admitted = login(looking, TOKEN, "sources/shop")

    assert (admitted.status, admitted.headers["location"]) == (303, "./sources/shop")
    cookie = admitted.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie  # a browser would not send it over plain HTTP
    assert TOKEN not in cookie
    session = {"Cookie": cookie.partition(";")[0]}
    assert looking.ask("/sources/shop", session).status == 200
    assert looking.ask("/api/v1/sources", session).status == 200
    out = looking.ask("/logout", session, method="POST")
    assert (out.status, out.headers["location"]) == (303, "./")
    assert "Max-Age=0" in out.headers["set-cookie"]


def test_the_cookie_is_for_https_alone_where_the_browser_came_by_it(looking: Looking) -> None:
    headers = {"Content-Type": FORM, "X-Forwarded-Proto": "https"}
    answer = looking.ask("/login", headers, method="POST", body=urlencode({"token": TOKEN}))

    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    "to",
    [
        *("//evil.example", "/\\evil.example", "https://evil.example", "..//x"),
        *("sources/shop\r\nX: y", "javascript:alert(1)", "sources/shop/../../x", "metrics"),
    ],
)
def test_nobody_is_sent_anywhere_else(looking: Looking, to: str) -> None:
    assert login(looking, TOKEN, to).headers["location"] == "./"


def test_another_site_signs_nobody_in_or_out(looking: Looking) -> None:
    for path in ("/login", "/logout"):
        for site in ("cross-site", "same-site"):
            headers = {"Content-Type": FORM, "Sec-Fetch-Site": site}
            body = urlencode({"token": TOKEN})
            answer = looking.ask(path, headers, method="POST", body=body)
            assert answer.status == 403
            assert "set-cookie" not in answer.headers


def test_a_wrong_token_is_told_and_too_many_are_not_heard(looking: Looking) -> None:
    wrong = login(looking, "wrong", "sources/shop")

    assert wrong.status == 401
    assert "set-cookie" not in wrong.headers
    assert "The token is wrong" in Reader(wrong.text).text
    assert {login(looking, "wrong").status for _ in range(40)} == {401, 429}
    assert login(looking, TOKEN).status == 303


def test_a_session_ends_by_itself_and_when_the_token_changes(
    looking: Looking, tmp_path: Path
) -> None:
    cookie = login(looking, TOKEN).headers["set-cookie"].partition(";")[0]
    until, signature = re.fullmatch(r"reconcile-page=(\d+)\.(\w+)", cookie).groups()  # type: ignore[union-attr]  # it is one

    for forged in (f"{int(until) + 9}.{signature}", f"{until}.", until, f"1.{signature}"):
        assert looking.ask("/", {"Cookie": f"reconcile-page={forged}"}).status == 401
    looking.service._page._door._now = lambda: int(until) + 1
    assert looking.ask("/", {"Cookie": cookie}).status == 401
    looking.service._page._door._now = lambda: int(until) - 1
    assert looking.ask("/", {"Cookie": cookie}).status == 200
    (tmp_path / "token").write_text("another token, quite as long")
    assert looking.ask("/", {"Cookie": cookie}).status == 401


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/json", '{"token": "x"}'),
        (FORM, "token=" + "x" * 10_000),
        (FORM, "&".join(f"a{n}=1" for n in range(50))),
        (FORM, "token=%ff%fe\udcff"),
        ("multipart/form-data; boundary=x", "--x--"),
        (FORM, ""),
    ],
)
def test_forms_that_are_none_admit_nobody(looking: Looking, media: str, body: str) -> None:
    raw = body.encode("utf-8", "surrogateescape")
    answer = looking.ask("/login", {"Content-Type": media}, method="POST", body=raw)  # type: ignore[arg-type]  # bytes do, too
    assert answer.status in (400, 401)


def test_nothing_but_assets_is_served_of_files(looking: Looking) -> None:
    for path in ("/assets/../door.py", "/assets/%2e%2e%2fdoor.py", "/assets/..%5cdoor.py"):
        assert looking.ask(path).status == 404
    assert looking.ask("/assets/page.css", {}).status == 200


def test_the_bearer_token_shows_the_page_too(looking: Looking) -> None:
    assert looking.ask("/", BEARER).status == 200
