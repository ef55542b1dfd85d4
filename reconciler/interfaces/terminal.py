"""Where text for people goes: how wide it is there, and whether it may be coloured."""

import os
import shutil
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TextIO

from reconciler.errors import TransientError

colour_choice: ContextVar[str] = ContextVar("colour_choice", default="auto")
"""What ``--color`` says: ``auto``, ``always`` or ``never``."""

NARROWEST: Final = 20  # columns; what is narrower is folded by the terminal itself

_STYLES: Final[Mapping[str, str]] = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "cyan": "\x1b[36m",
}
_STYLES_OF_DIFF: Final[Mapping[str, str]] = {
    "@": "cyan",
    "+": "green",
    "-": "red",
    " ": "",
    "\\": "",
}
_PLAIN: Final = "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Terminal:
    """An output stream as a person sees it; a terminal, a file or a pipe.

    Attributes:
        stream: where to write.
        width: columns of a line.
        has_colours: whether styles are written; else they are left out.
    """

    stream: TextIO
    width: int
    has_colours: bool

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> "Terminal":
        """Return the stream with what the environment says about it.

        Width: ``COLUMNS``, else the terminal's, else 80. Colours: see :func:`is_colourful`.
        """
        width = max(NARROWEST, shutil.get_terminal_size().columns)
        return cls(stream, width, is_colourful(stream, environment))

    @classmethod
    def standard(cls) -> "Terminal":
        """Return standard output."""
        return cls.of(sys.stdout, os.environ)

    def say(self, line: str = "", style: str = "") -> None:
        """Write a line, or the lines of a document; on a terminal they move no cursor.

        Raises:
            TransientError: it cannot be written: the disk is full.
        """
        shown = harmless(line) if self.stream.isatty() else line
        try:
            write(self.stream, f"{self.styled(shown, style)}\n")
        except OSError as error:
            raise TransientError(f"cannot write the output: {error.strerror}") from error

    def styled(self, text: str, style: str) -> str:
        """Return the text in a style: ``bold``, ``dim`` or a colour; as it is without colours."""
        if not (style and text and self.has_colours):
            return text
        return f"{_STYLES[style]}{text}{_PLAIN}"

    def shown_diff(self, diff: str) -> str:
        """Return a unified diff: for a person harmless and in colours, else to the byte."""
        if not (self.has_colours or self.stream.isatty()):
            return diff
        lines = harmless(diff.replace("\r\n", "\n")).split("\n")
        return "\n".join(self.styled(line, _style_of_diff(line)) for line in lines)


def write(stream: TextIO, text: str) -> None:
    """Write at once. If nobody reads any more, the work goes on unheard, to its own exit code."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:  # what is in the buffer, and what comes, goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_colourful(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether colours are welcome: on a terminal that has them, unless somebody says otherwise.

    ``--color`` has the last word; then ``NO_COLOR`` (no-color.org: "when present and not an empty
    string (regardless of its value)"); then ``CLICOLOR_FORCE`` (bixense.com/clicolors).
    """
    choice = colour_choice.get()
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and environment.get("TERM") != "dumb"


def printable(text: str) -> str:
    """Return a text on one line that moves no cursor: names in manifests may hold anything."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def harmless(text: str) -> str:
    """Return a text of several lines that does nothing to a terminal but fill it.

    Manifests, registries and API servers write what they like: an escape sequence can hide lines,
    set the window's title or type into the shell of old terminals.
    """
    lines = text.split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def _style_of_diff(line: str) -> str:
    """Return the style of a line; what belongs to no diff stands between two, and says of what."""
    if line.startswith(("--- ", "+++ ")):
        return "bold"
    return _STYLES_OF_DIFF.get(line[:1], "bold")
