"""Where an API server is and how it is spoken to, by the official client's configuration.

The official client is used for nothing else: this much of it has behaved the same over many
versions, and it is imported only when a cluster is needed.
"""

import contextlib
import os
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import urllib3

from reconciler.adapters.cluster.impersonation import impersonation_in
from reconciler.adapters.http.connection import limit_tls
from reconciler.errors import AccessDeniedError, SettingsError
from reconciler.settings import ClusterSettings

CONNECTIONS: Final = 16
TOKEN_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Access:
    """A ``kubernetes.client.Configuration``, and the connections that were made by it.

    Attributes:
        url: the API server.
        pool: the connections.
        files: what changes when a certificate is replaced.
        acting_as: the headers by which a kubeconfig says that its user is to act as another one.
    """

    def __init__(
        self,
        configuration: Any,  # noqa: ANN401 - the client ships no types
        acting_as: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.configuration = configuration
        self.acting_as = tuple(acting_as)
        self.url = str(configuration.host).rstrip("/")
        self.pool = _pool(configuration)
        self.files = _stamps(configuration)

    def credentials(self) -> Mapping[str, str]:
        """Return the header of this moment: tokens rotate, and exec plugins renew theirs.

        Raises:
            AccessDeniedError: they cannot be had.
        """
        try:
            settings = self.configuration.auth_settings()
        except Exception as error:
            message = f"the credentials cannot be had: {type(error).__name__}"
            raise AccessDeniedError(message, where=self.url) from error
        return {
            str(each["key"]): str(each["value"])
            for each in settings.values()
            if each.get("in") == "header" and each.get("value")
        }

    def is_like(self, other: "Access") -> bool:
        """Whether a server that refused one would refuse the other."""
        mine = (self.url, self.files, self.acting_as)
        others = (other.url, other.files, other.acting_as)
        return mine == others and self.credentials() == other.credentials()


class Login:
    """Who we are to an API server: read again when it refuses us. Safe to use from many threads."""

    def __init__(self, load: Callable[[], Access]) -> None:
        """Read the configuration; nothing is asked yet.

        Args:
            load: reads it; called again because kubeconfigs and certificates are replaced.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        self._load = load
        self._lock = threading.Lock()
        self.access = load()

    def is_renewed(self, refused: Access) -> bool:
        """Read the configuration again; return whether it is another than the one refused."""
        with self._lock:
            if self.access is not refused:  # by another thread
                return True
            try:
                access = self._load()
                is_other = not access.is_like(refused)
            except (SettingsError, AccessDeniedError):  # it is being written: the refusal stands
                return False
            if is_other:
                self.access = access
                refused.pool.clear()
            return is_other


def is_given(settings: ClusterSettings) -> bool:
    """Whether somebody pointed us to a cluster: by an option, ``$KUBECONFIG``, or by running in it.

    A kubeconfig that merely lies in the home folder is not that: it may be of any cluster.
    """
    is_named = settings.kubeconfig is not None or settings.context is not None
    return is_named or _is_in_cluster(settings) or bool(os.environ.get("KUBECONFIG"))


def access_of(settings: ClusterSettings) -> Access:
    """Return the access that is configured: in-cluster, then by a kubeconfig.

    Raises:
        SettingsError: there is none, or it cannot be used.
    """
    from kubernetes import client, config  # noqa: PLC0415 - slow; only when a cluster is needed

    configuration = client.Configuration()
    acting_as: Sequence[tuple[str, str]] = ()
    try:
        if _is_in_cluster(settings):
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(
                config_file=str(settings.kubeconfig) if settings.kubeconfig else None,
                context=settings.context,
                client_configuration=configuration,
            )
            paths = str(settings.kubeconfig or config.KUBE_CONFIG_DEFAULT_LOCATION)
            acting_as = impersonation_in(paths, settings.context)
    except SettingsError:
        raise
    except Exception as error:  # the client raises whatever its parsers and plugins raise
        raise SettingsError(_no_configuration(settings, error)) from error
    return Access(configuration, acting_as)


def _stamps(configuration: Any) -> tuple[object, ...]:  # noqa: ANN401 - ships no types
    """Return what changes when a certificate or key is replaced."""
    paths = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    stamps = []
    for path in paths:
        with contextlib.suppress(OSError, TypeError):
            found = os.stat(path)  # noqa: PTH116 - it may be None
            stamps += [str(path), found.st_mtime_ns, found.st_size]
    return tuple(stamps)


def _is_in_cluster(settings: ClusterSettings) -> bool:
    return (
        settings.kubeconfig is None
        and settings.context is None
        and "KUBERNETES_SERVICE_HOST" in os.environ
        and TOKEN_FILE.is_file()
    )


def _no_configuration(settings: ClusterSettings, error: BaseException) -> str:
    if settings.kubeconfig and not os.path.isfile(settings.kubeconfig):  # noqa: PTH113 - no raise
        return f"--kubeconfig: no such file: {str(settings.kubeconfig)!r}"
    if settings.context:
        return f"no context {settings.context!r} in the kubeconfig, or it cannot be used"
    named = str(settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config")
    if _is_none_there(named):
        return "no cluster: give --kubeconfig or $KUBECONFIG, run in a cluster, or use --no-sync"
    message = f"the kubeconfig {named!r} cannot be used: is it one, and is all there?"
    return f"{message} ({type(error).__name__})"


def _is_none_there(paths: str) -> bool:
    """Whether none of the files of a ``$KUBECONFIG`` exists."""
    # Path's methods raise for unknown users and for folders that are not ours to enter
    return not any(
        os.path.exists(os.path.expanduser(path))  # noqa: PTH110, PTH111 - see above
        for path in paths.split(os.pathsep)
        if path
    )


def _pool(configuration: Any) -> urllib3.PoolManager:  # noqa: ANN401 - the client ships no types
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    limit_tls(context)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file or None)
    name = getattr(configuration, "tls_server_name", None)
    options: dict[str, Any] = {"ssl_context": context, "maxsize": CONNECTIONS}
    if name:
        options |= {"server_hostname": name, "assert_hostname": name}
    if configuration.proxy:
        return urllib3.ProxyManager(configuration.proxy, **options)
    return urllib3.PoolManager(**options)
