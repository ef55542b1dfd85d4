"""Fields that nobody can change any more: what stands there, and what Git wants."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.fields import items_of, mapping_of
from reconciler.core.redaction import MASK

_SAYS_SO: Final = re.compile(
    r"immutable|may not be changed|cannot change |can(?:not|'t) be (?:changed|updated)"
    r"|may not change once set|updates to .* are forbidden|updates to parameters are forbidden"
)
"""The words of the API server's validation for it: there is no reason of its own."""

_WITH_A_VALUE: Final = "Invalid value"
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_SHOWN: Final = 3  # differences in a message
_LONGEST: Final = 120  # characters of a value


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value in the cluster is not the one that Git wants.

    Attributes:
        path: ``spec.selector.matchLabels.app``.
        live: as compact JSON; ``nothing`` if it is not set.
        wanted: likewise.
    """

    path: str
    live: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.path} is {self.live} in the cluster, and {self.wanted} in Git"


def says_immutable(message: str) -> bool:
    """Whether the API server refuses a value because it cannot be changed any more."""
    return _SAYS_SO.search(_complaint(message)) is not None


def _complaint(message: str) -> str:
    """Return a message of the API server without the value that it quotes.

    ``Invalid value: "immutable_name": a lowercase RFC 1123 label must consist of …`` is about
    something else. The value is JSON, or Go's own form of it.
    """
    reason, _, rest = message.partition(": ")
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except (ValueError, RecursionError):
        return message.rpartition(": ")[2] if reason == _WITH_A_VALUE else message
    return rest[end:]


def differences(
    desired: DesiredObject, live: Mapping[str, object], fields: Iterable[str]
) -> tuple[Difference, ...]:
    """Return how an object differs from what Git wants, below the given fields.

    What Git does not mention the API server has filled in: that is no difference. The values of a
    Secret, and of an object that was decrypted, are not shown.

    Args:
        desired: what Git wants.
        live: the whole object as the cluster has it.
        fields: as the API server names them: ``spec.selector``, ``spec.ports[0]``.
    """
    found = [
        each
        for field in dict.fromkeys(fields)
        for each in _compared(_at(live, field), _at(desired.body, field), field)
    ]
    if desired.is_secret:
        found = [Difference(each.path, MASK, MASK) for each in found]
    return tuple(dict.fromkeys(found))


def told(found: tuple[Difference, ...]) -> str:
    """Return the differences for a message."""
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(map(str, found[:_SHOWN])) + more


def _at(value: object, field: str) -> object:
    """Return what stands at a field; None if nothing does."""
    for name, index in _STEP.findall(field):
        if name:
            value = mapping_of(value).get(name)
        else:
            items = items_of(value)
            value = items[int(index)] if int(index) < len(items) else None
    return value


def _compared(live: object, wanted: object, path: str) -> Iterator[Difference]:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, value in wanted.items():
            yield from _compared(live.get(name), value, f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for index, (old, new) in enumerate(zip(live, wanted, strict=True)):
            yield from _compared(old, new, f"{path}[{index}]")
    elif wanted != live:
        yield Difference(path, _shown(live), _shown(wanted))


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
