"""Cuts a text into documents and has each parsed into raw events. The only user of ruamel.yaml.

libyaml (``ruamel.yaml.clib``) reads; what it refuses, the pure parser is asked. Both give *marks*
that count code points. Events are used and never composed nodes, because YAML 1.2 lets an anchor be
defined twice and composers do not. Who takes the events looks at their classes, as named here.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported from the C module
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from reconciler.errors import ManifestError

MAX_PURE = 65_536  # characters of a file that the pure parser, fifty times slower, is asked for
BOM = "\ufeff"

SCALAR: Final = yaml_events.ScalarEvent
MAPPING_START: Final = yaml_events.MappingStartEvent
SEQUENCE_START: Final = yaml_events.SequenceStartEvent
ALIAS: Final = yaml_events.AliasEvent
DOCUMENT_START: Final = yaml_events.DocumentStartEvent
DOCUMENT_END: Final = yaml_events.DocumentEndEvent
STARTS: Final = frozenset({MAPPING_START, SEQUENCE_START})
MAPPING_END: Final = yaml_events.MappingEndEvent
SEQUENCE_END: Final = yaml_events.SequenceEndEvent
ENDS: Final = frozenset({MAPPING_END, SEQUENCE_END})
MARKS: Final = frozenset({DOCUMENT_START, DOCUMENT_END})

_DOCUMENT_START = re.compile(r"^---(?=[ \t\r\n]|$)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)

Taken = TypeVar("Taken")
Take: TypeAlias = Callable[[Iterable[Any], int], Taken]
"""What is done with raw events; told what must be added to their offsets. It may be done twice."""


class Part(NamedTuple):
    """A piece of a text that can be parsed by itself: one document, or a text with directives."""

    text: str
    start: int
    line: int


def cut(text: str) -> Iterator[Part]:
    """Cut a text at its document starts, so that one broken document does not hold back the rest.

    YAML forbids ``---`` at the start of a line inside a document. A text with directives is left
    whole: they stand before the mark that they belong to.
    """
    if "---" not in text or ("%" in text and _DIRECTIVE.search(text)):
        yield Part(text, 0, 1)
        return
    marks = (mark.start() for mark in _DOCUMENT_START.finditer(text))
    edges = [0, *(start for start in marks if start), len(text)]
    line = 1
    for start, end in itertools.pairwise(edges):
        part = text[start:end]
        yield Part(part, start, line)
        line += part.count("\n")


_Unreadable: TypeAlias = MarkedYAMLError | ReaderError | UnicodeEncodeError
"""What libyaml and its binding raise; the last for a lone surrogate."""


class Parser:
    """Parses the parts of one file."""

    def __init__(self, path: str) -> None:
        """Parse nothing yet; the path is for messages."""
        self._path = path
        self._pure_left = MAX_PURE

    def parse(self, part: Part, take: Take[Taken]) -> Taken:
        """Return what ``take`` makes of a part's events.

        Raises:
            ManifestError: neither parser can read it, or ``take`` refuses it.
        """
        try:
            shift = part.start + part.text.startswith(BOM)  # libyaml does not count the mark
            return take(iter(CParser(part.text).get_event, None), shift)
        except (MarkedYAMLError, ReaderError, UnicodeEncodeError) as error:
            first = error
        self._pure_left -= len(part.text)
        if self._pure_left < 0:
            raise self._unreadable(first, part) from first
        try:
            return take(_pure_events(part.text), part.start)
        except (YAMLError, ValueError, OverflowError):  # OverflowError: e.g. "\UFFFFFFFF"
            raise self._unreadable(first, part) from first

    def _unreadable(self, error: _Unreadable, part: Part) -> ManifestError:
        if isinstance(error, UnicodeEncodeError):
            what, at = "a character that no text may hold", error.start
        elif isinstance(error, ReaderError):
            what = str(error).partition("\n")[0]
            at = part.text.find(chr(error.character))
        else:
            what, at = error.problem or error.context, error.problem_mark.index
        line = part.line + part.text.count("\n", 0, at)
        return ManifestError(f"is no valid YAML: {what}", where=f"{self._path}:{line}")


def _pure_events(text: str) -> Iterator[Any]:
    r"""Yield the pure parser's events; ``\ud83d\ude80`` in JSON is one character in two escapes.

    Raises:
        ValueError: half of such a pair stands alone.
    """
    for event in YAML(typ="safe", pure=True).parse(text):
        if type(event) is SCALAR and not event.value.isascii():
            event.value = event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        yield event
