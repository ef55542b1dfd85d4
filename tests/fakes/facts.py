"""A store of facts in memory."""

from dataclasses import dataclass, field

from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.reference import Repository


@dataclass
class FakeFacts:
    """A FactStore that keeps all that it is given.

    Attributes:
        kept: by repository.
        loads: which repositories were looked up, in order.
    """

    kept: dict[Repository, Facts] = field(default_factory=dict)
    loads: list[Repository] = field(default_factory=list)

    def load(self, repository: Repository) -> Facts:
        """Return what is kept."""
        self.loads.append(repository)
        return self.kept.get(repository, NO_FACTS)

    def save(self, repository: Repository, facts: Facts) -> None:
        """Keep it."""
        self.kept[repository] = facts
