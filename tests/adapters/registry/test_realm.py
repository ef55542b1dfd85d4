"""Where a registry may send us for tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.adapters.registry.realm import (
    check_realm,
    is_internal,
    may_be_asked,
)
from reconciler.errors import RegistryError

INSIDE = "is an address inside a network"
PLAIN = "is plain HTTP"
NO_URL = "is no URL"


def problem(realm: str, registry: str = "https://r.example/v2/", insecure: str = "") -> str:
    """Return what is wrong with a realm; nothing if it may be asked."""
    hosts = frozenset({insecure} if insecure else ())
    try:
        check_realm(realm, registry=registry, insecure_hosts=hosts)
    except RegistryError as error:
        return error.message
    return ""


def test_a_refused_realm_names_the_registry_and_is_not_tried_again() -> None:
    with pytest.raises(RegistryError, match="its token realm 'ftp://a/' is neither") as raised:
        check_realm("ftp://a/", registry="https://r.example/v2/", insecure_hosts=frozenset())

    assert raised.value.where == "https://r.example/v2/"
    assert not raised.value.is_retryable


@pytest.mark.parametrize(
    ("realm", "registry"),
    [
        pytest.param("https://auth.example/token?a=b", "https://r.example/v2/", id="elsewhere"),
        pytest.param("https://r.example:5001/token", "https://r.example:5000/", id="other-port"),
        pytest.param("https://8.8.8.8/token", "https://r.example/", id="public-address"),
        pytest.param("https://10.1.2.3:5001/t", "https://10.1.2.3:5000/", id="private-and-near"),
        pytest.param("http://10.1.2.3:5001/t", "http://10.1.2.3:5000/", id="plain-and-near"),
        pytest.param("http://127.0.0.1:9/t", "http://localhost:5000/", id="loopback"),
        pytest.param("https://[::1]:9/t", "https://127.0.0.1:5000/", id="loopback-6"),
        pytest.param("https://AUTH.Example/token", "https://r.example/", id="upper-case"),
    ],
)
def test_a_realm_that_is_public_or_the_registrys_own_may_be_asked(
    realm: str, registry: str
) -> None:
    assert problem(realm, registry) == ""


@pytest.mark.parametrize(
    ("realm", "registry", "words"),
    [
        pytest.param("https://169.254.169.254/", "https://r.example/", INSIDE, id="metadata"),
        pytest.param("https://127.0.0.1/", "https://r.example/", INSIDE, id="loopback"),
        pytest.param("https://localhost./", "https://r.example/", INSIDE, id="dot"),
        pytest.param("https://a.localhost/", "https://r.example/", INSIDE, id="sub"),
        pytest.param("https://127.1/", "https://r.example/", INSIDE, id="short"),
        pytest.param("https://10.0.0.1./", "https://r.example/", INSIDE, id="address-dot"),
        pytest.param("https://0x7f.1/", "https://r.example/", INSIDE, id="hexadecimal"),
        pytest.param("https://0251.0376.0251.0376/", "https://r.example/", INSIDE, id="octal"),
        pytest.param("https://2852039166/", "https://r.example/", INSIDE, id="number"),
        pytest.param("https://[fe80::1]/", "https://r.example/", INSIDE, id="link-local-6"),
        pytest.param("https://[::ffff:10.0.0.1]/", "https://r.example/", INSIDE, id="mapped"),
        pytest.param("https://10.0.0.1/", "https://10.0.0.2/", INSIDE, id="a-neighbour"),
        pytest.param("http://auth.example/", "https://r.example/", PLAIN, id="downgrade"),
        pytest.param("http://r.example/", "https://r.example/", PLAIN, id="own-downgrade"),
        pytest.param("http://auth.example/", "http://r.example/", PLAIN, id="plain-elsewhere"),
        pytest.param("http://10.0.0.1/", "http://127.0.0.1/", PLAIN, id="plain-inside"),
        pytest.param("https://u@auth.example/", "https://r.example/", "user name", id="user"),
        pytest.param("https://:p@auth.example/", "https://r.example/", "user name", id="password"),
        pytest.param("ftp://auth.example/", "https://r.example/", "neither https", id="ftp"),
        pytest.param(r"https://10.0.0.1\.a.example/", "https://r.example/", NO_URL, id="backslash"),
        pytest.param("https://10.0.0.1%2e/", "https://r.example/", NO_URL, id="escapes"),
        pytest.param("https://①.example/", "https://r.example/", NO_URL, id="unicode"),
        pytest.param("https://a b/", "https://r.example/", NO_URL, id="space"),
        pytest.param("https://[fe80::1%25eth0]/", "https://r.example/", NO_URL, id="zone"),
        pytest.param("https://[::1/", "https://r.example/", NO_URL, id="bracket"),
        pytest.param("https://auth.example:0/", "https://r.example/", NO_URL, id="port-0"),
        pytest.param("https://auth.example:99999/", "https://r.example/", NO_URL, id="port"),
        pytest.param("/token", "https://r.example/", NO_URL, id="path"),
        pytest.param("token", "https://r.example/", NO_URL, id="word"),
        pytest.param("https://a.example/" + "x" * 2048, "https://r.example/", NO_URL, id="long"),
    ],
)
def test_a_realm_that_could_harm_is_refused(realm: str, registry: str, words: str) -> None:
    assert words in problem(realm, registry)


def test_a_permitted_host_may_be_plain_and_inside_for_a_registry_of_plain_http() -> None:
    assert problem("http://10.0.0.1:81/", "http://10.0.0.2:80/", insecure="10.0.0.1:81") == ""
    assert PLAIN in problem("http://10.0.0.1:81/", "https://r.example/", insecure="10.0.0.1:81")


def test_a_long_realm_is_not_quoted_whole() -> None:
    assert len(problem("https://a.example/" + "x" * 5000)) < 300


def test_a_redirect_may_lead_where_a_realm_may_be_and_be_long_for_it_may_be_signed() -> None:
    def may(url: str) -> bool:
        return may_be_asked(url, registry="https://r.example/v2/acme", insecure_hosts=frozenset())

    assert may(f"https://store.example/blob?signature={'x' * 4000}")
    assert not may(f"https://store.example/blob?signature={'x' * 9000}")
    assert not may("https://169.254.169.254/latest/meta-data/")
    assert not may("http://store.example/blob")


def test_addresses_are_told_from_names() -> None:
    assert is_loopback_name("LOCALHOST".lower())
    assert is_loopback_name("127.8.9.1")
    assert is_internal("192.168.1.1")
    assert not is_internal("8.8.8.8")
    assert not is_internal("registry.example")
    assert not is_internal("nul\0.example")


@given(st.text(max_size=60))
def test_no_text_is_more_than_refused(text: str) -> None:
    assert isinstance(problem(f"https://{text}/token"), str)
    assert isinstance(problem(text), str)
