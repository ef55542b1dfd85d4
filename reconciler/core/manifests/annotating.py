"""Annotating: gives one annotation of an object another value, touches nothing else, and proves it.

A line is added, changed or removed, in the manner of the lines around it. A map that is missing is
added with it, and one that it leaves empty goes. The events before and after must be the same but
for the planned ones, else the edit is refused.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.manifests.edit import is_safe_plain, quote_of
from reconciler.core.manifests.located import Sign, Spot, mappings_of, signs_of
from reconciler.core.manifests.parser import BOM, MAPPING_END, MAPPING_START, SCALAR
from reconciler.core.manifests.value import NULLS
from reconciler.errors import ManifestError

_METADATA, _ANNOTATIONS = "metadata", "annotations"
_STEP = 2  # columns, where a file shows no other indentation
_NEIGHBOURS = {0: ("apiVersion", "kind"), 1: ("name", "generateName", "namespace")}
_COLON = re.compile(r"[ \t]*:")
_REST = re.compile(r"[ \t]*(?:[ \t]#[^\r\n]*)?(?=\r?\n|\Z)")
_BLANKS = re.compile(r"[ \t\r\n]*\Z")
_BLOCK_STYLES = frozenset("|>")
_MERGE = "<<"


@dataclass(frozen=True, slots=True)
class _Splice:
    """What takes the place of some characters, and of the events that they make."""

    start: int
    end: int
    text: str
    first: int
    after: int
    signs: Sequence[Sign]


def set_annotation(text: str, *, at: int, key: str, value: str, path: str) -> str:
    """Return the text of a document in which an object has an annotation.

    Args:
        text: one document, or a text with directives.
        at: where the first key of the object stands.
        key: of the annotation.
        value: its value, which stays a text whatever it says.
        path: for messages.

    Raises:
        ManifestError: it cannot be edited exactly; says why.
    """
    return _Editor(text, at, path).set(key, value)


def remove_annotation(text: str, *, at: int, key: str, path: str) -> str:
    """Return the text of a document in which an object has no such annotation.

    Comments stay, also those on the line that goes; see :func:`set_annotation`.
    """
    return _Editor(text, at, path).remove(key)


class _Editor:
    def __init__(self, text: str, at: int, path: str) -> None:
        self._text = text
        self._path = path
        mappings = mappings_of(text, path=path)
        objects = (each for each in mappings if each.inside and each.inside[0].start == at)
        found = next(objects, None)
        if found is None:
            raise self._refusal(at, "is an alias of another object")
        self._root = found

    def set(self, key: str, value: str) -> str:
        node, names = self._root, (_METADATA, _ANNOTATIONS, key)
        step = self._step(self._root)
        for depth, name in enumerate(names[:-1]):
            self._check_map(node, depth)
            entry = node.entry(name)
            if entry is None:
                return self._made(self._insert(node, names[depth:], value, depth, step))
            if _is_empty(entry[1]):
                return self._made(self._fill(node, entry, names[depth + 1 :], value, step))
            node, step = entry[1], self._step_at(entry, step)
        self._check_map(node, len(names) - 1)
        entry = node.entry(key)
        if entry is None:
            return self._made(self._insert(node, names[-1:], value, len(names) - 1, step))
        return self._made(self._replace(node, entry, value))

    def remove(self, key: str) -> str:
        node = self._root
        chain: list[tuple[Spot, tuple[Spot, Spot]]] = []
        for depth, name in enumerate((_METADATA, _ANNOTATIONS, key)):
            if not node.is_mapping and _is_empty(node):
                return self._text
            self._check_map(node, depth)
            entry = node.entry(name)
            if entry is None:
                return self._text
            chain.append((node, entry))
            node = entry[1]
        self._check_value(*chain[-1][1])
        while len(chain[-1][0].pairs) == 1 and len(chain) > 1:
            chain.pop()
        parent, entry = chain[-1]
        if parent.is_flow:
            return self._made(self._cut_flow(parent, entry))
        try:
            return self._made(self._cut_lines(entry))
        except ManifestError:  # the newline before may belong to a block scalar
            return self._made(self._cut_lines(entry, keeps_newline=True))

    def _made(self, splice: _Splice | None) -> str:
        """Return the text with a splice made, proved."""
        if splice is None:
            return self._text
        after = f"{self._text[: splice.start]}{splice.text}{self._text[splice.end :]}"
        signs = signs_of(self._text, path=self._path)
        expected = [*signs[: splice.first], *splice.signs, *signs[splice.after :]]
        try:
            is_proved = signs_of(after, path=self._path) == expected
        except ManifestError:
            is_proved = False
        if not is_proved:
            why = "cannot be edited without changing more than the annotation"
            raise self._refusal(splice.start, why)
        return after

    def _check_map(self, node: Spot, depth: int) -> None:
        """Refuse what cannot be edited here alone, or may mean something else than it seems to."""
        name = ("the object", _METADATA, _ANNOTATIONS)[depth]
        if depth and node.has_properties:
            raise self._refusal(node.start, f"{name} is an alias, or has an anchor or a tag")
        if not node.is_mapping:
            raise self._refusal(node.start, f"{name} is no mapping")
        keys = [each.sign.value for each, _ in node.pairs if each.is_scalar]
        if depth and (_MERGE in keys or len(keys) < len(node.pairs)):
            raise self._refusal(node.start, f"{name} has a merge key, or a key that is no text")
        if len(set(keys)) < len(keys):
            raise self._refusal(node.start, f"{name} has a key twice")

    def _check_value(self, key: Spot, value: Spot) -> None:
        if key.has_properties or value.has_properties:
            raise self._refusal(key.start, "the annotation has an alias, an anchor or a tag")
        if not value.is_scalar:
            raise self._refusal(key.start, "the annotation is no text")

    def _replace(self, node: Spot, entry: tuple[Spot, Spot], value: str) -> _Splice | None:
        self._check_value(*entry)
        spot = entry[1]
        style = spot.sign.style
        if spot.sign.value == value and (style or is_safe_plain(value)):
            return None
        if style in _BLOCK_STYLES:
            style = self._style_among(node, value)
        elif not style and not is_safe_plain(value):
            style = quote_of(self._text)
        written = _written(value, style or ("" if is_safe_plain(value) else '"'))
        start, end = self._span_of(entry)
        if spot.start == spot.end:
            written = f" {written}"
        sign = Sign(SCALAR, value=value, style=_style_of(written.lstrip()))
        return _Splice(start, end, written, spot.first, spot.last + 1, [sign])

    def _fill(
        self, parent: Spot, entry: tuple[Spot, Spot], names: Sequence[str], value: str, step: int
    ) -> _Splice:
        """Write entries where a map is empty, or nothing is."""
        key, spot = entry
        if key.has_properties or spot.has_properties:
            raise self._refusal(key.start, "has an alias, an anchor or a tag")
        source = self._text[spot.start : spot.end]
        if "\n" in source:
            raise self._refusal(spot.start, "an empty map stands on several lines")
        start, end = self._span_of(entry)
        signs = _map_signs(self._pairs(parent, names, value), is_flow=parent.is_flow)
        if parent.is_flow:
            inside = self._flow(self._pairs(parent, names, value), separator=": ")
            space = " " if spot.start == spot.end else ""
            return _Splice(start, end, f"{space}{{{inside}}}", spot.first, spot.last + 1, signs)
        line_end = self._rest(end)
        indent = " " * (self._column(key) + step)
        lines = _lines(self._pairs(parent, names, value), indent, step)
        eol = self._eol(end)
        start = self._after_colon(key)
        rest = self._text[end:line_end].rstrip() and self._text[end:line_end]
        new = f"{rest}{''.join(f'{eol}{line}' for line in lines)}"
        return _Splice(start, line_end, new, spot.first, spot.last + 1, signs)

    def _insert(
        self, node: Spot, names: Sequence[str], value: str, depth: int, step: int
    ) -> _Splice:
        pairs = self._pairs(node, names, value)
        neighbour = self._neighbour(node, _NEIGHBOURS.get(depth, ()), names)
        at = neighbour[1].last + 1 if neighbour else node.first + 1
        signs = _nested(pairs, is_flow=node.is_flow)
        if node.is_flow:
            start, text = self._insert_flow(node, neighbour, pairs)
        else:
            start, text = self._insert_lines(node, neighbour, pairs, step)
        return _Splice(start, start, text, at, at, signs)

    def _insert_lines(
        self,
        node: Spot,
        neighbour: tuple[Spot, Spot] | None,
        pairs: Sequence[Sign],
        step: int,
    ) -> tuple[int, str]:
        first = node.inside[0]
        lines = _lines(pairs, " " * self._column(first), step)
        if neighbour:
            at = neighbour[1].end
            eol = self._eol(at)
            return self._rest(at), "".join(f"{eol}{line}" for line in lines)
        if first.has_properties:
            raise self._refusal(first.start, "its first key has an alias, an anchor or a tag")
        eol = self._eol(first.start)
        return self._line_start(first), "".join(f"{line}{eol}" for line in lines)

    def _insert_flow(
        self,
        node: Spot,
        neighbour: tuple[Spot, Spot] | None,
        pairs: Sequence[Sign],
    ) -> tuple[int, str]:
        first = node.inside[0]
        key, value = neighbour or node.pairs[0]
        separator = ": "
        if value.start > key.end and self._text[key.end : value.start] == ":" and value.is_scalar:
            separator = ":"
        written = self._flow(pairs, separator=separator)
        blanks = self._blanks(key)
        if key is first and "\n" not in blanks:
            blanks = self._blanks(node.inside[2]) if len(node.inside) > 2 else separator[1:]  # noqa: PLR2004 - the second entry's key
        if neighbour:
            return value.end, f",{blanks}{written}"
        return first.start, f"{written},{blanks or ' '}"

    def _cut_flow(self, parent: Spot, entry: tuple[Spot, Spot]) -> _Splice:
        pairs = parent.pairs
        at = pairs.index(entry)
        if at:
            start, end = pairs[at - 1][1].end, entry[1].end
            gap = self._text[start : entry[0].start]
        else:
            start, end = entry[0].start, pairs[at + 1][0].start
            gap = self._text[entry[1].end : end]
        if "#" in gap:
            raise self._refusal(entry[0].start, "a comment stands beside it")
        return _Splice(start, end, "", entry[0].first, entry[1].last + 1, ())

    def _cut_lines(self, entry: tuple[Spot, Spot], *, keeps_newline: bool = False) -> _Splice:
        """Remove the lines of an entry; comments stay, on lines of their own."""
        key, value = entry
        start, (_, end) = self._line_start(key), self._span_of(_innermost(entry))
        line_end = self._rest(end)
        kept = [*self._kept(entry, end)]
        eol = self._eol(end)
        is_last = line_end == len(self._text)
        if not is_last:
            line_end += len(eol)
        elif not kept and start and not keeps_newline:
            start -= len(self._eol(start - 1))
        new = eol.join(kept) + (eol if kept and not is_last else "")
        return _Splice(start, line_end, new, key.first, value.last + 1, ())

    def _kept(self, entry: tuple[Spot, Spot], end: int) -> Iterator[str]:
        """Yield the lines of comments that stay when an entry goes."""
        key, value = entry
        indent = " " * self._column(key)
        while True:
            at, to = self._after_colon(key), value.start
            is_map = value.is_mapping and not value.is_flow
            gap = self._text[at:to] if is_map or value.start != value.end else ""
            trailing, *whole = gap.split("\n")
            yield from (f"{indent}{each}" for each in [trailing.strip()] if each)
            yield from (line.rstrip("\r") for line in whole[:-1])
            if not is_map:
                break
            key, value = value.pairs[0]
        trailing = self._text[end : self._rest(end)].strip()
        yield from (f"{indent}{each}" for each in [trailing] if each)

    def _span_of(self, entry: tuple[Spot, Spot]) -> tuple[int, int]:
        """Return where a scalar or a flow collection stands; an empty one: behind the colon."""
        key, value = entry
        if value.start == value.end:
            at = self._after_colon(key)
            return at, at
        if value.sign.style in _BLOCK_STYLES:
            source = self._text[value.start : value.end]
            if "#" in source.partition("\n")[0]:
                raise self._refusal(value.start, "a comment stands beside a block scalar")
            return value.start, value.start + len(source.rstrip())
        return value.start, value.end

    def _after_colon(self, key: Spot) -> int:
        colon = _COLON.match(self._text, key.end)
        if colon is None:
            raise self._refusal(key.start, "its key is written in an unusual way")
        return colon.end()

    def _rest(self, at: int) -> int:
        """Return where the line ends, if only a comment follows."""
        rest = _REST.match(self._text, at)
        if rest is None:
            raise self._refusal(at, "something else stands on its line")
        return rest.end()

    def _eol(self, at: int) -> str:
        """Return how the line ends; the last one as the first."""
        end = self._text.find("\n", at)
        end = self._text.find("\n") if end < 0 else end
        return "\r\n" if self._text[max(0, end - 1) : end] == "\r" else "\n"

    def _line_start(self, key: Spot) -> int:
        start = self._text.rfind("\n", 0, key.start) + 1
        if self._text[start : key.start].strip(" "):
            raise self._refusal(key.start, "something else stands on its line")
        return start

    def _column(self, spot: Spot) -> int:
        start = self._text.rfind("\n", 0, spot.start) + 1
        return spot.start - start - self._text.startswith(BOM, start)

    def _step(self, root: Spot) -> int:
        """Return by how many columns the maps inside an object are indented."""
        steps = (self._step_at(entry, 0) for entry in root.pairs)
        return next(filter(None, steps), _STEP)

    def _step_at(self, entry: tuple[Spot, Spot], default: int) -> int:
        key, value = entry
        if not value.is_mapping or value.is_flow or not value.inside:
            return default
        step = self._column(value.inside[0]) - self._column(key)
        return step if step > 0 else default

    def _blanks(self, key: Spot) -> str:
        found = _BLANKS.search(self._text[: key.start])
        return found[0] if found else ""

    def _neighbour(
        self, node: Spot, preferred: Collection[str], names: Sequence[str]
    ) -> tuple[Spot, Spot] | None:
        """Return the entry after which a new one goes; None: before the first one.

        Among annotations, that is the last of the same prefix, else the last one.
        """
        simple = [entry for entry in node.pairs if self._is_simple(entry, is_flow=node.is_flow)]
        if preferred:
            return next(
                (each for each in reversed(simple) if each[0].sign.value in preferred), None
            )
        prefix = names[0].partition("/")[0]
        alike = [each for each in simple if (each[0].sign.value or "").startswith(prefix)]
        return next(reversed(alike or simple), None)

    def _is_simple(self, entry: tuple[Spot, Spot], *, is_flow: bool) -> bool:
        """Whether an entry ends where it seems to."""
        key, value = entry
        is_text = value.is_scalar and value.sign.style not in _BLOCK_STYLES
        if key.has_properties or value.has_properties or not is_text or value.start == value.end:
            return False
        return is_flow or _REST.match(self._text, value.end) is not None

    def _pairs(self, node: Spot, names: Sequence[str], value: str) -> list[Sign]:
        """Return the signs of the keys and of the value in them, in the style of those around."""
        style = self._key_style(node)
        keys = [_scalar(name, style if style or is_safe_plain(name) else '"') for name in names]
        return [*keys, _scalar(value, self._style_among(node, value))]

    def _key_style(self, node: Spot) -> str:
        if self._is_json():
            return '"'
        return node.inside[0].sign.style if node.inside and node.inside[0].is_scalar else ""

    def _style_among(self, node: Spot, value: str) -> str:
        """Return how a value is written: plain only where it is safe, and others are plain too."""
        if self._is_json() or not value.isprintable():
            return '"'
        values = [each.sign for _, each in node.pairs if each.is_scalar]
        quotes = [each.style for each in values if each.style in ("'", '"')]
        is_quoting = any(
            each.style in ("'", '"') and is_safe_plain(each.value or "") for each in values
        )
        if is_safe_plain(value) and not is_quoting:
            return ""
        return max(quotes, key=quotes.count) if quotes else quote_of(self._text)

    def _is_json(self) -> bool:
        return self._text.lstrip("\ufeff \t\r\n").startswith(("{", "["))

    def _flow(self, pairs: Sequence[Sign], *, separator: str) -> str:
        *keys, value = (_written(each.value or "", each.style) for each in pairs)
        opened = f"{separator}{{".join(keys)
        return f"{opened}{separator}{value}{'}' * (len(keys) - 1)}"

    def _refusal(self, at: int, why: str) -> ManifestError:
        line = self._text.count("\n", 0, at) + 1
        return ManifestError(
            f"its annotations cannot be edited: {why}", where=f"{self._path}:{line}"
        )


def _innermost(entry: tuple[Spot, Spot]) -> tuple[Spot, Spot]:
    while entry[1].is_mapping and not entry[1].is_flow:
        entry = entry[1].pairs[-1]
    return entry


def _is_empty(value: Spot) -> bool:
    sign = value.sign
    if value.is_mapping:
        return value.is_flow and not value.inside
    return value.is_scalar and not sign.style and not sign.tag and sign.value in NULLS


def _lines(pairs: Sequence[Sign], indent: str, step: int) -> list[str]:
    *keys, value = (_written(each.value or "", each.style) for each in pairs)
    lines = [f"{indent}{' ' * (step * depth)}{key}:" for depth, key in enumerate(keys)]
    return [*lines[:-1], f"{lines[-1]} {value}"]


def _nested(pairs: Sequence[Sign], *, is_flow: bool) -> list[Sign]:
    """Return the signs of an entry whose value is a map of one entry, and so on."""
    key, *more = pairs
    return [key, more[0]] if len(more) == 1 else [key, *_map_signs(more, is_flow=is_flow)]


def _map_signs(pairs: Sequence[Sign], *, is_flow: bool) -> list[Sign]:
    start = Sign(MAPPING_START, is_marked=is_flow)
    return [start, *_nested(pairs, is_flow=is_flow), Sign(MAPPING_END)]


def _scalar(value: str, style: str) -> Sign:
    written = _written(value, style)
    return Sign(SCALAR, value=value, style=_style_of(written))


def _style_of(written: str) -> str:
    return written[0] if written[:1] in ("'", '"') else ""


def _written(value: str, style: str) -> str:
    if not style:
        return value
    if style == "'" and value.isprintable():
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    escaped = "".join(map(_escaped, value))
    return f'"{escaped}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    short = {"\n": "\\n", "\t": "\\t"}.get(letter)
    return short or (f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}")  # noqa: PLR2004 - beyond it, YAML has the long form
