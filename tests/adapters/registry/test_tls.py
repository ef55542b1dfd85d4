"""What is trusted and shown at each host, and what is said of files that cannot be used."""

import ssl
import subprocess
from pathlib import Path

import pytest

from lab.authority import Authority, serving_context, split
from reconciler.adapters.registry.tls import LOOKED_AT_S, Tls, TlsFile, TlsFiles
from reconciler.adapters.registry.transport import Transport
from reconciler.errors import RegistryError, SettingsError
from reconciler.host_settings import HostSettings
from reconciler.settings import RegistrySettings
from tests.simulators.registry import RegistrySimulator, Reply

CANARY = "canary-7f3a"
REFUSED = (
    r"TLS failed: it takes no certificate of ours \((certificate required|unknown ca)\): name one|"
    r"TLS failed: it hung up: it may want a certificate of ours \(client-cert-file\), or another|"
    r"the connection broke: Connection reset by peer"
)
"""What is said of a host that wants another certificate; whether its alert arrives is a race."""


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """An authority that the tests' servers are not signed by."""
    return Authority(tmp_path / "stranger")


def mutual_context(folder: Path, authority: Authority) -> ssl.SSLContext:
    """Return the TLS of a server that lets nobody in without a certificate of its authority."""
    return serving_context(authority.certificate(folder / "server.pem"), clients=authority)


def get(settings: RegistrySettings, host: str) -> int:
    transport = Transport(settings)
    try:
        return transport.get(f"https://{host}/", {}).status
    finally:
        transport.close()


@pytest.mark.parametrize("is_split", [True, False], ids=["two-files", "one-file"])
def test_a_host_that_wants_a_certificate_is_shown_the_one_of_its_entry(
    authority: Authority, tmp_path: Path, *, is_split: bool
) -> None:
    both = authority.certificate(tmp_path / "client.pem", name="robot")
    certificate, key = split(both) if is_split else (both, None)
    with RegistrySimulator(
        lambda _: Reply(), context=mutual_context(tmp_path, authority)
    ) as registry:
        entry = HostSettings(
            registry.host,
            ca_file=authority.ca_file,
            client_cert_file=certificate,
            client_key_file=key,
        )

        assert get(RegistrySettings(hosts=(entry,)), registry.host) == 200


def test_loopback_with_certificates_of_its_own_is_asked_in_tls_at_once(
    authority: Authority,
) -> None:
    entry = HostSettings("127.0.0.1:5000", ca_file=authority.ca_file)
    transport = Transport(RegistrySettings(hosts=(entry,)))
    insecure = Transport(
        RegistrySettings(hosts=(entry,), insecure_hosts=frozenset({"127.0.0.1:5000"}))
    )

    assert transport.base_url("127.0.0.1:5000") == "https://127.0.0.1:5000"
    assert transport.base_url("127.0.0.1:5001") == "http://127.0.0.1:5001"
    assert insecure.base_url("127.0.0.1:5000") == "http://127.0.0.1:5000"


def test_a_certificate_is_shown_to_no_other_host(authority: Authority, tmp_path: Path) -> None:
    client = authority.certificate(tmp_path / "client.pem", name="robot")
    entry = HostSettings("other.example", client_cert_file=client)
    settings = RegistrySettings(ca_file=authority.ca_file, hosts=(entry,))
    with (
        RegistrySimulator(lambda _: Reply(), context=mutual_context(tmp_path, authority)) as other,
        pytest.raises(RegistryError, match=REFUSED),
    ):
        get(settings, other.host)


def test_a_certificate_of_nobody_that_the_host_knows_is_told(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    client = stranger.certificate(tmp_path / "client.pem", name="robot")
    with RegistrySimulator(lambda _: Reply(), context=mutual_context(tmp_path, authority)) as host:
        entry = HostSettings(host.host, ca_file=authority.ca_file, client_cert_file=client)

        with pytest.raises(RegistryError, match=REFUSED):
            get(RegistrySettings(hosts=(entry,)), host.host)


def test_the_authority_of_one_host_is_trusted_at_no_other(
    authority: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with (
        RegistrySimulator(lambda _: Reply(), context=context) as one,
        RegistrySimulator(lambda _: Reply(), context=context) as other,
    ):
        settings = RegistrySettings(hosts=(HostSettings(one.host, ca_file=authority.ca_file),))

        assert get(settings, one.host) == 200
        with pytest.raises(RegistryError, match="its certificate is not trusted"):
            get(settings, other.host)


def test_the_authority_for_all_registries_is_trusted_beside_that_of_one(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with RegistrySimulator(lambda _: Reply(), context=context) as registry:
        entry = HostSettings(registry.host, ca_file=stranger.ca_file)
        settings = RegistrySettings(ca_file=authority.ca_file, hosts=(entry,))

        assert get(settings, registry.host) == 200


def test_a_certificate_that_is_renewed_on_disk_is_shown_without_a_restart(
    authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    pem = tmp_path / "client.pem"
    stranger.certificate(pem, name="robot")
    now = 0.0
    tls = Tls(
        TlsFiles((TlsFile(authority.ca_file, "ca"),), TlsFile(pem, "cert")), clock=lambda: now
    )
    before = tls.context()

    fresh = authority.certificate(tmp_path / "fresh.pem", name="robot")
    fresh.rename(pem)
    assert tls.context() is before, "files are not looked at for every request"
    now = LOOKED_AT_S
    after = tls.context()

    assert after is not before
    assert tls.context() is after


def test_the_authorities_of_the_system_are_read_when_they_are_needed(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(RegistrySettings())
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    context = serving_context(authority.certificate(tmp_path / "server.pem"))

    with RegistrySimulator(lambda _: Reply(), context=context) as registry:
        assert transport.get(f"https://{registry.host}/", {}).status == 200
        transport.close()


def test_what_is_renewed_is_used_for_the_next_connection(
    authority: Authority, stranger: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.adapters.registry.tls.LOOKED_AT_S", 0.0)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(stranger.ca_file.read_bytes())
    context = serving_context(authority.certificate(tmp_path / "server.pem"))
    with RegistrySimulator(lambda _: Reply(), context=context) as registry:
        transport = Transport(RegistrySettings(ca_file=ca_file))
        with pytest.raises(RegistryError, match="not trusted"):
            transport.get(f"https://{registry.host}/", {})
        fresh = tmp_path / "fresh.pem"
        fresh.write_bytes(authority.ca_file.read_bytes())
        fresh.rename(ca_file)

        assert transport.get(f"https://{registry.host}/", {}).status == 200
        transport.close()


def test_a_key_and_its_certificate_may_be_renewed_one_after_the_other(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = split(authority.certificate(tmp_path / "client.pem"))
    new_certificate, new_key = split(authority.certificate(tmp_path / "new.pem"))
    now = 0.0
    files = TlsFiles((), TlsFile(certificate, "cert"), TlsFile(key, "key"))
    tls = Tls(files, clock=lambda: now)
    before = tls.context()

    new_certificate.rename(certificate)
    now += LOOKED_AT_S
    assert tls.context() is before
    new_key.rename(key)
    now += LOOKED_AT_S

    assert tls.context() is not before


def encrypted(key: Path) -> None:
    done = subprocess.run(
        ["openssl", "pkey", "-aes256", "-passout", f"pass:{CANARY}", "-in", key],
        capture_output=True,
        check=True,
    )
    key.write_bytes(done.stdout)


def of_another(key: Path) -> None:
    _, other = split(Authority(key.parent / "more").certificate(key.parent / "more.pem"))
    other.rename(key)


@pytest.mark.parametrize(
    ("which", "spoil", "said"),
    [
        pytest.param("key", encrypted, "holds a key that is encrypted", id="encrypted"),
        pytest.param("key", of_another, "holds another key than that of", id="another"),
        pytest.param("key", Path.unlink, "cannot be read: No such file", id="no-key"),
        pytest.param("cert", Path.unlink, "cannot be read: No such file", id="no-certificate"),
        pytest.param("key", lambda file: file.write_text(CANARY), "holds no key", id="nonsense"),
        pytest.param(
            "cert", lambda file: file.write_text(CANARY), "holds no certificate", id="no-pem"
        ),
        pytest.param("ca", lambda file: file.write_text(CANARY), "holds no certificate", id="ca"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_registry(
    authority: Authority, tmp_path: Path, which: str, spoil: object, said: str
) -> None:
    certificate, key = split(authority.certificate(tmp_path / "client.pem"))
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority.ca_file.read_bytes())
    file = {"cert": certificate, "key": key, "ca": ca_file}[which]
    assert callable(spoil)
    spoil(file)
    name = "ca-file" if which == "ca" else f"client-{which}-file"
    entry = HostSettings(
        "registry.example", ca_file=ca_file, client_cert_file=certificate, client_key_file=key
    )

    with pytest.raises(SettingsError) as raised:
        Transport(RegistrySettings(hosts=(entry,)))

    assert str(raised.value).startswith(f"{file}: the {name} of the registry registry.example ")
    assert said in str(raised.value)
    assert CANARY not in str(raised.value)


def test_a_key_that_is_there_and_cannot_be_read_is_told(
    authority: Authority, tmp_path: Path
) -> None:
    certificate, key = split(authority.certificate(tmp_path / "client.pem"))
    key.unlink()
    key.mkdir()  # root may read every file, but no folder

    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        TlsFiles((), TlsFile(certificate, "cert"), TlsFile(key, "key")).read()


def test_all_files_that_cannot_be_used_are_told_together(tmp_path: Path) -> None:
    entries = [
        HostSettings(f"{name}.example", ca_file=tmp_path / f"{name}.pem") for name in ("one", "two")
    ]

    with pytest.raises(SettingsError) as raised:
        Transport(RegistrySettings(ca_file=tmp_path / "all.pem", hosts=tuple(entries)))

    assert len(str(raised.value).splitlines()) == 3
