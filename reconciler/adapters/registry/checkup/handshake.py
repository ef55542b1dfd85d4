"""Whether a registry's TLS is to be trusted, and takes what we show of ourselves."""

import contextlib
import socket
import ssl
import time
from typing import Final

from reconciler.adapters.registry.checkup.door import Door
from reconciler.adapters.registry.trouble import (
    CERTIFICATE_ALERTS,
    UNTRUSTED,
    alert_of,
    speaks_no_tls,
)
from reconciler.core.checkup import Check, failed, passed, warned

SOON_DAYS: Final = 21
"""Who renews by itself does so a month before the end (Let's Encrypt, cert-manager)."""

_DAY_S: Final = 86_400
_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, …_NOT_YET_VALID
_OTHER_NAME: Final = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH


def shake_hands(connection: socket.socket, door: Door, host: str, context: ssl.SSLContext) -> Check:
    """Return how TLS goes on a connection.

    A request is made too: by TLS 1.3 a server refuses a certificate of ours, or that there is none,
    only when the handshake is over for us.

    Args:
        connection: a new one; its time-out holds for each step.
        door: where it leads.
        host: ``HOST[:PORT]``, as in image references.
        context: what is trusted and shown there.
    """
    limit_s = connection.gettimeout() or 0.0
    try:
        with context.wrap_socket(connection, server_hostname=door.name) as wrapped:
            certificate, version = wrapped.getpeercert() or {}, wrapped.version() or "TLS"
            _converse(wrapped, host)
    except ssl.SSLCertVerificationError as error:
        return _distrusted(error, door)
    except TimeoutError:
        return silent(host, limit_s)
    except OSError as error:
        return _broken(error, host)
    return _trusted(version, str(certificate.get("notAfter", "")), door)


def plainly(host: str) -> Check:
    """Return the check of a host that speaks plain HTTP where TLS is wanted."""
    return failed(
        "tls",
        "it speaks plain HTTP on this port",
        cause="it is set up without TLS: passwords could be read on the way",
        remedy=f"reconcile … --registry-insecure {host}",
    )


def silent(host: str, limit_s: float) -> Check:
    """Return the check of a host that says nothing where TLS is wanted."""
    return failed(
        "tls",
        f"no answer to the handshake within {limit_s:g} s",
        cause="it speaks something else on this port, or something in between swallows TLS",
        remedy=f"curl -v https://{host}/v2/",
        may_pass=True,
    )


def _converse(wrapped: ssl.SSLSocket, host: str) -> None:
    """Make a request and wait for the first byte of an answer, or of an alert."""
    request = f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(TimeoutError):  # a slow answer is not the handshake's
        wrapped.sendall(request.encode())
        wrapped.recv(1)


def _trusted(version: str, end: str, door: Door) -> Check:
    if not end:
        return passed("tls", f"{version}, and a trusted certificate")
    end_s = ssl.cert_time_to_seconds(end)
    days = (end_s - time.time()) / _DAY_S
    until = time.strftime("%Y-%m-%d", time.gmtime(end_s))
    if days > SOON_DAYS:
        return passed("tls", f"{version}, and a trusted certificate until {until}")
    return warned(
        "tls",
        f"{version}; the certificate ends in {max(0, int(days))} days, on {until}",
        cause="nobody has renewed it yet; what renews by itself has done so a month before the end",
        remedy=door.look_at_certificate("-subject -issuer -enddate"),
    )


def _distrusted(error: ssl.SSLCertVerificationError, door: Door) -> Check:
    words = error.verify_message.removesuffix(".")
    if error.verify_code in UNTRUSTED:
        cause = "an authority signed it that this machine does not know: give its certificate"
        remedy = "reconcile … --registry-ca-file ca.pem"
    elif error.verify_code in (_EXPIRED, _NOT_YET):
        now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        cause = f"it must be renewed, or the clock of this machine is wrong: it says {now} UTC"
        remedy = door.look_at_certificate("-dates")
    elif error.verify_code in _OTHER_NAME:
        cause = "the registry is meant to be called by another name, or it is another server"
        remedy = door.look_at_certificate("-ext subjectAltName")
    else:
        cause = "the certificate is not what a server of that name must have"
        remedy = door.look_at_certificate("-text")
    return failed(
        "tls", f"the certificate is not to be trusted: {words}", cause=cause, remedy=remedy
    )


def _broken(error: OSError, host: str) -> Check:
    if speaks_no_tls(error):
        return plainly(host)
    alert = alert_of(error)
    is_hung_up = isinstance(error, ssl.SSLEOFError | ConnectionError)
    if alert in CERTIFICATE_ALERTS or is_hung_up:
        what = "it hung up" if is_hung_up else f"it refuses: {alert}"
        return failed(
            "tls",
            f"{what} when TLS was to begin",
            cause="it wants a certificate of ours, or another one than we show (in the file of "
            "--config)",
            remedy=f"registries: [{{host: {host!r}, client-cert-file: tls.crt, "
            "client-key-file: tls.key}]",
        )
    words = f"alert {alert}" if alert else (error.strerror or str(error))
    return failed(
        "tls",
        f"there is no common ground: {words}",
        cause="it knows only versions or ciphers of TLS that this machine refuses, or no such name",
        remedy=f"curl -v https://{host}/v2/",
    )
