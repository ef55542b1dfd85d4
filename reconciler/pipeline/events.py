"""What a cycle tells while it runs, for a person who waits."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconciler.core.decision import Change
from reconciler.core.revision import Revision


@dataclass(frozen=True, slots=True)
class Fetching:
    """The remote is being fetched."""

    url: str


@dataclass(frozen=True, slots=True)
class Scanning:
    """Registries are being asked for the tags of so many repositories."""

    repositories: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Registries are being asked for so many facts about single images."""

    facts: int


@dataclass(frozen=True, slots=True)
class Planned:
    """These image fields are about to change."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """Our commit is on the remote branch."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class Proposed:
    """Our commit is on the remote, on a branch of its own."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class Applying:
    """This revision is being synced to the cluster."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was applied is not healthy yet."""

    revision: Revision


Event: TypeAlias = Fetching | Scanning | Reading | Planned | Pushed | Proposed | Applying | Waiting


class Progress(Protocol):
    """Hears what a cycle does, as it does it."""

    def tell(self, event: Event) -> None:
        """Take note; must not raise, and not take long."""
        ...
