"""Writes manifests in any style that YAML knows, twice the same but for the words to be edited.

A tree of mappings, lists and words is written by a :class:`Pen`, which takes each decision about
style (block or flow, quotes, indents, comments, line ends …) from a list of numbers. With the same
numbers and other :class:`Values` it writes the same text with other words in the slots: that is
what an edit has to make of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

IMAGE = "registry.example:5000/acme/web"
OLD, NEW = (f"sha256:{digit * 64}" for digit in "0a")

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Values:
    """What stands in the slots."""

    tag: str
    digest: str


BEFORE = Values("v3", OLD)
AFTER = Values("v11", NEW)


@dataclass(frozen=True)
class Slot:
    """A word that an edit may change.

    Attributes:
        form: with ``{tag}`` and ``{digest}`` in it.
        marker: a comment that must stand behind it.
        anchor: its name for aliases.
        is_alone: whether it may be written as a block, which is left alone: no other slot depends
            on it.
    """

    form: str
    marker: str = ""
    anchor: str = ""
    is_alone: bool = False


@dataclass(frozen=True)
class Raw:
    """Words that are written just so."""

    text: str


Leaf: TypeAlias = str | Slot | Raw
Tree: TypeAlias = Leaf | Mapping[str, "Tree"] | Sequence["Tree"]  # text; it means itself

_COMMENTS = ("", "", "", " # a comment", f"   # was {IMAGE}:v3", " # é 漢 🚀", "  ")
_BEHIND_WORDS = (*_COMMENTS, "\t# tab", " \t")
_LINES = (
    *(None,) * 6,
    "",
    "  ",
    "# a comment of its own",
    f"#        image: {IMAGE}:v3",
)
_STARTS = ("", "", "---", "--- # first", "# only a comment", "%YAML 1.2\n---", "# a\n---")
_SEPARATORS = ("---", "--- # next", "...\n---", "# between\n---  ")
_ENDS = ("", "\n", "\n\n  \n", "\n...\n", "\n# the end", "\n---\n", "\n--- # nothing more\n")
_NEVER_PLAIN = frozenset({"true", "a: b", "x: y", "@daily"})


@dataclass
class Pen:
    """Writes trees; see the module.

    Attributes:
        draws: numbers that decide; used over and over.
        values: what stands in the slots.
        left_alone: the slots that were written in a way that cannot be edited.
    """

    draws: Sequence[int]
    values: Values
    left_alone: int = 0
    _used: int = field(default=0)
    _has_tabs: bool = field(default=False)

    def pick(self, options: Sequence[Choice]) -> Choice:
        """Take a decision."""
        draw = self.draws[self._used % len(self.draws)] + self._used // len(self.draws)
        self._used += 1
        return options[draw % len(options)]

    def file(self, documents: Sequence[Tree]) -> str:
        """Return a file of documents; a text is one as it stands."""
        self._has_tabs = not self.pick(range(4))
        text = ""
        for number, document in enumerate(documents):
            before = self.pick(_SEPARATORS) if number else self.pick(_STARTS)
            body = document if isinstance(document, str) else "\n".join(self._block(document, ""))
            text += f"{before}\n" if before else ""
            text += f"{body}\n" if number + 1 < len(documents) else body
        text += self.pick(_ENDS)
        return self.pick(("", "", "\ufeff")) + self._with_line_ends(text)

    def _with_line_ends(self, text: str) -> str:
        kind = self.pick(("\n", "\n", "\r\n", "mixed"))
        if kind != "mixed":
            return text.replace("\n", kind)
        first, *rest = text.split("\n")
        return first + "".join(self.pick(("\n", "\r\n")) + line for line in rest)

    def _block(self, node: Tree, pad: str, *, is_inline: bool = False) -> list[str]:
        """Return the lines of a mapping or list; the first one is no comment if it is inline."""
        lines: list[str] = []
        items = node.items() if isinstance(node, Mapping) else [("", each) for each in _items(node)]
        for number, (key, value) in enumerate(items):
            if number or not is_inline:
                extra = self.pick(_LINES)
                lines += [] if extra is None else [extra]
            lines += self._entry(key, value, pad) if key else self._item(value, pad)
        return lines

    def _entry(self, key: str, value: Tree, pad: str) -> list[str]:
        head = f"{pad}{self.pick((key, key, key, f'{chr(34)}{key}{chr(34)}'))}:"
        if isinstance(value, str | Slot | Raw):
            return self._scalar(f"{head}{self.pick((' ', ' ', '  ', '      '))}", value, pad)
        if self._is_flow(value):
            return f"{head} {self._flow(value, pad)}{self.pick(_COMMENTS)}".split("\n")
        if isinstance(value, Mapping):
            inner = pad + " " * self.pick((2, 2, 1, 4, 6))
        else:
            inner = pad + " " * self.pick((2, 0, 1, 4))
        return [f"{head}{self.pick(_COMMENTS)}", *self._block(value, inner)]

    def _item(self, value: Tree, pad: str) -> list[str]:
        dash = self.pick(("- ", "- ", "-   "))
        if isinstance(value, str | Slot | Raw):
            return self._scalar(f"{pad}{dash}", value, pad)
        if self._is_flow(value):
            return f"{pad}{dash}{self._flow(value, pad)}{self.pick(_COMMENTS)}".split("\n")
        inner = pad + " " * len(dash)
        first, *rest = self._block(value, inner, is_inline=True)
        return [f"{pad}{dash}{first.removeprefix(inner)}", *rest]

    def _scalar(self, head: str, value: Leaf, pad: str) -> list[str]:
        if isinstance(value, Slot) and value.is_alone and not self.pick(range(8)):
            self.left_alone += 1
            return [f"{head}{self.pick(('|-', '>-'))}", f"{pad}    {_old(value)}"]
        comment = self.pick(_BEHIND_WORDS if self._has_tabs else _COMMENTS)
        if isinstance(value, Slot) and value.marker:
            gap = self.pick((" ", "   ", "\t" if self._has_tabs else "  "))
            comment = f"{gap}# {value.marker}{self.pick(('', ' kept'))}"
        return [f"{head}{self._word(value)}{comment}"]

    def _word(self, value: Leaf, *, is_flow: bool = False) -> str:
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, Slot):
            text = value.form.format(tag=self.values.tag, digest=self.values.digest)
            anchor = f"&{value.anchor} " if value.anchor else ""
        else:
            text, anchor = value, ""
        # A colon within a flow is more than libyaml reads, a tab behind a word more than the pure
        # parser does: both together are not read.
        is_odd = is_flow and self._has_tabs and ":" in text
        quotes = ("'", '"') if is_odd or text in _NEVER_PLAIN else ("", "'", '"')
        quote = self.pick(quotes)
        return f"{anchor}{quote}{text}{quote}"

    def _is_flow(self, value: Tree) -> bool:
        return not _has_marker(value) and not self.pick(range(4))

    def _flow(self, value: Tree, pad: str) -> str:
        if isinstance(value, str | Slot | Raw):
            return self._word(value, is_flow=True)
        if isinstance(value, Mapping):
            parts = [f"{key}: {self._flow(each, pad)}" for key, each in value.items()]
        else:
            parts = [self._flow(each, pad) for each in value]
        between = self.pick((", ", ", ", " , ", f",\n{pad}      "))
        blank, comma = self.pick(("", " ")), self.pick(("", "", ","))
        begin, end = "{}" if isinstance(value, Mapping) else "[]"
        return f"{begin}{blank}{between.join(parts)}{comma}{blank}{end}"


def slots_of(tree: Tree) -> list[Slot]:
    """Return the slots of a tree, in its order."""
    if isinstance(tree, Slot):
        return [tree]
    if isinstance(tree, str | Raw):
        return []
    children = tree.values() if isinstance(tree, Mapping) else tree
    return [slot for each in children for slot in slots_of(each)]


def _has_marker(tree: Tree) -> bool:
    return any(slot.marker for slot in slots_of(tree))


def _items(node: Tree) -> Sequence[Tree]:
    return node if isinstance(node, Sequence) and not isinstance(node, str) else ()


def _old(slot: Slot) -> str:
    return slot.form.format(tag=BEFORE.tag, digest=BEFORE.digest)
