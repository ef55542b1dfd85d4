"""Tells a URL of what happens, as JSON, signed."""

import hashlib
import hmac
import json
import os
import ssl
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from reconciler.adapters.http.connection import (
    Pool,
    ProxyUrlError,
    deadline,
    limit_tls,
    plain_pool,
    proxied_pool,
    target_of,
    tls_pool,
)
from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.adapters.http.proxies import proxy_for
from reconciler.core.tidings import Tiding
from reconciler.errors import ForgeError, ReconcilerError, RefusedError, SettingsError
from reconciler.release import VERSION
from reconciler.text_file import read_text_file

SCHEMA_VERSION: Final = 1
MAX_FILE: Final = 4096
_ANSWER_S: Final = 30.0
_TIMEOUT: Final = urllib3.Timeout(connect=5.0, read=15.0)
_NO_RETRIES: Final = urllib3.Retry(False, redirect=False)
_PASSING: Final = frozenset({408, 425, 429})
_OK: Final = 300
_SERVER_ERROR: Final = 500


class WebhookNotifier:
    """Sends each tiding to a URL by POST.

    URL and secret are in files that are read anew each time: a URL often is the password.
    """

    def __init__(self, url_file: Path, secret_file: Path | None) -> None:
        """Send nothing yet.

        Raises:
            SettingsError: a file cannot be read, or the URL is none.
        """
        self._url_file = url_file
        self._secret_file = secret_file
        self._url()
        self._secret()

    def tell(self, tiding: Tiding) -> None:
        """Send it.

        Raises:
            ForgeError: nobody answered, or with an error that may pass.
            RefusedError: it was answered that it will not be taken.
            SettingsError: a file cannot be read any more.
        """
        url, body = self._url(), _body(tiding)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"reconcile/{VERSION}",
            "X-Reconcile-Event": tiding.kind.value,
            "X-Reconcile-Delivery": uuid.uuid4().hex,
        }
        if secret := self._secret():
            signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
            headers["X-Reconcile-Signature-256"] = f"sha256={signature}"
        status = _post(url, headers, body)
        if status >= _SERVER_ERROR or status in _PASSING:
            raise ForgeError(f"the notification was answered with {status}")
        if status >= _OK:
            raise RefusedError(f"the notification was answered with {status}")

    def _url(self) -> str:
        url = _line(self._url_file, "--notify-url-file")
        parts = urlsplit(url)
        is_plain = parts.scheme == "http" and is_loopback_name(parts.hostname or "")
        if not (parts.hostname and (parts.scheme == "https" or is_plain)):
            message = "--notify-url-file: holds no https:// URL"
            raise SettingsError(message, where=str(self._url_file))
        return url

    def _secret(self) -> bytes:
        if self._secret_file is None:
            return b""
        return _line(self._secret_file, "--notify-secret-file").encode()


def _line(path: Path, option: str) -> str:
    try:
        return read_text_file(path, max_bytes=MAX_FILE).strip()
    except ReconcilerError as error:
        raise SettingsError(f"{option}: {error.message}", where=error.where) from error


def _post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Return the status of the answer; the URL is in no message, for it may be a password."""
    pool = _pool(url)
    try:
        with deadline(_ANSWER_S):
            answer = pool.urlopen(
                "POST",
                target_of(url, pool),
                body=body,
                headers=dict(headers),
                redirect=False,
                retries=_NO_RETRIES,
                preload_content=False,
                timeout=_TIMEOUT,
            )
            answer.close()  # nothing of it is wanted
            return int(answer.status)
    except (HTTPError, TimeoutError) as error:
        raise ForgeError(f"the notification was not answered ({type(error).__name__})") from None
    finally:
        pool.clear() if isinstance(pool, urllib3.ProxyManager) else pool.close()


def _pool(url: str) -> Pool:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    proxy = proxy_for(origin, os.environ)
    if parts.scheme == "http":
        return plain_pool(origin)
    context = ssl.create_default_context()
    limit_tls(context)
    if not proxy:
        return tls_pool(origin, context)
    try:
        return proxied_pool(proxy, context, proxy_context=context)
    except ProxyUrlError:
        raise SettingsError("the proxy that the environment names is no URL") from None


def _body(tiding: Tiding) -> bytes:
    said = {
        "version": SCHEMA_VERSION,
        "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": tiding.kind.value,
        "source": tiding.source,
        "url": tiding.url,
        "revision": tiding.revision or None,
        "text": tiding.text,
        "changes": [
            {
                "path": change.field.path,
                "line": change.field.line,
                "workload": change.field.workload.workload,
                "container": change.field.container,
                "from": str(change.old),
                "to": str(change.new),
            }
            for change in tiding.changes
        ],
        "problems": [
            {
                "where": problem.where,
                "message": problem.message,
                "kind": "stalled" if problem.is_stalled else "transient",
            }
            for problem in tiding.problems
        ],
    }
    return json.dumps(said).encode()
