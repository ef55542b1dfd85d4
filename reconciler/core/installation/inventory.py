"""What an installation has made, as it is remembered beside it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.installation.kinds import is_of_ours, place_of
from reconciler.core.objects.fields import items_of, mapping_of, text_of
from reconciler.core.objects.identity import ObjectKey

NAME: Final = "installation"
"""Of the ConfigMap. Not called ``reconcile-…``: so the memories of sources are."""

_OBJECTS: Final = "objects.json"
_SOURCES: Final = "sources.json"
_FIELDS: Final = ("group", "kind", "namespace", "name")


@dataclass(frozen=True, slots=True)
class Installed:
    """What was made, and the names of the sources whose memory goes with it."""

    objects: tuple[ObjectKey, ...] = ()
    sources: tuple[str, ...] = ()

    def joined(self, objects: Iterable[ObjectKey], sources: Iterable[str]) -> "Installed":
        """Return it with more of both: what was made once is there until it is removed."""
        keys = {*self.objects, *objects}
        return Installed(
            tuple(sorted(keys, key=place_of)), tuple(sorted({*self.sources, *sources}))
        )


def encode(installed: Installed) -> Mapping[str, str]:
    """Return the data of the ConfigMap; the same for the same installation."""
    objects = [{field: getattr(key, field) for field in _FIELDS} for key in installed.objects]
    return {
        _OBJECTS: json.dumps(objects, indent=1) + "\n",
        _SOURCES: json.dumps(list(installed.sources)) + "\n",
    }


def decode(data: Mapping[str, object]) -> Installed:
    """Return what :func:`encode` wrote; what cannot be read, or is of no kind of ours, is left out.

    Whoever may write that ConfigMap may write anything there: nothing is removed because of it that
    does not have our label, too.
    """
    objects = (mapping_of(each) for each in _list(data.get(_OBJECTS)))
    keys = (ObjectKey(*(text_of(each.get(field)) for field in _FIELDS)) for each in objects)
    sources = (each for each in _list(data.get(_SOURCES)) if isinstance(each, str))
    return Installed(tuple(key for key in keys if is_of_ours(key) and key.name), tuple(sources))


def _list(text: object) -> list[object]:
    try:
        return list(items_of(json.loads(text_of(text) or "[]")))
    except (ValueError, RecursionError):
        return []
