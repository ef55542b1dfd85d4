"""Which fields of an object were decrypted, so that nobody is shown what they say."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from reconciler.core.manifests import document as yaml

SHORTEST: Final = 4
"""Characters of a text that is looked for within others; shorter ones are in half the language."""

Path: TypeAlias = tuple[str, ...]
"""Names of fields, from the root. A list in which anything was decrypted counts as one field: its
items move."""


def veiled_in(node: yaml.Node) -> frozenset[Path]:
    """Return the paths of an object's fields that were decrypted."""
    return frozenset(_opened_in(node, ()))


def texts_in(node: yaml.Node) -> Iterator[str]:
    """Yield all that was decrypted in a document, what aliases name only once."""
    seen: set[int] = set()
    awaiting = [node]
    while awaiting:
        each = awaiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, yaml.Opened):
            yield each.value
        elif isinstance(each, (yaml.Mapping, yaml.Sequence)):
            awaiting += each.inside


def veiled_by(
    body: Mapping[str, object], texts: Collection[str], files: Collection[str] = ()
) -> frozenset[Path]:
    """Return the paths of an object's fields that say one of these texts, whole or in part.

    Args:
        body: the object.
        texts: what was decrypted.
        files: whole files that were, of which a field may say any part.
    """
    return frozenset(_saying(body, _Hidden(texts, files), ()))


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Texts that nobody is to be shown, see :func:`veiled_by`."""

    texts: Collection[str]
    files: Collection[str]

    def is_in(self, value: object) -> bool:
        if value is None:
            return False
        said = str(value).lower() if isinstance(value, bool) else str(value)
        if said in self.texts or any(text in said for text in self.texts if len(text) >= SHORTEST):
            return True
        lines = [line for line in map(str.strip, said.split("\n")) if len(line) >= SHORTEST]
        return any(line in file for file in self.files for line in lines)


def _opened_in(node: yaml.Node, path: Path) -> Iterator[Path]:
    match node:
        case yaml.Opened():
            yield path
        case yaml.Sequence():
            if any(True for _ in texts_in(node)):
                yield path
        case yaml.Mapping():
            for key, value in node.entries:
                if yaml.is_merge_key(key):
                    yield from [path] if any(True for _ in texts_in(value)) else []
                elif isinstance(key, yaml.Scalar):
                    yield from _opened_in(value, (*path, key.value))
        case _:
            return


def _saying(value: object, hidden: _Hidden, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _saying(each, hidden, (*path, name))
    elif isinstance(value, list):
        if any(True for each in value for _ in _saying(each, hidden, path)):
            yield path
    elif hidden.is_in(value):
        yield path
