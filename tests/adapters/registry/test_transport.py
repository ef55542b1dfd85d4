"""One request: pooled, by a proxy where there is one, bounded, and told of."""

import base64
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.authority import Authority, serving_context
from reconciler.adapters.http.connection import CONNECTIONS
from reconciler.adapters.registry.transport import Transport, retry_after_s
from reconciler.errors import RegistryError, SettingsError
from reconciler.host_settings import HostSettings
from reconciler.settings import RegistrySettings
from tests.adapters.registry.hostile import BOMB
from tests.simulators.names import Names
from tests.simulators.proxy import ProxySimulator
from tests.simulators.registry import RegistrySimulator, Reply, Request

CANARY = "canary-7f3a"


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Take what names a proxy out of the environment."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.fixture
def proxy() -> Iterator[RegistrySimulator]:
    with RegistrySimulator(lambda request: Reply(body=request.path.encode())) as proxy:
        yield proxy


def proxy_login(proxy: RegistrySimulator) -> str | None:
    headers = {name.lower(): value for name, value in proxy.requests[0].headers.items()}
    return headers.get("proxy-authorization")


def test_a_proxy_of_the_environment_is_used_with_its_password(
    proxy: RegistrySimulator, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("HTTP_PROXY", f"http://me%40corp:{CANARY}@{proxy.host}")
    transport = Transport(RegistrySettings())

    answer = transport.get("http://plain.test/v2/", {})
    transport.close()

    assert answer.body == b"http://plain.test/v2/"
    pair = base64.b64encode(f"me@corp:{CANARY}".encode()).decode()
    assert proxy_login(proxy) == f"Basic {pair}"


def test_a_proxy_without_a_password_gets_none(
    proxy: RegistrySimulator, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("http_proxy", f"http://{proxy.host}")
    transport = Transport(RegistrySettings())

    transport.get("http://plain.test/v2/", {})
    transport.get("http://plain.test/v2/", {})
    transport.close()

    assert proxy_login(proxy) is None


def test_neither_loopback_nor_what_the_environment_excepts_goes_by_a_proxy(
    proxy: RegistrySimulator, no_proxies: pytest.MonkeyPatch
) -> None:
    Names().install(no_proxies)
    no_proxies.setenv("http_proxy", f"http://{proxy.host}")
    no_proxies.setenv("no_proxy", "direct.test")
    transport = Transport(RegistrySettings())

    with RegistrySimulator(lambda _: Reply(body=b"direct")) as direct:
        for host in (direct.host, f"direct.test:{direct.port}"):
            assert transport.get(f"http://{host}/", {}).body == b"direct"
    transport.close()

    assert proxy.requests == []


def test_a_proxy_that_is_no_url_is_an_error_of_that_registry(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    no_proxies.setenv("http_proxy", "ftp://proxy.example")

    with pytest.raises(RegistryError, match="cannot connect: Proxy URL had unsupported scheme"):
        Transport(RegistrySettings()).get("http://plain.test/v2/", {})


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:99999",
        "127.0.0.1:port",
        "[::1",
        "a\u2100b:1",  # a character that stands for a slash and others
        "",
        ":1",
    ],
)
def test_a_proxy_that_cannot_be_is_told_without_its_password(
    address: str, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("http_proxy", f"http://me:{CANARY}@{address}")
    transport = Transport(RegistrySettings())

    with pytest.raises(RegistryError) as raised:
        transport.get("http://plain.test/v2/", {})

    expected = "http://plain.test: cannot be asked: the proxy that the environment names is no URL"
    assert str(raised.value).startswith(expected)
    assert CANARY not in str(raised.value)
    assert not raised.value.is_retryable


def test_a_password_with_a_slash_is_told_of_and_not_taken_for_a_port(
    no_proxies: pytest.MonkeyPatch,
) -> None:
    no_proxies.setenv("http_proxy", f"http://{CANARY}:pass/word@proxy.example:3128")

    with pytest.raises(RegistryError, match="is no URL") as raised:
        Transport(RegistrySettings()).get("http://plain.test/v2/", {})

    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        pytest.param("%E2%82%AC", "€".encode(), id="utf-8"),
        pytest.param("%E9", b"\xe9", id="latin-1"),
        pytest.param("€", "€".encode(), id="not-escaped"),
    ],
)
def test_a_proxys_password_is_sent_byte_by_byte(
    written: str, sent: bytes, proxy: RegistrySimulator, no_proxies: pytest.MonkeyPatch
) -> None:
    no_proxies.setenv("http_proxy", f"http://me:{written}@{proxy.host}")
    transport = Transport(RegistrySettings())

    transport.get("http://plain.test/v2/", {})
    transport.close()

    assert proxy_login(proxy) == f"Basic {base64.b64encode(b'me:' + sent).decode()}"


def test_a_proxy_that_refuses_is_told(no_proxies: pytest.MonkeyPatch) -> None:
    with RegistrySimulator(lambda _: Reply()) as proxy:  # knows no CONNECT
        no_proxies.setenv("https_proxy", f"http://{CANARY}@{proxy.host}")
        transport = Transport(RegistrySettings())
        with pytest.raises(
            RegistryError, match="cannot connect: Tunnel connection failed: 501"
        ) as raised:
            transport.get("https://registry.test/v2/", {})
        transport.close()

    assert CANARY not in str(raised.value)


@pytest.fixture
def in_tls(authority: Authority, tmp_path: Path) -> Iterator[RegistrySimulator]:
    """A registry called ``registry.test``, which only a proxy finds."""
    certificate = authority.certificate(tmp_path / "registry.pem", name="registry.test")
    with RegistrySimulator(lambda _: Reply(), context=serving_context(certificate)) as registry:
        yield registry


@pytest.mark.parametrize("is_in_tls", [False, True], ids=["plain-proxy", "tls-proxy"])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_registry_in_tls_is_asked_through_a_tunnel(
    in_tls: RegistrySimulator,
    authority: Authority,
    tmp_path: Path,
    no_proxies: pytest.MonkeyPatch,
    name: str,
    *,
    is_in_tls: bool,
) -> None:
    context = serving_context(authority.certificate(tmp_path / "proxy.pem"))
    with ProxySimulator(
        in_tls.port, context=context if is_in_tls else None, login=f"me@corp:{CANARY}"
    ) as proxy:
        scheme = "https" if is_in_tls else "http"
        no_proxies.setenv(name, f"{scheme}://me%40corp:{CANARY}@{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file))
        for _ in range(3):
            assert transport.get("https://registry.test/v2/", {}).body == Reply().body
        transport.close()

    assert proxy.asked == ["registry.test:443"]
    assert len(in_tls.requests) == 3
    assert all("proxy-authorization" not in str(each.headers).lower() for each in in_tls.requests)


@pytest.mark.parametrize("is_in_tls", [False, True], ids=["plain-proxy", "tls-proxy"])
def test_the_deadline_of_an_answer_holds_through_a_tunnel(
    authority: Authority, tmp_path: Path, no_proxies: pytest.MonkeyPatch, *, is_in_tls: bool
) -> None:
    certificate = authority.certificate(tmp_path / "registry.pem", name="registry.test")
    context = serving_context(authority.certificate(tmp_path / "proxy.pem"))
    with (
        RegistrySimulator(
            lambda _: Reply(drip_s=0.2), context=serving_context(certificate)
        ) as slow,
        ProxySimulator(slow.port, context=context if is_in_tls else None) as proxy,
    ):
        no_proxies.setenv("HTTPS_PROXY", f"{'https' if is_in_tls else 'http'}://{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file, answer_timeout_s=0.5))
        with pytest.raises(RegistryError, match=r"did not finish its answer within 0\.5 s"):
            transport.get("https://registry.test/v2/", {})
        transport.close()


@pytest.mark.parametrize("is_in_tls", [False, True], ids=["plain", "tls"])
def test_a_proxy_that_opens_a_tunnel_byte_by_byte_meets_the_deadline(
    authority: Authority, tmp_path: Path, no_proxies: pytest.MonkeyPatch, *, is_in_tls: bool
) -> None:
    context = serving_context(authority.certificate(tmp_path / "proxy.pem"))
    with ProxySimulator(9, context=context if is_in_tls else None, drip_s=0.1) as proxy:
        no_proxies.setenv("HTTPS_PROXY", f"{'https' if is_in_tls else 'http'}://{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file, answer_timeout_s=0.5))
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(transport.get, "https://registry.test/v2/", {})
            error = asked.exception(timeout=60)
        transport.close()

    assert isinstance(error, RegistryError)
    assert "did not finish its answer within 0.5 s" in str(error)
    assert error.is_retryable


def test_a_client_certificate_is_for_the_registry_behind_the_proxy(
    authority: Authority, tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    certificate = authority.certificate(tmp_path / "registry.pem", name="registry.test")
    mutual = serving_context(certificate, clients=authority)
    strict = serving_context(authority.certificate(tmp_path / "proxy.pem"))
    client = authority.certificate(tmp_path / "client.pem", name="robot")
    entry = HostSettings("registry.test", client_cert_file=client)
    settings = RegistrySettings(ca_file=authority.ca_file, hosts=(entry,))
    with (
        RegistrySimulator(lambda _: Reply(), context=mutual) as registry,
        ProxySimulator(registry.port, context=strict) as proxy,
    ):
        no_proxies.setenv("HTTPS_PROXY", f"https://{proxy.host}")
        transport = Transport(settings)

        assert transport.get("https://registry.test/v2/", {}).status == 200
        transport.close()


def test_a_proxy_that_wants_another_password_is_told_without_ours(
    in_tls: RegistrySimulator, authority: Authority, no_proxies: pytest.MonkeyPatch
) -> None:
    with ProxySimulator(in_tls.port, login="me:another") as proxy:
        no_proxies.setenv("HTTPS_PROXY", f"http://me:{CANARY}@{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file))
        with pytest.raises(RegistryError, match="Tunnel connection failed: 407") as raised:
            transport.get("https://registry.test/v2/", {})
        transport.close()

    assert CANARY not in f"{raised.value} {raised.value!r}"
    assert base64.b64encode(f"me:{CANARY}".encode()).decode() not in f"{raised.value!r}"


def test_a_proxy_that_is_not_to_be_trusted_is_told_and_gets_no_password(
    in_tls: RegistrySimulator, authority: Authority, tmp_path: Path, no_proxies: pytest.MonkeyPatch
) -> None:
    stranger = Authority(tmp_path / "stranger")
    context = serving_context(stranger.certificate(tmp_path / "proxy.pem"))
    with ProxySimulator(in_tls.port, context=context) as proxy:
        no_proxies.setenv("HTTPS_PROXY", f"https://me:{CANARY}@{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file))
        with pytest.raises(
            RegistryError, match="TLS failed: the proxy's certificate is not trusted"
        ) as raised:
            transport.get("https://registry.test/v2/", {})
        transport.close()

    assert proxy.asked == []
    assert CANARY not in str(raised.value)


def test_what_a_tunnel_asks_for_is_not_resolved_here(
    in_tls: RegistrySimulator, authority: Authority, no_proxies: pytest.MonkeyPatch
) -> None:
    names = Names()
    names.install(no_proxies)
    with ProxySimulator(in_tls.port) as proxy:
        no_proxies.setenv("HTTPS_PROXY", f"http://{proxy.host}")
        transport = Transport(RegistrySettings(ca_file=authority.ca_file))
        transport.get("https://registry.test/v2/", {})
        transport.close()

    assert "registry.test" not in names.asked


def test_connections_are_kept(authority: Authority, tmp_path: Path) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with (
        RegistrySimulator(lambda _: Reply(), context=context) as in_tls,
        RegistrySimulator(lambda _: Reply()) as plain,
    ):
        transport = Transport(RegistrySettings(ca_file=authority.ca_file))
        for _ in range(5):
            transport.get(f"https://{in_tls.host}/", {})
            transport.get(f"http://{plain.host}/", {})
        transport.close()

        assert (in_tls.connections, plain.connections) == (1, 1)


class Crowd:
    """Answers when enough are there, or nobody else comes."""

    def __init__(self, enough: int) -> None:
        self.most = 0
        self._enough = enough
        self._here = 0
        self._condition = threading.Condition()

    def __call__(self, _: Request) -> Reply:
        with self._condition:
            self._here += 1
            self.most = max(self.most, self._here)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._here >= self._enough, timeout=0.5)
            self._here -= 1
        return Reply()


def test_a_host_gets_so_many_requests_at_a_time_whoever_asks() -> None:
    crowd = Crowd(CONNECTIONS + 1)
    with RegistrySimulator(crowd) as registry:
        transport = Transport(RegistrySettings())
        with ThreadPoolExecutor(3 * CONNECTIONS) as executor:
            asked = [
                executor.submit(transport.get, f"http://{registry.host}/", {})
                for _ in range(3 * CONNECTIONS)
            ]
            assert {each.result().status for each in asked} == {200}
        transport.close()

        assert crowd.most <= CONNECTIONS
        assert registry.connections <= CONNECTIONS


def test_a_request_that_gets_no_connection_in_time_is_told() -> None:
    with RegistrySimulator(lambda _: Reply(delay_s=60)) as registry:
        transport = Transport(RegistrySettings(answer_timeout_s=0.5, read_timeout_s=3.0))
        with ThreadPoolExecutor(CONNECTIONS + 1) as executor:
            asked = [
                executor.submit(transport.get, f"http://{registry.host}/", {})
                for _ in range(CONNECTIONS + 1)
            ]
            words = {str(error) for each in asked if (error := each.exception()) is not None}
        transport.close()

    assert f"http://{registry.host}: not asked: no connection became free within 0.5 s" in words


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b"x" * 2000), id="too-large"),
        pytest.param(Reply(promised=10_000), id="cut"),
        pytest.param(Reply(wire=b""), id="none"),
        pytest.param(Reply(wire=b"SSH-2.0\r\n"), id="no-http"),
        pytest.param(Reply(drip_s=0.3), id="overdue"),
        pytest.param(Reply(headers={"Content-Encoding": "gzip"}), id="not-packed"),
        pytest.param(Reply(body=BOMB, headers={"Content-Encoding": "gzip"}), id="bomb"),
    ],
)
def test_answers_that_come_to_nothing_use_up_no_connections(reply: Reply) -> None:
    def script(request: Request) -> Reply:
        return reply if request.path == "/bad" else Reply()

    with RegistrySimulator(script) as registry:
        transport = Transport(RegistrySettings(answer_timeout_s=2.0))

        def fail(_: int) -> None:
            with pytest.raises(RegistryError) as raised:
                transport.get(f"http://{registry.host}/bad", {}, max_body_bytes=1000)
            assert "no connection became free" not in str(raised.value)

        with ThreadPoolExecutor(CONNECTIONS) as executor:
            list(executor.map(fail, range(3 * CONNECTIONS)))

        assert transport.get(f"http://{registry.host}/", {}).status == 200
        transport.close()


def test_each_request_is_told_of_with_its_host_and_status() -> None:
    told: list[tuple[str, int]] = []

    def script(request: Request) -> Reply:
        return Reply(wire=b"") if request.path == "/cut" else Reply(status=418)

    with RegistrySimulator(script) as registry:
        transport = Transport(
            RegistrySettings(), on_request=lambda host, status: told.append((host, status))
        )
        transport.get(f"http://{registry.host}/", {})
        transport.call("POST", f"http://{registry.host}/", {}, body=b"body", max_body_bytes=99)
        with pytest.raises(RegistryError):
            transport.get(f"http://{registry.host}/cut", {})
        transport.close()

        assert told == [(registry.host, 418), (registry.host, 418), (registry.host, 0)]


def test_what_unpacks_to_much_is_not_held_in_memory() -> None:
    bomb = Reply(body=BOMB, headers={"Content-Encoding": "gzip"})
    with RegistrySimulator(lambda _: bomb) as registry:
        transport = Transport(RegistrySettings())
        tracemalloc.start()
        with pytest.raises(RegistryError, match="answer is larger than 8,388,608 bytes"):
            transport.get(f"http://{registry.host}/", {})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        transport.close()

    assert peak < 32 * 1024 * 1024


def test_a_deadline_is_over_with_its_request() -> None:
    with RegistrySimulator(lambda _: Reply(drip_s=0.02)) as registry:
        slow = Transport(RegistrySettings(answer_timeout_s=0.05))
        with pytest.raises(RegistryError, match=r"did not finish its answer within 0\.05 s"):
            slow.get(f"http://{registry.host}/", {})
        slow.close()
        patient = Transport(RegistrySettings())
        assert patient.get(f"http://{registry.host}/", {}).status == 200
        patient.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "--registry-ca-file cannot be read: No such file", id="missing"),
        pytest.param(CANARY, "holds no certificate that can be read", id="nonsense"),
    ],
)
def test_a_ca_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(SettingsError, match=message) as raised:
        Transport(RegistrySettings(ca_file=path))

    assert raised.value.where == str(path)
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("0", 0.0, id="now"),
        pytest.param(" 120 ", 120.0, id="seconds"),
        pytest.param(formatdate(1060, usegmt=True), 60.0, id="date"),
        pytest.param(formatdate(1060), 60.0, id="date-without-zone"),
        pytest.param(formatdate(10, usegmt=True), 0.0, id="past"),
        pytest.param("-1", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("²", None, id="superscript"),
        pytest.param("", None, id="empty"),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_s({"Retry-After": value}, now_s=1000) == seconds


@given(st.text(max_size=80))
def test_any_retry_after_is_read_or_ignored(value: str) -> None:
    seconds = retry_after_s({"Retry-After": value}, now_s=1000)

    assert seconds is None or seconds >= 0
