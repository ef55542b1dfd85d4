"""Text becomes documents of nodes, each with its place in the text. The only user of ruamel.yaml.

libyaml (``ruamel.yaml.clib``) reads; what it refuses, the pure parser is asked. Both give *marks*
that count code points. Events are used and never composed nodes, because YAML 1.2 lets an anchor be
defined twice and composers do not.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported from the C module
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from reconciler.errors import ManifestError

MAX_DEPTH = 100  # the API server's own limit is not much larger
MAX_PURE = 65_536  # characters of a file that the pure parser, fifty times slower, is asked for
BOM = "\ufeff"

_DOCUMENT_START = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_OTHER_BREAKS = re.compile(r"[\x85\u2028\u2029]|\r(?!\n)")
_MERGE = "<<"


class Event(NamedTuple):
    """One parser event, stripped to what must not change when a scalar is edited.

    Attributes:
        kind: the event's class: ``ScalarEvent``, ``MappingStartEvent`` …
        anchor: of a node or an alias.
        tag: as resolved by the parser.
        value: of a scalar.
        style: of a scalar: ``""`` plain, ``'``, ``"``, ``|``, ``>``; of a collection: flow or not;
            of a document's start and end: ``explicit`` if there is a mark.
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


class Part(NamedTuple):
    """A piece of a text that can be parsed by itself: one document, or a text with directives."""

    text: str
    start: int
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
    """A mapping: its entries in the order of the text, duplicates and merge keys included."""

    __slots__ = ("anchor", "entries", "line", "tag")

    def __init__(self, event: Event) -> None:
        self.entries: list[tuple[Node, Node]] = []
        self.anchor = event.anchor
        self.tag = event.tag
        self.line = event.line

    def get(self, key: str) -> "Node | None":
        """Return the value of the first entry with that key, merged ones (``<<``) last, or None."""
        for name, value in self.merged_entries():
            if isinstance(name, Scalar) and name.value == key:
                return value
        return None

    def text(self, key: str) -> str:
        """Return the scalar at that key as text; empty if there is none."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) else ""

    def merged_entries(self) -> "Iterator[tuple[Node, Node]]":
        """Yield the entries, then those of merged mappings; of the same key the first one counts.

        Each mapping is visited once, so that merges of merges cannot multiply.
        """
        seen = {id(self)}
        awaiting = [self]
        while awaiting:
            merged: list[Mapping] = []
            for name, value in awaiting.pop().entries:
                if is_merge_key(name):
                    sources = value.items if isinstance(value, Sequence) else [value]
                    merged += [each for each in sources if isinstance(each, Mapping)]
                else:
                    yield name, value
            for source in reversed(merged):
                if id(source) not in seen:
                    seen.add(id(source))
                    awaiting.append(source)


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


def is_merge_key(node: Node) -> bool:
    """Whether a key is ``<<``, which takes over the entries of other mappings."""
    return isinstance(node, Scalar) and node.value == _MERGE and not node.style


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


def parse_documents(
    text: str, *, path: str, screen: re.Pattern[str] | None = None
) -> tuple[Document, ...]:
    """Return the documents of a YAML or JSON text. Never raises for what the text holds.

    Args:
        text: the whole file.
        path: for messages.
        screen: documents whose text has no match are left out, unparsed.
    """
    documents: list[Document] = []
    reader = _Reader(path)
    for part in cut(text):
        if screen and not screen.search(part.text):
            continue
        try:
            documents.extend(_Builder(path).documents(reader.events(part)))
        except ManifestError as error:
            documents.append(Document(part.line, None, error))
    return tuple(documents)


def events_of(text: str, *, path: str) -> list[Event]:
    """Return all events of a text; a document that cannot be read is one event of its own.

    Two texts have equal streams, places aside, exactly if they mean and look the same.
    """
    return [event for part in cut(text) for event in part_events(part, path=path)]


def part_events(part: Part, *, path: str) -> list[Event]:
    """Return the events of a piece of a text; if it cannot be read, one event that is all of it."""
    try:
        return _Reader(path).events(part)
    except ManifestError:
        end = part.start + len(part.text)
        return [Event("unreadable", None, None, part.text, "", part.start, end, part.line)]


def cut(text: str) -> Iterator[Part]:
    """Cut a text at its document starts, so that one broken document does not hold back the rest.

    YAML forbids ``---`` at the start of a line inside a document. A text with directives is left
    whole: they stand before the mark that they belong to.
    """
    marks = () if _DIRECTIVE.search(text) else _DOCUMENT_START.finditer(text)
    edges = [0, *(mark.start() for mark in marks if mark.start()), len(text)]
    line = 1
    for start, end in itertools.pairwise(edges):
        part = text[start:end]
        yield Part(part, start, line)
        line += part.count("\n")


_Unreadable: TypeAlias = MarkedYAMLError | ReaderError | UnicodeEncodeError
"""What libyaml and its binding raise; the last for a lone surrogate."""


class _Reader:
    """Reads the parts of one file."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pure_left = MAX_PURE

    def events(self, part: Part) -> list[Event]:
        """Return a part's events.

        Raises:
            ManifestError: neither parser can read it, or it is nested too deeply.
        """
        try:
            shift = part.start + part.text.startswith(BOM)  # libyaml does not count the mark
            return self._converted(_drain(CParser(part.text)), part, shift)
        except (MarkedYAMLError, ReaderError, UnicodeEncodeError) as error:
            first = error
        self._pure_left -= len(part.text)
        if self._pure_left < 0:
            raise self._unreadable(first, part) from first
        try:
            return self._converted(_pure_events(part.text), part, part.start)
        except (YAMLError, ValueError, OverflowError):  # OverflowError: e.g. "\UFFFFFFFF"
            raise self._unreadable(first, part) from first

    def _converted(self, raw_events: Iterable[Any], part: Part, offset: int) -> list[Event]:
        """Take over the parser's events one by one, and stop it where the text is too deep.

        Both parsers need time with the square of the depth of a text that has it all in one line.
        """
        events: list[Event] = []
        depth = 0
        for raw in raw_events:
            events.append(_event(raw, offset, part.line))
            depth += _LEVELS.get(type(raw), 0)
            if depth > MAX_DEPTH:
                where = f"{self._path}:{events[-1].line}"
                raise ManifestError(f"is nested deeper than {MAX_DEPTH} levels", where=where)
        return _with_our_lines(events, part) if _OTHER_BREAKS.search(part.text) else events

    def _unreadable(self, error: _Unreadable, part: Part) -> ManifestError:
        if isinstance(error, UnicodeEncodeError):
            what, at = "a character that no text may hold", error.start
        elif isinstance(error, ReaderError):
            what = str(error).partition("\n")[0]
            at = part.text.find(chr(error.character))
        else:
            what, at = error.problem or error.context, error.problem_mark.index
        line = part.line + part.text.count("\n", 0, at)
        return ManifestError(f"is no valid YAML: {what}", where=f"{self._path}:{line}")


def _drain(parser: Any) -> Iterator[Any]:  # noqa: ANN401 - ruamel's C parser has no types
    while (event := parser.get_event()) is not None:
        yield event


def _pure_events(text: str) -> Iterator[Any]:
    r"""Yield the pure parser's events; ``\ud83d\ude80`` in JSON is one character in two escapes.

    Raises:
        ValueError: half of such a pair stands alone.
    """
    for event in YAML(typ="safe", pure=True).parse(text):
        if type(event) is yaml_events.ScalarEvent and not event.value.isascii():
            event.value = event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        yield event


_LEVELS = {
    yaml_events.MappingStartEvent: 1,
    yaml_events.SequenceStartEvent: 1,
    yaml_events.MappingEndEvent: -1,
    yaml_events.SequenceEndEvent: -1,
}
_new_tuple = tuple.__new__  # half the price of calling the class, for every word of every manifest


def _event(raw: Any, offset: int, line: int) -> Event:  # noqa: ANN401 - as above
    """Return a parser's event as ours."""
    start, end = raw.start_mark, raw.end_mark
    first, last, at = start.index + offset, end.index + offset, start.line + line
    anchor = tag = value = None
    style = ""
    match raw:
        case yaml_events.ScalarEvent():
            anchor, value, style = raw.anchor, raw.value, raw.style or ""
            tag = None if raw.ctag is None else raw.tag
        case yaml_events.CollectionStartEvent():
            anchor, tag, style = raw.anchor, raw.tag, "flow" if raw.flow_style else ""
        case yaml_events.AliasEvent():
            anchor = raw.anchor
        case yaml_events.DocumentStartEvent() | yaml_events.DocumentEndEvent():
            style = "explicit" if raw.explicit else ""
    return _new_tuple(Event, (type(raw).__name__, anchor, tag, value, style, first, last, at))


def _with_our_lines(events: Iterable[Event], part: Part) -> list[Event]:
    r"""Return the events with lines that end at ``\n`` alone, as editors and Git count them.

    The parsers also count a lone carriage return and Unicode's line separators.
    """
    position, line = 0, part.line
    renumbered: list[Event] = []
    for event in events:
        start = max(event.start - part.start, position)
        line += part.text.count("\n", position, start)
        position = start
        renumbered.append(event._replace(line=line))
    return renumbered


class _Builder:
    """Builds nodes from events, with a stack and no recursion."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._anchors: dict[str, Node] = {}
        self._stack: list[Mapping | Sequence] = []
        self._keys: list[Node | None] = []  # for each open mapping, the key that awaits its value
        self._root: Node | None = None

    def documents(self, events: Iterable[Event]) -> Iterator[Document]:
        line = 1
        for event in events:
            match event.kind:
                case "ScalarEvent":
                    self._add(Scalar(event), event.anchor)
                case "MappingStartEvent":
                    self._open(Mapping(event))
                case "SequenceStartEvent":
                    self._open(Sequence(event))
                case "MappingEndEvent" | "SequenceEndEvent":
                    self._stack.pop()
                    self._keys.pop()
                case "AliasEvent":
                    self._add(self._aliased(event))
                case "DocumentStartEvent":
                    line, self._root, self._anchors = event.line, None, {}
                case "DocumentEndEvent":
                    is_empty = isinstance(self._root, Scalar) and self._root.start == self._root.end
                    yield Document(line, None if is_empty else self._root)

    def _open(self, node: Mapping | Sequence) -> None:
        self._add(node, node.anchor)
        self._stack.append(node)
        self._keys.append(None)

    def _add(self, node: Node, anchor: str | None = None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
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
