"""What was made of each file the last time, so that a cycle reads and parses only what is new."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from reconciler.core.build import BuildResult, build
from reconciler.core.described import Found, read_file
from reconciler.core.encrypted.keys import Keys
from reconciler.core.history import History
from reconciler.core.kustomized import Built
from reconciler.core.manifests.reading import Reading, Terms
from reconciler.core.manifests.tree import Snapshot, TreeEntry
from reconciler.core.manifests.variables import Variables
from reconciler.errors import ReconcilerError
from reconciler.pipeline.git_port import ReadingStore
from reconciler.pipeline.kustomize_memory import KustomizeMemory
from reconciler.pipeline.listings import Listings
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


class PerBlob(Generic[Made]):
    """Remembers, for each path, one thing; the id of its blob tells whether it is still true."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Made]] = {}

    def of(self, entry: TreeEntry) -> Made | None:
        """Return what is known of an entry, or None."""
        known = self._known.get(entry.path)
        return known[1] if known is not None and known[0] == entry.blob else None

    def put(self, entry: TreeEntry, made: Made) -> None:
        """Remember this."""
        self._known[entry.path] = (entry.blob, made)

    def keep(self, paths: Collection[str]) -> None:
        """Forget all other paths."""
        for path in self._known.keys() - paths:
            del self._known[path]


class Readings:
    """Remembers what each file says about images: from its text, or recalled from a store.

    The store is believed so far that nothing is read again to do nothing. Whoever wants to edit a
    file reads it.
    """

    def __init__(self, store: ReadingStore | None = None) -> None:
        """Remember nothing yet but what the store keeps; None: nothing does."""
        self._store = store
        self._made = PerBlob[Reading]()
        self._recalled = PerBlob[Reading]()

    def of(self, entry: TreeEntry) -> Reading | None:
        """Return what an entry says, or None if nobody knows."""
        made = self._made.of(entry)
        return self._recalled.of(entry) if made is None else made

    def is_recalled(self, entry: TreeEntry) -> bool:
        """Whether what is known of an entry was not made of its text by this process."""
        return self._made.of(entry) is None

    def recall(self, entries: Iterable[TreeEntry], terms: Terms) -> None:
        """Look up in the store what is not known."""
        unknown = [entry for entry in entries if self.of(entry) is None]
        if self._store is None or not unknown:
            return
        found = self._store.load(unknown, terms)
        for entry in unknown:
            if entry.path in found:
                self._recalled.put(entry, found[entry.path])

    def put(self, readings: Mapping[TreeEntry, Reading], terms: Terms) -> None:
        """Remember what was made of texts."""
        for entry, reading in readings.items():
            self._made.put(entry, reading)
        if self._store is not None and readings:
            self._store.save(readings, terms)

    def keep(self, paths: Collection[str]) -> None:
        """Forget all other paths."""
        self._made.keep(paths)
        self._recalled.keep(paths)


@dataclass(frozen=True, slots=True)
class Seen:
    """The branch as it was read the last time.

    Attributes:
        snapshot: what was fetched.
        history: what Git remembered then.
        files: the manifests, in path order.
        problems: what is wrong, whatever the files say.
        view: what was made of all that.
    """

    snapshot: Snapshot
    history: History
    files: Sequence[TreeEntry]
    problems: Sequence[ReconcilerError]
    view: View


@dataclass(slots=True)
class Memory:
    """What one source's cycles remember of its files and images. Losing it costs only time.

    Attributes:
        is_survey: whether the reports are about all workloads, also those that are not automated.
        store: keeps what files say for the next process; None: nothing does.
        selections: of its images.
        listings: the tags of its images' repositories, as they were listed last.
        texts: of its files, as far as they were needed.
        readings: what they say about images.
        rivals: who undid what on its branch.
        seen: its branch, whole: where nothing has moved, nothing is looked at again.
        kustomizations: of its builds.
    """

    is_survey: bool = False
    store: ReadingStore | None = None
    selections: Selections = field(default_factory=Selections)
    listings: Listings = field(default_factory=Listings)
    texts: PerBlob[str] = field(default_factory=PerBlob)
    readings: Readings = field(init=False)
    rivals: Rivals = field(default_factory=Rivals)
    seen: Seen | None = None
    kustomizations: KustomizeMemory = field(default_factory=KustomizeMemory)
    _objects: PerFile[Sequence[Found]] = field(default_factory=PerFile)
    _given: tuple[Variables | None, Keys | None] = (None, None)

    def __post_init__(self) -> None:
        """Give the readings their store."""
        self.readings = Readings(self.store)

    def build(
        self,
        texts: Mapping[str, str],
        *,
        kustomized: Built | None = None,
        variables: Variables | None = None,
        keys: Keys | None = None,
    ) -> BuildResult:
        """Return the objects of the given manifests, see :func:`reconciler.core.build.build`.

        Args:
            texts: the manifests by path.
            kustomized: what kustomize makes of its folders.
            variables: what to fill in; None: nothing.
            keys: what opens encrypted documents; None: they are problems.
        """
        if (variables, keys) != self._given:
            self._given = variables, keys
            self._objects = PerFile()
        self._objects.keep(texts)

        def make(path: str, text: str) -> Sequence[Found]:
            return read_file(path, text, variables, keys=keys)

        def read(path: str, text: str) -> Sequence[Found]:
            return self._objects.made(path, text, make)

        return build(texts, read=read, kustomized=kustomized)
