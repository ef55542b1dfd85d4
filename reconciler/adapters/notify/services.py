"""Tells chat services, mail and the like of what happens, through Apprise."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType

from reconciler.adapters.http.hosts import is_loopback_name
from reconciler.core.tidings import MAX_PROBLEMS, Kind, Tiding
from reconciler.errors import ForgeError, ReconcilerError, SettingsError
from reconciler.text_file import read_text_file

OPTION: Final = "--notify-apprise-file"
MAX_FILE: Final = 16 * 1024
MAX_URLS: Final = 20
MAX_BODY: Final = 4000
"""Characters; services cut or refuse what is longer, each in its own way."""

_TYPES: Final = {
    Kind.UPDATED: NotifyType.SUCCESS,
    Kind.RECOVERED: NotifyType.SUCCESS,
    Kind.STALLED: NotifyType.FAILURE,
    Kind.FAILING: NotifyType.WARNING,
    Kind.HELD: NotifyType.WARNING,
}


class AppriseNotifier:
    """Sends each tiding to the services whose URLs a file holds, one a line.

    The file is read anew each time: these URLs hold passwords. For that reason what Apprise logs is
    never heard, and no message has more of a URL than its line.
    """

    def __init__(self, file: Path) -> None:
        """Send nothing yet.

        Raises:
            SettingsError: the file cannot be read, or a line is no URL that may be used.
        """
        logging.getLogger("apprise").disabled = True
        self._file = file
        self._tried: Tiding | None = None
        self._taken: set[str] = set()
        self._services()

    def tell(self, tiding: Tiding) -> None:
        """Send it; if it is the one that was sent last, to those only that did not take it.

        Raises:
            ForgeError: not all services took it.
            SettingsError: the file cannot be used any more.
        """
        if tiding is not self._tried:
            self._tried, self._taken = tiding, set()
        failed = []
        for url, (number, service) in self._services().items():
            if url in self._taken:
                continue
            is_taken = service.notify(
                body=_body(tiding),
                title=f"{tiding.source}: {tiding.kind.value}",
                notify_type=_TYPES.get(tiding.kind, NotifyType.INFO),
                body_format=NotifyFormat.TEXT,
            )
            if is_taken:
                self._taken.add(url)
            else:
                failed.append(number)
        if failed:
            lines = ", ".join(map(str, failed))
            raise ForgeError(f"the Apprise services of these lines did not take it: {lines}")

    def _services(self) -> dict[str, tuple[int, Apprise]]:
        """Return the line and the service of each URL."""
        try:
            text = read_text_file(self._file, max_bytes=MAX_FILE)
        except ReconcilerError as error:
            raise SettingsError(f"{OPTION}: {error.message}", where=error.where) from error
        services = {}
        for number, line in enumerate(text.splitlines(), start=1):
            url = line.strip()
            if url and not url.startswith("#"):
                services[url] = (number, self._service(url, number))
        if not 0 < len(services) <= MAX_URLS:
            message = f"{OPTION}: holds {len(services)} URLs, and may hold 1 to {MAX_URLS}"
            raise SettingsError(message, where=str(self._file))
        return services

    def _service(self, url: str, number: int) -> Apprise:
        asset = AppriseAsset(
            app_id="reconcile",
            app_desc="reconcile",
            app_url="",
            async_mode=False,
            http_redirects=False,  # the body is for whom the user named
            allow_templates=False,  # tag messages and errors are others' text
        )
        service = Apprise.instantiate(url, asset=asset)
        problem = _problem(service, url) if isinstance(service, NotifyBase) else "no Apprise URL"
        if problem or service is None:
            where = f"{self._file}:{number}"
            raise SettingsError(f"{OPTION}: {problem}", where=where)
        sender = Apprise(asset=asset)
        sender.add(service)
        return sender


def _problem(service: NotifyBase, url: str) -> str:
    """Return why a service may not be used; empty if it may."""
    if not service.verify_certificate:
        return "verify=no would give the message and the password to anybody"
    if service.redirects:
        return "redirects are not followed: leave redirect= out"
    schemes = {"https", *_texts(service.secure_protocol)}
    is_encrypted = bool(service.secure) or url.partition(":")[0].lower() in schemes
    if is_encrypted or is_loopback_name(service.host or ""):
        return ""
    return "this service would be spoken to without TLS"


def _texts(given: object) -> tuple[object, ...]:
    """Return the schemes that a service names: one, several or none."""
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _body(tiding: Tiding) -> str:
    lines = [tiding.text, *_details(tiding)]
    if tiding.revision:
        lines.append(tiding.revision)
    text = "\n".join(lines)
    return text if len(text) <= MAX_BODY else f"{text[: MAX_BODY - 1]}…"


def _details(tiding: Tiding) -> Iterator[str]:
    for problem in tiding.problems[:MAX_PROBLEMS]:
        yield f"- {problem}"
    for change in tiding.changes[:MAX_PROBLEMS]:
        place = change.field
        yield f"- {place.workload.workload} {place.container}: {change.old} -> {change.new}"
