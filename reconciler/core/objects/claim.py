"""Claim: what of an object in the cluster a sync takes, whoever has it."""

from dataclasses import dataclass

_HANDS = ("kubectl", "before-first-apply")
"""So begin the managers that stand for a person's hands: Git has the last word over them."""


@dataclass(frozen=True, slots=True)
class Claim:
    """In whose name an object is applied, and whose fields it takes.

    Attributes:
        part_of: the id of our set, for the label.
        is_drift: whether all that is sent was ours before: whoever has it now took it from us.
        take_over: field managers that give their fields up to us.
    """

    part_of: str
    is_drift: bool = False
    take_over: frozenset[str] = frozenset()

    def takes_from(self, manager: str) -> bool:
        """Whether fields are taken that this manager has."""
        return self.is_drift or manager in self.take_over or is_person(manager)


def is_person(manager: str) -> bool:
    """Whether a field manager stands for a person's hands."""
    return manager.startswith(_HANDS)
