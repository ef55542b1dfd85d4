"""Proposal: changes that wait on a branch of their own, as found and as left."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BranchTip:
    """The newest commit of the branch to which proposals go.

    Attributes:
        commit: its id.
        parents: theirs.
        is_by_us: whether whoever committed it has our name and address.
        is_merged: whether the branch that was read has it, so that nothing is lost with it.
        message: of the commit.
        changed: what differs from the branch that was read: the blob by path; empty where the file
            is missing here.
    """

    commit: str
    parents: tuple[str, ...]
    is_by_us: bool
    is_merged: bool
    message: str
    changed: Mapping[str, str]

    @property
    def short(self) -> str:
        """The commit as a person reads it: seven hex."""
        return self.commit[:7]


class ProposalState(enum.Enum):
    """What became of a proposal in a cycle."""

    PUSHED = "pushed"
    WAITING = "waiting"
    WITHDRAWN = "withdrawn"
    BLOCKED = "blocked"
    TURNED_DOWN = "turned down"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What stands on the branch of proposals after a cycle.

    Attributes:
        branch: its name.
        state: what became of it.
        commit: its tip; empty if it is gone.
        request: the URL of its request at a forge; empty: there is none.
    """

    branch: str
    state: ProposalState
    commit: str = ""
    request: str = ""
