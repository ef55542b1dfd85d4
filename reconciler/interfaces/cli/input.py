"""Reads the files that a command line names; ``-`` is standard input."""

from reconciler.core.images.tag_list import TagList, parse_tag_list
from reconciler.text_file import STANDARD_INPUT, read_text_file

MAX_INPUT_BYTES = 64 * 1024 * 1024


def read_input(name: str, *, what: str) -> str:
    """Return the text of a file, or of standard input.

    Args:
        name: the file's name, or ``-``.
        what: what is expected, for a person who is to type it.

    Raises:
        SettingsError: it cannot be read, is too large, or is no UTF-8.
    """
    return read_text_file(name, what=what, max_bytes=MAX_INPUT_BYTES)


def read_tag_list(name: str) -> TagList:
    """Return the tags of a file, with what it says of their images.

    Raises:
        SettingsError: see :func:`read_input` and :func:`parse_tag_list`.
    """
    shown = "standard input" if name == STANDARD_INPUT else name
    return parse_tag_list(read_input(name, what="tags, one a line"), name=shown)
