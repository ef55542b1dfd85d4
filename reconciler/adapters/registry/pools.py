"""The connections to each host: by which proxy, and with which TLS."""

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reconciler.adapters.http.connection import (
    Pool,
    ProxyUrlError,
    plain_pool,
    proxied_pool,
    tls_pool,
)
from reconciler.adapters.http.proxies import proxy_for
from reconciler.adapters.registry.place import api_host
from reconciler.adapters.registry.tls import Tls, TlsFile, TlsFiles
from reconciler.errors import RegistryError, SettingsError
from reconciler.host_settings import HostSettings
from reconciler.settings import RegistrySettings

HOSTS: Final = 64
"""To how many connections are kept: whoever redirects us on and on must not fill the memory."""

_NO_PROXY: Final = (
    "cannot be asked: the proxy that the environment names is no URL: write http://USER:PASSWORD@"
    "HOST:PORT, with other characters than letters and digits in them as %XX"
)


class Pools:
    """All connections. Safe to use from many threads.

    Raises:
        SettingsError: files of the settings cannot be used; says it of all of them.
    """

    def __init__(self, settings: RegistrySettings, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        problems: list[SettingsError] = []
        self._tls = _tls(TlsFiles(_authorities(settings.ca_file)), problems)
        self._tls_of = {
            api_host(host.host): _tls(_files_of(host, settings.ca_file), problems)
            for host in settings.hosts
            if host.ca_file or host.client_cert_file
        }
        if problems:
            raise _joined(problems)
        self._kept: dict[str, _Kept] = {}  # by origin

    def of(self, url: str) -> Pool:
        """Return the connections for a URL.

        The environment is asked for a proxy once a host. Connections that are kept no longer end
        when the last request by them does.

        Raises:
            RegistryError: what it names as the proxy is no URL.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        kept = self._kept.get(origin)
        if kept is None or not self._is_current(kept, parts.netloc):
            kept = self._keep(origin, parts.netloc)
        return kept.pool

    def context_of(self, host: str) -> ssl.SSLContext:
        """Return what TLS trusts and shows at a ``host[:port]``."""
        return self._tls_of.get(host.lower(), self._tls).context()

    def proxy_of(self, url: str) -> str:
        """Return the URL of the proxy by which a URL is asked, with its password; empty: none."""
        return proxy_for(url, self._environment)

    def has_own_tls(self, host: str) -> bool:
        """Whether certificates are configured for this host."""
        return host.lower() in self._tls_of

    def close(self) -> None:
        """Keep none of them."""
        with self._lock:
            self._kept.clear()

    def _is_current(self, kept: "_Kept", host: str) -> bool:
        return kept.context is None or kept.context is self.context_of(host)

    def _keep(self, origin: str, host: str) -> "_Kept":
        with self._lock:
            kept = self._kept.get(origin)
            if kept is None or not self._is_current(kept, host):
                kept = self._new(origin, host)
                if len(self._kept) >= HOSTS:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[origin] = kept
            return kept

    def _new(self, origin: str, host: str) -> "_Kept":
        proxy = self.proxy_of(origin)
        if not proxy and origin.startswith("http:"):
            return _Kept(plain_pool(origin))
        context = self.context_of(host)
        if not proxy:
            return _Kept(tls_pool(origin, context), context)
        try:
            pool = proxied_pool(proxy, context, proxy_context=self._tls.context())
        except ProxyUrlError:
            raise RegistryError(_NO_PROXY, where=origin, is_retryable=False) from None
        return _Kept(pool, context)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The connections to one origin, and with which TLS; None where there is none."""

    pool: Pool
    context: ssl.SSLContext | None = None


def _files_of(host: HostSettings, ca_file: Path | None) -> TlsFiles:
    named = f"of the registry {host.host}"
    own = (TlsFile(host.ca_file, f"the ca-file {named}"),) if host.ca_file else ()
    certificate, key = host.client_cert_file, host.client_key_file
    return TlsFiles(
        (*_authorities(ca_file), *own),
        TlsFile(certificate, f"the client-cert-file {named}") if certificate else None,
        TlsFile(key, f"the client-key-file {named}") if key else None,
    )


def _authorities(ca_file: Path | None) -> tuple[TlsFile, ...]:
    return (TlsFile(ca_file, "--registry-ca-file"),) if ca_file else ()


def _tls(files: TlsFiles, problems: list[SettingsError]) -> Tls:
    """Return the TLS of some files; what cannot be used becomes a problem, for all to be told."""
    try:
        return Tls(files)
    except SettingsError as error:
        problems.append(error)
        return Tls(TlsFiles())


def _joined(problems: list[SettingsError]) -> SettingsError:
    return problems[0] if len(problems) == 1 else SettingsError("\n".join(map(str, problems)))
