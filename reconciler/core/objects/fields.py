"""Readers of untyped JSON: each gives the expected type, or its empty value."""

from collections.abc import Iterator, Mapping, Sequence


def mapping_of(value: object) -> Mapping[str, object]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def items_of(value: object) -> Sequence[object]:
    """Return a list as it is, anything else as an empty one."""
    return value if isinstance(value, list) else ()


def text_of(value: object, default: str = "") -> str:
    """Return a text as it is, anything else as the default."""
    return value if isinstance(value, str) else default


def texts_of(value: object) -> Mapping[str, str]:
    """Return a mapping's entries whose values are texts: labels or annotations."""
    return {name: text for name, text in mapping_of(value).items() if isinstance(text, str)}


def number_of(value: object, default: int = 0) -> int:
    """Return an integer as it is, anything else as the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def field_of(value: object, *path: str) -> object:
    """Return what stands at a path of nested mappings; None if nothing does."""
    for name in path:
        value = mapping_of(value).get(name)
    return value


def leaves_of(value: object) -> Iterator[str]:
    """Yield all texts and numbers in a value, as texts."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves_of(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
