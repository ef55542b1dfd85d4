"""ImagePolicy and ImageRepository of Flux v2, as their manifests write them; no cluster is asked.

The fields are those of ``image.toolkit.fluxcd.io`` v1beta1 to v1 (fluxcd.io, "Image Policies" and
"Image Repositories").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.policy import Policy, parse_policy
from reconciler.core.images.pull_secret import DEFAULT_ACCOUNT, Puller
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.rules import DEFAULT_RULES, TagRules
from reconciler.core.images.tag_filter import TagFilter
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.annotation_keys import shown
from reconciler.core.nearest import nearest
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.marks import ON
from reconciler.errors import ManifestError, PolicySyntaxError, ReferenceSyntaxError

_GROUP = "image.toolkit.fluxcd.io"
_POLICY = "ImagePolicy"
_REPOSITORY = "ImageRepository"
_NEVER = "Never"
_SIGNATURES = r"^.*\.sig$"  # excluded by default; signatures are never chosen anyway
_CHOICES = {
    "semver": ("semver", "range", ""),
    "alphabetical": ("alphabetical", "order", "asc"),
    "numerical": ("numeric", "order", "asc"),
}
"""Our keyword for each of Flux's policies, the key of its argument, and what that is by default."""


@dataclass(frozen=True, slots=True)
class FluxObject:
    """What both kinds have in common.

    Attributes:
        name: ``NAMESPACE:NAME``.
        where: its place; two that differ in nothing else are the same.
        is_suspended: whether somebody stopped it.
        problem: why it cannot be used; empty if it can.
    """

    name: str
    where: str = field(compare=False)
    is_suspended: bool
    problem: str


@dataclass(frozen=True, slots=True)
class ImagePolicy(FluxObject):
    """How tags are chosen, and for which ImageRepository."""

    repository: str
    rules: TagRules


@dataclass(frozen=True, slots=True)
class ImageRepository(FluxObject):
    """Which image, who pulls it, and which of its tags do not count."""

    image: str
    puller: Puller
    excluded: tuple[Pattern, ...] = ()


Found = TypeVar("Found", ImagePolicy, ImageRepository)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a policy wants: the tags of which image, chosen how, pulled by whom.

    Attributes:
        suspended: what somebody stopped, with its place; empty if nothing.
    """

    image: str
    rules: TagRules
    puller: Puller
    suspended: str = ""


def read_flux_object(
    key: ObjectKey, node: yaml.Mapping, *, path: str
) -> ImagePolicy | ImageRepository | None:
    """Return what an object says of images; None if it is of another kind."""
    if key.group != _GROUP or key.kind not in (_POLICY, _REPOSITORY):
        return None
    spec = node.mapping("spec")
    found = _Common(
        f"{key.namespace}:{key.name}", f"{path}:{node.line}", spec.text("suspend") == ON
    )
    return (_read_policy if key.kind == _POLICY else _read_repository)(found, spec, key.namespace)


class _Common(NamedTuple):
    name: str
    where: str
    is_suspended: bool


def _read_policy(found: _Common, spec: yaml.Mapping, namespace: str) -> ImagePolicy:
    of = spec.mapping("imageRepositoryRef")
    repository = f"{of.text('namespace') or namespace}:{of.text('name')}"
    try:
        return ImagePolicy(*found, "", repository, _rules(spec))
    except ManifestError as error:
        return ImagePolicy(*found, error.message, repository, DEFAULT_RULES)


def _read_repository(found: _Common, spec: yaml.Mapping, namespace: str) -> ImageRepository:
    try:
        image, excluded = _image(spec), _excluded(spec)
        return ImageRepository(*found, "", image, _puller(spec, namespace), excluded)
    except ManifestError as error:
        return ImageRepository(*found, error.message, "", Puller(namespace))


class FluxPolicies:
    """The policies and repositories of all manifests."""

    def __init__(self, objects: Iterable[ImagePolicy | ImageRepository]) -> None:
        """Sort them by kind and name."""
        self._policies: dict[str, list[ImagePolicy]] = {}
        self._repositories: dict[str, list[ImageRepository]] = {}
        for each in objects:
            if isinstance(each, ImagePolicy):
                self._policies.setdefault(each.name, []).append(each)
            else:
                self._repositories.setdefault(each.name, []).append(each)

    def wanted(self, name: str) -> Wanted:
        """Return what the policy of that name wants.

        Raises:
            ManifestError: nobody can tell; without a place.
        """
        policy = _only(_POLICY, name, self._policies)
        repository = _only(_REPOSITORY, policy.repository, self._repositories)
        stopped = [
            f"the {kind} {each.name} at {each.where} is suspended"
            for kind, each in ((_POLICY, policy), (_REPOSITORY, repository))
            if each.is_suspended
        ]
        rules = replace(policy.rules, excluded=repository.excluded)
        return Wanted(repository.image, rules, repository.puller, "; ".join(stopped[:1]))


def _only(kind: str, name: str, known: Mapping[str, Sequence[Found]]) -> Found:
    same = known.get(name, ())
    if not same:
        raise ManifestError(f"there is no {kind} {name} in the repository{nearest(name, known)}")
    first = same[0]
    others: list[str] = [each.where for each in same if each != first]
    if others:
        places = " and ".join([first.where, *others])
        raise ManifestError(f"the {kind} {name} stands in several places: {places}")
    if first.problem:
        raise ManifestError(f"the {kind} {name} at {first.where} cannot be used: {first.problem}")
    return first


def _image(spec: yaml.Mapping) -> str:
    image = spec.text("image")
    try:
        reference = ImageReference.parse(image)
    except ReferenceSyntaxError as error:
        raise ManifestError(error.message) from error
    if reference.tag is not None or reference.digest is not None:
        raise ManifestError(f"image {shown(image)} must have no tag and no digest")
    return image


def _excluded(spec: yaml.Mapping) -> tuple[Pattern, ...]:
    """Return the expressions of tags that are not looked at; each matches anywhere in a tag."""
    given = spec.get("exclusionList")
    texts = []
    for each in given.inside if isinstance(given, yaml.Sequence) else ():
        if not isinstance(each, yaml.Scalar):
            raise ManifestError("exclusionList must be a list of texts")
        texts += [] if each.value == _SIGNATURES else [each.value]
    try:
        return tuple(map(Pattern, texts))
    except PolicySyntaxError as error:
        raise ManifestError(f"invalid {shown(error.text)}: {error.reason}") from error


def _puller(spec: yaml.Mapping, namespace: str) -> Puller:
    secret = spec.mapping("secretRef").text("name")
    account = spec.text("serviceAccountName") or DEFAULT_ACCOUNT
    return Puller(namespace, (secret,) if secret else (), account)


def _rules(spec: yaml.Mapping) -> TagRules:
    digests = spec.text("digestReflectionPolicy")
    try:
        return TagRules(
            policy=_policy(spec.mapping("policy")),
            tag_filter=_filter(spec.mapping("filterTags")),
            pins_digest=digests not in ("", _NEVER),
        )
    except PolicySyntaxError as error:
        raise ManifestError(f"invalid {shown(error.text)}: {error.reason}") from error


def _policy(choice: yaml.Mapping) -> Policy:
    given = [key for key in _CHOICES if choice.get(key) is not None]
    if len(given) != 1:
        raise ManifestError(f"policy must be one of {', '.join(_CHOICES)}")
    keyword, argument, default = _CHOICES[given[0]]
    text = choice.mapping(given[0]).text(argument) or default
    return parse_policy(f"{keyword}:{text}")


def _filter(given: yaml.Mapping) -> TagFilter | None:
    pattern, extract = given.text("pattern"), given.text("extract")
    return TagFilter(Pattern(pattern), extract) if pattern else None
