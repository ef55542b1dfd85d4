"""What the API server's audit log says about writes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
- {level: None}
"""


@dataclass(frozen=True)
class Write:
    """A request of the audit log that wrote something, or was refused when it tried to."""

    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    agent: str
    status: int


def read_writes(log: Path, *, since: int = 0, agent: str = "", user: str = "") -> list[Write]:
    """Return the writes that a log holds from an offset on, in the order of their ends.

    Dry runs write nothing and are left out.

    Args:
        log: the audit log.
        since: where to begin, in bytes.
        agent: only of clients whose user agent begins so.
        user: only of this user.
    """
    with log.open("rb") as lines:
        lines.seek(since)
        events = [json.loads(line) for line in lines]
    writes = [_write(event) for event in events if _is_write(event)]
    return [
        write
        for write in writes
        if write.agent.startswith(agent) and (not user or write.user == user)
    ]


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
        status=int((event.get("responseStatus") or {}).get("code", 0)),
    )
