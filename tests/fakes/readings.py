"""A store of readings in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.manifests.reading import Reading, Terms
from reconciler.core.manifests.tree import TreeEntry


@dataclass
class FakeReadings:
    """A ReadingStore that keeps all that it is given, for the same path.

    Attributes:
        kept: by content, path and terms.
        loads: the paths that were looked up, in order.
        saves: the paths that were kept, in order.
    """

    kept: dict[tuple[TreeEntry, Terms], Reading] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    saves: list[str] = field(default_factory=list)

    def load(self, entries: Sequence[TreeEntry], terms: Terms) -> Mapping[str, Reading]:
        """Return what is kept."""
        self.loads += [entry.path for entry in entries]
        found = ((entry.path, self.kept.get((entry, terms))) for entry in entries)
        return {path: reading for path, reading in found if reading is not None}

    def save(self, readings: Mapping[TreeEntry, Reading], terms: Terms) -> None:
        """Keep it."""
        self.saves += [entry.path for entry in readings]
        self.kept |= {(entry, terms): reading for entry, reading in readings.items()}
