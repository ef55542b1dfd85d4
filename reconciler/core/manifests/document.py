"""Text becomes documents of nodes, each with its place in the text."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.core.manifests.parser import (
    ALIAS,
    DOCUMENT_END,
    DOCUMENT_START,
    ENDS,
    MAPPING_START,
    SCALAR,
    STARTS,
    Parser,
    Part,
    cut,
)
from reconciler.errors import ManifestError

MAX_DEPTH = 100  # the API server's own limit is not much larger

_OTHER_BREAKS = re.compile(r"[\x85\u2028\u2029]|\r(?!\n)")
_MERGE = "<<"
_API_VERSION = re.compile(
    r"""^\ufeff?(?:apiVersion|'apiVersion'|[ \t{]*"apiVersion")[ \t]*:""", re.MULTILINE
)


class Scalar:
    """A scalar: its value, and where it stands in the text."""

    __slots__ = ("anchor", "end", "line", "start", "style", "tag", "value")

    def __init__(  # noqa: PLR0917 - made for every word of every manifest: names cost a third
        self,
        value: str,
        start: int,
        end: int,
        line: int,
        style: str = "",
        tag: str | None = None,
        anchor: str | None = None,
    ) -> None:
        """Make a scalar.

        Args:
            value: what it says.
            start: offset of its first character, anchor and tag included.
            end: offset after its last.
            line: from 1.
            style: ``""`` plain, ``'``, ``"``, ``|``, ``>``.
            tag: as the parser resolved it.
            anchor: its name.
        """
        self.value = value
        self.style = style
        self.tag = tag
        self.anchor = anchor
        self.start = start
        self.end = end
        self.line = line


class Mapping:
    """A mapping: its entries in the order of the text, duplicates and merge keys included."""

    __slots__ = ("anchor", "entries", "line", "tag")

    def __init__(self, line: int, tag: str | None = None, anchor: str | None = None) -> None:
        self.entries: list[tuple[Node, Node]] = []
        self.anchor = anchor
        self.tag = tag
        self.line = line

    def get(self, key: str) -> "Node | None":
        """Return the value of the first entry with that key, merged ones (``<<``) last, or None."""
        is_merging = False
        for name, value in self.entries:
            if isinstance(name, Scalar) and name.value in (key, _MERGE):
                if is_merge_key(name):
                    is_merging = True
                elif name.value == key:
                    return value
        return self._merged(key) if is_merging else None

    def _merged(self, key: str) -> "Node | None":
        for name, value in self.merged_entries():
            if isinstance(name, Scalar) and name.value == key:
                return value
        return None

    def text(self, key: str) -> str:
        """Return the scalar at that key as text; empty if there is none."""
        value = self.get(key)
        return value.value if isinstance(value, Scalar) else ""

    def mapping(self, key: str) -> "Mapping":
        """Return the mapping at that key; an empty one if there is none."""
        value = self.get(key)
        return value if isinstance(value, Mapping) else Mapping(self.line)

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

    def __init__(self, line: int, tag: str | None = None, anchor: str | None = None) -> None:
        self.items: list[Node] = []
        self.anchor = anchor
        self.tag = tag
        self.line = line


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


def looks_like_manifest(text: str) -> bool:
    """Whether a text that cannot be parsed is a manifest and ours to complain of.

    Any other is somebody else's file: the template of another tool, for instance.
    """
    return _API_VERSION.search(text) is not None


def parse_documents(text: str, *, path: str) -> tuple[Document, ...]:
    """Return the documents of a YAML or JSON text. Never raises for what the text holds.

    Args:
        text: the whole file.
        path: for messages.
    """
    return tuple(documents_of(text, path=path))


def documents_of(text: str, *, path: str, screen: Collection[str] = ()) -> Iterator[Document]:
    """Yield the documents of a text one by one, so that a large file need not be there whole.

    Args:
        text: the whole file.
        path: for messages.
        screen: documents that hold none of these words are left out, unparsed.
    """
    parser = Parser(path)
    for part in cut(text):
        if screen and not any(word in part.text for word in screen):
            continue
        try:
            yield from parser.parse(part, _Builder(path, part).documents)
        except ManifestError as error:
            yield Document(part.line, None, error)


class _Builder:
    """Builds the nodes of one part from its events, with a stack and no recursion."""

    def __init__(self, path: str, part: Part) -> None:
        self._path = path
        self._part = part
        self._line_ends = _line_ends(part.text)
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Mapping | Sequence, list[Node]]] = []  # and what is beside it

    def documents(self, raw_events: Iterable[Any], shift: int) -> list[Document]:
        """Return the documents that the events tell of."""
        documents: list[Document] = []
        line, around = 1, list[Node]()  # what is in the innermost open collection, or the root
        first_line = self._part.line if self._line_ends is None else 0
        for raw in raw_events:
            kind = type(raw)
            if kind is SCALAR:  # most are, so that a call less for each counts
                mark, tag, anchor = raw.start_mark, raw.ctag, raw.anchor
                node = Scalar(
                    raw.value,
                    mark.index + shift,
                    raw.end_mark.index + shift,
                    mark.line + first_line if first_line else self._line(raw, shift),
                    raw.style or "",
                    tag if tag is None else str(tag),
                    anchor,
                )
                around.append(node)
                if anchor is not None:
                    self._anchors[anchor] = node
            elif kind in STARTS:
                around = self._begin(raw, shift, around)
            elif kind in ENDS:
                around = self._end(around)
            elif kind is ALIAS:
                around.append(self._aliased(raw, shift))
            elif kind is DOCUMENT_START:
                line, around = self._line(raw, shift), []
                self._anchors, self._open = {}, []
            elif kind is DOCUMENT_END:
                documents.append(Document(line, _root(around)))
        return documents

    def _begin(self, raw: Any, shift: int, around: list[Node]) -> list[Node]:  # noqa: ANN401 - ruamel's
        make = Mapping if type(raw) is MAPPING_START else Sequence
        tag = raw.ctag
        node = make(self._line(raw, shift), tag if tag is None else str(tag), raw.anchor)
        if node.anchor is not None:
            self._anchors[node.anchor] = node
        around.append(node)
        self._open.append((node, around))
        if len(self._open) > MAX_DEPTH:
            # both parsers need time with the square of the depth of a text in one line
            where = f"{self._path}:{node.line}"
            raise ManifestError(f"is nested deeper than {MAX_DEPTH} levels", where=where)
        return []

    def _end(self, inside: list[Node]) -> list[Node]:
        node, around = self._open.pop()
        if isinstance(node, Mapping):
            node.entries = list(zip(inside[::2], inside[1::2], strict=True))
        else:
            node.items = inside
        return around

    def _aliased(self, raw: Any, shift: int) -> Node:  # noqa: ANN401 - as above
        node = self._anchors.get(raw.anchor)
        if node is None or any(node is each for each, _ in self._open):
            where = f"{self._path}:{self._line(raw, shift)}"
            raise ManifestError(f"alias {raw.anchor!r} names no finished anchor", where=where)
        return node

    def _line(self, raw: Any, shift: int) -> int:  # noqa: ANN401 - as above
        r"""Return the line of an event; lines end at ``\n`` alone, as editors and Git count them.

        The parsers also count a lone carriage return and Unicode's line separators.
        """
        mark = raw.start_mark
        if self._line_ends is None:
            return mark.line + self._part.line  # type: ignore[no-any-return]  # ruamel's are untyped
        return self._part.line + bisect_left(self._line_ends, mark.index + shift - self._part.start)


def _root(nodes: list[Node]) -> Node | None:
    """Return the node of a document; None if there is nothing in it."""
    root = nodes[0] if nodes else None
    return None if isinstance(root, Scalar) and root.start == root.end else root


def _line_ends(text: str) -> list[int] | None:
    r"""Return the offset of each ``\n``, if the parsers would count other line ends too."""
    if (text.isascii() and "\r" not in text) or not _OTHER_BREAKS.search(text):
        return None
    return [found.start() for found in re.finditer("\n", text)]
