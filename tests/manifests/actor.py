"""The program, run as the ServiceAccount of an installation, and what it asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.audit import Asked
from tests.e2e.world import Done, World
from tests.manifests.installation import NAMESPACE, USER, Grant, Installation

KINDS = Path(__file__).parents[1] / "data" / "kinds"

_HELD = '[{"op": "add", "path": "/metadata/finalizers", "value": ["kinds.example/held"]}]'
_LET_GO = '[{"op": "remove", "path": "/metadata/finalizers"}]'


def kinds(name: str) -> str:
    """Return manifests of one object a kind."""
    return (KINDS / f"{name}.yaml").read_text()


@dataclass
class Actor:
    """One who syncs a story with the rights of an installation and no others."""

    world: World
    installation: Installation
    _mark: int = field(init=False)

    def __post_init__(self) -> None:
        self._mark = self.world.control_plane.mark()

    def run(self, *more: str) -> Done:
        """Run the program."""
        kubeconfig = str(self.installation.kubeconfig())
        return self.world.run("--kubeconfig", kubeconfig, "--namespace", NAMESPACE, *more)

    def succeed(self, *more: str) -> None:
        """Run the program, which ends with everything healthy and nothing said."""
        done = self.run("--timeout", "90s", *more)
        assert (done.code, done.err) == (0, "")

    def put(self, text: str | None, *, name: str = "kinds") -> None:
        """Have manifests in Git, beside the story's own; None: not any more."""
        content = None if text is None else self._own(text).encode()
        self.world.remote.put({f"workloads/{name}.yaml": content})

    def kubectl(self, verb: str, *arguments: str, manifests: str) -> None:
        """Do something with objects, as an administrator."""
        control_plane = self.world.control_plane
        control_plane.kubectl(verb, "-f", "-", *arguments, stdin=self._own(manifests))

    def hold(self, manifests: str) -> None:
        """Delete objects in a way that lasts until :meth:`let_go`: nobody can call them healthy."""
        self.kubectl("patch", "--type=json", "-p", _HELD, manifests=manifests)
        self.kubectl("delete", "--wait=false", manifests=manifests)

    def let_go(self, manifests: str) -> None:
        """Let the deletions happen."""
        self.kubectl("patch", "--type=json", "-p", _LET_GO, manifests=manifests)

    def asked(self) -> Sequence[Asked]:
        """Return what it has asked for so far."""
        return self.world.control_plane.asked(since=self._mark, user=USER)

    def used(self, *namespaces: str) -> set[Grant]:
        """Return what it was granted in namespaces; empty: in those and outside of any."""
        return {
            (each.group, each.resource, each.verb)
            for each in self.asked()
            if each.status != 403 and (not namespaces or each.namespace in namespaces)
        }

    def denied(self) -> list[Asked]:
        """Return what it was refused, but for the question whether a right is for all namespaces.

        That is asked first for each kind, and the answer "no" is as good as a "yes".
        """
        wide = ("list", "watch")
        refused = [each for each in self.asked() if each.status == 403]
        return [each for each in refused if each.namespace or each.verb not in wide]

    def _own(self, text: str) -> str:
        return text.replace("NAMESPACE", self.world.name)
