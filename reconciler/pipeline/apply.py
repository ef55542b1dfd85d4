"""Apply: send what must be sent, in stages; or, in a dry run, say what that would come to."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.objects.claim import Claim
from reconciler.core.objects.definitions import defined_by
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.ordering import Stage, stage_of, stages
from reconciler.core.objects.preview import object_diff
from reconciler.core.objects.report import Action
from reconciler.core.objects.resource import Applied, Preview
from reconciler.errors import (
    BusyError,
    NoAnswerError,
    NotFoundError,
    NotServedError,
    ReconcilerError,
    RefusedError,
)
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.contention import TAKEN_BACK_AT_MOST, WINDOW_S, Contention
from reconciler.pipeline.health import by_kind, wait_for_health
from reconciler.pipeline.latecomers import Latecomers
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.parallel import in_parallel
from reconciler.stop import Stop

CUT_OFF = "not tried: the API server does not answer, or asks for time"
SILENCES_UNTIL_CUT_OFF = 3  # in a row; a single one may be a webhook that hangs
SERVED_WITHIN_S = 30.0
LOOK_AGAIN_S = 0.2
ATTEMPTS = 10
"""At an object whose kind was defined anew just now: it may be judged by the old definition."""

STOPPED = "not tried: this process was asked to end"


@dataclass(slots=True)
class Applier:
    """Applies the objects of one sync.

    Attributes:
        latecomers: those whose kind nobody serves.
        remembered: the inventory before this sync.
        live: the metadata of what was found under our label.
        timeout_s: how long definitions may take to be established.
        stop: asks to send nothing more.
        take_over: field managers that give their fields up to us.
        contention: who took fields of ours in earlier syncs.
    """

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    latecomers: Latecomers
    remembered: Mapping[ObjectKey, InventoryEntry]
    live: Mapping[ObjectKey, LiveObject]
    timeout_s: float
    stop: Stop
    take_over: frozenset[str] = frozenset()
    contention: Contention = field(default_factory=Contention)
    _redefined: set[GroupKind] = field(default_factory=set)
    _silences: int = field(default=0)  # in a row; the rest would fail likewise

    def apply(self, pending: Sequence[DesiredObject]) -> None:
        """Send the objects. One that fails leaves the others done."""
        for group in stages(pending):
            in_parallel(self._apply_one, group)
            if stage_of(group[0].key.group_kind) is Stage.DEFINITIONS:
                self._await_definitions(group)

    def preview(self, pending: Sequence[DesiredObject]) -> None:
        """Note what sending the objects would come to, and change nothing."""
        in_parallel(lambda each: self._note_preview(each, pending), pending)

    def _apply_one(self, desired: DesiredObject) -> None:
        is_cut_off = self._silences >= SILENCES_UNTIL_CUT_OFF
        if is_cut_off or self.stop.is_asked:
            self.ledger.note(desired.key, Action.SKIPPED, CUT_OFF if is_cut_off else STOPPED)
            return
        digest = desired.digest(self.store.secret_key)
        rival = self.contention.rival(desired.key)
        if rival and self._is_drift(desired, digest):
            self.ledger.fail(desired, RefusedError(_contended(rival)))
            return
        try:
            applied = self._sent(desired, digest)
        except NotServedError as error:
            self._miss(desired, error)
        except ReconcilerError as error:
            if not self.catalog.is_served(desired):
                self._miss(desired, error)
                return
            self._silences = (
                self._silences + 1 if isinstance(error, (NoAnswerError, BusyError)) else 0
            )
            self.ledger.fail(desired, error)
        else:
            self._silences = 0
            self._applied(desired, applied, digest)

    def _miss(self, desired: DesiredObject, error: ReconcilerError) -> None:
        self.ledger.note(desired.key, Action.SKIPPED, desired.without_secrets(error.message))
        self.latecomers.note(desired, error)

    def _sent(self, desired: DesiredObject, digest: str) -> Applied:
        entry = self.remembered.get(desired.key)
        attempts = ATTEMPTS if desired.key.group_kind in self._redefined else 1
        while True:
            try:
                return self.cluster.apply(
                    self.catalog.resource(desired),
                    desired,
                    self._claim(desired, digest),
                    known=self.live.get(desired.key),
                    is_confirmed=entry is not None and bool(entry.uid),
                )
            except (NotServedError, RefusedError):
                attempts -= 1
                if attempts <= 0 or self.stop.wait(LOOK_AGAIN_S):
                    raise

    def _applied(self, desired: DesiredObject, applied: Applied, digest: str) -> None:
        reason = desired.without_secrets(applied.reason)
        self.ledger.note(desired.key, applied.action, reason)
        self.contention.note(desired.key, applied.taken_from)
        self.ledger.applied[desired.key] = InventoryEntry(
            desired.key,
            desired.version,
            uid=applied.live.uid,
            desired_digest=digest,
            entry_digest=applied.live.entry_digest or "",
        )

    def _claim(self, desired: DesiredObject, digest: str) -> Claim:
        is_drift = self._is_drift(desired, digest)
        return Claim(self.store.part_of, is_drift=is_drift, take_over=self.take_over)

    def _is_drift(self, desired: DesiredObject, digest: str) -> bool:
        """Whether all that is sent was ours before: then whoever has it now took it from us."""
        entry = self.remembered.get(desired.key)
        return entry is not None and bool(entry.uid) and entry.desired_digest == digest

    def _await_definitions(self, group: Sequence[DesiredObject]) -> None:
        """Wait until what others build on is established, then ask anew what is served."""
        applied = [each for each in group if each.key in self.ledger.applied]
        health, _ = wait_for_health(
            self.cluster,
            by_kind([each.key for each in applied], self.catalog.any_resource),
            part_of=self.store.part_of,
            timeout_s=self.timeout_s,
            on_wait=lambda: None,
            stop=self.stop,
        )
        established = [each for each in applied if _is_current(health.get(each.key))]
        self._await_kinds(defined_by(established))

    def _await_kinds(self, defined: Mapping[GroupKind, frozenset[str]]) -> None:
        """Wait until what was defined is served: the API server is a moment behind itself.

        A definition that was there before, and has got a version more, is established all along.
        """
        self._redefined |= defined.keys()
        versions = {(kind, each) for kind, served in defined.items() for each in served}
        deadline = time.monotonic() + SERVED_WITHIN_S
        while versions:
            try:
                self.catalog.refresh()
            except ReconcilerError as error:
                self.ledger.problems.append(error)
                return
            versions -= self.catalog.served.resources.keys()
            if time.monotonic() > deadline or (versions and self.stop.wait(LOOK_AGAIN_S)):
                return

    def _note_preview(self, desired: DesiredObject, pending: Sequence[DesiredObject]) -> None:
        if self.stop.is_asked:
            self.ledger.note(desired.key, Action.SKIPPED, STOPPED)
            return
        try:
            preview = self._preview_one(desired, pending)
        except ReconcilerError as error:
            self.ledger.fail(desired, error)
            return
        diff = object_diff(
            preview, name=str(desired.key), wanted=desired.body, veiled=desired.veiled
        )
        changed = Action.CONFIGURED if diff else Action.UNCHANGED
        action = Action.CREATED if preview.before is None else changed
        reason = desired.without_secrets(preview.reason)
        self.ledger.note(desired.key, action, reason, diff=diff)

    def _preview_one(self, desired: DesiredObject, pending: Iterable[DesiredObject]) -> Preview:
        try:
            return self.cluster.preview(
                self.catalog.resource(desired),
                desired,
                self._claim(desired, desired.digest(self.store.secret_key)),
            )
        except NotFoundError:
            if not _is_prepared(desired, pending):
                raise
            return Preview(None, desired.body)


def _contended(rival: str) -> str:
    return (
        f"held: {rival!r} changes fields of ours again and again, and they were taken back "
        f"{TAKEN_BACK_AT_MOST} times in {WINDOW_S / 60:g} minutes: stop it, or remove these fields "
        "from Git"
    )


def _is_current(health: Health | None) -> bool:
    return health is not None and health.is_current


def _is_prepared(desired: DesiredObject, pending: Iterable[DesiredObject]) -> bool:
    """Whether an object's namespace, or the definition of its kind, is about to be applied too."""
    return any(
        (each.key.kind == "Namespace" and each.key.name == desired.key.namespace)
        or (
            each.key.kind == "CustomResourceDefinition"
            and bool(desired.key.group)
            and each.key.name.endswith(f".{desired.key.group}")
        )
        for each in pending
    )
