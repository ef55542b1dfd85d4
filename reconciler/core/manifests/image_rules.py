"""Image rules: what a workload's annotations say of how the tags of its images are chosen."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.platform import Platform
from reconciler.core.images.policy import DEFAULT_POLICY, Policy, parse_policy
from reconciler.core.images.rules import DEFAULT_RULES, TagRules
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.manifests.annotated import Annotated, text_of
from reconciler.core.manifests.annotation_keys import FILTER_PREFIX, PIN, VALUES, shown
from reconciler.core.manifests.document import Node
from reconciler.core.objects.marks import ON, OWN, PREFIXES
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
_RULES = (OWN, FILTER_PREFIX, *(f"{prefix}tag" for prefix in PREFIXES))
"""What all keys begin with that say how tags are chosen."""
_FILTERS: tuple[_Keys, ...] = ((f"{OWN}filter", f"{OWN}filter."),)
_EXTRACTS: tuple[_Keys, ...] = ((f"{OWN}extract", f"{OWN}extract."),)


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
    if not annotated.has_key_like(_RULES):  # as most have none
        return dict.fromkeys(annotated.containers, DEFAULT_RULES)
    policies: _PerContainer[Policy] = _PerContainer()
    _read(annotated, _FLUX_POLICIES, _flux_policy, policies)
    _read(annotated, _OWN_POLICIES, parse_policy, policies)
    filters: _PerContainer[Pattern] = _PerContainer()
    _read(annotated, _FILTERS, _pattern, filters, noun="filter")
    extracts: _PerContainer[str] = _PerContainer()
    _read(annotated, _EXTRACTS, _template, extracts, noun="extract")
    platforms = _platforms(annotated)
    allows_downgrade = _word(annotated, "allow-downgrade") == ON
    pins_digest = _word(annotated, "digest") == PIN
    rules: dict[str, TagRules] = {}
    for name in annotated.containers:
        policy = policies.of(name)
        rules[name] = TagRules(
            policy=policy.value if policy else DEFAULT_POLICY,
            tag_filter=_filter(annotated, name, filters.of(name), extracts.of(name)),
            platforms=platforms,
            allows_downgrade=allows_downgrade,
            pins_digest=pins_digest,
        )
    return rules


def _read(
    annotated: Annotated,
    keys: Iterable[_Keys],
    parse: Callable[[str], Value],
    found: _PerContainer[Value],
    *,
    noun: str = "policy",
) -> None:
    """Read keys, the weakest first, so that stronger ones overwrite."""
    for for_all, for_one in keys:
        for name, node in annotated.values(for_all, for_one):
            try:
                written = _Written(node, parse(text_of(node)))
            except PolicySyntaxError as error:
                annotated.complain(node, f"invalid {noun} {shown(error.text)}: {error.reason}")
                continue
            if name is None:
                found.others = written
            else:
                found.own[name] = written


def _flux_policy(text: str) -> Policy:
    """Return the policy that Flux v1 reads in a value (fluxcd/flux 1.25, ``policy.NewPattern``)."""
    return parse_policy(text, is_bare_glob=True)


def _pattern(text: str) -> Pattern:
    if not text:
        raise PolicySyntaxError(text, "is empty")
    return Pattern(text)


def _template(text: str) -> str:
    if not text:
        raise PolicySyntaxError(text, "is empty")
    return text


def _filter(
    annotated: Annotated,
    container: str,
    pattern: _Written[Pattern] | None,
    template: _Written[str] | None,
) -> TagFilter | None:
    if pattern is None:
        if template is not None:
            message = f"container {container!r} has an extract and no filter for its groups"
            annotated.complain(template.node, message)
        return None
    if template is None:
        return TagFilter(pattern.value)
    try:
        return TagFilter(pattern.value, template.value)
    except PolicySyntaxError as error:
        annotated.complain(template.node, f"invalid extract {shown(error.text)}: {error.reason}")
        return None


def _platforms(annotated: Annotated) -> tuple[Platform, ...]:
    node = annotated.own("platforms")
    if node is None:
        return ()
    found: dict[Platform, None] = {}
    for text in text_of(node).split(","):
        try:
            found[Platform.parse(text.strip())] = None
        except PolicySyntaxError as error:
            annotated.complain(node, f"invalid platform {shown(text.strip())}: {error.reason}")
    return tuple(found)


def _word(annotated: Annotated, name: str) -> str:
    """Return the word in a key of the whole workload; a wrong one was noted by the check."""
    node = annotated.own(name)
    text = text_of(node) if node else ""
    return text if text in VALUES[name] else ""
