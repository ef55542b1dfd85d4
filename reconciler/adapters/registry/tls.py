"""What TLS trusts and shows at a host: from files that are read again when they change."""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import structlog

from reconciler.adapters.http.connection import limit_tls
from reconciler.adapters.registry.file_stamp import Stamp, stamp_of
from reconciler.errors import SettingsError

log = structlog.get_logger(__name__)

LOOKED_AT_S: Final = 1.0
"""How often at most the files are looked at: not for each of a thousand requests."""

_MISMATCH: Final = "KEY_VALUES_MISMATCH"


@dataclass(frozen=True, slots=True)
class TlsFile:
    """A file, and what the settings call it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What is trusted and shown at a host.

    Attributes:
        authorities: CA bundles, trusted beside the system's.
        certificate: the one to show, with its chain; None: none.
        key: its key; None: it is in the certificate's file.
    """

    authorities: tuple[TlsFile, ...] = ()
    certificate: TlsFile | None = None
    key: TlsFile | None = None

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """What changes when one of them does."""
        files = (*self.authorities, self.certificate, self.key)
        return tuple(stamp_of(each.path) for each in files if each is not None)

    def read(self) -> ssl.SSLContext:
        """Return what connections are made with.

        Raises:
            SettingsError: a file cannot be used; says which and why, and nothing of its contents.
        """
        context = ssl.create_default_context()
        limit_tls(context)
        for each in self.authorities:
            _trust(context, each)
        if self.certificate is not None:
            _show(context, self.certificate, self.key)
        return context


class Tls:
    """The TLS of some hosts, as their files are now. Safe to use from many threads.

    While files that changed cannot be used, what they held before is: a certificate and its key are
    two files, and there is a moment between their writing. Where there are none, the authorities of
    the system are not read before the first connection in TLS: it takes as long as fifty requests.

    Raises:
        SettingsError: a file cannot be used to begin with.
    """

    def __init__(self, files: TlsFiles, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._clock = clock
        self._lock = threading.Lock()
        self._stamps = files.stamps
        self._context = files.read() if self._stamps else None
        self._look_at = clock() + LOOKED_AT_S

    def context(self) -> ssl.SSLContext:
        """Return what connections are made with; another object when the files have changed."""
        known = self._context
        if known is not None and (not self._stamps or self._clock() < self._look_at):
            return known
        with self._lock:
            if self._context is None:
                self._context = self._files.read()
                return self._context
            self._look_at = self._clock() + LOOKED_AT_S
            stamps = self._files.stamps
            if stamps != self._stamps:
                self._stamps = stamps
                self._reread()
            return self._context

    def _reread(self) -> None:
        try:
            self._context = self._files.read()
        except SettingsError as error:
            log.warning("registry.tls_files_unusable", error=str(error))


class _EncryptedError(Exception):
    """OpenSSL asks for a password; without a word from us it would ask at the terminal."""


def _trust(context: ssl.SSLContext, file: TlsFile) -> None:
    try:
        context.load_verify_locations(cafile=file.path)
    except ssl.SSLError:
        message = f"{file.name} holds no certificate that can be read (PEM)"
        raise SettingsError(message, where=str(file.path)) from None
    except OSError as error:
        message = f"{file.name} cannot be read: {error.strerror}"
        raise SettingsError(message, where=str(file.path)) from error


def _show(context: ssl.SSLContext, certificate: TlsFile, key: TlsFile | None) -> None:
    for each in filter(None, (certificate, key)):
        _require_readable(each)
    holder = key or certificate
    try:
        context.load_cert_chain(certificate.path, holder.path, password=_no_password)
    except _EncryptedError:
        message = f"{holder.name} holds a key that is encrypted: decrypt it (openssl pkey)"
        raise SettingsError(message, where=str(holder.path)) from None
    except ssl.SSLError as error:
        if error.reason == _MISMATCH:
            message = f"{holder.name} holds another key than that of {certificate.path}"
            raise SettingsError(message, where=str(holder.path)) from None
        raise _unreadable(certificate, holder) from None


def _unreadable(certificate: TlsFile, holder: TlsFile) -> SettingsError:
    """Tell which of the two it is: OpenSSL's words are the same for both."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=certificate.path)
    except ssl.SSLError:
        message = f"{certificate.name} holds no certificate that can be read (PEM)"
        return SettingsError(message, where=str(certificate.path))
    return SettingsError(
        f"{holder.name} holds no key that can be read (PEM)", where=str(holder.path)
    )


def _require_readable(file: TlsFile) -> None:
    try:
        with file.path.open("rb"):
            pass
    except OSError as error:
        message = f"{file.name} cannot be read: {error.strerror}"
        raise SettingsError(message, where=str(file.path)) from error


def _no_password() -> NoReturn:
    raise _EncryptedError
