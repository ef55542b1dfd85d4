"""Which fields of an object were decrypted, so that nobody is shown what they say."""

from collections.abc import Collection, Iterator, Mapping
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
    """Yield all that was decrypted in a document."""
    match node:
        case yaml.Opened():
            yield node.value
        case yaml.Mapping() | yaml.Sequence():
            for each in node.inside:
                yield from texts_in(each)
        case _:
            return


def veiled_by(body: Mapping[str, object], texts: Collection[str]) -> frozenset[Path]:
    """Return the paths of an object's fields that say one of these texts, whole or in part."""
    return frozenset(_saying(body, texts, ()))


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


def _saying(value: object, texts: Collection[str], path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _saying(each, texts, (*path, name))
    elif isinstance(value, list):
        if any(True for each in value for _ in _saying(each, texts, path)):
            yield path
    elif _says(value, texts):
        yield path


def _says(value: object, texts: Collection[str]) -> bool:
    if value is None:
        return False
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return said in texts or any(text in said for text in texts if len(text) >= SHORTEST)
