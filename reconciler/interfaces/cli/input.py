"""Reads the files that a command line names; ``-`` is standard input."""

import sys
from pathlib import Path
from typing import BinaryIO

from reconciler.core.images.tag_list import TagList, parse_tag_list
from reconciler.errors import SettingsError

STANDARD_INPUT = "-"
MAX_INPUT_BYTES = 64 * 1024 * 1024


def read_input(name: str, *, what: str, max_bytes: int = MAX_INPUT_BYTES) -> str:
    """Return the text of a file, or of standard input.

    Args:
        name: the file's name, or ``-``.
        what: what is expected, for a person who is to type it.
        max_bytes: larger ones are refused.

    Raises:
        SettingsError: it cannot be read, is too large, or is no UTF-8.
    """
    if name == STANDARD_INPUT:
        return _text(_standard_input(what, max_bytes), "standard input", max_bytes)
    if not name:
        raise SettingsError("the name of the file is empty")
    try:
        with Path(name).open("rb") as file:
            content = _read(file, max_bytes)
    except OSError as error:
        raise SettingsError(f"cannot read it: {error.strerror}", where=name) from error
    except ValueError as error:  # a zero byte in the name
        raise SettingsError(f"{name!r} is no file name") from error
    return _text(content, name, max_bytes)


def read_tag_list(name: str) -> TagList:
    """Return the tags of a file, with what it says of their images.

    Raises:
        SettingsError: see :func:`read_input` and :func:`parse_tag_list`.
    """
    shown = "standard input" if name == STANDARD_INPUT else name
    return parse_tag_list(read_input(name, what="tags, one a line"), name=shown)


def _standard_input(what: str, max_bytes: int) -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise SettingsError("standard input is closed")
    if sys.stdin.isatty():
        sys.stderr.write(f"reconcile: reading {what}; end with Ctrl-D\n")
        sys.stderr.flush()
    try:
        return _read(sys.stdin.buffer, max_bytes)
    except OSError as error:
        raise SettingsError(f"cannot read standard input: {error.strerror}") from error


def _read(file: BinaryIO, max_bytes: int) -> bytes:
    return file.read(max_bytes + 1)


def _text(content: bytes, name: str, max_bytes: int) -> str:
    if len(content) > max_bytes:
        raise SettingsError(f"is larger than {max_bytes:,} bytes", where=name)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError("is not UTF-8", where=f"{name}:{line}") from error
