"""The connections to each origin: how long they are kept, and what they are asked for."""

import contextlib
import socket
import weakref
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from reconciler.adapters.http.connection import target_of
from reconciler.adapters.registry.pools import HOSTS, Pools
from reconciler.adapters.registry.transport import Transport
from reconciler.settings import RegistrySettings

PROXY = {"http_proxy": "http://proxy.test:3128"}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://registry.test", "/"),
        ("http://registry.test/v2/", "/v2/"),
        (
            "http://registry.test:5000/v2/a/tags/list?n=1&last=a%2Fb",
            "/v2/a/tags/list?n=1&last=a%2Fb",
        ),
        ("http://registry.test/v2/?n=1#part", "/v2/?n=1"),
    ],
)
def test_a_host_is_asked_for_the_path_and_the_query(url: str, target: str) -> None:
    pool = Pools(RegistrySettings(), {}).of(url)

    assert target_of(url, pool) == target


def test_a_proxy_is_asked_for_the_whole_url() -> None:
    url = "http://registry.test/v2/?n=1"

    pool = Pools(RegistrySettings(), PROXY).of(url)

    assert target_of(url, pool) == url


@pytest.mark.parametrize("environment", [{}, PROXY], ids=["direct", "proxied"])
def test_connections_are_kept_to_so_many_hosts_and_to_no_more(environment: dict[str, str]) -> None:
    pools = Pools(RegistrySettings(), environment)
    first = weakref.ref(pools.of("http://registry-0.test/"))
    second = pools.of("http://registry-1.test/")

    for number in range(2, HOSTS + 1):
        pools.of(f"http://registry-{number}.test/")

    assert first() is None
    assert pools.of("http://registry-1.test/") is second


@contextlib.contextmanager
def asked_server() -> Iterator[tuple[Transport, socket.socket, Future[int]]]:
    """Yield a transport, the server's end of its connection, and the status it waits for."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as executor:
        server.settimeout(60)
        transport = Transport(RegistrySettings())
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        status = executor.submit(lambda: transport.get(url, {}).status)
        client, _ = server.accept()
        with client:
            client.settimeout(60)
            client.recv(65536)
            yield transport, client, status


def test_connections_end_when_they_are_kept_no_longer() -> None:
    with asked_server() as (transport, client, status):
        client.sendall(ANSWER)
        assert status.result(60) == 200

        transport.close()

        assert client.recv(1) == b"", "the connection is closed"


def test_a_request_under_way_ends_undisturbed_when_connections_are_kept_no_longer() -> None:
    with asked_server() as (transport, client, status):
        transport.close()
        client.sendall(ANSWER)

        assert status.result(60) == 200
        assert client.recv(1) == b"", "and its connection is closed after it"
