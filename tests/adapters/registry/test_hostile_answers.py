import json
from pathlib import Path

import pytest

from reconciler.adapters.registry import client as client_module
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.adapters.registry.request import MAX_BODY_BYTES
from reconciler.adapters.registry.transport import Transport
from reconciler.core.images.reference import Repository
from reconciler.errors import AccessDeniedError, NotFoundError, RegistryError
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of
from tests.simulators.registry import RegistrySimulator, Reply, Request, Script
from tests.simulators.shelf import Shelf

BASIC = {"WWW-Authenticate": 'Basic realm="lab"'}
CANARY = "canary-7f3a"


def tags_of(script: Script, *, keychain: Keychain | None = None) -> tuple[str, ...]:
    with RegistrySimulator(script) as registry:
        settings = RegistrySettings(connect_timeout_s=1, read_timeout_s=0.5, answer_timeout_s=1)
        client = RegistryClient(settings, keychain or Keychain())
        try:
            return client.list_tags(Repository(registry.host, "acme/web"))
        finally:
            client.close()


def page(*tags: object) -> bytes:
    return json.dumps({"name": "acme/web", "tags": tags}).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(page("v1", "v2"), ("v1", "v2"), id="plain"),
        pytest.param(b'{"tags": null}', (), id="null"),
        pytest.param(b"{}", (), id="absent"),
        pytest.param(page("v1", "v1", "v2"), ("v1", "v2"), id="twice"),
        pytest.param(page("v1", "", "a b", "../x", "x" * 129, 7), ("v1",), id="malformed"),
    ],
)
def test_a_list_gives_its_tags_once_each_and_nothing_that_is_none(
    body: bytes, expected: tuple[str, ...]
) -> None:
    assert tags_of(lambda _: Reply(body=body)) == expected


@pytest.mark.parametrize(
    ("reply", "message", "is_retryable"),
    [
        pytest.param(Reply(body=b"<html>"), "no list of tags", False, id="html"),
        pytest.param(Reply(body=b'{"tags": ["\xff"]}'), "no list of tags", False, id="utf8"),
        pytest.param(Reply(body=b"[" * 100_000), "no list of tags", False, id="deep"),
        pytest.param(Reply(body=page({}, {})), "no list of tags", False, id="objects"),
        pytest.param(Reply(body=page([], [])), "no list of tags", False, id="lists"),
        pytest.param(Reply(body=page(*200_001 * ["v1"])), "more than 200,000", False, id="many"),
        pytest.param(Reply(status=500), "answered 500", True, id="500"),
        pytest.param(Reply(status=418), "answered 418", False, id="418"),
        pytest.param(Reply(promised=10_000), "the connection broke", True, id="cut"),
        pytest.param(Reply(delay_s=5), "did not answer within 0.5 s", True, id="slow"),
        pytest.param(Reply(drip_s=0.2), "did not finish its answer within 1 s", True, id="drip"),
        pytest.param(
            Reply(body=b" " * (MAX_BODY_BYTES + 1)),
            "larger than",
            False,
            id="huge",
        ),
        pytest.param(
            Reply(headers={"Link": "</v2/x/tags/list?n=1000>; rel=next"}),
            "leads to the same page",
            False,
            id="loop",
        ),
        pytest.param(
            Reply(headers={"Link": "<http://169.254.169.254/latest>; rel=next"}),
            "leads to another host",
            False,
            id="link-elsewhere",
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}),
            "which is not followed",
            False,
            id="redirect-elsewhere",
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "?n=1&again=1"}), "redirects", False, id="ring"
        ),
    ],
)
def test_a_failing_or_lying_registry_is_told_from_an_empty_one(
    reply: Reply, message: str, is_retryable: bool
) -> None:
    with pytest.raises(RegistryError, match=message) as raised:
        tags_of(lambda _: reply)

    assert raised.value.is_retryable is is_retryable
    assert raised.value.where.startswith("http://127.0.0.1:")


def test_endless_pages_end() -> None:
    def script(request: Request) -> Reply:
        number = len(request.path)
        return Reply(body=page(f"v{number}"), headers={"Link": f"<{request.path}1>; rel=next"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_module, "MAX_PAGES", 20)
        with pytest.raises(RegistryError, match="more than 20 pages"):
            tags_of(script)


def test_endless_tags_end() -> None:
    def script(request: Request) -> Reply:
        numbers = (f"v{len(request.path)}.{index}" for index in range(100))
        return Reply(body=page(*numbers), headers={"Link": f"<{request.path}1>; rel=next"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client_module, "MAX_TAGS", 500)
        with pytest.raises(RegistryError, match="lists more than 500 tags"):
            tags_of(script)


def test_a_link_to_a_path_that_is_not_ours_keeps_our_path() -> None:
    def script(request: Request) -> Reply:
        if "last=" in request.path:
            assert request.path.startswith("/v2/acme/web/tags/list?")
            return Reply(body=page("v2"))
        link = '</repository/docker/v2/other/tags/list?last=v1&n=1000>; rel="next"'
        return Reply(body=page("v1"), headers={"Link": link})

    assert tags_of(script) == ("v1", "v2")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("Thu, 01 Jan 1970 00:00:00 GMT", 0.0, id="past"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param("9" * 40, None, id="absurd"),
    ],
)
def test_retry_after_is_reported_and_not_slept(value: str, seconds: float | None) -> None:
    with pytest.raises(RegistryError) as raised:
        tags_of(lambda _: Reply(status=429, headers={"Retry-After": value}))

    assert raised.value.retry_after_s == seconds
    assert raised.value.is_retryable


def test_a_missing_repository_is_named() -> None:
    with pytest.raises(NotFoundError, match="no repository 'acme/web'"):
        tags_of(lambda _: Reply(status=404))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        pytest.param(Reply(status=401, headers=BASIC), "wants a password", id="basic"),
        pytest.param(
            Reply(status=401, headers={"WWW-Authenticate": "Negotiate, NTLM"}),
            r"wants negotiate, ntlm; only basic and bearer \(with a realm\) are known here",
            id="others",
        ),
        pytest.param(
            Reply(status=401, headers={"WWW-Authenticate": "Bearer"}), "wants bearer", id="no-realm"
        ),
        pytest.param(Reply(status=401), "wants a login but does not say which", id="nothing"),
        pytest.param(Reply(status=403), "forbids listing the tags of 'acme/web'", id="403"),
    ],
)
def test_a_registry_that_refuses_says_what_it_wants(reply: Reply, message: str) -> None:
    with pytest.raises(AccessDeniedError, match=message):
        tags_of(lambda _: reply)


def test_a_wrong_password_is_told_without_it() -> None:
    with RegistrySimulator(lambda _: Reply(status=401, headers=BASIC)) as registry:
        keychain = keychain_of({registry.host: f"robot:{CANARY}"}, Path("/etc/docker/config.json"))
        client = RegistryClient(RegistrySettings(), keychain)
        with pytest.raises(AccessDeniedError) as raised:
            client.list_tags(Repository(registry.host, "acme/web"))
        client.close()

    assert "refused the login of /etc/docker/config.json" in str(raised.value)
    assert CANARY not in f"{raised.value!r} {raised.value}"


def test_a_password_is_sent_only_after_it_was_asked_for_and_then_at_once() -> None:
    def script(request: Request) -> Reply:
        if "Authorization" in request.headers:
            return Reply(body=page("v1"))
        return Reply(status=401, headers=BASIC)

    with RegistrySimulator(script) as registry:
        keychain = keychain_of({registry.host: f"robot:{CANARY}"})
        client = RegistryClient(RegistrySettings(), keychain)
        for name in ("a", "b", "c"):
            client.list_tags(Repository(registry.host, f"acme/{name}"))
        client.close()

        sent = ["Authorization" in request.headers for request in registry.requests]
    assert sent == [False, True, True, True]


def test_another_host_may_answer_for_a_registry_and_gets_no_password() -> None:
    with RegistrySimulator(lambda _: Reply()) as other:

        def script(request: Request) -> Reply:
            if "Authorization" not in request.headers:
                return Reply(status=401, headers=BASIC)
            return Reply(status=307, headers={"Location": f"http://{other.host}/v2/?n=1"})

        with RegistrySimulator(script) as registry:
            keychain = keychain_of({registry.host: f"robot:{CANARY}"})
            client = RegistryClient(RegistrySettings(), keychain)

            assert client.list_tags(Repository(registry.host, "acme/web")) == ("v1",)
            client.close()

        assert [each.path for each in other.requests] == ["/v2/?n=1"]
        assert "Authorization" not in other.requests[0].headers


def test_pages_go_on_at_the_host_that_a_redirect_led_to() -> None:
    shelf = Shelf()
    shelf.tag_all("upstream/web", ["v1", "v2", "v3"])
    with RegistrySimulator(shelf) as other:
        target = f"http://{other.host}/v2/upstream/web/tags/list?n=2"
        with RegistrySimulator(lambda _: Reply(308, headers={"Location": target})) as registry:
            keychain = keychain_of({registry.host: f"robot:{CANARY}"})
            client = RegistryClient(RegistrySettings(), keychain)

            assert client.list_tags(Repository(registry.host, "web")) == ("v1", "v2", "v3")
            client.close()

        assert len(other.requests) == 2
        assert len(registry.requests) == 1


def test_another_host_that_wants_a_password_gets_none_and_is_told() -> None:
    with RegistrySimulator(lambda _: Reply(401, headers=BASIC)) as other:
        target = f"http://{other.host}/elsewhere?signature={CANARY}"
        with RegistrySimulator(lambda _: Reply(307, headers={"Location": target})) as registry:
            keychain = keychain_of({registry.host: f"robot:{CANARY}", other.host: f"a:{CANARY}"})
            client = RegistryClient(RegistrySettings(), keychain)
            with pytest.raises(RegistryError, match="answered 401") as raised:
                client.list_tags(Repository(registry.host, "acme/web"))
            client.close()

        assert len(other.requests) == 1
        assert raised.value.where == f"http://{other.host}/elsewhere"


def test_a_registry_that_is_not_there_is_told_in_words() -> None:
    client = RegistryClient(RegistrySettings(connect_timeout_s=1), Keychain())

    with pytest.raises(RegistryError, match="cannot connect: Connection refused") as raised:
        client.list_tags(Repository("127.0.0.1:1", "acme/web"))

    assert raised.value.is_retryable
    client.close()


def test_a_host_that_is_not_loopback_is_asked_by_https_unless_permitted() -> None:
    transport = Transport(RegistrySettings(insecure_hosts=frozenset({"plain.example:5000"})))

    assert transport.base_url("registry.example") == "https://registry.example"
    assert transport.base_url("plain.example:5000") == "http://plain.example:5000"
    assert transport.base_url("127.0.0.1:5000") == "http://127.0.0.1:5000"
    assert transport.base_url("[::1]:5000") == "http://[::1]:5000"
    assert transport.base_url("localhost") == "http://localhost"
    assert transport.base_url("127.0.0.1.evil.example") == "https://127.0.0.1.evil.example"
