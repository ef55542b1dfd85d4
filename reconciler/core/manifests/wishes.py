"""Wishes of a person for a workload, as edits of its annotations under the prefix that it uses."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.core.images.policy import parse_policy
from reconciler.core.manifests.annotation_keys import FILTER_PREFIX
from reconciler.core.manifests.finding import AnnotationEdit
from reconciler.core.manifests.workload import Workload
from reconciler.core.nearest import nearest
from reconciler.core.objects.marks import ON, OWN, PREFIXES
from reconciler.errors import NotFoundError, PolicySyntaxError

ALL = "*"
DEFAULT = "default"
_FLUX = "fluxcd.io/"


class Written:
    """The annotations of a workload that are written in its manifest, and the prefix for others."""

    def __init__(self, workload: Workload, text: str) -> None:
        """Look at a workload in a manifest's text."""
        self.workload = workload
        self.keys = tuple(dict.fromkeys(key.value for key, _ in workload.annotations))
        used = (each for each in PREFIXES if any(key.startswith(each) for key in self.keys))
        in_text = (each for each in PREFIXES if f"{each}automated" in text)
        self.prefix = next(used, None) or next(in_text, _FLUX)

    def strongest(self, keys: Sequence[str]) -> str | None:
        """Return the first of the keys that is there."""
        return next((key for key in keys if key in self.keys), None)

    def put(self, name: str, value: str) -> AnnotationEdit:
        """Return the edit that sets a key which all prefixes share; the strongest one wins."""
        there = self.strongest([f"{prefix}{name}" for prefix in PREFIXES])
        return AnnotationEdit(there or f"{self.prefix}{name}", value)

    def drop(self, name: str) -> Iterator[AnnotationEdit]:
        """Yield the edits that remove a key under every prefix: else a weaker one would hold."""
        keys = (f"{prefix}{name}" for prefix in PREFIXES)
        return (AnnotationEdit(key, None) for key in keys if key in self.keys)


Wish: TypeAlias = Callable[[Written], Sequence[AnnotationEdit]]
"""What a person wants of a workload."""


def automate(written: Written) -> Sequence[AnnotationEdit]:
    """Have its images updated; as with fluxctl a lock stays."""
    return [written.put("automated", ON)]


def deautomate(written: Written) -> Sequence[AnnotationEdit]:
    """Have its images updated no more."""
    return [*written.drop("automated")]


def unlock(written: Written) -> Sequence[AnnotationEdit]:
    """Take a lock away, with who locked it and why."""
    return [edit for name in ("locked", "locked_user", "locked_msg") for edit in written.drop(name)]


@dataclass(frozen=True, slots=True)
class Lock:
    """Have its images not updated until it is unlocked.

    Attributes:
        user: who wants that; empty if nobody says.
        message: why.
    """

    user: str = ""
    message: str = ""

    def __call__(self, written: Written) -> Sequence[AnnotationEdit]:
        """Return the edits; what another person said of an earlier lock goes."""
        edits = [written.put("locked", ON)]
        for name, text in (("locked_user", self.user), ("locked_msg", self.message)):
            if text:
                edits.append(written.put(name, text))
            elif self.user or self.message:
                edits += written.drop(name)
        return edits


@dataclass(frozen=True, slots=True)
class SetPolicies:
    """Have the tags of its images chosen by other policies.

    Attributes:
        policies: by container; ``*`` are those that have none of their own. ``default`` removes
            what is written.
    """

    policies: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, written: Written) -> Sequence[AnnotationEdit]:
        """Return the edits.

        Raises:
            NotFoundError: there is no such container; all of them are in the message.
        """
        known = tuple(each.name for each in written.workload.containers)
        unknown = [each for each in self.policies if each not in {*known, ALL}]
        if unknown:
            raise NotFoundError("; ".join(_no_container(written, each, known) for each in unknown))
        return [
            edit for name, text in self.policies.items() for edit in _policy(written, name, text)
        ]


def check_policy(text: str) -> None:
    """Refuse what is no policy.

    Raises:
        PolicySyntaxError: it writes none; says what was probably meant.
    """
    if text != DEFAULT:
        parse_policy(text)


def _policy(written: Written, container: str, text: str) -> Iterator[AnnotationEdit]:
    keys = _keys_of(container)
    if text == DEFAULT:
        yield from (AnnotationEdit(key, None) for key in keys if key in written.keys)
        return
    own = keys[0]
    flux = f"{written.prefix}tag_all" if container == ALL else f"{written.prefix}tag.{container}"
    key = written.strongest(keys) or (own if written.prefix == OWN else flux)
    if key.startswith(OWN) or _is_same_for_flux(text):
        yield AnnotationEdit(key, text)
    else:  # a word alone, which is a glob there
        yield AnnotationEdit(own, text)


def _keys_of(container: str) -> tuple[str, ...]:
    """Return the keys that may hold a container's policy, the strongest first."""
    _, *others = PREFIXES
    if container == ALL:
        return f"{OWN}policy", *(f"{prefix}tag_all" for prefix in PREFIXES)
    flux = (f"{prefix}tag.{container}" for prefix in others)
    return (f"{OWN}policy.{container}", f"{OWN}tag.{container}", f"{FILTER_PREFIX}{container}",
            *flux)  # fmt: skip


def _is_same_for_flux(text: str) -> bool:
    try:
        return parse_policy(text, is_bare_glob=True) == parse_policy(text)
    except PolicySyntaxError:
        return False


def _no_container(written: Written, name: str, known: Sequence[str]) -> str:
    hint = nearest(name, known) or f"; it has {', '.join(known) or 'none'}"
    return f"{written.workload.key.workload} has no container {name!r}{hint}"
