"""Telling services through Apprise, over real sockets."""

import io
import json
import logging
import socket
import sys
import threading
from pathlib import Path

import pytest

from reconciler import bootstrap
from reconciler.adapters.notify.services import AppriseNotifier
from reconciler.configuration import read_settings
from reconciler.core.tidings import Kind, Tiding
from reconciler.errors import ForgeError, SettingsError
from reconciler.interfaces import logs
from tests.adapters.notify.test_webhook import TIDING, Received, received

__all__ = ["received"]

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"  # Apprise looks for it on old Pythons
)


def urls(folder: Path, *lines: str) -> Path:
    path = folder / "urls"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def as_json(received: Received) -> str:
    return f"{received.url.replace('http:', 'json:')}/s3cret"


def test_each_service_is_told_in_words_for_people(received: Received, tmp_path: Path) -> None:
    path = urls(tmp_path, "# chat", "", as_json(received), f"{as_json(received)}/other")
    AppriseNotifier(path).tell(TIDING)

    assert len(received.requests) == 2
    said = json.loads(received.requests[0][1])
    assert (said["title"], said["type"]) == ("web: updated", "success")
    assert said["message"].splitlines() == [
        "web: updated",
        "- web.yaml:3: bad policy",
        "- web:deployment/nginx nginx: r.example/nginx:v3 -> r.example/nginx:v4",
        "main@sha1:0",
    ]


def test_text_of_others_is_no_template_and_is_cut(received: Received, tmp_path: Path) -> None:
    tiding = Tiding(Kind.STALLED, "web", "u", "", "{{ app_id }} " + "x" * 10_000)
    AppriseNotifier(urls(tmp_path, as_json(received))).tell(tiding)

    ((_, body),) = received.requests
    said = json.loads(body)
    assert said["message"].startswith("{{ app_id }} xxx")
    assert len(said["message"]) == 4000
    assert said["type"] == "failure"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_told_by_line_without_the_url_and_no_redirect_is_followed(
    received: Received, tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    received.status = status
    with pytest.raises(ForgeError, match=r"lines did not take it: 2$"):
        AppriseNotifier(urls(tmp_path, "# chat", as_json(received))).tell(TIDING)

    assert len(received.requests) == 1
    assert "s3cret" not in caplog.text
    assert [each.name for each in caplog.records if each.name == "apprise"] == []


def test_told_again_it_goes_to_those_only_that_did_not_take_it(
    received: Received, tmp_path: Path
) -> None:
    path = urls(tmp_path, as_json(received), "json://127.0.0.1:1/s3cret")
    told = AppriseNotifier(path)
    for _ in range(2):
        with pytest.raises(ForgeError, match=r": 2$"):
            told.tell(TIDING)
    assert len(received.requests) == 1

    urls(tmp_path, as_json(received))
    told.tell(Tiding(Kind.RECOVERED, "web", "u", "", "web: is well again"))
    assert len(received.requests) == 2


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        pytest.param([], "holds 0 URLs", id="nothing"),
        pytest.param(["json://localhost/s3cret"] + [""] * 3 + ["nonsense"], "no Apprise URL"),
        pytest.param(["bogus://s3cret"], "no Apprise URL"),
        pytest.param(["exec:///bin/s3cret"], "no Apprise URL"),
        pytest.param(["json://chat.example/s3cret"], "without TLS"),
        pytest.param(["mailto://u:s3cret@mail.example"], "without TLS"),
        pytest.param(["syslog://"], "without TLS"),
        pytest.param(["jsons://chat.example/s3cret?verify=no"], "verify=no"),
        pytest.param(["jsons://chat.example/s3cret?redirect=yes"], "redirects"),
        pytest.param([f"json://localhost/s3cret/{n}" for n in range(21)], "holds 21 URLs"),
    ],
)
def test_a_file_that_may_not_be_used_is_refused_without_showing_it(
    tmp_path: Path, lines: list[str], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem) as caught:
        AppriseNotifier(urls(tmp_path, *lines))

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "jsons://chat.example/s3cret",
        "discord://123456789012345678/abcdefghijklmnopqrstuvwxyz",
        "mailtos://u:p@mail.example",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    ],
)
def test_services_that_are_spoken_to_with_tls_may_be_used(tmp_path: Path, url: str) -> None:
    AppriseNotifier(urls(tmp_path, url))


def test_a_missing_file_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--notify-apprise-file"):
        AppriseNotifier(tmp_path / "nothing")


def test_where_apprise_is_not_installed_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "reconciler.adapters.notify.services")
    monkeypatch.setitem(sys.modules, "apprise", None)
    settings = read_settings(
        flags={"notify-apprise-file": str(urls(tmp_path, "json://localhost/"))},
        environment={"RECONCILE_GIT_URL": "https://git.example/acme/web"},
        file={},
    )

    with pytest.raises(SettingsError, match=r"pip install 'reconcile\[apprise\]'"):
        bootstrap.notifiers(settings)


def test_an_answer_that_is_no_http_brings_no_url_into_the_log(tmp_path: Path) -> None:
    stream = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        path = urls(tmp_path, f"json://127.0.0.1:{listening.getsockname()[1]}/s3cret")

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nno header\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        logs.configure(level="info", form="json", stream=stream)
        try:
            AppriseNotifier(path).tell(TIDING)
        finally:
            logs.configure(level="error", form=None)
            answering.join()

    assert stream.getvalue() == ""
