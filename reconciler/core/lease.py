"""Leases: who may write for a source, and when that has lapsed."""

from dataclasses import dataclass
from typing import Final

LEASE_S: Final = 15.0
"""Seconds without a renewal after which others take over."""

RENEW_S: Final = 5.0
"""Seconds from one renewal to the next."""

DEADLINE_S: Final = 10.0
"""Seconds after the last renewal after which its holder writes no more: less than others wait."""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A lease as the cluster has it.

    Attributes:
        holder: who holds it; empty: nobody.
        duration_s: how long that is good for without a renewal.
        version: changes with each write.
        transitions: how often it went from one holder to another.
    """

    holder: str
    duration_s: float
    version: str
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lease as we have seen it last.

    Attributes:
        record: what stood in it; None: there was none.
        since: when it was first seen so, by our clock: others' clocks are not believed.
    """

    record: LeaseRecord | None
    since: float

    def followed_by(self, record: LeaseRecord | None, *, now: float) -> "Sighting":
        """Return the next sighting, which goes on if nothing was written in between."""
        return self if record == self.record else Sighting(record, now)

    def has_lapsed(self, *, now: float) -> bool:
        """Whether nobody holds it, or its holder has not renewed it in time."""
        if self.record is None or not self.record.holder:
            return True
        return now - self.since > self.record.duration_s
