"""``reconcile status``: how the sources of a cluster stand, by what it remembers of them."""

from dataclasses import dataclass

from reconciler.core.objects.control import Control
from reconciler.core.objects.sync_status import PRUNE_HELD, STALLED, SyncStatus
from reconciler.core.outcome import worst
from reconciler.core.revision import Revision
from reconciler.exit_codes import OK, TRANSIENT
from reconciler.exit_codes import STALLED as STALLED_CODE
from reconciler.interfaces.cli.invocation import Invocation
from reconciler.interfaces.cli.json_document import suspension_document
from reconciler.interfaces.cli.rendering import JSON, rendered
from reconciler.interfaces.cli.sources import Reached, reached
from reconciler.interfaces.table import say_table
from reconciler.interfaces.terminal import Terminal

SCHEMA_VERSION = 1

_HEADERS = ("source", "ready", "applied", "since", "message")


@dataclass(frozen=True, slots=True)
class _Standing:
    """How one source stands."""

    name: str
    status: SyncStatus
    control: Control

    @property
    def code(self) -> int:
        """The exit code that it calls for: suspended by a person is as it should be."""
        if self.status.is_ready or self.control.suspension:
            return OK
        return STALLED_CODE if self.status.reason in (STALLED, PRUNE_HELD) else TRANSIENT

    @property
    def ready(self) -> str:
        if self.control.suspension:
            return "suspended"
        return "yes" if self.status.is_ready else "no"

    @property
    def message(self) -> str:
        if self.control.suspension:
            return str(self.control.suspension)
        return self.status.message or "was never synced to its end"


def run(invocation: Invocation, *, which: str | None) -> int:
    """Print how the sources stand, or one of them; return the exit code.

    Raises:
        SettingsError: options are wrong, or there is no such source.
        AccessDeniedError, ClusterError: the cluster cannot be asked.
    """
    with reached(invocation) as place:
        names = (place.one(which),) if which is not None or not place.names else place.names
        found = [_standing(place, name) for name in names]
    code = worst(each.code for each in found)
    terminal = Terminal.standard()
    if place.settings.output == "json":
        body: JSON = {"sources": [_document(each) for each in found]}
        terminal.say(rendered(body, version=SCHEMA_VERSION, exit_code=code))
        return code
    rows = [
        (
            each.name,
            each.ready,
            _short(each.status.applied),
            each.status.since,
            each.message,
        )
        for each in found
    ]
    styles = [{OK: "", TRANSIENT: "yellow"}.get(each.code, "red") for each in found]
    say_table(terminal, _HEADERS, rows, styles=styles)
    return code


def _short(revision: str) -> str:
    found = Revision.parse(revision)
    return f"{found.branch}@{found.short}" if found else revision


def _standing(place: Reached, name: str) -> _Standing:
    return _Standing(name, place.cluster.state(name).status(), place.controls.of(name))


def _document(each: _Standing) -> JSON:
    status = each.status
    return {
        "name": each.name,
        "ready": status.is_ready,
        "reason": status.reason,
        "message": status.message,
        "since": status.since,
        "attempted": status.attempted,
        "applied": status.applied,
        "objects": dict(status.counts),
        "suspended": suspension_document(each.control.suspension),
    }
