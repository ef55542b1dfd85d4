"""What was made of each file the last time, so that a cycle reads and parses only what is new."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.core.build import BuildResult, build
from reconciler.core.described import Found, read_file
from reconciler.core.history import History
from reconciler.core.kustomized import Built
from reconciler.core.manifests.images import FileReport, inspect
from reconciler.core.manifests.linking import link
from reconciler.core.manifests.tree import Snapshot, TreeEntry
from reconciler.core.manifests.variables import Variables
from reconciler.pipeline.kustomize_memory import KustomizeMemory
from reconciler.pipeline.rivals import Rivals
from reconciler.pipeline.selections import Selections
from reconciler.pipeline.view import View

Made = TypeVar("Made")


class PerFile(Generic[Made]):
    """Remembers, for each path, one text and what was made of it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Made]] = {}

    def made(self, path: str, text: str, make: Callable[[str, str], Made]) -> Made:
        """Return what is made of a text, made anew only if it is another one than before."""
        known = self._known.get(path)
        if known is None or known[0] != text:
            known = self._known[path] = (text, make(path, text))
        return known[1]

    def keep(self, texts: Mapping[str, str]) -> None:
        """Forget all other paths."""
        for path in self._known.keys() - texts.keys():
            del self._known[path]


class Texts:
    """Remembers the text of each file; the id of its blob tells whether it is still the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}

    def of(self, entry: TreeEntry) -> str | None:
        """Return the text of an entry, or None if it was not read."""
        blob, text = self._known.get(entry.path, ("", ""))
        return text if blob == entry.blob else None

    def put(self, entry: TreeEntry, text: str) -> None:
        """Remember what was read."""
        self._known[entry.path] = (entry.blob, text)

    def keep(self, paths: Collection[str]) -> None:
        """Forget all other paths."""
        for path in self._known.keys() - paths:
            del self._known[path]


@dataclass(frozen=True, slots=True)
class Seen:
    """The branch as it was read the last time.

    Attributes:
        snapshot: what was fetched.
        history: what Git remembered then.
        view: what was made of both.
    """

    snapshot: Snapshot
    history: History
    view: View


@dataclass(slots=True)
class Memory:
    """What one source's cycles remember of its files and images. Losing it costs only time.

    Attributes:
        is_survey: whether the reports are about all workloads, also those that are not automated.
        selections: of its images.
        texts: of its files.
        rivals: who undid what on its branch.
        seen: its branch, whole: where nothing has moved, nothing is looked at again.
        kustomizations: of its builds.
    """

    is_survey: bool = False
    selections: Selections = field(default_factory=Selections)
    texts: Texts = field(default_factory=Texts)
    rivals: Rivals = field(default_factory=Rivals)
    seen: Seen | None = None
    kustomizations: KustomizeMemory = field(default_factory=KustomizeMemory)
    _reports: PerFile[FileReport] = field(default_factory=PerFile)
    _objects: PerFile[Sequence[Found]] = field(default_factory=PerFile)
    _variables: Variables | None = None

    def inspect(
        self, texts: Mapping[str, str], *, default_namespace: str
    ) -> tuple[FileReport, ...]:
        """Return the report of each text, linked with the others, in the texts' order.

        The default namespace must always be the same.
        """

        def make(path: str, text: str) -> FileReport:
            return inspect(
                path, text, default_namespace=default_namespace, is_survey=self.is_survey
            )

        self._reports.keep(texts)
        return link([self._reports.made(path, text, make) for path, text in texts.items()])

    def build(
        self,
        texts: Mapping[str, str],
        *,
        kustomized: Built | None = None,
        variables: Variables | None = None,
    ) -> BuildResult:
        """Return the objects of the given manifests, see :func:`reconciler.core.build.build`.

        Args:
            texts: the manifests by path.
            kustomized: what kustomize makes of its folders.
            variables: what to fill in; None: nothing.
        """
        if variables != self._variables:
            self._variables = variables
            self._objects = PerFile()
        self._objects.keep(texts)

        def make(path: str, text: str) -> Sequence[Found]:
            return read_file(path, text, variables)

        def read(path: str, text: str) -> Sequence[Found]:
            return self._objects.made(path, text, make)

        return build(texts, read=read, kustomized=kustomized)
