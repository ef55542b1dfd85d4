"""The connections to each host: by which proxy, and with which TLS."""

import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.registry.connection import Pool, new_pool
from reconciler.adapters.registry.place import api_host
from reconciler.adapters.registry.proxies import proxy_for
from reconciler.adapters.registry.tls import Tls, TlsFile, TlsFiles
from reconciler.errors import SettingsError
from reconciler.host_settings import HostSettings
from reconciler.settings import RegistrySettings


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
        self._pools: dict[tuple[str, ssl.SSLContext], Pool] = {}  # by proxy and TLS
        self._pool_of: dict[tuple[str, str], tuple[ssl.SSLContext, Pool]] = {}  # by scheme and host

    def of(self, url: str) -> Pool:
        """Return the connections for a URL; the environment is asked for a proxy once a host."""
        parts = urlsplit(url)
        origin = (parts.scheme, parts.netloc)
        context = self.context_of(parts.netloc)
        known = self._pool_of.get(origin)
        if known is not None and known[0] is context:
            return known[1]
        with self._lock:
            pool = self._pool(self.proxy_of(url), context)
            self._pool_of[origin] = (context, pool)
            self._close_unused()
            return pool

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
        """Close all of them."""
        for pool in self._pools.values():
            pool.clear()

    def _pool(self, proxy: str, context: ssl.SSLContext) -> Pool:
        key = (proxy, context)
        if key not in self._pools:
            self._pools[key] = new_pool(proxy, context, proxy_context=self._tls.context())
        return self._pools[key]

    def _close_unused(self) -> None:
        """Close those whose files have changed since; requests under way end undisturbed."""
        used = {id(pool) for _, pool in self._pool_of.values()}
        for key, pool in tuple(self._pools.items()):
            if id(pool) not in used:
                del self._pools[key]
                pool.clear()


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
