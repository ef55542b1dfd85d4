"""Each access to a registry is tried by itself, and what fails has a cause and a remedy."""

import base64
import errno
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context
from lab.lanes import LANES, Lanes
from lab.ports import free_port
from lab.registry import PASSWORD, USER
from lab.token_registry import TokenRegistry
from reconciler.adapters.registry.checkup.probe import RegistryProbe
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.core.checkup import Check, Health
from reconciler.core.images.pull_secret import PullCredential, Unread
from reconciler.core.images.reference import Repository
from reconciler.host_settings import HostSettings, Mirror
from reconciler.settings import RegistrySettings
from tests.adapters.registry.keychains import keychain_of, pull_secret
from tests.simulators.registry import RegistrySimulator, Reply, Request

NOBODY = Keychain(environment={})
BASIC = {"WWW-Authenticate": 'Basic realm="r"'}
DIGEST = f"sha256:{'a' * 64}"

PATIENT = {"connect_timeout_s": 30.0, "read_timeout_s": 30.0, "answer_timeout_s": 60.0}
HURRIED = {"connect_timeout_s": 0.5, "read_timeout_s": 0.5, "answer_timeout_s": 2.0}
"""For those who are silent; on a busy machine the others may take their time."""

ProbeWith = Callable[..., RegistryProbe]


@pytest.fixture
def probe_with() -> Iterator[ProbeWith]:
    """Makes probes by settings, closed at the end."""
    made: list[RegistryClient] = []

    def make(keychain: Keychain = NOBODY, **settings: object) -> RegistryProbe:
        made.append(RegistryClient(RegistrySettings(**{**PATIENT, **settings}), keychain))  # type: ignore[arg-type]  # tests name fields
        return made[-1].probe()

    yield make
    for each in made:
        each.close()


def trusting(host: str, authority: Authority, certificate: Path | None = None) -> HostSettings:
    return HostSettings(host, ca_file=authority.ca_file, client_cert_file=certificate)


def by_name(checks: "Iterator[Check] | list[Check]") -> dict[str, Check]:
    found = list(checks)
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def healths(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: check.health.value for name, check in checks.items()}


def host_checks(probe: RegistryProbe, host: str) -> dict[str, Check]:
    return by_name(iter(probe.check_host(host)))


def repository_checks(
    probe: RegistryProbe,
    repository: Repository,
    *,
    tag: str | None = "v1",
    pull_secrets: tuple[PullCredential, ...] = (),
) -> dict[str, Check]:
    (endpoint,) = probe.endpoints_of(repository)
    return by_name(probe.check_repository(endpoint, tag=tag, pull_secrets=pull_secrets))


def answering(**answers: Reply) -> Callable[[Request], Reply]:
    """Return a script by what is asked for: ``api``, ``tags`` or ``image``."""
    usual = {
        "api": Reply(body=b"{}"),
        "tags": Reply(body=b'{"tags": ["v0", "v1"]}'),
        "image": Reply(body=b"", headers={"Docker-Content-Digest": DIGEST}),
    }

    def script(request: Request) -> Reply:
        path = request.path.partition("?")[0]
        kind = "api" if path == "/v2/" else "tags" if path.endswith("/list") else "image"
        return {**usual, **answers}[kind]

    return script


# A name, and a connection


def test_a_name_that_is_not_there_is_told_and_nothing_more_is_tried(probe_with: ProbeWith) -> None:
    checks = host_checks(probe_with(), "registry.invalid")

    assert healths(checks) == {
        "name": "failed",
        "connect": "skipped",
        "tls": "skipped",
        "api": "skipped",
    }
    assert "there is no 'registry.invalid'" in checks["name"].detail
    assert checks["name"].remedy == "getent hosts registry.invalid"
    assert checks["connect"].detail == "see name"


def test_a_name_server_that_does_not_answer_may_do_so_later(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", lost)

    check = host_checks(probe_with(), "registry.example")["name"]

    assert (check.health, check.may_pass) == (Health.FAILED, True)
    assert "the name server does not answer" in check.cause


def test_a_machine_that_cannot_even_ask_is_a_finding(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "getaddrinfo", full)

    check = host_checks(probe_with(), "registry.example")["name"]

    assert (check.health, check.may_pass) == (Health.FAILED, True)
    assert check.detail == "cannot look up 'registry.example': too many open files"
    assert "open files" in check.cause


def test_a_name_server_that_is_silent_is_not_waited_for_long(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(60) and [])
    monkeypatch.setattr("reconciler.adapters.registry.checkup.reach.NAME_LIMIT_S", 0.1)

    check = host_checks(probe_with(), "registry.example")["name"]
    is_over.set()

    assert check.detail == "cannot look up 'registry.example': no answer within 0.1 s"


def test_a_name_that_none_can_be_is_a_slip(probe_with: ProbeWith) -> None:
    check = host_checks(probe_with(), f"{'x' * 64}.example")["name"]

    assert (check.health, check.may_pass) == (Health.FAILED, False)


def test_a_port_at_which_nobody_listens_is_told(probe_with: ProbeWith) -> None:
    port = free_port()
    checks = host_checks(probe_with(), f"127.0.0.1:{port}")

    assert healths(checks) == {
        "name": "ok",
        "connect": "failed",
        "tls": "skipped",
        "api": "skipped",
    }
    assert checks["connect"].detail == (
        f"cannot connect to 127.0.0.1:{port}: 127.0.0.1: connection refused"
    )
    assert f"nothing listens on port {port} there" in checks["connect"].cause
    assert checks["connect"].may_pass


def test_an_address_that_drops_everything_is_a_firewall(probe_with: ProbeWith) -> None:
    with socket.socket() as full:  # nobody accepts, and the queue takes one or two
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        probe = probe_with(**HURRIED)
        check = host_checks(probe, f"127.0.0.1:{full.getsockname()[1]}")["connect"]
        for each in waiting:
            each.close()

    assert check.detail.endswith("no answer within 0.5 s")
    assert "a firewall or a NetworkPolicy" in check.cause


def test_an_address_that_does_not_answer_is_told_where_another_one_does(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0))]
    resolve = socket.getaddrinfo
    with RegistrySimulator(answering()) as registry:

        def two(host: str, *more: object, **named: object) -> list[object]:
            alive = resolve("127.0.0.1", *more, **named)  # type: ignore[arg-type]  # as given
            return [*dead, *alive] if host == "localhost" else [*resolve(host, *more, **named)]  # type: ignore[arg-type]  # as given

        monkeypatch.setattr(socket, "getaddrinfo", two)
        check = host_checks(probe_with(), f"localhost:{registry.port}")["connect"]

    assert check.health is Health.WARNING
    assert "not so 127.0.0.2: connection refused" in check.detail


# TLS


def test_a_certificate_that_ends_soon_is_a_warning(
    probe_with: ProbeWith, authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with RegistrySimulator(answering(), context=context) as registry:
        probe = probe_with(hosts=(trusting(registry.host, authority),))
        checks = host_checks(probe, registry.host)

    assert healths(checks) == {"name": "ok", "connect": "ok", "tls": "warning", "api": "ok"}
    assert "the certificate ends in 1 days" in checks["tls"].detail
    assert "-enddate" in checks["tls"].remedy


def test_tls_is_found_and_looked_at_where_plain_http_is_permitted(
    probe_with: ProbeWith, authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with RegistrySimulator(answering(), context=context) as registry:
        checks = host_checks(probe_with(ca_file=authority.ca_file), registry.host)

    assert "the certificate ends in 1 days" in checks["tls"].detail
    assert checks["api"].detail == "there, for anybody"


FAULTS = {
    "stranger": ("the certificate is not to be trusted: ", "--registry-ca-file ca.pem"),
    "expired": ("certificate has expired", "-dates"),
    "name": ("is not valid for '127.0.0.1'", "-ext subjectAltName"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_certificate_that_is_not_to_be_trusted_says_why_and_what_to_do(
    probe_with: ProbeWith,
    authority: Authority,
    tmp_path: Path,
    fault: str,
) -> None:
    detail, remedy = FAULTS[fault]
    name = "registry.example" if fault == "name" else "127.0.0.1"
    pem = authority.certificate(tmp_path / "server.pem", name=name, is_expired=fault == "expired")
    known = Authority(tmp_path / "stranger") if fault == "stranger" else authority
    with RegistrySimulator(answering(), context=serving_context(pem)) as registry:
        asked = host_checks(probe_with(hosts=(trusting(registry.host, known),)), registry.host)
        found = host_checks(probe_with(ca_file=known.ca_file), registry.host)

    for checks in (asked, found):
        assert checks["tls"].health is Health.FAILED
        assert detail in checks["tls"].detail
        assert remedy in checks["tls"].remedy
        assert not checks["tls"].may_pass
    assert asked["api"].health is Health.SKIPPED


def test_plain_http_where_tls_is_wanted_names_the_option_that_permits_it(
    probe_with: ProbeWith, authority: Authority
) -> None:
    with RegistrySimulator(answering()) as registry:
        probe = probe_with(hosts=(trusting(registry.host, authority),))
        check = host_checks(probe, registry.host)["tls"]

    assert check.detail == "it speaks plain HTTP on this port"
    assert check.remedy == f"reconcile … --registry-insecure {registry.host}"


def test_a_host_that_says_nothing_in_the_handshake_is_given_up(
    probe_with: ProbeWith, authority: Authority
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        probe = probe_with(**HURRIED, hosts=(trusting(host, authority),))
        check = host_checks(probe, host)["tls"]

    assert check.detail == "no answer to the handshake within 0.5 s"
    assert check.may_pass


def test_a_host_that_wants_a_certificate_of_ours_shows_the_lines_that_give_one(
    probe_with: ProbeWith, authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"), clients=authority)
    with RegistrySimulator(answering(), context=context) as registry:
        probe = probe_with(hosts=(trusting(registry.host, authority),))
        refused = host_checks(probe, registry.host)
        own = authority.certificate(tmp_path / "client.pem", name="robot")
        taken = host_checks(
            probe_with(hosts=(trusting(registry.host, authority, own),)), registry.host
        )

    assert refused["tls"].health is Health.FAILED
    assert "it wants a certificate of ours" in refused["tls"].cause
    assert "client-cert-file" in refused["tls"].remedy
    assert taken["api"].health is Health.OK


# The API


@pytest.mark.parametrize(
    ("reply", "health", "detail", "may_pass"),
    [
        (Reply(body=b"{}"), "ok", "there, for anybody", False),
        (Reply(401, headers=BASIC), "ok", "there, and wants a user name and a password", False),
        (Reply(404), "failed", "it answers 404: there is no registry API here", False),
        (Reply(403), "failed", "it answers 403", False),
        (Reply(503), "failed", "it answers 503", True),
        (Reply(429), "failed", "it answers 429", True),
        (
            Reply(302, headers={"Location": "https://login.example/?secret=1"}),
            "warning",
            "it answers 302 and sends us to login.example",
            False,
        ),
        (
            Reply(body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}),
            "failed",
            "a web page is where the API should be",
            False,
        ),
        (
            Reply(401, headers={"WWW-Authenticate": "Negotiate"}),
            "failed",
            "the registry wants negotiate; only basic and bearer (with a realm) are known here",
            False,
        ),
        (
            Reply(401, headers={"WWW-Authenticate": 'Bearer realm="http://169.254.169.254/t"'}),
            "failed",
            "its token realm 'http://169.254.169.254/t' is plain HTTP",
            False,
        ),
        (Reply(wire=b"SSH-2.0-x\r\n"), "failed", "it answers with something that is no HTTP", True),
        (Reply(delay_s=3), "failed", "did not answer within 0.5 s", True),
    ],
    ids=lambda value: None if isinstance(value, Reply) else str(value)[:30],
)
def test_what_is_at_the_api_is_told(
    probe_with: ProbeWith, reply: Reply, health: str, detail: str, *, may_pass: bool
) -> None:
    with RegistrySimulator(answering(api=reply)) as registry:
        probe = probe_with(**(HURRIED if reply.delay_s else {}))
        check = host_checks(probe, registry.host)["api"]

    assert (check.health.value, check.may_pass) == (health, may_pass)
    assert detail in check.detail
    assert (check.health is Health.OK) or (check.cause and check.remedy.startswith("curl -si"))
    assert "secret=1" not in repr(check)


def test_a_token_service_is_named_without_its_query(probe_with: ProbeWith) -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://auth.example/token?key=canary"'}
    with RegistrySimulator(answering(api=Reply(401, headers=challenge))) as registry:
        check = host_checks(probe_with(), registry.host)["api"]

    assert check.detail == "there, and wants a token of https://auth.example/token"


def test_plain_http_to_another_machine_is_a_warning(probe_with: ProbeWith) -> None:
    with RegistrySimulator(answering()) as registry:
        host = f"localhost.localdomain:{registry.port}"  # this machine, by a name that may be any
        probe = probe_with(insecure_hosts=frozenset({host}))
        resolve = socket.getaddrinfo
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                socket,
                "getaddrinfo",
                lambda _, *more, **named: resolve("127.0.0.1", *more, **named),
            )
            check = host_checks(probe, host)["tls"]

    assert check.health is Health.WARNING
    assert "--registry-insecure" in check.detail


# What can be read


def test_a_repository_that_can_be_read_says_by_whose_login(probe_with: ProbeWith) -> None:
    def script(request: Request) -> Reply:
        if "Authorization" not in request.headers:
            return Reply(401, headers=BASIC)
        return answering()(request)

    with RegistrySimulator(script) as registry:
        repository = Repository(registry.host, "acme/web")
        secret = pull_secret({registry.host: "robot:hunter2-canary"}, "web/regcred")
        checks = repository_checks(probe_with(), repository, pull_secrets=(secret,))

    assert {name: check.detail for name, check in checks.items()} == {
        "login": "of the secret web/regcred",
        "tags": "2 tags",
        "image": f"v1 is {DIGEST[:19]}…",
    }
    assert "canary" not in repr(checks)


def test_secrets_are_not_read_where_no_login_is_asked_for(probe_with: ProbeWith) -> None:
    asked: list[str] = []

    def unread() -> Iterator[PullCredential]:
        asked.append("one")
        yield Unread("the secret web/regcred", "")

    with RegistrySimulator(answering()) as registry:
        probe = probe_with()
        (endpoint,) = probe.endpoints_of(Repository(registry.host, "acme/web"))
        checks = by_name(probe.check_repository(endpoint, tag="v1", pull_secrets=unread()))

    assert checks["login"].detail == "none is asked for"
    assert not asked


@pytest.mark.parametrize(
    ("secrets", "remedy"),
    [
        ((), "kubectl create secret docker-registry regcred --docker-server="),
        (
            (Unread("the secret web/regcred", "it is not there"),),
            "kubectl get secret regcred --namespace=web",
        ),
        (
            (Unread("the ServiceAccount web/shop", "it is not there"),),
            "kubectl get serviceaccount shop --namespace=web",
        ),
    ],
)
def test_a_registry_that_takes_no_login_names_the_command_that_gives_one(
    probe_with: ProbeWith, secrets: tuple[PullCredential, ...], remedy: str
) -> None:
    with RegistrySimulator(lambda _: Reply(401, headers=BASIC)) as registry:
        repository = Repository(registry.host, "acme/web")
        checks = repository_checks(probe_with(), repository, pull_secrets=secrets)

    assert healths(checks) == {"login": "failed", "tags": "skipped", "image": "skipped"}
    assert remedy in checks["login"].remedy
    assert not checks["login"].may_pass


def test_a_cluster_that_does_not_give_its_secrets_may_do_so_later(probe_with: ProbeWith) -> None:
    lost = Unread("the secret web/regcred", "the API server is down", may_pass=True)
    with RegistrySimulator(lambda _: Reply(401, headers=BASIC)) as registry:
        checks = repository_checks(
            probe_with(), Repository(registry.host, "acme/web"), pull_secrets=(lost,)
        )

    assert (checks["login"].health, checks["login"].may_pass) == (Health.FAILED, True)
    assert "the API server is down" in checks["login"].detail


@pytest.mark.parametrize(
    ("answers", "name", "health", "detail", "may_pass"),
    [
        ({"tags": Reply(404)}, "tags", "failed", "no repository 'acme/web'", False),
        ({"tags": Reply(500)}, "tags", "failed", "answered 500", True),
        ({"tags": Reply(429)}, "tags", "failed", "answered 429", True),
        ({"tags": Reply(418)}, "tags", "failed", "answered 418", False),
        ({"tags": Reply(body=b'{"tags": []}')}, "tags", "warning", "0 tags, and v1", False),
        (
            {"tags": Reply(body=b'{"tags": ["v2"]}')},
            "tags",
            "warning",
            "1 tag, and v1, which Git has, is not among them",
            False,
        ),
        ({"image": Reply(404)}, "image", "failed", "does not have 'acme/web:v1'", False),
        ({"image": Reply(500)}, "image", "failed", "answered 500", True),
        ({"image": Reply(403)}, "image", "failed", "forbids reading images of", False),
    ],
)
def test_what_cannot_be_read_is_told(
    probe_with: ProbeWith,
    answers: dict[str, Reply],
    name: str,
    health: str,
    detail: str,
    *,
    may_pass: bool,
) -> None:
    with RegistrySimulator(answering(**answers)) as registry:
        checks = repository_checks(probe_with(), Repository(registry.host, "acme/web"))

    assert (checks[name].health.value, checks[name].may_pass) == (health, may_pass)
    assert detail in checks[name].detail
    assert checks[name].cause


def test_without_a_tag_in_git_any_image_is_read_and_none_of_an_empty_list(
    probe_with: ProbeWith,
) -> None:
    with RegistrySimulator(answering()) as registry:
        repository = Repository(registry.host, "acme/web")
        some = repository_checks(probe_with(), repository, tag=None)
    with RegistrySimulator(answering(tags=Reply(body=b'{"tags": null}'))) as registry:
        repository = Repository(registry.host, "acme/web")
        none = repository_checks(probe_with(), repository, tag=None)

    assert some["image"].detail.startswith("v1 is sha256:")
    assert (none["tags"].detail, none["image"].health) == ("no tags", Health.SKIPPED)


@pytest.mark.parametrize(
    ("headers", "health", "detail"),
    [
        (
            {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "93;w=21600"},
            "ok",
            "93 of 100 requests left",
        ),
        (
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"},
            "warning",
            "0 requests left; counted anew in 60 s",
        ),
    ],
)
def test_what_is_left_of_a_limit_is_told(
    probe_with: ProbeWith, headers: dict[str, str], health: str, detail: str
) -> None:
    with RegistrySimulator(answering(tags=Reply(headers=headers))) as registry:
        checks = repository_checks(probe_with(), Repository(registry.host, "acme/web"))

    assert (checks["limit"].health.value, checks["limit"].detail) == (health, detail)


def test_a_mirror_is_tried_by_itself_and_may_lack_a_repository(probe_with: ProbeWith) -> None:
    with (
        RegistrySimulator(answering()) as own,
        RegistrySimulator(answering(tags=Reply(404))) as mirror,
    ):
        entry = HostSettings(own.host, mirrors=(Mirror(mirror.host),))
        probe = probe_with(hosts=(entry,))
        endpoints = probe.endpoints_of(Repository(own.host, "acme/web"))
        found = {
            each.host: by_name(probe.check_repository(each, tag="v1", pull_secrets=()))
            for each in endpoints
        }

    assert [each.host for each in endpoints] == [mirror.host, own.host]
    assert found[mirror.host]["tags"].health is Health.WARNING
    assert found[mirror.host]["tags"].detail.endswith("the next place is asked")
    assert found[own.host]["tags"].health is Health.OK


def test_by_a_proxy_the_proxy_is_tried_and_its_password_is_not_told(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RegistrySimulator(answering()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:canary@{proxy.host}")
        probe = probe_with(insecure_hosts=frozenset({"registry.example"}))
        checks = host_checks(probe, "registry.example")

    assert healths(checks) == {"name": "ok", "connect": "ok", "tls": "skipped", "api": "ok"}
    assert checks["connect"].detail.startswith(f"by the proxy {proxy.host}: ")
    assert "canary" not in repr(checks)


@pytest.mark.parametrize("proxy", ["http://me:canary@proxy.example:99999", "http://me:canary@[::1"])
def test_a_proxy_that_is_no_url_is_blamed_and_not_the_registry(
    probe_with: ProbeWith, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    checks = host_checks(probe_with(), "registry.example")

    assert checks["name"].health is Health.FAILED
    assert checks["name"].detail == "the proxy to ask by is no URL"
    assert "HTTPS_PROXY" in checks["name"].cause
    assert "canary" not in repr(checks)


# Real registries


@pytest.mark.registry
@pytest.mark.parametrize("lane", LANES)
def test_real_registries_pass_and_say_what_they_want(
    probe_with: ProbeWith, lanes: Lanes, authority: Authority, lane: str
) -> None:
    registry = lanes[lane]
    registry.push("acme/checkup", "v1", "v2")
    entry = HostSettings(
        registry.host,
        ca_file=authority.ca_file if registry.authority else None,
        client_cert_file=registry.client_pem,
    )
    is_token = isinstance(registry, TokenRegistry)
    user = f"{USER}:{PASSWORD}"
    probe = probe_with(
        keychain_of({registry.host: user}) if registry.has_password or is_token else NOBODY,
        hosts=(entry,),
        ca_file=authority.ca_file,
        connect_timeout_s=20.0,
        read_timeout_s=20.0,
        answer_timeout_s=20.0,
    )

    door = host_checks(probe, registry.host)
    room = repository_checks(probe, Repository(registry.host, "acme/checkup"))

    assert not [each for each in (*door.values(), *room.values()) if each.health is Health.FAILED]
    wanted = {
        "plain": "for anybody",
        "htpasswd": "and wants a user name and a password",
        "token": "and wants a token of https://",
        "tls": "and wants a user name and a password",
        "mutual-tls": "for anybody",
    }[lane.partition("-")[2]]
    assert wanted in door["api"].detail
    assert room["tags"].detail == "2 tags"
    assert room["image"].detail.startswith("v1 is sha256:")


@pytest.mark.registry
def test_a_wrong_password_at_a_real_registry_is_a_failure_of_the_login(
    probe_with: ProbeWith, lanes: Lanes
) -> None:
    registry = lanes["3-htpasswd"]
    registry.push("acme/checkup", "v1")
    probe = probe_with(keychain_of({registry.host: f"{USER}:wrong-canary"}))

    checks = repository_checks(probe, Repository(registry.host, "acme/checkup"))

    assert checks["login"].health is Health.FAILED
    assert "refused the login of the docker config" in checks["login"].detail
    assert "wrong-canary" not in json.dumps([repr(each) for each in checks.values()])
    assert base64.b64encode(b"wrong-canary").decode() not in repr(checks)
