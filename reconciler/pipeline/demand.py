"""Demand: why a cycle is asked for, and what it should look at anew."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """What asks for a cycle."""

    START = "start"
    SCHEDULE = "schedule"
    SIGNAL = "signal"
    DEPENDENCY = "dependency"
    WEBHOOK = "webhook"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Demand:
    """A wish for a cycle. Several become one that satisfies them all: ``one | other``.

    Attributes:
        reasons: all that asked for it.
        repositories: the ones whose tags are to be asked for, ``host/path``; of others, what was
            heard before is enough. None: all are asked.
    """

    reasons: frozenset[Why]
    repositories: frozenset[str] | None = None

    @classmethod
    def of(cls, why: Why, repositories: Iterable[str] | None = None) -> "Demand":
        """Return the demand of one who asks."""
        return cls(frozenset({why}), None if repositories is None else frozenset(repositories))

    def __or__(self, other: "Demand") -> "Demand":
        """Return what satisfies both."""
        both = None
        if self.repositories is not None and other.repositories is not None:
            both = self.repositories | other.repositories
        return Demand(self.reasons | other.reasons, both)

    def __str__(self) -> str:
        """Return the reasons, ``schedule+webhook``."""
        return "+".join(sorted(self.reasons))
