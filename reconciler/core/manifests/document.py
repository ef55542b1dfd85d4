"""Text becomes documents of nodes, each with its place in the text."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.core.manifests.comparison import Fingerprint, Signing
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
MERGE = "<<"
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


class Opened(Scalar):
    """A scalar that was decrypted or holds a Secret's value: it is for the cluster alone.

    What it says is taken as it is.
    """

    __slots__ = ()


class Mapping:
    """A mapping.

    Attributes:
        inside: its keys and values by turns, in the order of the text; duplicates and merge keys
            are among them.
        line: from 1.
        tag: as the parser resolved it.
        anchor: its name.
    """

    __slots__ = ("anchor", "inside", "line", "tag")

    def __init__(self, line: int, tag: str | None = None, anchor: str | None = None) -> None:
        self.inside: list[Node] = []
        self.anchor = anchor
        self.tag = tag
        self.line = line

    @property
    def entries(self) -> "Iterator[tuple[Node, Node]]":
        """The keys with their values."""
        by_turns = iter(self.inside)
        return zip(by_turns, by_turns, strict=True)

    def get(self, key: str) -> "Node | None":
        """Return the value of the first entry with that key, merged ones (``<<``) last, or None."""
        is_merging = False
        by_turns = iter(self.inside)
        for name, value in zip(by_turns, by_turns, strict=True):
            if isinstance(name, Scalar):
                text = name.value
                if text == key and (text != MERGE or name.style):
                    return value
                is_merging = is_merging or (text == MERGE and not name.style)
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
                    sources = value.inside if isinstance(value, Sequence) else [value]
                    merged += [each for each in sources if isinstance(each, Mapping)]
                else:
                    yield name, value
            for source in reversed(merged):
                if id(source) not in seen:
                    seen.add(id(source))
                    awaiting.append(source)


class Sequence:
    """A sequence; ``inside`` are its items in order."""

    __slots__ = ("anchor", "inside", "line", "tag")

    def __init__(self, line: int, tag: str | None = None, anchor: str | None = None) -> None:
        self.inside: list[Node] = []
        self.anchor = anchor
        self.tag = tag
        self.line = line


Node: TypeAlias = Scalar | Mapping | Sequence
"""An alias is the very node that its anchor names."""


def is_merge_key(node: Node) -> bool:
    """Whether a key is ``<<``, which takes over the entries of other mappings."""
    return isinstance(node, Scalar) and node.value == MERGE and not node.style


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


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, mostly one document, and its fingerprint if that was taken."""

    documents: list[Document]
    fingerprint: Fingerprint | None = None


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
    for piece in pieces_of(text, path=path, screen=screen):
        yield from piece.documents


def pieces_of(
    text: str, *, path: str, screen: Collection[str] = (), is_signed: bool = False
) -> Iterator[Piece]:
    """Yield the pieces of a text that can be read by themselves.

    Args:
        text: the whole file.
        path: for messages.
        screen: pieces that hold none of these words are left out, unparsed.
        is_signed: whether their fingerprints are taken.
    """
    parser = Parser(path)
    for part in cut(text):
        if screen and not any(word in part.text for word in screen):
            continue
        builder = _Builder(path, part)
        try:
            yield parser.parse(part, builder.signed_piece if is_signed else builder.piece)
        except ManifestError as error:
            yield Piece([Document(part.line, None, error)])


class _Builder:
    """Builds the nodes of one part from its events, with a stack and no recursion."""

    def __init__(self, path: str, part: Part) -> None:
        self._path = path
        self._part = part
        self._line_ends = _line_ends(part.text)
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Mapping | Sequence, list[Node]]] = []  # and what it stands in

    def piece(self, raw_events: Iterable[Any], shift: int) -> Piece:
        """Return what the events tell of."""
        return Piece(self.documents(raw_events, shift))

    def signed_piece(self, raw_events: Iterable[Any], shift: int) -> Piece:
        """Return the same with its fingerprint."""
        signing = Signing()
        signed = signing.through(raw_events, shift - self._part.start)
        return Piece(self.documents(signed, shift), signing.fingerprint(self._part))

    def documents(self, raw_events: Iterable[Any], shift: int) -> list[Document]:
        """Return the documents that the events tell of."""
        documents: list[Document] = []
        line, around = 1, list[Node]()  # what is in the innermost open collection, or the root
        first_line = self._part.line if self._line_ends is None else 0
        for raw in raw_events:  # calls are spared here: what each event costs is most of the time
            kind = type(raw)
            if kind is SCALAR:
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
                begun = self._begun(raw, shift)
                around.append(begun)
                self._open.append((begun, around))
                around = begun.inside
            elif kind in ENDS:
                _, around = self._open.pop()
            elif kind is ALIAS:
                around.append(self._aliased(raw, shift))
            elif kind is DOCUMENT_START:
                line, around = self._line(raw, shift), []
                self._anchors, self._open = {}, []
            elif kind is DOCUMENT_END:
                documents.append(Document(line, _root(around)))
        return documents

    def _begun(self, raw: Any, shift: int) -> Mapping | Sequence:  # noqa: ANN401 - ruamel's
        make = Mapping if type(raw) is MAPPING_START else Sequence
        tag = raw.ctag
        node = make(self._line(raw, shift), tag if tag is None else str(tag), raw.anchor)
        if node.anchor is not None:
            self._anchors[node.anchor] = node
        if len(self._open) >= MAX_DEPTH:
            # both parsers need time with the square of the depth of a text in one line
            where = f"{self._path}:{node.line}"
            raise ManifestError(f"is nested deeper than {MAX_DEPTH} levels", where=where)
        return node

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
