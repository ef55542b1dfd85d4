"""One API server: configuration and credentials by the official client, requests by urllib3.

The official client is used for nothing else: this much of it has behaved the same over many
versions, and it is imported only when a cluster is needed.
"""

import contextlib
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as HTTPTimeoutError

from reconciler.adapters.cluster.failures import failure_of
from reconciler.errors import AccessDeniedError, ClusterError, NoAnswerError, SettingsError
from reconciler.release import VERSION
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 40.0  # the API server itself may wait 30 s for a webhook
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
MAX_LINE_BYTES: Final = 4 * 1024 * 1024  # of a watch: one object; etcd's own limit is 1.5 MiB
MAX_RETRY_AFTER_S: Final = 10.0
BUSY_ATTEMPTS: Final = 3
CONNECTIONS: Final = 16
USER_AGENT: Final = f"reconcile/{VERSION}"
TOKEN_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

_OK: Final = 300
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: its status and its JSON object."""

    status: int
    body: Mapping[str, Any]


class _Access:
    """A ``kubernetes.client.Configuration``, and the connections that were made by it."""

    def __init__(self, configuration: Any) -> None:  # noqa: ANN401 - the client ships no types
        self.configuration = configuration
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

    def is_like(self, other: "_Access") -> bool:
        """Whether a server that refused one would refuse the other."""
        mine, others = (self.url, self.files), (other.url, other.files)
        return mine == others and self.credentials() == other.credentials()


class Connection:
    """Connections to one API server. Safe to use from many threads."""

    def __init__(self, load: Callable[[], Any], *, stop: Stop) -> None:
        """Read the configuration; nothing is asked yet.

        Args:
            load: returns a ``kubernetes.client.Configuration``; called again when the API server
                refuses us, because kubeconfigs and the certificates in them are replaced.
            stop: ends waits for an API server that is busy.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        self._load = load
        self._stop = stop
        self._lock = threading.Lock()
        self._access = _Access(load())

    @classmethod
    def open(cls, settings: ClusterSettings, *, stop: Stop | None = None) -> "Connection":
        """Return a connection by the settings: in-cluster, then a kubeconfig.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        return cls(lambda: _configuration(settings), stop=stop or Stop())

    @property
    def url(self) -> str:
        """The API server."""
        return self._access.url

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """Return the answer to a request; an API server that is busy is asked again, twice.

        Raises:
            ClusterError: no answer, or one that may be another one later.
            AccessDeniedError, NotFoundError, RefusedError: see :func:`failure_of`.
        """
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": accept, **({"Content-Type": content_type} if data else {})}
        attempt = 1
        while True:
            answer = self._send(method, path, query, data, headers)
            content = self._content(answer)
            answer.release_conn()
            if answer.status != _TOO_MANY or attempt == BUSY_ATTEMPTS:
                return self._checked(answer.status, content, f"{method} {path}")
            attempt += 1
            self._stop.wait(_retry_after_s(answer.headers))

    def stream(
        self, path: str, *, query: Mapping[str, str], read_timeout_s: float, until: Stop
    ) -> Iterator[Any]:
        """Yield the JSON lines of a watch until the server ends it or the connection breaks.

        It is cut when ``until`` is asked for.

        Raises:
            ClusterError: the watch could not be begun.
            AccessDeniedError: it may not.
        """
        headers = {"Accept": "application/json"}
        answer = self._send("GET", path, query, None, headers, read_timeout_s=read_timeout_s)
        try:
            if answer.status >= _OK:
                self._checked(answer.status, self._content(answer), f"watch {path}")
            with until.ending_wait(lambda: _cut(answer)):
                yield from _lines(answer)
        except HTTPError:
            return  # cut: the caller takes it up where it ended
        finally:
            answer.close()

    def close(self) -> None:
        """Close all connections."""
        self._access.pool.clear()

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        data: bytes | None,
        headers: Mapping[str, str],
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request; once more if it was refused and the configuration is another one now."""
        full_path = path + (f"?{urlencode(query)}" if query else "")

        def attempt(access: _Access) -> urllib3.BaseHTTPResponse:
            return access.pool.request(
                method,
                f"{access.url}{full_path}",
                body=data,
                headers={"User-Agent": USER_AGENT, **access.credentials(), **headers},
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
            )

        access = self._access
        try:
            try:
                answer = attempt(access)
                if answer.status != _UNAUTHORIZED:
                    return answer
            except SSLError:
                if not self._is_renewed(access):
                    raise
            else:
                if not self._is_renewed(access):
                    return answer
                answer.close()
            return attempt(self._access)
        except HTTPError as error:
            raise NoAnswerError(_words(error), where=self.url) from error

    def _is_renewed(self, refused: _Access) -> bool:
        """Read the configuration again; return whether it is another than the one refused."""
        with self._lock:
            if self._access is not refused:  # by another thread
                return True
            try:
                access = _Access(self._load())
                is_other = not access.is_like(refused)
            except (SettingsError, AccessDeniedError):  # it is being written: the refusal stands
                return False
            if is_other:
                self._access = access
                refused.pool.clear()
            return is_other

    def _content(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in answer.stream(64 * 1024, decode_content=True):
                size += len(piece)
                if size > MAX_BODY_BYTES:
                    answer.close()
                    message = f"answer is larger than {MAX_BODY_BYTES:,} bytes"
                    raise ClusterError(message, where=self.url)
                pieces.append(piece)
        except HTTPError as error:
            answer.close()
            raise NoAnswerError(_words(error), where=self.url) from error
        return b"".join(pieces)

    def _checked(self, status: int, content: bytes, what: str) -> Answer:
        try:
            body = msgspec.json.decode(content) if content else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            body = {"message": content[:200].decode(errors="replace")}
        if not isinstance(body, dict):
            body = {}
        if status >= _OK:
            raise failure_of(status, body, what=what, url=self.url)
        return Answer(status, body)


def is_given(settings: ClusterSettings) -> bool:
    """Whether somebody pointed us to a cluster: by an option, ``$KUBECONFIG``, or by running in it.

    A kubeconfig that merely lies in the home folder is not that: it may be of any cluster.
    """
    is_named = settings.kubeconfig is not None or settings.context is not None
    return is_named or _is_in_cluster(settings) or bool(os.environ.get("KUBECONFIG"))


def _configuration(settings: ClusterSettings) -> Any:  # noqa: ANN401 - the client ships no types
    from kubernetes import client, config  # noqa: PLC0415 - slow; only when a cluster is needed

    configuration = client.Configuration()
    try:
        if _is_in_cluster(settings):
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(
                config_file=str(settings.kubeconfig) if settings.kubeconfig else None,
                context=settings.context,
                client_configuration=configuration,
            )
    except Exception as error:  # the client raises whatever its parsers and plugins raise
        raise SettingsError(_no_configuration(settings, error)) from error
    return configuration


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


def _retry_after_s(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 1.0


def _lines(answer: urllib3.BaseHTTPResponse) -> Iterator[Any]:
    pending = b""
    for piece in answer.stream(64 * 1024, decode_content=True):
        *whole, pending = (pending + piece).split(b"\n")
        for line in whole:
            try:
                event = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):  # cut, by a proxy for instance
                return
            yield event
        if len(pending) > MAX_LINE_BYTES:
            return


def _cut(answer: urllib3.BaseHTTPResponse) -> None:
    """End what another thread is reading; nothing happens if it has ended."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        answer.shutdown()


def _words(error: HTTPError) -> str:
    """Return what happened in words that are ours: urllib3's name addresses of memory."""
    cause = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, NewConnectionError):
        return f"cannot connect to the API server: {_innermost(cause)}"
    if isinstance(cause, HTTPTimeoutError):
        return "the API server did not answer in time"  # to connect, to agree on TLS, or to reply
    return f"the connection to the API server broke: {_innermost(cause or error)}"


def _innermost(error: BaseException) -> str:
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
