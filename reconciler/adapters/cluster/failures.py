"""Turns the API server's refusals into our errors."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from reconciler.adapters.cluster.rules import is_impersonation, with_rule
from reconciler.core.objects.fields import field_of, items_of, mapping_of
from reconciler.core.objects.immutable import says_immutable
from reconciler.errors import (
    AccessDeniedError,
    ChangedError,
    ClusterError,
    ImpersonationError,
    NotFoundError,
    NotServedError,
    ReconcilerError,
    RefusedError,
)

MAX_MESSAGE: Final = 1000

_FORBIDDEN: Final = 403
_DENIED: Final = frozenset({401, _FORBIDDEN})
_REFUSED: Final = frozenset({400, 405, 406, 409, 413, 415, 422})
_EXPIRED: Final = 410
_CONFLICT: Final = 409
_OUTDATED: Final = frozenset({"Conflict", "AlreadyExists"})
_INVALID: Final = 422
_NOT_FOUND: Final = 404
_MANAGER: Final = re.compile(r'conflict with "([^"]*)"')
_NOT_TYPED: Final = re.compile(
    r"failed to create typed (?:patch|live) object|unable to convert unstructured object to"
)
_NO_SUCH_PATH: Final = re.compile(r"could not find the requested resource|page not found")
_DROPPED: Final = re.compile(r"convert CR to an invalid group/version: (\S+)")
_IS_GOING: Final = re.compile(r"create not allowed while custom resource definition is terminating")
_TERMINATING: Final = "NamespaceTerminating"


class ForbiddenError(AccessDeniedError):
    """We are known, and our rights do not suffice."""


class ConflictError(RefusedError):
    """Fields that we apply are another manager's.

    Attributes:
        managers: who has them.
        fields: which; as many, each the manager's at its place.
    """

    def __init__(self, managers: tuple[str, ...], fields: tuple[str, ...]) -> None:
        who = ", ".join(repr(name) for name in dict.fromkeys(managers))
        super().__init__(f"conflicts with {who} about {', '.join(dict.fromkeys(fields))}")
        self.managers = managers
        self.fields = fields


class ImmutableError(RefusedError):
    """Fields cannot be changed any more, and nothing else is wrong.

    Attributes:
        fields: which, as the API server names them.
    """

    def __init__(self, message: str, fields: tuple[str, ...]) -> None:
        super().__init__(message)
        self.fields = fields


class DroppedVersionError(ClusterError):
    """Managed fields name a version of a custom resource that is no longer served.

    Attributes:
        api_version: which.
    """

    def __init__(self, message: str, api_version: str, *, where: str) -> None:
        super().__init__(message, where=where)
        self.api_version = api_version


class ExpiredError(ClusterError):
    """The version or the page that was asked for is forgotten: list anew."""


def failure_of(status: int, body: Mapping[str, object], *, what: str, url: str) -> ReconcilerError:
    """Return the error that an answer of 300 and above means.

    Kubernetes API conventions, "HTTP Status codes": 429 and 5xx may pass, 403 will not. Two answers
    are not what they seem: what does not fit the schema of a server-side apply (a number for a
    text, a key twice) or cannot be read (``cpu: lots``) is answered with 500 and will not pass; a
    namespace that is being deleted forbids new objects, and will be gone.

    Args:
        status: of the answer.
        body: the ``Status`` object.
        what: method and path, for the message.
        url: the API server.
    """
    message = " ".join(str(body.get("message") or f"answered {status}").split())[:MAX_MESSAGE]
    causes = _causes(body)
    if _IS_GOING.search(message):
        return ClusterError(message)
    if status in _DENIED:
        return _denied(status, message, causes, what=what)
    if status == _NOT_FOUND:
        return (NotServedError if _NO_SUCH_PATH.search(message) else NotFoundError)(message)
    if status in _REFUSED or _NOT_TYPED.search(message):
        is_outdated = status == _CONFLICT and body.get("reason") in _OUTDATED
        return _refused(status, message, causes, is_outdated=is_outdated)
    if dropped := _DROPPED.search(message):
        return DroppedVersionError(f"{what}: {message}", dropped[1], where=url)
    kind = ExpiredError if status == _EXPIRED else ClusterError
    return kind(f"{what}: {message}", where=url)


def _denied(
    status: int, message: str, causes: Iterable[Mapping[str, object]], *, what: str
) -> ReconcilerError:
    if any(cause.get("reason") == _TERMINATING for cause in causes):
        return ClusterError(message)
    if status == _FORBIDDEN:
        kind = ImpersonationError if is_impersonation(message) else ForbiddenError
        return kind(with_rule(message, what))
    return AccessDeniedError(f"{what}: credentials refused")


def _refused(
    status: int,
    message: str,
    causes: Collection[Mapping[str, object]],
    *,
    is_outdated: bool,
) -> RefusedError | ChangedError:
    conflicts = _conflicts(causes)
    if conflicts:
        return ConflictError(tuple(m for m, _ in conflicts), tuple(f for _, f in conflicts))
    if is_outdated:
        return ChangedError(message)
    immutable = _immutable(causes)
    if status == _INVALID and immutable:
        return ImmutableError(message, immutable)
    return RefusedError(message)


def _causes(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the causes that a ``Status`` gives."""
    return [mapping_of(each) for each in items_of(field_of(body, "details", "causes"))]


def _immutable(causes: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Return the fields that cannot be changed, if there is nothing else to complain of."""
    told = [(str(each.get("message", "")), str(each.get("field", "?"))) for each in causes]
    is_all = bool(told) and all(says_immutable(message) for message, _ in told)
    return tuple(field for _, field in told) if is_all else ()


def _conflicts(causes: Iterable[Mapping[str, object]]) -> list[tuple[str, str]]:
    """Return manager and field of each conflict of a server-side apply."""
    found: list[tuple[str, str]] = []
    for cause in causes:
        if cause.get("reason") == "FieldManagerConflict":
            manager = _MANAGER.search(str(cause.get("message", "")))
            found.append((manager[1] if manager else "?", str(cause.get("field", "?"))))
    return found
