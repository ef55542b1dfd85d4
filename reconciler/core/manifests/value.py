"""Nodes become plain values, as kubectl and the API server read them.

The rules are those of ``sigs.k8s.io/yaml`` 1.6 (YAML 1.1 booleans included), which both use; but a
key that stands twice is an error here and not the last one's win.
"""

import base64
import math
import re
import sys
from typing import TypeAlias

from reconciler.core.manifests.document import (
    MAX_DEPTH,
    MERGE,
    Mapping,
    Node,
    Scalar,
    Sequence,
    is_merge_key,
)
from reconciler.errors import ManifestError

MAX_NODES = 2_000_000  # after aliases are expanded: a bomb is larger, a manifest is not

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_OTHER = NULLS | _TRUE | _FALSE
_NO_WORDS = _OTHER | {MERGE}
_INFINITES = frozenset(
    {
        *(f"{sign}.{word}" for sign in ("", "-", "+") for word in ("inf", "Inf", "INF")),
        *(".nan", ".NaN", ".NAN"),
    }
)
_NUMBER_START = frozenset("+-.0123456789")
_INTEGERS = (
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),  # by far the most frequent
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO][0-7]+"), 8),
    (re.compile(r"[-+]?0[0-7]+"), 8),
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MAX_NUMBER = 400  # characters; longer ones are texts
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_INTEGRAL_LIMIT = 1e21  # Go prints larger floats with an exponent
_TAG_TYPES = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
_STANDARD = "tag:yaml.org,2002:"


def to_value(node: Node | None, *, path: str) -> Value:
    """Return a node as a JSON-compatible value.

    Raises:
        ManifestError: with ``path:line``: a key twice, an infinite number, an alias bomb, ….
    """
    return _Reader(path).value(node)


def check_value(node: Node | None, *, path: str) -> None:
    """Refuse what has no value, without making it: :func:`to_value` is asked where in doubt.

    Raises:
        ManifestError: as :func:`to_value` does.
    """
    if not _is_surely_good(node):
        to_value(node, path=path)


def is_text(node: Node) -> bool:
    """Whether kubectl reads a text here; ``true`` and ``1.2`` are none without quotes."""
    try:
        return isinstance(to_value(node, path=""), str)
    except ManifestError:
        return False


def is_null(node: Node) -> bool:
    """Whether nothing is written here: ``~`` and ``null`` without quotes say so too."""
    return (
        isinstance(node, Scalar)
        and not node.style
        and node.value in NULLS
        and node.tag in (None, f"{_STANDARD}null")
    )


def _is_surely_good(root: Node | None) -> bool:
    """Whether a node has a value at first sight: no tags, aliases or merges, and keys are words."""
    awaiting = [] if root is None else [root]
    count = 0
    words: set[str] = set()  # all keys
    while awaiting:
        node = awaiting.pop()
        if isinstance(node, Scalar):  # the root
            return False
        if isinstance(node, Mapping):
            keys = {key.value for key in node.inside[::2] if isinstance(key, Scalar)}
            if 2 * len(keys) != len(node.inside):
                return False
            words |= keys
        count += len(node.inside)
        for each in node.inside:
            if each.tag is not None or each.anchor is not None:  # aliases need anchors
                return False
            if type(each) is not Scalar:
                awaiting.append(each)
            elif each.value in _INFINITES:
                return False
    return count < MAX_NODES and _are_words(words)


def _are_words(keys: set[str]) -> bool:
    return _NO_WORDS.isdisjoint(keys) and _NUMBER_START.isdisjoint({key[0] for key in keys})


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path
        self._nodes = 0

    def value(self, node: Node | None, depth: int = 0) -> Value:
        """Return a node's value; ``depth`` counts levels with aliases expanded."""
        if node is None:
            return None
        self._count(node, depth)
        if isinstance(node, Scalar):
            return node.value if _is_word(node) else self._scalar(node)
        if isinstance(node, Sequence):
            return [self.value(item, depth + 1) for item in node.inside]
        return self._mapping(node, depth)

    def _count(self, node: Node, depth: int) -> None:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise self._error(node, f"is nested deeper than {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise self._error(node, f"has more than {MAX_NODES:,} nodes with aliases expanded")

    def _mapping(self, node: Mapping, depth: int) -> dict[str, Value]:
        values: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key_node, value_node in node.entries:
            if is_merge_key(key_node):
                for name, value in self._merge(value_node, depth + 1):
                    merged.setdefault(name, value)
                continue
            key = self._key(key_node)
            if key in values:
                raise self._error(key_node, f"key {key!r} stands twice")
            values[sys.intern(key)] = self.value(value_node, depth + 1)  # ten thousand "name"s
        return {**merged, **values} if merged else values

    def _merge(self, node: Node, depth: int) -> list[tuple[str, Value]]:
        sources = node.inside if isinstance(node, Sequence) else [node]
        pairs: list[tuple[str, Value]] = []
        for source in sources:
            if not isinstance(source, Mapping):
                raise self._error(node, "'<<' needs a mapping or a list of mappings")
            self._count(source, depth)
            pairs.extend(self._mapping(source, depth).items())
        return pairs

    def _key(self, node: Node) -> str:
        if isinstance(node, Scalar) and _is_word(node):
            return node.value
        if not isinstance(node, Scalar):
            raise self._error(node, "a key must be a text")
        match self._scalar(node):
            case None:
                raise self._error(node, "a key must not be null")
            case bool(value):
                return "true" if value else "false"
            case value:
                return str(value)

    def _scalar(self, node: Scalar) -> Value:
        if not node.tag:
            return node.value if node.style else self._plain(node)
        if not node.tag.startswith(_STANDARD):
            return node.value
        return self._tagged(node, node.tag.removeprefix(_STANDARD))

    def _tagged(self, node: Scalar, tag: str) -> Value:
        if tag == "binary":
            return self._binary(node)
        if tag not in _TAG_TYPES:
            return node.value
        value = self._plain(node)
        if type(value) not in _TAG_TYPES[tag]:
            raise self._error(node, f"{node.value!r} is no !!{tag}")
        return value

    def _binary(self, node: Scalar) -> str:
        try:
            return base64.b64decode("".join(node.value.split()), validate=True).decode()
        except ValueError as error:  # no base64, characters beyond ASCII, or bytes that are no text
            raise self._error(node, "!!binary holds no base64 of a text") from error

    def _plain(self, node: Scalar) -> Value:
        text = node.value
        if text in NULLS:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if text[0] not in _NUMBER_START:
            return text
        if text in _INFINITES:
            raise self._error(node, f"{text!r} cannot be written in JSON")
        return _number(text)

    def _error(self, node: Node, message: str) -> ManifestError:
        return ManifestError(message, where=f"{self._path}:{node.line}")


def _is_word(node: Scalar) -> bool:
    """Whether a scalar is a text at first sight, as nearly all are; the others may be texts too."""
    text = node.value
    return node.tag is None and (
        bool(node.style) or (text not in _OTHER and text[0] not in _NUMBER_START)
    )


def _number(text: str) -> Value:
    """Return the number that a plain scalar writes, or the text itself if it writes none."""
    plain = text.replace("_", "")
    if len(plain) > _MAX_NUMBER:
        return text
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(plain):
            value = int(plain.lower().replace("0o", "0"), base)
            if _INT64_MIN <= value <= _UINT64_MAX:
                return value
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    if math.isinf(number):
        return text
    is_integral = number.is_integer() and abs(number) < _INTEGRAL_LIMIT
    return int(number) if is_integral else number
