"""Turns the API server's refusals into our errors."""

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
)

MAX_MESSAGE: Final = 1000

_FORBIDDEN: Final = 403
_DENIED: Final = frozenset({401, _FORBIDDEN})
_REFUSED: Final = frozenset({400, 405, 406, 409, 410, 413, 415, 422})
_NOT_FOUND: Final = 404
_MANAGER: Final = re.compile(r'conflict with "([^"]*)"')
_SCHEMA: Final = "field not declared in schema"
_BY_RBAC: Final = re.compile(r'cannot (\w+) resource "([^"]*)" in API group "([^"]*)"')
_SYNCING: Final = ("get", "list", "watch", "create", "patch", "delete")


class ForbiddenError(AccessDeniedError):
    """We are known, and our rights do not suffice."""


class ConflictError(RefusedError):
    """Fields that we apply are another manager's.

    Attributes:
        managers: who has them.
        fields: which.
    """

    def __init__(self, managers: tuple[str, ...], fields: tuple[str, ...]) -> None:
        who = ", ".join(repr(name) for name in dict.fromkeys(managers))
        super().__init__(f"conflicts with {who} about {', '.join(dict.fromkeys(fields))}")
        self.managers = managers
        self.fields = fields


class PreconditionError(RefusedError):
    """The object is not at the version that the request was made for."""


def failure_of(status: int, body: Mapping[str, object], *, what: str, url: str) -> ReconcilerError:
    """Return the error that an answer of 300 and above means.

    Kubernetes API conventions, "HTTP Status codes": 429 and 5xx may pass; but an unknown field in
    a server-side apply is answered with 500 and will not.

    Args:
        status: of the answer.
        body: the ``Status`` object.
        what: method and path, for the message.
        url: the API server.
    """
    message = str(body.get("message") or f"answered {status}")[:MAX_MESSAGE]
    if status in _DENIED:
        is_known = status == _FORBIDDEN
        refused = AccessDeniedError(f"{what}: credentials refused")
        return ForbiddenError(_with_rule(message, what)) if is_known else refused
    if status == _NOT_FOUND:
        return NotFoundError(message)
    causes = _conflicts(body)
    if causes:
        return ConflictError(tuple(m for m, _ in causes), tuple(f for _, f in causes))
    if status == 409 and body.get("reason") == "Conflict":  # noqa: PLR2004 - conflict
        return PreconditionError(message)
    if status in _REFUSED or _SCHEMA in message:
        return RefusedError(message)
    return ClusterError(f"{what}: {message}", where=url)


def _with_rule(message: str, what: str) -> str:
    """Return why we may not; if RBAC says so, with the rule that would let us.

    Server-side apply is the first request of a kind that is refused: the rule is for all that a
    sync does then.
    """
    found = _BY_RBAC.search(message)
    if not found:
        return message
    verb, resource, group = found.groups()
    verbs = ", ".join(_SYNCING if what.startswith("PATCH ") else (verb,))
    rule = f'apiGroups: ["{group}"], resources: [{resource}], verbs: [{verbs}]'
    return f"{message}; this rule grants it: {rule}"


def _conflicts(body: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return manager and field of each conflict of a server-side apply."""
    details = body.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    found: list[tuple[str, str]] = []
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, Mapping) and cause.get("reason") == "FieldManagerConflict":
            manager = _MANAGER.search(str(cause.get("message", "")))
            found.append((manager[1] if manager else "?", str(cause.get("field", "?"))))
    return found
