"""An object's status as its controller reports it."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects.fields import field_of, items_of, number_of, text_of
from reconciler.core.objects.identity import GroupKind, split_api_version
from reconciler.core.objects.words import one_line


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of ``status.conditions``. ``status`` is ``True``, ``False`` or ``Unknown``.

    Attributes:
        generation: of the object, as its controller knew it then; None if it does not say.
    """

    type: str
    status: str
    reason: str
    message: str
    generation: int | None = None

    @property
    def is_true(self) -> bool:
        """Whether the condition holds."""
        return self.status == "True"

    @property
    def is_false(self) -> bool:
        """Whether the condition is known not to hold."""
        return self.status == "False"

    @property
    def text(self) -> str:
        """What it says to a person: its message, else its reason, else its type and status."""
        return one_line(self.message or self.reason or f"{self.type} is {self.status}")


@dataclass(frozen=True, slots=True)
class Observed:
    """A whole object of the API server with readers for it.

    A number or text that is missing, or of another type, reads as the default.
    """

    item: Mapping[str, object]

    @property
    def group_kind(self) -> GroupKind:
        """Its group and kind."""
        group, _ = split_api_version(text_of(self.item.get("apiVersion")))
        return GroupKind(group, text_of(self.item.get("kind")))

    @property
    def is_well_formed(self) -> bool:
        """Whether its status is a mapping, and its conditions a list of mappings."""
        status = self.item.get("status")
        if status is None:
            return True
        conditions = field_of(status, "conditions")
        return isinstance(status, Mapping) and (
            conditions is None
            or (isinstance(conditions, list) and all(isinstance(c, Mapping) for c in conditions))
        )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Its conditions, in their order."""
        return tuple(map(_condition, items_of(field_of(self.item, "status", "conditions"))))

    def condition(self, kind: str) -> Condition | None:
        """Return its first condition of that type."""
        for each in items_of(field_of(self.item, "status", "conditions")):
            if text_of(field_of(each, "type")) == kind:
                return _condition(each)
        return None

    def number(self, *path: str, default: int = 0) -> int:
        """Return the integer at a path."""
        return number_of(field_of(self.item, *path), default)

    def text(self, *path: str, default: str = "") -> str:
        """Return the text at a path."""
        return text_of(field_of(self.item, *path), default)

    def flag(self, *path: str) -> bool:
        """Whether ``true`` stands at a path."""
        return field_of(self.item, *path) is True

    @property
    def finalizers(self) -> tuple[str, ...]:
        """What must be done before it can go, by name."""
        names = items_of(field_of(self.item, "metadata", "finalizers"))
        return tuple(name for name in names if isinstance(name, str))

    def has(self, *path: str) -> bool:
        """Whether there is a value at a path."""
        return field_of(self.item, *path) is not None

    @property
    def crash_looping_containers(self) -> tuple[str, ...]:
        """The names of a pod's containers that are in ``CrashLoopBackOff``."""
        return tuple(
            text_of(field_of(each, "name"))
            for each in items_of(field_of(self.item, "status", "containerStatuses"))
            if field_of(each, "state", "waiting", "reason") == "CrashLoopBackOff"
        )


def _condition(entry: object) -> Condition:
    generation = field_of(entry, "observedGeneration")
    return Condition(
        type=text_of(field_of(entry, "type")),
        status=text_of(field_of(entry, "status")),
        reason=text_of(field_of(entry, "reason")),
        message=text_of(field_of(entry, "message")),
        generation=generation if isinstance(generation, int) else None,
    )
