"""What the API server's audit log says: all writes, and what ServiceAccounts read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["kube-controller-manager", "kube-scheduler", "kwok", "system:apiserver"]}
- {level: Metadata, verbs: [create, update, patch, delete, deletecollection]}
- {level: Metadata, userGroups: ["system:serviceaccounts"]}
- {level: None}
"""


@dataclass(frozen=True)
class Write:
    """A request of the audit log that wrote something, or was refused when it tried to.

    Attributes:
        user: who sent it.
        acting_as: whom that user acted as; empty: nobody else.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    agent: str
    status: int
    acting_as: str = ""


@dataclass(frozen=True)
class Asked:
    """What a request asked of RBAC: a verb for a resource, maybe in a namespace, maybe by name.

    Attributes:
        acting_as: whom the user acted as; empty: nobody else.
    """

    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    status: int
    acting_as: str = ""


def read_writes(log: Path, *, since: int = 0, agent: str = "", user: str = "") -> list[Write]:
    """Return the writes that a log holds from an offset on, in the order of their ends.

    Dry runs write nothing and are left out, as are leases.

    Args:
        log: the audit log.
        since: where to begin, in bytes.
        agent: only of clients whose user agent begins so.
        user: only of this user.
    """
    writes = [_write(event) for event in _events(log, since) if _is_write(event)]
    writes = [each for each in writes if each.resource != "leases"]  # renewed all the time
    return [
        write
        for write in writes
        if write.agent.startswith(agent) and (not user or write.user == user)
    ]


def read_asked(log: Path, *, since: int = 0, user: str) -> list[Asked]:
    """Return what a ServiceAccount asked of resources, reads and dry runs included.

    Server-side apply of an object that is not there asks for ``create`` too, which the log does not
    say; where such a ``patch`` was granted (201), the ``create`` is returned behind it.

    Args:
        log: the audit log.
        since: where to begin, in bytes.
        user: its full name, ``system:serviceaccount:NAMESPACE:NAME``.
    """
    asked: list[Asked] = []
    for event in _events(log, since):
        if event["user"]["username"] == user and event.get("objectRef"):
            asked.append(_asked(event))
            if (asked[-1].verb, asked[-1].status) == ("patch", 201):
                asked.append(replace(asked[-1], verb="create"))
    return asked


def _events(log: Path, since: int) -> list[Any]:
    with log.open("rb") as lines:
        lines.seek(since)
        return [json.loads(line) for line in lines]


def _is_write(event: Mapping[str, Any]) -> bool:
    return event["verb"] in WRITE_VERBS and "dryRun=" not in str(event.get("requestURI", ""))


def _write(event: Mapping[str, Any]) -> Write:
    reference = event.get("objectRef") or {}
    return Write(
        verb=event["verb"],
        resource=reference.get("resource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        user=event["user"]["username"],
        agent=event.get("userAgent", ""),
        status=_status(event),
        acting_as=_acting_as(event),
    )


def _asked(event: Mapping[str, Any]) -> Asked:
    reference = event["objectRef"]
    subresource = reference.get("subresource", "")
    resource = reference.get("resource", "")
    return Asked(
        verb=event["verb"],
        group=reference.get("apiGroup", ""),
        resource=f"{resource}/{subresource}" if subresource else resource,
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        status=_status(event),
        acting_as=_acting_as(event),
    )


def _acting_as(event: Mapping[str, Any]) -> str:
    return str((event.get("impersonatedUser") or {}).get("username", ""))


def _status(event: Mapping[str, Any]) -> int:
    return int((event.get("responseStatus") or {}).get("code", 0))
