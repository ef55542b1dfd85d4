"""Health and metrics, asked for over real sockets."""

import contextlib
import http.client
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from reconciler.core.decision import Change, Skip
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import DEFAULT_RULES
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.images import ImageField, SkipReason
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.errors import SettingsError
from reconciler.interfaces.http import server
from reconciler.interfaces.http.metrics import MAX_HOSTS, METRICS, Metrics, status_word
from reconciler.interfaces.http.server import listen
from reconciler.interfaces.http.service import Service
from reconciler.settings import Address

ANY_PORT = Address("127.0.0.1", 0)
REVISION = Revision("main", "3a33f0a" + "0" * 33)
KEY = ObjectKey("apps", "Deployment", "web", "nginx")
FIELD = ImageField(
    path="web.yaml",
    line=9,
    workload=KEY,
    container="nginx",
    text="r.example/nginx:v3",
    written=WrittenImage(name=Scalar("r.example/nginx:v3", 0, 18, 1)),
    reference=ImageReference.parse("r.example/nginx:v3"),
    rules=DEFAULT_RULES,
    puller=Puller("web"),
)


@dataclass
class Loop:
    """A loop as the service sees it."""

    stuck: tuple[str, ...] = ()
    is_ready: bool = True
    is_ending: bool = False
    waiting: int = 0


@dataclass
class Served:
    address: Address = ANY_PORT
    loop: Loop = field(default_factory=Loop)
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self.address, is_ending=lambda: self.loop.is_ending)
        self.service.attend(self.loop, ["default"])

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.service.addresses[0], timeout=60)

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = self.connect()
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def value(self, series: str) -> float:
        """Return the value of a series as it is written: ``name{label="value"}``."""
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        assert found, series
        return float(found[1])


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    with served.service.serving():
        yield served


def outcome(**more: object) -> CycleOutcome:
    return CycleOutcome("default", "https://git.example/web", **more)  # type: ignore[arg-type]  # by name


def test_it_is_healthy_while_no_cycle_is_stuck(served: Served) -> None:
    assert served.ask("/healthz") == (200, "ok\n")
    served.loop.stuck = ("default",)
    assert served.ask("/healthz") == (503, "stuck: default\n")


def test_it_is_ready_from_the_first_cycles_to_the_end(served: Served) -> None:
    served.loop.is_ready = False
    assert served.ask("/readyz") == (503, "waiting for the first cycle\n")
    served.loop.is_ready = True
    assert served.ask("/readyz") == (200, "ok\n")
    served.loop.is_ending = True
    assert served.ask("/readyz") == (503, "ending\n")
    assert served.ask("/healthz")[0] == 200


def test_new_settings_leave_it_ready_and_what_was_counted(served: Served) -> None:
    served.service.ended(outcome(revision=REVISION))
    served.loop = Loop(is_ready=False)
    served.service.attend(served.loop, ["default", "another"])

    assert served.ask("/readyz") == (200, "ok\n")
    assert served.value('reconcile_cycles_total{result="ok",source="default"}') == 1
    assert served.value('reconcile_cycles_total{result="ok",source="another"}') == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/", 404, id="root"),
        pytest.param("GET", "/metrics/", 404, id="slash"),
        pytest.param("POST", "/metrics", 405, id="post"),
        pytest.param("HEAD", "/healthz", 200, id="head"),
    ],
)
def test_nothing_else_is_answered(served: Served, method: str, path: str, status: int) -> None:
    assert served.ask(path, method)[0] == status


def test_metrics_are_what_the_outcomes_say(served: Served) -> None:
    reference = ImageReference.parse("r.example/nginx:v3")
    change = Change(FIELD, reference, reference.with_tag("v4"))
    skip = Skip(FIELD, SkipReason.ALREADY_NEWEST, "v3 is the newest")
    reports = (
        ObjectReport(KEY, Action.CONFIGURED, health=Health(Status.CURRENT, "")),
        ObjectReport(KEY, Action.UNCHANGED, health=Health(Status.IN_PROGRESS, "")),
    )
    served.service.ended(
        outcome(
            revision=REVISION,
            pushed=REVISION,
            changes=(change, change),
            skips=(skip,),
            sync=SyncReport(reports),
            durations={"all": 2.0, "read": 0.2},
        )
    )
    served.loop.waiting = 3

    for series, value in {
        'reconcile_cycles_total{result="ok",source="default"}': 1,
        'reconcile_cycles_total{result="stalled",source="default"}': 0,
        'reconcile_commits_total{source="default"}': 1,
        'reconcile_image_updates_total{source="default"}': 2,
        'reconcile_image_skips{reason="already_newest",source="default"}': 1,
        'reconcile_image_skips{reason="locked",source="default"}': 0,
        'reconcile_object_changes_total{action="configured",source="default"}': 1,
        'reconcile_objects{action="unchanged",source="default"}': 1,
        'reconcile_object_health{source="default",status="InProgress"}': 1,
        'reconcile_cycle_seconds_count{source="default",stage="all"}': 1,
        'reconcile_cycle_seconds_sum{source="default",stage="read"}': 0.2,
        "reconcile_queue_length": 3,
    }.items():
        assert served.value(series) == value, series
    last = served.value('reconcile_last_success_timestamp_seconds{source="default"}')
    assert last == served.value('reconcile_last_cycle_timestamp_seconds{source="default"}') > 0


def test_a_problem_that_has_passed_is_zero_and_what_a_cycle_did_not_come_to_stays(
    served: Served,
) -> None:
    series = 'reconcile_problems{kind="git",source="default",stage="read"}'
    reports = (ObjectReport(KEY, Action.UNCHANGED),)
    served.service.ended(outcome(revision=REVISION, sync=SyncReport(reports)))
    problem = Problem("https://git.example", "down", is_stalled=False, kind="git", stage="read")

    served.service.ended(outcome(problems=(problem,)))
    assert served.value(series) == 1
    assert served.value('reconcile_objects{action="unchanged",source="default"}') == 1
    served.service.ended(outcome(revision=REVISION))
    assert served.value(series) == 0


def test_hosts_are_limited_in_number(served: Served) -> None:
    for number in range(MAX_HOSTS + 5):
        served.service.on_request(f"host{number}.example", 200)
    served.service.on_request("host0.example", 0)
    served.service.on_request("user:password@host1.example", 200)

    assert served.value('reconcile_registry_requests_total{host="other",status="2xx"}') == 5
    assert (
        served.value('reconcile_registry_requests_total{host="host0.example",status="none"}') == 1
    )
    assert "password" not in served.ask("/metrics")[1]


@pytest.mark.parametrize(
    ("status", "word"),
    [(0, "none"), (200, "2xx"), (302, "3xx"), (401, "401"), (429, "429"), (400, "4xx"),
     (503, "5xx"), (999, "other"), (1, "other")],
)  # fmt: skip
def test_statuses_become_few_words(status: int, word: str) -> None:
    assert status_word(status) == word


def test_every_series_is_one_of_the_table_or_of_the_process() -> None:
    metrics = Metrics(waiting=lambda: 0)
    metrics.expect(["default"])
    metrics.on_request("r.example", 200)
    metrics.record(outcome(revision=REVISION, durations={"all": 1.0}))
    types = re.findall(r"^# TYPE (\S+) (\S+)$", metrics.render().decode(), re.MULTILINE)
    ours = {name: kind for name, kind in types if not name.startswith("process_")}

    assert ours == {each.name: each.kind for each in METRICS}
    assert any(name == "process_resident_memory_bytes" for name, _ in types)


def test_what_a_registry_says_of_its_limit_is_a_metric_with_as_many_hosts() -> None:
    metrics = Metrics(waiting=lambda: 0)
    metrics.expect(["default"])
    metrics.on_limit("registry-1.docker.io", 76, 100)
    metrics.on_limit("registry-1.docker.io", 75, None)
    for number in range(MAX_HOSTS + 5):
        metrics.on_limit(f"r{number}.example", number, 1000)

    text = metrics.render().decode()

    assert 'reconcile_registry_rate_limit{host="registry-1.docker.io"} 100.0' in text
    assert 'reconcile_registry_rate_limit_remaining{host="registry-1.docker.io"} 75.0' in text
    assert text.count("reconcile_registry_rate_limit_remaining{") == MAX_HOSTS + 1


def test_a_port_that_is_taken_is_told_and_nothing_is_kept_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingsError) as caught:
            listen(Address("127.0.0.1", port))

    assert caught.value.message == (
        f"--listen: cannot listen on '127.0.0.1:{port}': address already in use"
    )


def test_an_address_that_is_not_ours_is_told() -> None:
    for host in ("192.0.2.1", "nowhere.invalid"):
        with pytest.raises(SettingsError) as caught:
            listen(Address(host, 0))

        assert caught.value.message.startswith(f"--listen: cannot listen on '{host}:0': ")


def test_without_a_host_it_listens_on_all_addresses() -> None:
    served = Served(Address("", 0))
    port = int(served.service.addresses[0].rpartition(":")[2])

    with served.service.serving():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_listens_on_an_ipv6_address() -> None:
    served = Served(Address("::1", 0))

    with served.service.serving():
        assert served.service.addresses[0].startswith("[::1]:")
        assert served.ask("/healthz")[0] == 200


def test_a_client_that_sends_nothing_or_never_ends_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "PATIENCE_S", 0.3)
    served = Served()
    host, port = served.service.addresses[0].split(":")

    with served.service.serving():
        for said in (b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"):
            with socket.create_connection((host, int(port)), timeout=60) as client:
                client.sendall(said)
                with contextlib.suppress(ConnectionError):  # a reset serves as well
                    assert client.recv(1) == b""


def test_a_head_that_is_too_large_is_refused(served: Served) -> None:
    host, port = served.service.addresses[0].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        with contextlib.suppress(ConnectionError):  # it may hang up before all of it is sent
            client.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n"
            )
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = client.recv(100)

    assert answer == b"" or b" 400 " in answer


def test_who_holds_connections_open_keeps_nobody_else_from_an_answer(served: Served) -> None:
    host, port = served.service.addresses[0].split(":")
    with contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=60))
            for _ in range(2 * server.MAX_CONNECTIONS)
        ]

        answers = [served.ask("/healthz") for _ in range(3)]

        assert answers == [(200, "ok\n")] * 3
        for first in held[: server.MAX_CONNECTIONS]:
            with contextlib.suppress(ConnectionError):  # a reset serves as well
                assert first.recv(1) == b""
