import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.git_server import GitHttpServer, serving
from reconciler.adapters.git.repository import GitRepository
from reconciler.errors import StalledError
from reconciler.settings import GitSettings

pytestmark = [
    pytest.mark.git_server,
    pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate with openssl"),
]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(path), "-out", str(tmp_path / "public.pem")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + (tmp_path / "public.pem").read_text())
    return path


@pytest.fixture
def server(tmp_path: Path, certificate: Path) -> Iterator[GitHttpServer]:
    BareRemote.create(tmp_path / "root" / "web.git").put({"a": b"1"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(tmp_path / "root") as server:
        server.wrap(context)
        yield server


@pytest.fixture
def settings(server: GitHttpServer) -> GitSettings:
    return GitSettings(url=f"https://127.0.0.1:{server.server_port}/web.git")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    settings: GitSettings, tmp_path: Path
) -> None:
    with pytest.raises(StalledError, match="--git-ca-file"):
        GitRepository(settings, tmp_path / "clone").fetch()


def test_a_certificate_of_the_given_authority_is_trusted(
    settings: GitSettings, tmp_path: Path
) -> None:
    settings = replace(settings, ca_file=tmp_path / "public.pem")

    assert GitRepository(settings, tmp_path / "clone").fetch().entries


def test_a_ca_of_the_environment_does_not_stand_in_for_it(
    settings: GitSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "public.pem"))
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "true")

    with pytest.raises(StalledError):
        GitRepository(settings, tmp_path / "clone").fetch()
