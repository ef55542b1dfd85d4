"""Webhooks over real sockets, from senders and from strangers."""

import contextlib
import hashlib
import hmac
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog

from reconciler.core.hooks.events import Hint, ImageHint
from reconciler.core.hooks.senders import path_key, sender_of
from reconciler.interfaces.http import hooks, server
from reconciler.interfaces.http.deliveries import MAX_SEEN, SEEN_S, Allowance, Seen
from reconciler.interfaces.http.service import Service
from reconciler.settings import Address
from tests.fakes.clock import FakeClock
from tests.interfaces.test_http import Loop

SECRET = "correct horse battery staple"
JSON = "application/json"
EVENTS = json.dumps(
    {"events": [{"action": "push", "target": {"repository": "acme/web", "tag": "v4"}}]}
).encode()
BEARER = {"Authorization": f"Bearer {SECRET}", "Content-Type": JSON}


@dataclass
class Hints:
    """Takes hints, and is concerned by those of ``acme/web``."""

    taken: list[Hint] = field(default_factory=list)

    def take(self, hints: tuple[Hint, ...]) -> frozenset[str]:
        self.taken += hints
        is_ours = any(isinstance(each, ImageHint) and each.path == "acme/web" for each in hints)
        return frozenset({"shop"}) if is_ours else frozenset()


@dataclass
class Served:
    secret_file: Path
    hints: Hints = field(default_factory=Hints)
    service: Service = field(default_factory=lambda: Service(Address("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        self.attend(self.secret_file)

    def attend(self, secret_file: Path | None) -> None:
        hints: object = self.hints
        self.service.attend(Loop(), ["shop"], hints=hints, secret_file=secret_file)  # type: ignore[arg-type]  # as it takes them

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.service.addresses[0].split(":")
        return host, int(port)

    def post(
        self, path: str, body: bytes = EVENTS, headers: Mapping[str, str] = BEARER
    ) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        with contextlib.closing(connection):
            connection.request("POST", f"/hooks/{path}", body, dict(headers))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def metrics(self) -> str:
        return self.service._metrics.render().decode()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    served = Served(file)
    with served.service.serving():
        yield served


def signed(body: bytes, secret: str = SECRET, **more: str) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": JSON, "X-Hub-Signature-256": f"sha256={digest}", **more}


def test_a_registry_that_proves_itself_is_heard_counted_and_logged(served: Served) -> None:
    with structlog.testing.capture_logs() as logs:
        assert served.post("registry/distribution") == (
            202,
            {"result": "accepted", "sources": ["shop"]},
        )

    assert served.hints.taken == [ImageHint("", "acme/web")]
    assert 'reconcile_webhooks_total{result="accepted",sender="registry/distribution"} 1.0' in (
        served.metrics()
    )
    assert [line["event"] for line in logs] == ["webhook.received"]


def test_what_is_about_nothing_that_is_managed_is_ignored(served: Served) -> None:
    status, said = served.post("registry/distribution", EVENTS.replace(b"acme", b"other"))
    assert (status, said["result"]) == (200, "ignored")


def test_who_can_do_nothing_else_proves_himself_by_the_path_which_is_not_logged(
    served: Served,
) -> None:
    hub = sender_of("registry", "dockerhub")
    assert hub is not None
    key = path_key(SECRET.encode(), hub)
    body = json.dumps({"repository": {"repo_name": "acme/web"}}).encode()
    plain = {"Content-Type": JSON}

    with structlog.testing.capture_logs() as logs:
        assert served.post(f"registry/dockerhub/{key}", body, plain)[0] == 202
        assert served.post(f"registry/dockerhub/{key[:-1]}x", body, plain)[0] == 401
        assert served.post("registry/dockerhub", body, plain)[0] == 401
        assert served.post(f"registry/quay/{key}", body, plain)[0] == 401
    assert key[:-1] not in str(logs) + served.metrics()


def test_a_delivery_that_is_sent_again_is_heard_once(served: Served) -> None:
    body = json.dumps(
        {"package": {"name": "web", "owner": {"login": "acme"}, "package_type": "container"}}
    ).encode()
    headers = signed(body, **{"X-GitHub-Delivery": "72d3162e"})

    assert served.post("registry/ghcr", body, headers)[0] == 202
    assert served.post("registry/ghcr", body, headers) == (
        200,
        {"result": "duplicate", "message": "seen before"},
    )
    assert served.post("registry/ghcr", body, {**headers, "X-GitHub-Delivery": "2"})[0] == 202


def test_a_delivery_that_was_not_proved_cannot_make_a_good_one_a_duplicate(served: Served) -> None:
    body = b'{"ref": "refs/heads/main"}'
    named = {"X-GitHub-Delivery": "72d3162e"}

    assert served.post("git/github", body, signed(body, "x" * 20, **named))[0] == 401
    assert served.post("git/github", body, signed(body, **named))[1]["result"] == "ignored"


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        pytest.param("registry/distribution", EVENTS, {"Content-Type": JSON}, 401, id="no proof"),
        pytest.param(
            "registry/distribution",
            EVENTS,
            {**BEARER, "Authorization": "Bearer wrong"},
            401,
            id="wrong bearer",
        ),
        pytest.param("git/github", b"{}", signed(b"{} "), 401, id="wrong signature"),
        pytest.param("git/gitlab", b"{}", {**BEARER, "X-Gitlab-Token": "x"}, 401, id="token"),
        pytest.param(
            "registry/distribution", EVENTS, {**BEARER, "Content-Type": "text/xml"}, 415, id="type"
        ),
        pytest.param(
            "git/github",
            b"payload=%7B%7D",
            {**signed(b"payload=%7B%7D"), "Content-Type": "application/x-www-form-urlencoded"},
            415,
            id="form",
        ),
        pytest.param("registry/distribution", b"[" * 500_000, BEARER, 400, id="deep JSON"),
        pytest.param("registry/distribution", b"\0\xff", BEARER, 400, id="no JSON"),
        pytest.param("registry/distribution", b" " * (hooks.MAX_BODY + 1), BEARER, 413, id="long"),
        pytest.param("registry/other", EVENTS, BEARER, 404, id="no such sender"),
        pytest.param("git/distribution", EVENTS, BEARER, 404, id="the other family"),
    ],
)
def test_what_is_wrong_is_turned_away_and_asks_for_nothing(
    served: Served, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert served.post(path, body, headers)[0] == status
    assert served.hints.taken == []
    assert served.post("registry/distribution")[0] == 202


def test_a_gigabyte_is_not_read(served: Served) -> None:
    head = (
        "POST /hooks/registry/distribution HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {SECRET}\r\nContent-Type: {JSON}\r\n"
    )
    for more in (f"Content-Length: {2**30}\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"):
        sent = 0
        with (
            socket.create_connection(served.address, timeout=60) as client,
            contextlib.suppress(ConnectionError),
        ):
            client.sendall((head + more).encode())
            chunk = b"a" * 65536
            while sent < 2**28:
                client.sendall(b"10000\r\n" + chunk + b"\r\n")
                sent += len(chunk)
        assert sent < 2**28
    assert served.post("registry/distribution")[0] == 202


def test_a_body_that_comes_drop_by_drop_is_hung_up_on_and_keeps_nobody_waiting(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE_S", 0.5)
    head = (
        "POST /hooks/registry/distribution HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        f"Authorization: Bearer {SECRET}\r\nContent-Type: {JSON}\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(served.address, timeout=60))
            for _ in range(hooks.MAX_BODIES)
        ]
        for each in slow:
            each.sendall(head.encode() + b"{")
        for each in slow:
            with contextlib.suppress(ConnectionError):  # a reset serves as well
                assert each.recv(1) == b""
    assert served.post("registry/distribution")[0] == 202


def test_a_flood_is_turned_away_with_when_to_come_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr(served.service._hooks, "_allowance", Allowance(1.0, 5.0, now=clock.now))
    answers = [served.post("git/github", b"{}", {})[0] for _ in range(10)]
    assert answers == [401] * 5 + [429] * 5

    clock.sleep(1.0)
    assert served.post("registry/distribution")[0] == 202


def test_without_a_secret_nobody_is_believed(served: Served) -> None:
    served.secret_file.write_text("short")
    with structlog.testing.capture_logs() as logs:
        assert served.post("registry/distribution")[0] == 503
        served.secret_file.unlink()
        assert served.post("registry/distribution")[0] == 503
    reasons = [line["reason"] for line in logs if line["event"] == "webhook.secret_unusable"]
    assert reasons == [
        "--webhook-secret-file: holds fewer than 16 characters",
        "--webhook-secret-file: cannot read it: No such file or directory",
    ]

    served.attend(None)
    assert served.post("registry/distribution")[0] == 404


def test_a_secret_that_is_rotated_counts_at_once(served: Served) -> None:
    served.secret_file.write_text("a new secret of that length")

    assert served.post("registry/distribution")[0] == 401
    headers = {**BEARER, "Authorization": "Bearer a new secret of that length"}
    assert served.post("registry/distribution", headers=headers)[0] == 202


def test_deliveries_are_remembered_for_an_hour_and_not_without_end() -> None:
    clock = FakeClock()
    seen = Seen(now=clock.now)
    assert [seen.is_new("a"), seen.is_new("a")] == [True, False]

    clock.sleep(SEEN_S + 1)
    assert seen.is_new("a")
    for number in range(MAX_SEEN):
        seen.is_new(str(number))
    assert seen.is_new("a")
    assert len(seen._at) <= MAX_SEEN
