"""What watches us: metrics, alerts and the dashboard, checked by Prometheus's own programs."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.ports import free_port
from lab.process import MissingPartError, Process
from reconciler.config_file import read_config
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.interfaces.http.metrics import METRICS, Metrics
from reconciler.interfaces.http.service import Service
from reconciler.settings import Address
from tests.interfaces.test_http import Loop
from tests.manifests.installation import MANIFESTS

MONITORING = MANIFESTS / "monitoring"
ALERTS = Path(__file__).with_name("alerts.yaml")
PATIENCE_S = 120.0
_NAME = re.compile(r"\breconcile_[a-z_]+\b")
_PARTS = ("_bucket", "_sum", "_count")


def program(name: str) -> str:
    """Return the path of one of Prometheus's programs.

    Raises:
        MissingPartError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingPartError(f"{name} is missing: run `make lab-packages`")
    return found


@pytest.fixture
def promtool() -> str:
    return program("promtool")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rules as Prometheus itself reads them, without the operator's object around them."""
    file = tmp_path / "rules.yaml"
    spec = read_config(MONITORING / "rules.yaml")["spec"]
    file.write_text(json.dumps(spec))
    return file


def dashboard() -> Any:  # noqa: ANN401 - JSON of Grafana's
    return json.loads((MONITORING / "dashboard.json").read_text())


def expressions() -> list[str]:
    """Return what the dashboard asks for, with its variables filled in as Grafana does."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return [each.replace("$source", ".*").replace("$__rate_interval", "5m") for each in found]


def check(*command: str, stdin: str = "", folder: Path | None = None) -> str:
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def record(metrics: Metrics) -> None:
    """Have something of each kind counted."""
    metrics.expect(["web"])
    metrics.on_request("r.example", 200)
    metrics.on_limit("r.example", 5, 100)
    metrics.on_webhook("git/github", "accepted")
    problem = Problem("", "down", is_stalled=False, kind="git", stage="read")
    outcome = CycleOutcome(
        "web",
        "https://git.example/web",
        revision=Revision("main", "0" * 40),
        problems=(problem,),
        durations={"all": 1.0, "scan": 0.5},
    )
    metrics.record(replace(outcome, problems=()))
    metrics.record(outcome)


def test_the_metrics_are_as_prometheus_wants_them(promtool: str) -> None:
    metrics = Metrics(waiting=lambda: 0)
    record(metrics)

    assert check(promtool, "check", "metrics", stdin=metrics.render().decode()) == ""


def test_the_alerts_are_valid_and_say_what_they_should(promtool: str, rules: Path) -> None:
    assert "SUCCESS" in check(promtool, "check", "rules", "--lint-fatal", str(rules))
    shutil.copy(ALERTS, rules.parent)
    check(promtool, "test", "rules", ALERTS.name, folder=rules.parent)

    tested = set(re.findall(r"alertname: (\w+)", ALERTS.read_text()))
    (group,) = json.loads(rules.read_text())["groups"]
    assert tested == {each["alert"] for each in group["rules"]}


def test_alerts_and_dashboard_ask_for_nothing_that_is_not_there(rules: Path) -> None:
    (group,) = json.loads(rules.read_text())["groups"]
    asked = " ".join([*(each["expr"] for each in group["rules"]), *expressions()])
    known = {each.name for each in METRICS} | {
        f"{each.name}{part}" for each in METRICS for part in _PARTS if each.kind == "histogram"
    }

    assert set(_NAME.findall(asked)) - known == set()


def test_the_panels_of_the_dashboard_are_apart_and_told() -> None:
    panels = dashboard()["panels"]
    places = [tuple(each["gridPos"].values()) for each in panels]

    assert len(set(places)) == len({each["id"] for each in panels}) == len(panels)
    assert all(each["title"] and each["targets"] for each in panels)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """A Prometheus that scrapes a service of ours each second."""
    binary = program("prometheus")
    service = Service(Address("127.0.0.1", 0))
    service.attend(Loop(), ["web"])
    record(service._metrics)
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": "reconcile", "static_configs": [{"targets": service.addresses}]}
        ],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        binary,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]
    with service.serving():
        process = Process("prometheus", command, tmp_path / "log", environment={})
        try:
            yield f"http://{address}"
        finally:
            process.stop()


def ask(url: str, expression: str) -> list[Any]:
    """Return what Prometheus answers; nothing while it is not there."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query?{query}", timeout=60) as answer:  # noqa: S310 - loopback
            return list(json.loads(answer.read())["data"]["result"])
    except ConnectionError:
        return []
    except urllib.error.HTTPError as error:
        if error.code == 503:  # it is starting
            return []
        raise AssertionError(f"{expression}: {error.read()!r}") from error
    except urllib.error.URLError:
        return []


def test_a_real_prometheus_understands_what_the_dashboard_asks_for(prometheus: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ask(prometheus, "count_over_time(reconcile_build_info[1m]) >= 2"):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    answered = {each: bool(ask(prometheus, each)) for each in expressions()}

    assert len(answered) >= 20
    silent = {each for each, has_answer in answered.items() if not has_answer}
    assert {each for each in silent if "skips" not in each and "health" not in each} == set()
