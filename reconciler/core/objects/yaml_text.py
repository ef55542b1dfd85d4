"""A JSON value as YAML for people to read: texts of several lines as such, nothing invisible."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_FIRST: Final = ("apiVersion", "kind", "metadata")
_PLAIN: Final = re.compile(r"[^\W\d_][\w ./@+,()=:-]*|/[\w./@+=-]*|_[\w.-]*")
_OTHER_TYPES: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def yaml_text(value: Mapping[str, object]) -> str:
    """Return an object in YAML: ``apiVersion``, ``kind``, ``metadata``, then the rest by name.

    A letter that cannot be printed is written as an escape, so that none reaches a terminal.
    """
    order = [*(key for key in _FIRST if key in value), *sorted(value.keys() - set(_FIRST))]
    return "".join(f"{line}\n" for key in order for line in _entry(key, value[key]))


def _entry(key: str, value: object) -> Iterator[str]:
    yield from _after(f"{_scalar(key)}:", value)


def _after(start: str, value: object) -> Iterator[str]:
    """Yield the lines of a value that follows ``key:``."""
    if isinstance(value, str) and _is_block(value):
        yield f"{start} |{'' if value.endswith(chr(10)) else '-'}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"  {line}" if line else ""
    elif isinstance(value, Mapping) and value:
        yield start
        for line in _mapping(value):
            yield f"  {line}" if line else ""
    elif isinstance(value, list) and value:
        yield start
        yield from _list(value)
    else:
        yield f"{start} {_scalar(value)}"


def _mapping(value: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(value):
        yield from _entry(key, value[key])


def _list(value: list[object]) -> Iterator[str]:
    for item in value:
        if isinstance(item, Mapping) and item:
            lines = _mapping(item)
        elif isinstance(item, list) and item:
            lines = _list(item)
        else:
            lines = iter([_scalar(item)])
        yield f"- {next(lines)}"
        for line in lines:
            yield f"  {line}" if line else ""


def _is_block(text: str) -> bool:
    """Whether a text can be written line by line."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0])
        and not lines[0].startswith((" ", "\t"))
        and not text.endswith("\n\n")
        and all(line.replace("\t", "").isprintable() for line in lines)
    )


def _scalar(value: object) -> str:
    if isinstance(value, str) and _is_plain(value):
        return value
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and ": " not in text
        and not text.endswith((":", " "))
        and text.lower() not in _OTHER_TYPES
        and text.isprintable()
    )


def _escaped(letter: str) -> str:
    return json.dumps(letter)[1:-1] if letter != "\x7f" else "\\u007f"
