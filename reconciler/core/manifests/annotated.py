"""Annotated: the annotations of one workload by key, and what is wrong with them."""

from collections.abc import Iterator

from reconciler.core.manifests.annotation_keys import (
    FILTER_PREFIX,
    problem_of_key,
    problem_of_value,
)
from reconciler.core.manifests.document import Node, Scalar
from reconciler.core.manifests.helm_release import MAPPINGS, REPOSITORY, is_helm_release
from reconciler.core.manifests.value import is_text
from reconciler.core.manifests.workload import Workload
from reconciler.core.nearest import nearest
from reconciler.core.objects.marks import OWN, PREFIXES
from reconciler.errors import ManifestError


class Annotated:
    """One workload's annotations. What is wrong with them is collected, and told with its line.

    Attributes:
        containers: the names of the workload's containers.
        problems: what was found so far.
    """

    def __init__(self, workload: Workload, *, path: str) -> None:
        self._workload = workload
        self._path = path
        self._by_key: dict[str, tuple[Scalar, Node]] = {}
        for key, value in workload.annotations:
            self._by_key.setdefault(key.value, (key, value))
        self.containers = tuple(container.name for container in workload.containers)
        self.problems: list[ManifestError] = []

    def value(self, name: str) -> str:
        """Return the value of a key that all prefixes share; the strongest prefix wins."""
        for prefix in PREFIXES:
            found = self._by_key.get(prefix + name)
            if found and isinstance(found[1], Scalar):
                return found[1].value
        return ""

    def has_key_like(self, prefixes: tuple[str, ...]) -> bool:
        """Whether a key begins with one of the prefixes."""
        return any(key.startswith(prefixes) for key in self._by_key)

    def own(self, name: str) -> Node | None:
        """Return where the value of a key under our own prefix stands; None if there is none."""
        found = self._by_key.get(OWN + name)
        return found[1] if found else None

    def values(self, for_all: str, for_one: str) -> Iterator[tuple[str | None, Node]]:
        """Yield what stands for all containers (by the name None) and for those that exist.

        Args:
            for_all: a key; empty if there is none of that sort.
            for_one: what a container's name follows in a key.
        """
        for key, (_, value) in self._by_key.items():
            if for_all and key == for_all:
                yield None, value
            elif key.startswith(for_one):
                name = key.removeprefix(for_one)
                if name in self.containers:
                    yield name, value
                else:
                    self.complain(value, self._no_container(name))

    def check(self) -> None:
        """Refuse what the API server will, and what under our own prefix may be a slip."""
        for text, (key, value) in self._by_key.items():
            if text.startswith((*PREFIXES, FILTER_PREFIX)) and not is_text(value):
                # the API server wants text, and gets something else for want of quotes
                self.complain(value, f"annotation {text!r} is no text: put its value in quotes")
            if text.startswith(OWN):
                name = text.removeprefix(OWN)
                self._complain_of(key, problem_of_key(name))
                self._complain_of(value, problem_of_value(name, text_of(value)))

    def check_mappings(self) -> None:
        """Refuse annotations that say where a Helm release has an image, if there is none."""
        if not is_helm_release(self._workload.key):
            return
        placeless = {each.name for each in self._workload.containers if each.image is None}
        for text, (_, value) in self._by_key.items():
            prefix, slash, name = text.partition("/")
            if prefix + slash in MAPPINGS and name in placeless:
                self.complain(value, f"annotation {text!r}: {self._placeless(name)}")

    def _placeless(self, name: str) -> str:
        if REPOSITORY + name not in self._by_key:
            return f"{REPOSITORY + name!r} must say where the name of that image is"
        return f"the values have no text at each place that is said of image {name!r}"

    def complain(self, node: Node, message: str) -> None:
        """Note what is wrong with a key or value; the same is noted once."""
        offset = node.start if isinstance(node, Scalar) else None
        error = ManifestError(message, where=f"{self._path}:{node.line}", offset=offset)
        if str(error) not in map(str, self.problems):
            self.problems.append(error)

    def _complain_of(self, node: Node, problem: str) -> None:
        if problem:
            self.complain(node, problem)

    def _no_container(self, name: str) -> str:
        known = ", ".join(self.containers) or "none"
        hint = nearest(name, self.containers) or f"; it has {known}"
        return f"{self._workload.key.workload} has no container {name!r}{hint}"


def text_of(node: Node) -> str:
    """Return the text of a value; empty if it is none."""
    return node.value if isinstance(node, Scalar) else ""
