"""What the rounds of a measurement share."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.size import Size
from lab.control_plane import ControlPlane


@dataclass
class Place:
    """What the rounds share: a folder, and an API server that is started when it is needed."""

    folder: Path
    size: Size
    stack: ExitStack
    _plane: ControlPlane | None = field(default=None)
    _busy_plane: ControlPlane | None = field(default=None)
    _rounds: int = 0

    @property
    def plane(self) -> ControlPlane:
        """An etcd and an API server without controllers, so that nobody else works."""
        if self._plane is None:
            self._plane = ControlPlane.start(self.folder / "plane", has_controllers=False)
            self.stack.callback(self._plane.stop)
        return self._plane

    @property
    def busy_plane(self) -> ControlPlane:
        """A control plane with all its controllers, and a node on which pods become ready."""
        if self._busy_plane is None:
            self._busy_plane = ControlPlane.start(self.folder / "busy-plane")
            self.stack.callback(self._busy_plane.stop)
        return self._busy_plane

    def fresh_name(self, prefix: str) -> str:
        """Return a name that no other round has."""
        self._rounds += 1
        return f"{prefix}-{self._rounds}"
