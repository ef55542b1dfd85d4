"""JSON that does nothing to a terminal: whatever is not printable is written as an escape."""

import json
import re

_ODD = re.compile(r"[^ -~\n]")


def json_text(value: object, *, indent: int | None = None) -> str:
    r"""Return a value as JSON; letters of all scripts stand as they are.

    ``json.dumps`` escapes C0 alone: C1 (an 8-bit CSI), bidirectional marks and the like would reach
    whoever looks at it with ``cat`` or ``kubectl``. What is no character at all (a lone surrogate)
    is left to who encodes the text.
    """
    return _ODD.sub(_written, json.dumps(value, indent=indent, ensure_ascii=False))


def _written(found: re.Match[str]) -> str:
    letter = found[0]
    is_surrogate = "\ud800" <= letter <= "\udfff"
    return letter if letter.isprintable() or is_surrogate else json.dumps(letter)[1:-1]
