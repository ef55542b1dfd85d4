"""Text becomes documents of nodes, each with its place in the text. The only user of ruamel.yaml.

libyaml (``ruamel.yaml.clib``) reads; what it refuses, the pure parser is asked. Both give *marks*
that count code points. Events are used and never composed nodes, because YAML 1.2 lets an anchor be
defined twice and composers do not.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported from the C module
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from reconciler.errors import ManifestError

MAX_DEPTH = 100  # the API server's own limit is not much larger
BOM = "\ufeff"

_DOCUMENT_START = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)


class Event(NamedTuple):
    """One parser event, stripped to what must not change when a scalar is edited.

    Attributes:
        kind: the event's class: ``ScalarEvent``, ``MappingStartEvent`` …
        anchor: of a node or an alias.
        tag: as resolved by the parser.
        value: of a scalar.
        style: of a scalar: ``""`` plain, ``'``, ``"``, ``|``, ``>``; of a collection: flow or not.
        start: offset of the first character, anchor and tag included.
        end: offset after the last.
        line: from 1.
    """

    kind: str
    anchor: str | None
    tag: str | None
    value: str | None
    style: str
    start: int
    end: int
    line: int


class Scalar:
    """A scalar: its value, and where it stands in the text."""

    __slots__ = ("anchor", "end", "line", "start", "style", "tag", "value")

    def __init__(self, event: Event) -> None:
        self.value = event.value or ""
        self.style = event.style
        self.tag = event.tag
        self.anchor = event.anchor
        self.start = event.start
        self.end = event.end
        self.line = event.line


class Mapping:
    """A mapping: its entries in the order of the text, duplicates included."""

    __slots__ = ("anchor", "entries", "line", "tag")

    def __init__(self, event: Event) -> None:
        self.entries: list[tuple[Node, Node]] = []
        self.anchor = event.anchor
        self.tag = event.tag
        self.line = event.line

    def get(self, key: str) -> "Node | None":
        """Return the value of the first entry with that key, or None."""
        for name, value in self.entries:
            if isinstance(name, Scalar) and name.value == key:
                return value
        return None

    def text(self, key: str) -> str:
        """Return the scalar at that key as text; empty if there is none."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) else ""


class Sequence:
    """A sequence: its items in order."""

    __slots__ = ("anchor", "items", "line", "tag")

    def __init__(self, event: Event) -> None:
        self.items: list[Node] = []
        self.anchor = event.anchor
        self.tag = event.tag
        self.line = event.line


Node: TypeAlias = Scalar | Mapping | Sequence
"""An alias is the very node that its anchor names."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a manifest.

    Attributes:
        line: where it begins, from 1.
        root: its node; None for an empty document, and for one that cannot be read.
        error: why it cannot be read, with ``path:line``; the file's other documents are unharmed.
    """

    line: int
    root: Node | None
    error: ManifestError | None = None


def parse_documents(text: str, *, path: str) -> tuple[Document, ...]:
    """Return the documents of a YAML or JSON text. Never raises for what the text holds."""
    documents: list[Document] = []
    for start, part in _parts(text):
        line = 1 + text.count("\n", 0, start)
        try:
            documents.extend(_Builder(path).documents(_events(part, start, line, path)))
        except ManifestError as error:
            documents.append(Document(line, None, error))
    return tuple(documents)


def events_of(text: str, *, path: str) -> list[Event]:
    """Return all events of a text; a document that cannot be read is one event of its own.

    Two texts have equal streams, places aside, exactly if they mean and look the same.
    """
    events: list[Event] = []
    for start, part in _parts(text):
        line = 1 + text.count("\n", 0, start)
        try:
            events.extend(_events(part, start, line, path))
        except ManifestError:
            events.append(Event("unreadable", None, None, part, "", start, start + len(part), line))
    return events


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text at its document starts, so that one broken document does not hold back the rest.

    YAML forbids ``---`` at the start of a line inside a document. A text with directives is left
    whole: they stand before the mark that they belong to.
    """
    cuts = (
        []
        if _DIRECTIVE.search(text)
        else [found.start() for found in _DOCUMENT_START.finditer(text)]
    )
    edges = [0, *(cut for cut in cuts if cut), len(text)]
    for start, end in itertools.pairwise(edges):
        yield start, text[start:end]


def _events(part: str, offset: int, line: int, path: str) -> list[Event]:
    try:
        shift = offset + part.startswith(BOM)  # libyaml does not count the mark
        return [_event(each, shift, line) for each in _drain(CParser(part))]
    except YAMLError as error:
        first = error
    try:
        return [_event(each, offset, line) for each in YAML(typ="safe", pure=True).parse(part)]
    except (YAMLError, ValueError):  # ValueError: e.g. a character out of range in an escape
        raise _unreadable(first, line, path) from first


def _drain(parser: Any) -> Iterator[Any]:  # noqa: ANN401 - ruamel's C parser has no types
    while parser.check_event():
        yield parser.get_event()


def _event(event: Any, offset: int, line: int) -> Event:  # noqa: ANN401 - as above
    style = getattr(event, "style", None) or ""
    if not style and getattr(event, "flow_style", False):
        style = "flow"
    if getattr(event, "explicit", False):
        style = "explicit"
    tag = getattr(event, "tag", None)
    return Event(
        type(event).__name__,
        getattr(event, "anchor", None),
        None if tag is None else str(tag),
        getattr(event, "value", None),
        style,
        event.start_mark.index + offset,
        event.end_mark.index + offset,
        event.start_mark.line + line,
    )


def _unreadable(error: YAMLError, line: int, path: str) -> ManifestError:
    mark = getattr(error, "problem_mark", None)
    what = error.problem if isinstance(error, MarkedYAMLError) else str(error).splitlines()[0]
    at = line + (mark.line if mark else 0)
    return ManifestError(f"is no valid YAML: {what}", where=f"{path}:{at}")


class _Builder:
    """Builds nodes from events, with a stack and no recursion."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._anchors: dict[str, Node] = {}
        self._stack: list[Mapping | Sequence] = []
        self._keys: list[Node | None] = []  # for each open mapping, the key that awaits its value
        self._root: Node | None = None

    def documents(self, events: list[Event]) -> Iterator[Document]:
        line = 1
        for event in events:
            match event.kind:
                case "DocumentStartEvent":
                    line, self._root, self._anchors = event.line, None, {}
                case "DocumentEndEvent":
                    is_empty = isinstance(self._root, Scalar) and self._root.start == self._root.end
                    yield Document(line, None if is_empty else self._root)
                case "ScalarEvent":
                    self._add(Scalar(event), event)
                case "MappingStartEvent":
                    self._open(Mapping(event), event)
                case "SequenceStartEvent":
                    self._open(Sequence(event), event)
                case "MappingEndEvent" | "SequenceEndEvent":
                    self._stack.pop()
                    self._keys.pop()
                case "AliasEvent":
                    self._add(self._aliased(event), event)

    def _open(self, node: Mapping | Sequence, event: Event) -> None:
        if len(self._stack) >= MAX_DEPTH:
            where = f"{self._path}:{event.line}"
            raise ManifestError(f"is nested deeper than {MAX_DEPTH} levels", where=where)
        self._add(node, event)
        self._stack.append(node)
        self._keys.append(None)

    def _add(self, node: Node, event: Event) -> None:
        if event.anchor is not None and event.kind != "AliasEvent":
            self._anchors[event.anchor] = node
        parent = self._stack[-1] if self._stack else None
        if parent is None:
            self._root = node
        elif isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            parent.entries.append((key, node))
            self._keys[-1] = None

    def _aliased(self, event: Event) -> Node:
        node = self._anchors.get(event.anchor or "")
        if node is None or node in self._stack:
            where = f"{self._path}:{event.line}"
            raise ManifestError(f"alias {event.anchor!r} names no finished anchor", where=where)
        return node
