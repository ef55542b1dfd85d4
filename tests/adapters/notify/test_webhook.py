"""Telling a URL, over real sockets."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.adapters.notify.webhook import WebhookNotifier
from reconciler.core.tidings import Kind, Tiding
from reconciler.errors import ForgeError, RefusedError, SettingsError
from tests.core.test_tidings import BAD, CHANGE
from tests.simulators.serving import Serving

TIDING = Tiding(
    Kind.UPDATED, "web", "https://git.example/web", "main@sha1:0", "web: updated", (CHANGE,), (BAD,)
)


@dataclass
class Received:
    """What came, and what is answered."""

    status: int = 204
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def received() -> Iterator[Received]:
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((dict(self.headers), body))
            self.send_response(received.status)
            self.send_header("Content-Length", "0")
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with Serving(server, poll_s=0.02) as serving:
        received.url = f"http://127.0.0.1:{serving.port}/hooks/T0/B0"
        yield received


def notifier(folder: Path, url: str, secret: str | None = None) -> WebhookNotifier:
    (folder / "url").write_text(f"{url}\n")
    if secret is None:
        return WebhookNotifier(folder / "url", None)
    (folder / "secret").write_text(f"{secret}\n")
    return WebhookNotifier(folder / "url", folder / "secret")


def test_it_is_json_with_all_that_is_known_and_signed(received: Received, tmp_path: Path) -> None:
    notifier(tmp_path, received.url, "a secret").tell(TIDING)

    ((headers, body),) = received.requests
    said = json.loads(body)
    signature = hmac.new(b"a secret", body, hashlib.sha256).hexdigest()
    assert headers["X-Reconcile-Signature-256"] == f"sha256={signature}"
    assert headers["X-Reconcile-Event"] == "updated"
    assert len(headers["X-Reconcile-Delivery"]) == 32
    assert (said["version"], said["kind"], said["source"]) == (1, "updated", "web")
    assert said["changes"] == [
        {
            "path": "web.yaml",
            "line": 9,
            "workload": "web:deployment/nginx",
            "container": "nginx",
            "from": "r.example/nginx:v3",
            "to": "r.example/nginx:v4",
        }
    ]
    assert said["problems"] == [{"where": "web.yaml:3", "message": "bad policy", "kind": "stalled"}]
    described = (Path(__file__).parents[3] / "docs/reference/notifications.md").read_text()
    assert [key for key in said if f"`{key}`" not in described] == []


def test_without_a_secret_it_is_not_signed_and_a_url_that_changes_counts_at_once(
    received: Received, tmp_path: Path
) -> None:
    told = notifier(tmp_path, "http://127.0.0.1:1/")
    with pytest.raises(ForgeError, match="not answered"):
        told.tell(TIDING)
    (tmp_path / "url").write_text(received.url)
    told.tell(TIDING)

    ((headers, _),) = received.requests
    assert "X-Reconcile-Signature-256" not in headers


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, ForgeError), (429, ForgeError), (302, RefusedError), (404, RefusedError)],
)
def test_what_is_not_taken_is_an_error_and_no_redirect_is_followed(
    received: Received, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    received.status = status
    with pytest.raises(error, match=str(status)) as caught:
        notifier(tmp_path, received.url).tell(TIDING)

    assert len(received.requests) == 1
    assert "T0" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://hooks.example/x", "https://", "file:///etc/passwd"]
)
def test_only_https_is_spoken_beyond_loopback(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="holds no https:// URL"):
        notifier(tmp_path, url)


def test_files_that_are_missing_are_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--notify-url-file"):
        WebhookNotifier(tmp_path / "nothing", None)
    (tmp_path / "url").write_text("https://hooks.example/x")
    with pytest.raises(SettingsError, match="--notify-secret-file"):
        WebhookNotifier(tmp_path / "url", tmp_path / "nothing")
