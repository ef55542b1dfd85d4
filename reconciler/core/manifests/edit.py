"""Replaces single scalars in a text, touches nothing else, and proves it."""

import itertools
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.core.manifests.comparison import Fingerprint, PlannedScalar, differs_as_planned
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.parser import Part, cut
from reconciler.errors import ManifestError

_PROPERTIES = re.compile(r"(?:[&!]\S*[ \t]+)*")
_SAFE_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_./@-]+)*")
_READS_AS_OTHER = re.compile(
    r"~|null|y|n|yes|no|on|off|true|false|\.nan|[-+]?\.inf"
    r"|[-+]?(?:[0-9_]+(?:\.[0-9_]*)?|\.[0-9_]+)(?:e[-+]?[0-9_]+)?|[-+]?0[xob][0-9a-f_]+"
    r"|[-+]?[0-9_]+(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # in sixties: YAML 1.1 reads 3:10 as 190
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:t[0-9:.z+-]*)?",  # a date, with a time or without
    re.IGNORECASE,
)
_QUOTED_VALUE = re.compile(r"""[:-][ \t]+(['"])""")
_EDITABLE_STYLES = frozenset({"", "'", '"'})
_ESCAPED = {"'": ("'", "''"), '"': ('"', '\\"')}


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Replaces the characters from ``start`` up to ``end`` (offsets in code points) by ``text``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class ScalarEdit:
    """A scalar that is to have another value.

    Attributes:
        scalar: as it stands there.
        edit: of its characters.
        value: the new value.
        style: the quotes that it is written in; empty for none.
    """

    scalar: Scalar
    edit: TextEdit
    value: str
    style: str = ""


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return the text with the edits made.

    Args:
        text: the original.
        edits: given against the original, in any order.

    Raises:
        ManifestError: two edits overlap, or one lies outside the text.
    """
    pieces: list[str] = []
    position = 0
    for edit in sorted(set(edits)):
        if not position <= edit.start <= edit.end <= len(text):
            raise ManifestError(f"edits overlap at character {edit.start}")
        pieces += (text[position : edit.start], edit.text)
        position = edit.end
    return "".join(pieces) + text[position:]


def is_editable(text: str, scalar: Scalar) -> bool:
    """Whether a scalar can be replaced in place: plain or quoted, on one line, no escapes."""
    source = _source(text, scalar)
    return (
        scalar.style in _EDITABLE_STYLES
        and "\n" not in source
        and "\r" not in source
        and source == _written(scalar.value, scalar.style)
    )


def replace_scalar(text: str, scalar: Scalar, value: str) -> ScalarEdit:
    """Return the edit that gives an editable scalar another value, in the quotes that it has.

    A plain scalar gets quotes only if the new value would read as something else without them:
    those that the file's other values have.
    """
    style = scalar.style or _style_for(value, text, is_number=not is_safe_plain(scalar.value))
    old, new = _source(text, scalar), _written(value, style)
    start = scalar.end - len(old)
    return ScalarEdit(scalar, TextEdit(start, scalar.end, new), value, style)


def edit_scalars(
    text: str, edits: Sequence[ScalarEdit], *, path: str, known: Iterable[Fingerprint] = ()
) -> str:
    """Return the text with the scalars replaced, proved: nothing else means or looks different.

    Both texts are parsed; their event streams must be equal but for the planned values. Pieces
    that are the same text have the same events, so only those that differ are looked at.

    Args:
        text: the original.
        edits: given against it, in any order.
        path: for messages.
        known: fingerprints of the original's pieces, which need not be parsed again.

    Raises:
        ManifestError: the proof fails; the file is to be left alone.
    """
    after = apply_edits(text, (each.edit for each in edits))
    planned = sorted(
        (each for each in edits if not _is_idle(text, each)), key=lambda each: each.scalar.start
    )
    if not _is_proved(text, after, planned, path=path, known=known):
        raise ManifestError("cannot be edited without changing more than the image", where=path)
    return after


def _is_idle(text: str, each: ScalarEdit) -> bool:
    """Whether an edit writes what stands there: nothing differs, and nothing is to."""
    edit = each.edit
    return text[edit.start : edit.end] == edit.text == _written(each.value, each.style)


def _is_proved(
    text: str,
    after: str,
    edits: Sequence[ScalarEdit],
    *,
    path: str,
    known: Iterable[Fingerprint],
) -> bool:
    by_start = {each.start: each for each in known}
    left = deque(edits)
    for before, edited in itertools.zip_longest(cut(text), cut(after)):
        if before is None or edited is None:
            return False
        if before.text == edited.text:
            continue
        end = before.start + len(before.text)
        inside: list[PlannedScalar] = []
        while left and left[0].scalar.start < end:
            inside.append(_planned(left.popleft(), before))
        if not differs_as_planned(
            before, edited, inside, known=by_start.get(before.start), path=path
        ):
            return False
    return not left


def _planned(each: ScalarEdit, part: Part) -> PlannedScalar:
    return PlannedScalar(
        start=each.scalar.start - part.start,
        end=each.edit.end - part.start,
        growth=len(each.edit.text) - (each.edit.end - each.edit.start),
        before=(each.scalar.value, each.scalar.style),
        after=(each.value, each.style),
    )


def _source(text: str, scalar: Scalar) -> str:
    """Return the scalar as written, without anchor and tag."""
    whole = text[scalar.start : scalar.end]
    properties = _PROPERTIES.match(whole)
    return whole[properties.end() :] if properties else whole


def _written(value: str, style: str) -> str:
    if not style:
        return value
    old, new = _ESCAPED[style]
    return f"{style}{value.replace(old, new)}{style}"


def _style_for(value: str, text: str, *, is_number: bool) -> str:
    """Return how a value is written where none was quoted; in JSON only numbers and the like are.

    A tag after a number there would be YAML still, but no JSON.
    """
    is_json = is_number and text.lstrip("\ufeff \t\r\n").startswith(("{", "["))
    return quote_of(text) if is_json or not is_safe_plain(value) else ""


def quote_of(text: str) -> str:
    """Return the quotes in which a file writes most of its values: double ones if it has none."""
    found = [each[1] for each in _QUOTED_VALUE.finditer(text)]
    return "'" if found.count("'") > found.count('"') else '"'


def is_safe_plain(value: str) -> bool:
    """Whether a value, written without quotes, reads back as the same text everywhere."""
    return _SAFE_PLAIN.fullmatch(value) is not None and not _READS_AS_OTHER.fullmatch(value)
