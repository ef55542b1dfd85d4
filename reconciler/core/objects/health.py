"""How an object is doing, by the rules of kstatus.

The rules follow ``sigs.k8s.io/cli-utils`` 0.37, ``pkg/kstatus/status``.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Status(enum.Enum):
    """Where an object is on its way to what its spec asks for, in kstatus's words."""

    IN_PROGRESS = "InProgress"
    CURRENT = "Current"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A status, and what a person should know about it."""

    status: Status
    message: str

    @property
    def is_current(self) -> bool:
        """Whether the object is as its spec asks."""
        return self.status is Status.CURRENT


def health_of(item: Mapping[str, object] | None) -> Health:
    """Return the health of a whole object as the API server gives it; None for one not there."""
    raise NotImplementedError
