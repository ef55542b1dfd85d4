"""Objects whose kind the cluster does not serve yet: what is applied with them may bring it."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.objects.definitions import defined_by
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ClusterError, ReconcilerError
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.health import is_passive
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.patience import Patience
from reconciler.settings import SyncSettings
from reconciler.stop import Stop

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0


@dataclass(slots=True)
class Latecomers:
    """The objects of one sync that could not be applied because nobody serves their kind.

    An operator may install the definition itself, and a group's own server may not be up yet. They
    are waited for as long as objects may take to become healthy, if anything of this revision was
    sent that could bring their kind; else, or when that time is over, a person is needed.

    Attributes:
        settings: whether to wait, and how long.
        wanted: what the revision wants. Of the kinds that it defines itself, nobody else will serve
            other versions.
        patience: since when they are waited for, over all syncs of the source.
        is_hurried: whether to look but not to wait.
    """

    catalog: Catalog
    ledger: Ledger
    settings: SyncSettings
    wanted: Sequence[DesiredObject]
    patience: Patience
    stop: Stop
    is_hurried: Callable[[], bool]
    _missed: dict[ObjectKey, tuple[DesiredObject, ReconcilerError]] = field(default_factory=dict)
    _tried: set[ObjectKey] = field(default_factory=set)
    _pause_s: float = FIRST_PAUSE_S
    _next_at: float = 0.0

    def note(self, desired: DesiredObject, error: ReconcilerError) -> None:
        """Remember an object that came too early, and why it was refused."""
        if desired.key in self._tried:  # its kind is said to be served, and is not
            self.ledger.fail(desired, error)
        else:
            self._missed[desired.key] = (desired, error)

    def expected(self, health: Mapping[ObjectKey, Health]) -> Collection[ObjectKey]:
        """Return the objects that are worth a wait.

        Args:
            health: how other objects were when they were last looked at.
        """
        is_any_new = any(not is_passive(key.group_kind) for key in self.ledger.applied)
        is_any_unready = any(not each.is_current for each in health.values())
        defined = defined_by(self.wanted)
        in_place = defined_by(each for each in self.wanted if self.ledger.is_there(each.key))

        def is_hoped_for(desired: DesiredObject) -> bool:
            kind = desired.key.group_kind
            if kind in defined:
                return desired.version in in_place.get(kind, ())
            # Without a dot it is a slip, or of the past: definitions are asked for one.
            can_come = is_any_new or is_any_unready or self.patience.is_begun(desired.key)
            return can_come and "." in kind.group

        return [key for key, (each, _) in self._missed.items() if is_hoped_for(each)]

    def have_come(self) -> bool:
        """Whether the kind of any is served now; asked of the cluster now and then."""
        if not self._missed or time.monotonic() < self._next_at:
            return False
        self._next_at = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 1.5, LONGEST_PAUSE_S)
        try:
            self.catalog.refresh()
        except ReconcilerError:  # what else is under way will tell
            return False
        return bool(self._served())

    def come(self) -> tuple[DesiredObject, ...]:
        """Wait for those that are waited for; return the objects whose kind is served now."""
        while self._is_waiting() and not self.have_come():
            if self.stop.wait(FIRST_PAUSE_S):
                break
        served = self._served()
        self._tried.update(served)
        self._pause_s, self._next_at = FIRST_PAUSE_S, 0.0
        return tuple(self._missed.pop(key)[0] for key in served)

    def give_up(self) -> None:
        """Tell of those that are left."""
        undefined = defined_by(each for each in self.wanted if not self.ledger.is_there(each.key))
        for desired, error in self._missed.values():
            is_begun = self.patience.is_begun(desired.key)
            if is_begun and not self._is_over(desired.key):
                self.ledger.fail(desired, ClusterError(f"{error.message} yet"))
            elif desired.key.group_kind in undefined:
                message = f"{error.message}: its definition was not applied"
                self.ledger.fail(desired, ClusterError(message))
            else:
                self.ledger.fail(desired, error)

    def _served(self) -> list[ObjectKey]:
        return [key for key, (each, _) in self._missed.items() if self.catalog.is_served(each)]

    def _is_waiting(self) -> bool:
        return (
            self.settings.wait
            and not self.stop.is_asked
            and not self.is_hurried()
            and any(self.patience.is_begun(key) and not self._is_over(key) for key in self._missed)
        )

    def _is_over(self, key: ObjectKey) -> bool:
        return self.patience.is_over(key, self.settings.timeout_s)
