"""Asks a cloud's services: its APIs, and what serves an identity to this machine or pod."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from reconciler.adapters.registry.cloud.grant import CloudProblem
from reconciler.adapters.registry.transport import OnRequest, Response, Transport
from reconciler.errors import RegistryError
from reconciler.settings import RegistrySettings

MAX_ANSWER_BYTES: Final = 64 * 1024
_READ_TIMEOUT_S: Final = 10.0
_ANSWER_TIMEOUT_S: Final = 15.0

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and whom it is sent to, for messages.

    Attributes:
        who: ``the metadata server``.
        url: where to.
        headers: besides our own.
        body: of a POST; None: none.
        method: how.
        is_near: whether it is served to this machine alone, so that no proxy is asked for it.
    """

    who: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    method: str = "GET"
    is_near: bool = False


class Caller:
    """Sends calls. Safe to use from many threads."""

    def __init__(
        self, settings: RegistrySettings, *, on_request: OnRequest = lambda _host, _status: None
    ) -> None:
        """Open nothing yet; trust those whom the settings trust for registries."""
        limits = replace(
            settings, read_timeout_s=_READ_TIMEOUT_S, answer_timeout_s=_ANSWER_TIMEOUT_S
        )
        self._far = Transport(limits, on_request=on_request)
        self._near = Transport(limits, is_direct=True)

    def send(self, call: Call) -> Response:
        """Return the answer; redirects are answers like any other.

        Raises:
            CloudProblem: none came, or the environment makes no URL of where to ask.
        """
        if not _is_url(call.url):
            raise CloudProblem(f"{call.who} cannot be asked: the environment names no URL for it")
        transport = self._near if call.is_near else self._far
        try:
            return transport.call(
                call.method,
                call.url,
                call.headers,
                body=call.body,
                max_body_bytes=MAX_ANSWER_BYTES,
            )
        except RegistryError as error:
            message = f"{call.who} cannot be asked: {error.message}"
            raise CloudProblem(message, may_pass=True) from error

    def close(self) -> None:
        """Close all connections."""
        self._far.close()
        self._near.close()


def checked_url(url: str, variable: str) -> str:
    """Return a base URL from the environment, without a slash at its end.

    Args:
        url: the URL.
        variable: what holds it, for messages.

    Raises:
        CloudProblem: it is none.
    """
    if not _is_url(url):
        raise CloudProblem(f"{variable} is no URL")
    return url.rstrip("/")


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_json(answer: Response, shape: type[Shape], who: str) -> Shape:
    """Return what an answer holds.

    Raises:
        CloudProblem: it is of another shape.
    """
    try:
        return msgspec.json.decode(answer.body, type=shape, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        message = f"{who} answered with something else than asked for"
        raise CloudProblem(message) from None  # the exception itself may quote it


def unexpected(answer: Response, who: str, code: str = "") -> CloudProblem:
    """Return the problem of an answer for which there are no better words."""
    shown = f" {code}" if code else ""
    may_pass = answer.status in (408, 429) or answer.status >= 500  # noqa: PLR2004 - HTTP's own
    return CloudProblem(f"{who} answered {answer.status}{shown}", may_pass=may_pass)
