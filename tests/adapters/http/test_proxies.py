"""By which proxy a host is asked, from the variables that Go and curl read."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.http.proxies import proxy_for

PROXY = "http://proxy.example:3128"
URL = "https://registry.example/v2/"


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        pytest.param({"HTTPS_PROXY": PROXY}, PROXY, id="upper-case"),
        pytest.param({"https_proxy": PROXY}, PROXY, id="lower-case"),
        pytest.param({"https_proxy": PROXY, "HTTPS_PROXY": "http://x"}, PROXY, id="lower-first"),
        pytest.param({"ALL_PROXY": PROXY}, PROXY, id="all"),
        pytest.param({"all_proxy": PROXY}, PROXY, id="all-lower-case"),
        pytest.param({"ALL_PROXY": "http://x", "HTTPS_PROXY": PROXY}, PROXY, id="own-before-all"),
        pytest.param({"HTTPS_PROXY": "proxy.example:3128"}, PROXY, id="without-scheme"),
        pytest.param({"HTTPS_PROXY": f" {PROXY}\n"}, PROXY, id="with-spaces"),
        pytest.param({"HTTPS_PROXY": ""}, "", id="empty"),
        pytest.param({"HTTP_PROXY": PROXY}, "", id="of-the-other-scheme"),
        pytest.param({}, "", id="none"),
    ],
)
def test_the_environment_names_the_proxy(environment: Mapping[str, str], proxy: str) -> None:
    assert proxy_for(URL, environment) == proxy


def test_a_request_to_a_cgi_program_names_no_proxy() -> None:
    environment = {"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}

    assert proxy_for("http://registry.example/", environment) == ""
    assert proxy_for("http://registry.example/", {**environment, "http_proxy": PROXY}) == PROXY


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1:5000/", "https://localhost/", "http://[::1]:5000/", "http://127.1.2.3/"],
)
def test_this_machine_is_never_asked_by_a_proxy(url: str) -> None:
    assert proxy_for(url, {"HTTPS_PROXY": PROXY, "HTTP_PROXY": PROXY}) == ""


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        pytest.param("*", "registry.example", True, id="all"),
        pytest.param("registry.example", "registry.example", True, id="itself"),
        pytest.param("example", "registry.example", True, id="below"),
        pytest.param("example.com", "badexample.com", False, id="no-part-of-a-name"),
        pytest.param("registry.example", "REGISTRY.Example", True, id="any-case"),
        pytest.param("registry.example.", "registry.example", True, id="final-dot"),
        pytest.param("registry.example", "registry.example.", True, id="final-dot-of-the-host"),
        pytest.param(".example", "registry.example", True, id="dot-below"),
        pytest.param(".registry.example", "registry.example", False, id="dot-not-itself"),
        pytest.param("*.example", "registry.example", True, id="star-below"),
        pytest.param("a.example,registry.example", "registry.example", True, id="second"),
        pytest.param("a.example, registry.example", "registry.example", True, id="after-a-space"),
        pytest.param("registry.example:443", "registry.example", True, id="default-port"),
        pytest.param("registry.example:5000", "registry.example:5000", True, id="port"),
        pytest.param("registry.example:5000", "registry.example", False, id="another-port"),
        pytest.param("10.0.0.0/8", "10.1.2.3:5000", True, id="network"),
        pytest.param("10.0.0.0/8", "11.1.2.3", False, id="another-network"),
        pytest.param("10.0.0.0/8", "registry.example", False, id="network-and-a-name"),
        pytest.param("10.1.2.3", "10.1.2.3:5000", True, id="address"),
        pytest.param("10.1.2.3:443", "10.1.2.3:5000", False, id="address-and-another-port"),
        pytest.param("2.3", "10.1.2.3", False, id="no-part-of-an-address"),
        pytest.param("fd00::/8", "[fd00::1]:5000", True, id="ipv6-network"),
        pytest.param("fd00::1", "[fd00:0::1]", True, id="ipv6"),
        pytest.param("[fd00::1]:5000", "[fd00::1]:5000", True, id="ipv6-and-port"),
        pytest.param("[fd00::1]:5000", "[fd00::1]", False, id="ipv6-and-another-port"),
        pytest.param("10.0.0.0/99", "10.1.2.3", False, id="no-network"),
        pytest.param("", "registry.example", False, id="empty"),
        pytest.param(",", "registry.example", False, id="nothing"),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy: str, host: str, *, is_direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        found = proxy_for(f"https://{host}/v2/", {"HTTPS_PROXY": PROXY, name: no_proxy})

        assert (found == "") == is_direct


@given(st.text(max_size=60))
def test_any_no_proxy_is_read(no_proxy: str) -> None:
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}

    assert proxy_for("https://10.1.2.3:5000/", environment) in ("", PROXY)
