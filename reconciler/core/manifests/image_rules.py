"""Image rules: what a workload's annotations say of how the tags of its images are chosen."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.images.rules import TagRules
from reconciler.core.manifests.annotated import Annotated, text_of
from reconciler.core.manifests.annotation_keys import FILTER_PREFIX
from reconciler.core.manifests.document import Node
from reconciler.core.objects.marks import OWN, PREFIXES
from reconciler.errors import PolicySyntaxError

Value = TypeVar("Value")

_Keys: TypeAlias = tuple[str, str]
"""A key for all containers, and what begins those for one of them."""

_FLUX_POLICIES: tuple[_Keys, ...] = (
    *((f"{prefix}tag_all", f"{prefix}tag.") for prefix in reversed(PREFIXES) if prefix != OWN),
    ("", FILTER_PREFIX),
)
_OWN_POLICIES: tuple[_Keys, ...] = (
    (f"{OWN}tag_all", f"{OWN}tag."),
    (f"{OWN}policy", f"{OWN}policy."),
)


@dataclass(frozen=True, slots=True)
class _Written(Generic[Value]):
    """A value, and where it stands."""

    node: Node
    value: Value


@dataclass(slots=True)
class _PerContainer(Generic[Value]):
    """What is written for some containers by name, and for the others."""

    others: _Written[Value] | None = None
    own: dict[str, _Written[Value]] = field(default_factory=dict)

    def of(self, container: str) -> _Written[Value] | None:
        return self.own.get(container, self.others)


def read_rules(annotated: Annotated) -> Mapping[str, TagRules]:
    """Return the rules for the image of each container; what is wrong with them is noted."""
    policies: _PerContainer[Policy] = _PerContainer()
    _read(annotated, _FLUX_POLICIES, parse_policy, policies)
    _read(annotated, _OWN_POLICIES, parse_policy, policies)
    rules: dict[str, TagRules] = {}
    for name in annotated.containers:
        policy = policies.of(name)
        rules[name] = TagRules(
            policy=policy.value if policy else DEFAULT_POLICY,
        )
    return rules


def _read(
    annotated: Annotated,
    keys: Iterable[_Keys],
    parse: Callable[[str], Value],
    found: _PerContainer[Value],
) -> None:
    """Read keys, the weakest first, so that stronger ones overwrite."""
    for for_all, for_one in keys:
        for name, node in annotated.values(for_all, for_one):
            try:
                written = _Written(node, parse(text_of(node)))
            except PolicySyntaxError as error:
                annotated.complain(node, error.message)
                continue
            if name is None:
                found.others = written
            else:
                found.own[name] = written
