"""Why no answer came from a registry, in words a person can act on."""

import http.client
import ssl
from typing import Final
from urllib.parse import urlsplit

from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    EmptyPoolError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    ProxySchemeUnknown,
    SSLError,
)
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from reconciler.adapters.http.connection import OverdueError
from reconciler.adapters.registry.request import without_query
from reconciler.errors import RegistryError
from reconciler.settings import RegistrySettings

UNTRUSTED: Final = frozenset({2, 18, 19, 20, 21})
"""OpenSSL's ``X509_V_ERR_…`` of a chain that ends in no authority we know."""

_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})

CERTIFICATE_ALERTS: Final = frozenset(
    {
        *("certificate required", "bad certificate", "unsupported certificate", "unknown ca"),
        *("certificate expired", "certificate revoked", "certificate unknown"),
    }
)
"""The alerts of a host that wants another certificate of ours, or one at all (RFC 8446, 6.2)."""

_OF_HANDSHAKE: Final = "handshake"
"""In the text of Python's time-out; urllib3 tells it as one of the answer."""


_NO_CONNECTION: Final = (
    *(ConnectTimeoutError, NewConnectionError, SSLError),
    *(ProxyError, ProxySchemeUnknown, LocationValueError),
)


class NotHttpError(RegistryError):
    """What came is no HTTP, or the connection ended before anything came."""


class UntrustedError(RegistryError):
    """The host speaks TLS, with a certificate that is not to be trusted."""


def as_registry_error(error: HTTPError, url: str, settings: RegistrySettings) -> RegistryError:
    """Say what happened in words that are ours: urllib3's name addresses of memory.

    What keeps us from a whole registry is said of the registry and not of the page, so that all its
    repositories fail with the same words.
    """
    root = root_of(error)
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    if isinstance(root, ssl.SSLCertVerificationError):
        whose = "the proxy's" if isinstance(error, ProxyError) else "its"
        words = f"TLS failed: {_certificate_words(root, whose)}"
        return UntrustedError(words, where=base, is_retryable=False)
    if isinstance(root, http.client.BadStatusLine):
        return _not_http(root, base, without_query(url))
    if isinstance(error, EmptyPoolError):
        seconds = f"{settings.answer_timeout_s:g} s"
        words = f"not asked: no connection became free within {seconds}"
        return RegistryError(words, where=base)
    if isinstance(error, _NO_CONNECTION):
        words = _without_connection(error, settings)
        may_pass = not speaks_no_tls(root) and alert_of(root) not in CERTIFICATE_ALERTS
        return RegistryError(words, where=base, is_retryable=may_pass)
    if isinstance(root, TimeoutError) and _OF_HANDSHAKE in str(root):
        words = f"TLS failed: no answer within {settings.connect_timeout_s:g} s"
        return RegistryError(words, where=base)
    return RegistryError(_within_connection(error, settings), where=without_query(url))


def _not_http(root: http.client.BadStatusLine, base: str, url: str) -> NotHttpError:
    """Say that nothing came, or something else; what came is not quoted."""
    if isinstance(root, http.client.RemoteDisconnected):
        return NotHttpError(f"the connection broke: {_innermost(root)}", where=url)
    return NotHttpError("it answers with something that is no HTTP", where=base)


def _without_connection(cause: HTTPError, settings: RegistrySettings) -> str:
    """Say why there is no connection."""
    if isinstance(cause, SSLError):
        return f"TLS failed: {_tls_words(cause)}"
    if isinstance(cause, ConnectTimeoutError) and not isinstance(cause, NewConnectionError):
        return f"cannot connect: no answer within {settings.connect_timeout_s:g} s"
    return f"cannot connect: {_innermost(cause)}"


def _within_connection(cause: HTTPError, settings: RegistrySettings) -> str:
    """Say how an answer failed to come."""
    if isinstance(cause, HTTPTimeoutError) and isinstance(root_of(cause), OverdueError):
        return f"did not finish its answer within {settings.answer_timeout_s:g} s"
    if isinstance(cause, HTTPTimeoutError):
        return f"did not answer within {settings.read_timeout_s:g} s"
    if isinstance(cause, DecodeError):
        return "its answer is not compressed as it says"
    return f"the connection broke: {_innermost(cause)}"


def _certificate_words(root: ssl.SSLCertVerificationError, whose: str) -> str:
    words = root.verify_message.removesuffix(".")
    if root.verify_code in UNTRUSTED:
        return f"{whose} certificate is not trusted ({words}): name its CA with --registry-ca-file"
    return f"{whose} certificate is not valid: {words}"


def _tls_words(error: BaseException) -> str:
    root = root_of(error)
    if speaks_no_tls(root):
        return "it speaks no TLS: permit plain HTTP with --registry-insecure, if that is meant"
    alert = alert_of(root)
    if isinstance(root, ssl.SSLEOFError):  # its alert can be lost with the connection
        return "it hung up: it may want a certificate of ours (client-cert-file), or another one"
    if alert in CERTIFICATE_ALERTS:
        return f"it takes no certificate of ours ({alert}): name one by its client-cert-file"
    return f"alert {alert}" if alert else _innermost(error)


def alert_of(root: BaseException) -> str:
    """Return the name of the alert by which the other side ended the TLS; empty if it did not."""
    return (getattr(root, "reason", None) or "").partition("ALERT_")[2].lower().replace("_", " ")


def speaks_no_tls(root: BaseException) -> bool:
    """Whether what came in place of a handshake was no TLS."""
    return isinstance(root, ssl.SSLError) and root.reason in _NO_TLS


def _innermost(error: BaseException) -> str:
    """Return what it began with; an exception's text may hold what a stranger sent."""
    root = root_of(error)
    text = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return "".join(each if each.isprintable() else "?" for each in text[:200])


def root_of(error: BaseException) -> BaseException:
    """Return what an exception began with; of a proxy's, urllib3 keeps it as an argument alone."""
    while (cause := error.__cause__ or error.__context__ or _argument_of(error)) is not None:
        error = cause
    return error


def _argument_of(error: BaseException) -> BaseException | None:
    first = error.args[0] if isinstance(error, SSLError) and error.args else None
    return first if isinstance(first, BaseException) else None
