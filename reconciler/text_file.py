"""Reads the text files that a person names; ``-`` is standard input."""

import sys
from pathlib import Path
from typing import BinaryIO

from reconciler.errors import SettingsError

STANDARD_INPUT = "-"


def read_text_file(name: str | Path, *, max_bytes: int, what: str = "") -> str:
    """Return the text of a file, or of standard input; a byte order mark is no part of it.

    Args:
        name: the file's name, or ``-``.
        max_bytes: larger ones are refused.
        what: what is expected, for a person who is to type it; empty: a terminal is read untold.

    Raises:
        SettingsError: it cannot be read, is too large, or is no UTF-8 (with the line).
    """
    if str(name) == STANDARD_INPUT:
        return _text(_standard_input(what, max_bytes), "standard input", max_bytes)
    if not str(name):
        raise SettingsError("the name of the file is empty")
    try:
        with Path(name).open("rb") as file:
            content = _read(file, max_bytes)
    except OSError as error:
        raise SettingsError(f"cannot read it: {error.strerror}", where=str(name)) from error
    except ValueError as error:  # a zero byte in the name
        raise SettingsError(f"{str(name)!r} is no file name") from error
    return _text(content, str(name), max_bytes)


def _standard_input(what: str, max_bytes: int) -> bytes:
    if sys.stdin is None or sys.stdin.closed:
        raise SettingsError("standard input is closed")
    if what and sys.stdin.isatty():
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
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError("is not UTF-8", where=f"{name}:{line}") from error
