"""An authority of the lab's own: signs the certificates of its servers."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    """Signs certificates; whoever is given ``ca_file`` trusts them, and nobody else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._ca = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.ca_file)

    def certificate(self, path: Path, *, name: str = "127.0.0.1", is_expired: bool = False) -> Path:
        """Write a certificate for a host with its key, both into one file, and return the file."""
        now = datetime.now(UTC)
        made = self._ca.issue_cert(
            name,
            not_before=now - timedelta(days=2),
            not_after=now - timedelta(days=1) if is_expired else now + timedelta(days=2),
        )
        path.touch(mode=0o600)
        made.private_key_and_cert_chain_pem.write_to_path(path)
        return path

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust the certificates."""
        return ssl.create_default_context(cafile=self.ca_file)


def serving_context(certificate: Path, *, clients: Authority | None = None) -> ssl.SSLContext:
    """Return what a server needs to show a certificate.

    Args:
        certificate: with its key.
        clients: whose certificates let a client in; None: nobody needs one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients is not None:
        context.load_verify_locations(clients.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def split(pem: Path) -> tuple[Path, Path]:
    """Write the certificate and the key of a file into two beside it, and return those."""
    text = pem.read_text()
    start = text.index("-----BEGIN CERTIFICATE")
    certificate, key = pem.with_suffix(".crt"), pem.with_suffix(".key")
    certificate.write_text(text[start:])
    key.touch(mode=0o600)
    key.write_text(text[:start])
    return certificate, key
