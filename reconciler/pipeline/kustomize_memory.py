"""What kustomizations gave the last time, so that only those are built whose files have changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.core.described import Found
from reconciler.core.kustomized import Loading, Target, loading_of


@dataclass(slots=True)
class KustomizeMemory:
    """What one source's kustomizations gave the last time. Losing it costs only time."""

    _built: dict[str, tuple[object, Sequence[Found]]] = field(default_factory=dict)
    _loadings: dict[str, tuple[str, Loading]] = field(default_factory=dict)

    def loading(self, path: str, text: str) -> Loading:
        """Return what a kustomization file loads."""
        known = self._loadings.get(path)
        if known is None or known[0] != text:
            known = self._loadings[path] = (text, loading_of(path, text))
        return known[1]

    def built(
        self, target: Target, facts: object, make: Callable[[], Sequence[Found]]
    ) -> Sequence[Found]:
        """Return what a target gives, made anew only if its files are others than before."""
        known = self._built.get(target.folder)
        if known is None or known[0] != facts:
            known = self._built[target.folder] = (facts, make())
        return known[1]

    def keep(self, folders: Iterable[str], paths: Iterable[str]) -> None:
        """Forget all other targets and files."""
        for folder in self._built.keys() - set(folders):
            del self._built[folder]
        for path in self._loadings.keys() - set(paths):
            del self._loadings[path]
