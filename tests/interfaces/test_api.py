"""The API, asked over real sockets; its answers are held against its own description."""

import contextlib
import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from openapi_schema_validator import OAS31Validator
from openapi_schema_validator import validate as validate_value
from openapi_spec_validator import validate

from reconciler.interfaces.http import server, stream
from reconciler.interfaces.http.stream import MAX_STREAMS
from reconciler.pipeline.board import Board
from reconciler.settings import PageSettings
from tests.interfaces.exhibition import Exhibition
from tests.interfaces.looking import BEARER, TOKEN, Looking

PATHS = ["/openapi.json", "/sources", "/sources/shop", "/sources/shop/cycles", "/images", "/events"]
PATHS += ["/sources/shop/images", "/sources/shop/images/0123456789abcdef", "/nothing", "/"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer"}, id="empty"),
        pytest.param({"Authorization": f"Bearer {TOKEN}x"}, id="longer"),
        pytest.param({"Authorization": f"Bearer {TOKEN[:-1]}"}, id="shorter"),
        pytest.param({"Authorization": f"Basic {TOKEN}"}, id="another scheme"),
        pytest.param({"Authorization": "Bearer \udcff"}, id="no text"),
        pytest.param({"Cookie": f"reconcile-page={TOKEN}"}, id="token as cookie"),
        pytest.param({"Cookie": "reconcile-page=99999999999.deadbeef"}, id="forged cookie"),
        pytest.param({"Cookie": '=;;"reconcile-page=\\'}, id="broken cookie"),
    ],
)
def test_nothing_is_told_to_those_who_do_not_have_the_token(
    looking: Looking, headers: dict[str, str]
) -> None:
    raw = {name: value.encode("utf-8", "surrogateescape") for name, value in headers.items()}

    for path in PATHS:
        answer = looking.ask(f"/api/v1{path}", raw)  # type: ignore[arg-type]  # bytes do, too
        assert answer.status == 401, path
        assert answer.json == {"message": "the token is wrong, or there is none"}
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_whoever_guesses_too_often_is_not_listened_to_and_the_right_token_still_is(
    looking: Looking,
) -> None:
    statuses = {
        looking.ask("/api/v1/sources", {"Authorization": f"Bearer guess {n}"}).status
        for n in range(40)
    }

    assert statuses == {401, 429}
    assert looking.ask("/api/v1/sources").status == 200


def test_without_a_token_in_the_settings_nothing_is_served(looking: Looking) -> None:
    looking.attend(None)

    assert looking.ask("/api/v1/sources").status == 404
    assert looking.ask("/").status == 404
    assert looking.ask("/login", method="POST").status == 404
    assert looking.ask("/metrics").status == 200


def test_a_token_that_cannot_be_read_is_nobodys_and_told_in_the_log(
    looking: Looking, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("short")
    with structlog.testing.capture_logs() as logs:
        assert looking.ask("/api/v1/sources", {"Authorization": "Bearer short"}).status == 503
    (tmp_path / "token").unlink()
    assert looking.ask("/").status == 503

    assert [(each["event"], each["reason"]) for each in logs] == [
        ("page.token_unusable", "--page-token-file: holds fewer than 16 characters")
    ]


def test_a_token_is_read_anew_each_time(looking: Looking, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("another token, quite as long")

    assert looking.ask("/api/v1/sources").status == 401
    new = {"Authorization": "bearer another token, quite as long"}
    assert looking.ask("/api/v1/sources", new).status == 200


def test_everybody_may_look_where_the_settings_say_so(looking: Looking) -> None:
    looking.attend(PageSettings(is_anonymous=True))

    assert looking.ask("/api/v1/sources", {}).status == 200


def test_nothing_is_known_before_there_is_a_board() -> None:
    early = Looking(None, PageSettings(is_anonymous=True))
    with early.service.serving():
        assert early.ask("/api/v1/sources").status == 503
        assert early.ask("/").status == 503


def described(looking: Looking) -> dict[str, Any]:
    document: dict[str, Any] = looking.ask("/api/v1/openapi.json").json
    return document


def hold_against(value: object, schema: dict[str, Any], document: dict[str, Any]) -> None:
    """Fail if a value is not as a schema of the description says."""
    whole = {**schema, "components": document["components"]}
    validate_value(value, whole, cls=OAS31Validator)


def test_the_description_is_valid(looking: Looking) -> None:
    document = described(looking)

    validate(document)
    assert set(document["paths"]) == {
        *("/openapi.json", "/sources", "/sources/{source}", "/sources/{source}/cycles"),
        *("/sources/{source}/images", "/sources/{source}/images/{image}", "/images", "/events"),
    }


@pytest.mark.parametrize(
    "path",
    [
        "/sources",
        "/sources/{source}",
        "/sources/{source}/cycles",
        "/sources/{source}/images",
        "/sources/{source}/images/{image}",
        "/images",
    ],
)
def test_answers_are_as_they_are_described(looking: Looking, shown: Exhibition, path: str) -> None:
    document = described(looking)
    shown.remotes["shop"].put({"broken.yaml": b"kind: Deployment\napiVersion: apps/v1\n\tx"})
    shown.cycle()
    for image in shown.board.images("shop"):
        answer = looking.ask(f"/api/v1{path.format(source='shop', image=image.id)}")

        assert answer.status == 200
        operation = document["paths"][path]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        hold_against(answer.json, schema, document)


def test_what_is_not_there_is_told_as_described(looking: Looking) -> None:
    for path in ("/sources/none", "/sources/none/images", "/sources/shop/images/none", "/none"):
        answer = looking.ask(f"/api/v1{path}")
        assert answer.status == 404, path
        assert set(answer.json) == {"message"}


def test_images_are_found_by_words_and_state_and_come_in_parts(looking: Looking) -> None:
    everything = looking.ask("/api/v1/images").json

    assert everything["total"] == 4
    first = looking.ask("/api/v1/images?limit=1&offset=1").json
    assert first == {"total": 4, "images": everything["images"][1:2]}
    assert looking.ask("/api/v1/images?state=held").json["images"][0]["detail"] == "locked"
    assert looking.ask("/api/v1/images?q=SEMVER%20api").json["total"] == 1
    assert looking.ask("/api/v1/images?q=nobody").json == {"total": 0, "images": []}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "offset=1e3", "limit=" + "9" * 5000]
)
def test_wrong_numbers_are_told(looking: Looking, query: str) -> None:
    assert looking.ask(f"/api/v1/images?{query}").status == 400


def test_nothing_can_be_changed(looking: Looking) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert looking.ask("/api/v1/sources", method=method).status == 405


class Stream:
    """One who listens to events."""

    def __init__(self, looking: Looking, **headers: str) -> None:
        self.connection = looking.connect()
        self.connection.request("GET", "/api/v1/events", headers={**BEARER, **headers})
        self.answer: http.client.HTTPResponse = self.connection.getresponse()

    def event(self) -> dict[str, str]:
        """Return the next event."""
        found: dict[str, str] = {}
        while not (found.get("event") and found.get("data")):
            for line in iter(lambda: self.answer.readline().decode().rstrip("\n"), ""):
                name, _, value = line.partition(": ")
                found[name] = value
        return found

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def test_events_tell_how_sources_stand_and_then_what_changes(
    looking: Looking, shown: Exhibition
) -> None:
    with contextlib.closing(Stream(looking)) as listener:
        assert listener.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        first = listener.event()
        shown.tags["r.example/web"].append("v5")
        shown.cycle()
        later = listener.event()
        while json.loads(later["data"])["running"]:
            later = listener.event()

    assert json.loads(first["data"])["name"] == "shop"
    document = described(looking)
    for each in (first, later):
        hold_against(json.loads(each["data"]), {"$ref": "#/components/schemas/Source"}, document)
    assert json.loads(later["data"])["version"] > json.loads(first["data"])["version"]


def test_who_comes_again_hears_only_of_what_has_changed_since(
    looking: Looking, shown: Exhibition
) -> None:
    with contextlib.closing(Stream(looking)) as listener:
        seen = listener.event()["id"]
    with contextlib.closing(Stream(looking, **{"Last-Event-ID": seen})) as listener:
        shown.cycle()
        assert listener.event()["id"] != seen


@pytest.mark.parametrize("seen", ["", "x", "other-99999", "-1", "99999999999999999999", "é"])
def test_of_what_another_process_said_nothing_is_taken_as_heard(
    looking: Looking, seen: str
) -> None:
    with contextlib.closing(Stream(looking, **{"Last-Event-ID": seen})) as listener:
        assert json.loads(listener.event()["data"])["name"] == "shop"


def test_those_who_listen_are_told_when_the_settings_change(
    looking: Looking, shown: Exhibition
) -> None:
    with contextlib.closing(Stream(looking)) as listener:
        listener.event()
        looking.attend(looking.page, Board(shown.settings.values()))

        assert listener.answer.read() == b""  # it ends: the browser comes again


def test_so_many_listen_and_no_more_and_who_leaves_makes_room(looking: Looking) -> None:
    listeners = [Stream(looking) for _ in range(MAX_STREAMS)]
    for each in listeners:
        each.event()

    extra = looking.ask("/api/v1/events")
    assert (extra.status, extra.headers["retry-after"]) == (503, "30")
    assert looking.ask("/healthz").status == 200
    for each in listeners:
        each.close()
    deadline = time.monotonic() + 60
    while True:
        one = Stream(looking)
        with contextlib.closing(one):
            if one.answer.status == 200:
                break
        assert time.monotonic() < deadline


def test_a_stream_outlasts_the_patience_for_ordinary_requests(
    looking: Looking, monkeypatch: pytest.MonkeyPatch, shown: Exhibition
) -> None:
    monkeypatch.setattr(server, "PATIENCE_S", 0.2)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.3)
    with contextlib.closing(Stream(looking)) as listener:
        listener.event()
        for _ in range(3):
            while not (line := listener.answer.readline()).startswith(b": still"):
                assert line
        shown.cycle()
        assert listener.event()["event"] == "source"


def test_who_does_not_take_what_is_sent_is_hung_up_on(
    looking: Looking, shown: Exhibition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "PATIENCE_S", 0.3)
    monkeypatch.setattr(stream, "REST_S", 0.0)
    monkeypatch.setattr(stream, "source_document", lambda _shown: {"x": "x" * 4_000_000})
    host, port = looking.service.addresses[0].split(":")
    with socket.create_connection((host, int(port))) as lazy:
        lazy.sendall(
            b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n"
            + f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        deadline = time.monotonic() + 60
        while looking.service._api._streams._count != 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while looking.service._api._streams._count:
            shown.cycle()
            assert time.monotonic() < deadline
            time.sleep(0.05)
